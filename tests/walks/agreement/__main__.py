"""The agreement test: users, the app and people at the providers change the same
things at once, everything that can fail does, and then both sides must agree.

Started by run.sh, which brings PostgreSQL and the simulator. Walks go side by side
in rounds, each with its own user and accounts; when all of a round are over,
everything is left alone, every connection is polled until what is listed is
believed, and the oracle looks at every task and every request. Walk number N of a
run has the seed SEED + N, so a walk that failed is played again, alone, with WALKS=1
and its own seed.
"""

import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

from walks.agreement.oracle import Oracle, Tables, writes_of
from walks.agreement.plan import Plan
from walks.agreement.processes import Processes
from walks.agreement.walk import Walk
from walks.points import SWEEP, Points
from walks.stack import Stack, stop
from walks.wire import wait_until

BESIDE = 40         # walks at once
END_WAIT = 60       # seconds for every writeback to end
RUN_WAIT = 40       # seconds for a run of every connection
LAG = 1.5           # seconds after which what is listed is believed; see run.sh
STORIES = int(os.environ.get("STORIES", "3"))  # walks that are told in full
LINES = 90          # of a walk's log about one task

COUNTERS = ("disagreements", "wrong_completions", "max_writes_per_user_action",
            "writes_for_provider_actions")
TABLES = ("auth.users, public.audit, gateway.links, gateway.writebacks, "
          "gateway.poll_runs, gateway.decisions, gateway.events, "
          "gateway.idempotency_keys")


class Test:
    def __init__(self, args):
        self.args = args
        self.stack = Stack(args)
        self.simulator = self.stack.simulator
        self.database = self.stack.database
        points = Points(args.source)
        self.processes = Processes(
            self.stack, args.seed, points.gateways,
            points.pollers + [p.removeprefix(SWEEP) for p in points.sweeps])
        self.chance = random.Random(f"{args.seed} triggers")
        self.triggerless = []  # from when to when
        self.stories = STORIES
        # pylint: disable-next=consider-using-with
        self.log = open(f"{args.stack}/postgres.log", encoding="utf-8",
                        errors="replace")
        self.totals = collections.Counter()
        self.failed = []
        self.is_over = False

    # -- a round

    def round(self, seeds):
        walks = []
        for seed in seeds:
            plan = Plan(seed, self.args.steps)
            walks.append(Walk(plan, self))
        self.processes.disturb()
        triggers = threading.Thread(target=self.drop_triggers)
        triggers.start()
        self.go(walks)
        triggers.join()
        self.quiet(walks)
        self.judge(walks)
        # what the next round's statements would only have to pass over
        self.database.sure(f"truncate {TABLES} cascade")
        self.log.read()  # who was in its way
        self.simulator.ask("POST", "/_sim/reset")

    def drop_triggers(self):
        """For a share of a round the database is without them, as after a restore
        of a dump, until somebody migrates again."""
        time.sleep(self.chance.uniform(6, 16))
        began = time.time()
        for table in "tasks", "integrations":  # each by itself: no deadlock
            self.database.sure(f"drop trigger flowpin_gateway on public.{table}")
        time.sleep(self.chance.uniform(1, 5))
        self.migrate()
        self.triggerless.append((began, time.time()))

    def migrate(self):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("FLOWPIN_", "PG"))}
        env["FLOWPIN_DATABASE_URL"] = (
            f"postgresql://postgres@/flowpin?host={self.args.stack}/pg"
            f"&port={self.args.postgres_port}")
        for _ in range(5):
            done = subprocess.run(
                [f"{self.stack.programs}/flowpinctl", "--config",
                 self.stack.conf, "migrate"], check=False, timeout=60, env=env,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode == 0:
                return
            print("migrate: " + done.stdout.decode(), flush=True)
        raise RuntimeError("the triggers do not come back")

    def go(self, walks):
        threads = []
        for walk in walks:
            thread = threading.Thread(target=walk.guarded, args=(walk.go,))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        for walk in walks:
            if walk.failure:
                raise RuntimeError(f"walk {walk.seed}: {walk.failure!r}; its "
                                   "log ends:\n" + "\n".join(walk.log[-20:]))

    def quiet(self, walks):
        self.simulator.ask("DELETE", "/_sim/faults")
        self.processes.leave_alone()
        for walk in walks:
            walk.heal()
        self.await_writebacks()
        raided = [walk for walk in walks if walk.raided]
        for _ in range(2 if raided else 0):
            self.run_all(raided)
        for walk in raided:
            for account in walk.raided & walk.connections.keys():
                self.approve(walk.connections[account])
        for _ in range(3):
            time.sleep(LAG)
            self.run_all(walks)

    def approve(self, connection):
        """A person has looked: what a guard holds there is right. Without a guard
        there is nothing to approve."""
        subprocess.run(
            [f"{self.stack.programs}/flowpinctl", "--config", self.stack.conf,
             "guard", "approve", connection], timeout=30, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def await_writebacks(self):
        """Those that wait for their next attempt need not: so time passes."""
        def are_ended():
            return self.database.sure(
                "update gateway.writebacks set due_at = now() where state = 'queued' "
                "and due_at > now(); select count(*) from gateway.writebacks "
                "where settled_at is null") == ["0"]

        wait_until(END_WAIT, are_ended, 0.25)

    def run_all(self, walks):
        """A run of every connection, its t0 after this moment."""
        # what was asked for by id again and again has waited long enough
        self.database.sure("update gateway.links set ask_after = now() "
                           "where ask_after > now()")
        since = self.database.sure("select clock_timestamp()")[0]
        wanted = {c: w for w in walks for c in w.connections.values()}
        for walk in walks:
            walk.ask_polls()
        asked = time.monotonic()
        deadline = asked + RUN_WAIT
        while wanted and time.monotonic() < deadline:
            time.sleep(0.1)
            for row in self.database.rows(
                    "select connection_id, outcome from gateway.poll_runs "
                    f"where started_at >= '{since}'"):
                if row["outcome"] == "complete":
                    wanted.pop(row["connection_id"], None)
            if wanted and time.monotonic() - asked > 3:
                # a limit that had not ended, a claim that was lost
                asked = time.monotonic()
                switched = self.database.sure(
                    "select connection_id from gateway.guards "
                    "where kind = 'account_changed'")
                for found, walk in wanted.items():
                    # a run took the stranger for its owner
                    if found in switched:
                        self.approve(found)
                    walk.api.sure("POST", f"/v1/connections/{found}/poll")
        for found, walk in wanted.items():
            self.tell(walk, [("disagreements", None,
                              f"connection {found} cannot be polled")])
            self.totals["disagreements"] += 1

    # -- what came of it

    def judge(self, walks):
        tables = Tables(self.database)
        entries = self.simulator.ask("GET", "/_sim/requests?since=0")["requests"]
        writes = writes_of(entries)
        items = self.simulator.items()
        for walk in walks:
            verdict = Oracle(walk, tables, writes, items,
                             self.triggerless,
                             self.processes.freezes).judge()
            self.totals["walks"] += 1
            self.totals["steps"] += len(walk.plan.steps)
            self.totals["calls"] += len(walk.calls)
            self.totals["disagreements"] += verdict.count("disagreements")
            self.totals["wrong_completions"] += verdict.count("wrong_completions")
            self.totals["writes_for_provider_actions"] += verdict.provider_writes
            self.totals["max_writes_per_user_action"] = max(
                self.totals["max_writes_per_user_action"], verdict.most_writes)
            if os.environ.get("KEEP"):
                self.keep_log(walk)
            if verdict.findings:
                self.tell(walk, verdict.findings, tables, entries, items)
            self.totals["changes"] += len(walk.app.changes)
            self.totals["upserts"] += len(walk.app.upserts)
        self.read_log()
        self.totals["requests"] += len(entries)
        self.totals["guards"] += int(self.database.sure(
            "select count(*) from gateway.events where type = 'guard.raised'")[0])

    # What goes by itself: a client that is frozen or killed leaves such errors, and who
    # was in the way of a migration.
    PASSES = ("55P03", "canceling statement", "lock timeout")

    def read_log(self):
        """Of PostgreSQL: what a rule could not do, and which of the gateway's
        statements failed."""
        for line in self.log.readlines():
            if ("  flowpin: " in line or " flowpin flowpin-" in line
                    and "ERROR:" in line) and not any(
                        p in line for p in self.PASSES):
                self.totals["disagreements"] += 1
                self.failed.append("log")
                print(f"  disagreements: {line.rstrip()}", flush=True)

    def tell(self, walk, findings, tables=None, entries=(), items=None):
        self.failed.append(walk.seed)
        print(f"walk with seed={walk.seed}: {len(findings)} findings", flush=True)
        for counter, task, words in findings:
            print(f"  {counter}: {words}" + (f" (task {task})" if task else ""))
        self.keep_log(walk)
        if not tables or self.stories == 0:
            return
        self.stories -= 1
        told = set()
        for _, task, _ in findings:
            if tables and task and task not in told and len(told) < 3:
                told.add(task)
                self.story(walk, task, tables, entries, items)

    def story(self, walk, task, tables, entries, items):
        """All that is known of a task, in the order it happened."""
        lines = []
        rows = [t for t in tables.tasks[walk.user] if t["id"] == task]
        audit = [e for e in tables.audit[walk.user] if e["row_id"] == task
                 or (e["became"] or e["was"]).get("task_id") == task]
        source = next(((e["became"] or e["was"]) for e in audit), {})
        key = source.get("source"), source.get("source_id")
        item = walk.by_source.get(key)
        for e in audit:
            row = e["became"] or e["was"]
            said = {k: row[k] for k in (
                "status", "completed_by", "completion_reason", "version",
                "connection_id", "account_id", "missing_since", "metadata", "wish",
                "origin", "state", "reason", "generation", "attempts", "due_at")
                if row.get(k) is not None}
            lines.append((e["at"], f"{e['by']}: {e['what']} {e['op']} "
                          f"{e['row_id'][:8]} "
                          f"{json.dumps(said)}"))
        for e in tables.audit[walk.user]:
            if e["what"] == "poll_runs":
                row = e["became"]
                if walk.plan.accounts and row["connection_id"] in (
                        {(a["became"] or a["was"]).get("connection_id")
                         for a in audit}):
                    lines.append((e["at"], f"run of {row['started_at']} "
                                  f"{row['outcome']} {row['error'] or ''} items="
                                  f"{row['items']} candidates={row['candidates']}"
                                  f" guard={row['guard']} {row['held']}"))
        for deed in walk.deeds.get(item, []):
            lines.append((stamp(deed.ended), f"people: {deed.what}, done "
                          f"{deed.is_done} due {deed.due}"))
        for e in entries:
            ids = {e.get("item"), *(e.get("items") or ())}
            ids |= {c["id"] for c in e.get("commands") or ()}
            if key[1] in ids and e["op"] != "list":
                lines.append((stamp(e["at_ms"] / 1000), "request " + json.dumps(
                    {k: e[k] for k in ("seq", "agent", "op", "write", "status", "fault",
                                       "applied", "commands") if e.get(k)})))
        for change in walk.app.changes:
            if change.task == task:
                lines.append((stamp(change.made), f"app: {change.number} "
                              f"{json.dumps(change.patch)}, arrived "
                              f"{stamp(change.ended)}, own {change.own}"))
        for call in walk.calls:
            if call.task == task:
                lines.append((stamp(call.began), f"user: {call.wish}, answered "
                              f"{stamp(call.ended)} "
                              f"{call.answer and call.answer.status}"))
        print(f"  task {task}:")
        for at, words in sorted(lines)[-LINES:]:
            print(f"    {at[11:26]} {words}")
        print(f"    now: {json.dumps(rows[0]) if rows else 'deleted'}")
        print(f"    item: {json.dumps((items or {}).get(key))}", flush=True)

    def keep_log(self, walk):
        path = os.path.join(self.args.logs, f"walk-{walk.seed}.log")
        os.makedirs(self.args.logs, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(walk.log) + "\n")
        print(f"  the walk's log: {path}; again: make test-agreement WALKS=1 "
              f"STEPS={self.args.steps} SEED={walk.seed}", flush=True)

    # -- all rounds

    def go_all(self):
        seeds = [self.args.seed + i for i in range(self.args.walks)]
        self.processes.start()
        begun = time.monotonic()
        for i in range(0, len(seeds), BESIDE):
            self.round(seeds[i:i + BESIDE])
            if self.args.walks > BESIDE:
                print(f"{self.line()} after "
                      f"{time.monotonic() - begun:.0f} s", flush=True)
        print(f"seed={self.args.seed} calls={self.totals['calls']} "
              f"changes={self.totals['changes']} "
              f"upserts={self.totals['upserts']} "
              f"requests={self.totals['requests']} "
              f"guards={self.totals['guards']} "
              f"deaths={self.processes.deaths} thaws={self.processes.thaws} "
              f"failed_programs={self.processes.failed} "
              f"seconds={time.monotonic() - begun:.0f} "
              f"failed_seeds={','.join(map(str, self.failed)) or 'none'}")

    def line(self):
        return " ".join(f"{name}={self.totals[name]}"
                        for name in ("walks", "steps") + COUNTERS)

    def is_whole(self):
        return 0 < self.args.walks == self.totals["walks"]

    def is_good(self):
        # no write at all would say that nothing worked, and proves nothing
        return (self.is_whole() and not self.failed
                and self.totals["disagreements"] == 0
                and self.totals["wrong_completions"] == 0
                and self.totals["max_writes_per_user_action"] == 1
                and self.totals["writes_for_provider_actions"] == 0)


def stamp(moment):
    if moment is None:
        return "-"
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{text}.{int(moment % 1 * 1e6):06d}"


def read_arguments():
    parser = argparse.ArgumentParser(description="see run.sh")
    for name in ("walks", "steps", "seed"):
        parser.add_argument("--" + name, type=int, required=True)
    for name in ("stack", "programs", "source", "simulator", "postgres-port",
                 "logs"):
        parser.add_argument("--" + name, required=True)
    return parser.parse_args()


def main():
    args = read_arguments()
    signal.signal(signal.SIGTERM, stop)
    print(f"seed={args.seed}", flush=True)
    test = Test(args)
    code = 1
    try:
        test.go_all()
        code = 0 if test.is_good() else 1
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"seed={args.seed}: {error}")
    finally:
        test.processes.stop()
        test.stack.end_all()
    print(f"{test.totals['walks']} of {args.walks} walks")
    print(test.line(), flush=True)
    return code


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a thread of a walk that failed may still wait
