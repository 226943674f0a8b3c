"""The killing test: processes die at every crash point, connections are cut, the
database is restarted, and afterwards both sides are held against the promises.

Started by run.sh, which brings PostgreSQL, PgBouncer and the simulator. Nothing here
knows how the gateway works inside, but for the names of its crash points and the
shape of its tables.

Words: a *victim* is a program that is to die, a *rescuer* one that goes on, a
*scene* is one task with what is done to it, *trouble* is what the scene is about:
a crash point's name, or net_reset, net_blackhole, late_settle, db_fast,
db_immediate. A *row* is where the table counts it.

relay.py cuts, scene.py makes the plan, play.py and walk.py carry it out, judge.py
judges.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import time

from walks.crash.judge import judge
from walks.crash.scene import Plan
from walks.crash.walk import Walk
from walks.points import Points
from walks.stack import Stack, stop


def read_arguments():
    parser = argparse.ArgumentParser(description="see run.sh")
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", required=True)
    for name in ("stack", "programs", "source", "simulator", "postgres-port"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--counts", help="a file to leave the table's counts in")
    return parser.parse_args()


def ask_for_restart(args):
    """run.sh, whose child PostgreSQL is, restarts it."""
    def ask(how):
        with open(f"{args.stack}/asked", "w", encoding="ascii") as file:
            file.write(how + "\n")
        with open(f"{args.stack}/done", encoding="ascii") as file:
            file.readline()
    return ask


def main():
    args = read_arguments()
    signal.signal(signal.SIGTERM, stop)
    print(f"seed={args.seed}", flush=True)
    stack = Stack(args)
    plan = Plan(args.seed, Points(args.source))
    walk = Walk(stack, plan, args.kills, ask_for_restart(args))
    begun = time.monotonic()
    try:
        walk.open()
        walk.go()
        walked = time.monotonic() - begun
        found = judge(walk)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"again: make test-crash KILLS={args.kills} SEED={args.seed}: {error}")
        for rescuer in walk.player.rescuers:
            print(stack.log(rescuer))
        print(f"{walk.kills} of {args.kills} kills")
        print("0 passed, 1 failed")
        return 1
    finally:
        stack.end_all()
        shutil.rmtree(stack.run_dir, ignore_errors=True)
    table = found.table()
    if args.counts:
        table.save(args.counts)
    table.show()
    failed = found.report()
    print(f"seed={args.seed} restarts={walk.restarts} scenes={len(walk.scenes)} "
          f"walk_s={walked:.0f} wait_s={found.waited:.1f} "
          f"all_s={time.monotonic() - begun:.0f}")
    print(f"{walk.kills} of {args.kills} kills")
    print(f"{len(found.checks) - failed} passed, {failed} failed")
    if failed:
        print(f"again: make test-crash KILLS={args.kills} SEED={args.seed}")
    table.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
