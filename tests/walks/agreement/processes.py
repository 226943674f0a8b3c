"""Two gateways and two pollers all along, and what happens to them: at any moment
and at their crash points they are killed, or frozen for longer than a lease, so
that they wake up as owners of what is no longer theirs.
"""

import os
import random
import signal
import threading
import time

from walks.stack import is_stopped

GATEWAYS = POLLERS = 2
PAUSE = 0.15        # seconds between a poller's passes, as a timer would have it
MISHAP = (0.4, 1.6)  # seconds between two mishaps
FREEZE = 3.4        # seconds; leases are shorter, see run.sh


class Processes:
    def __init__(self, stack, seed, gateway_points, poller_points):
        self.stack = stack
        self.chance = random.Random(f"{seed} processes")
        self.points = {"gateway": gateway_points, "poller": poller_points}
        self.lock = threading.Lock()
        self.gateways = [None] * GATEWAYS
        self.pollers = [None] * POLLERS
        self.frozen = {}     # since when
        self.freezes = []    # from when to when
        self.is_quiet = True
        self.is_over = False
        self.failure = None
        self.deaths = self.thaws = self.failed = 0
        self.threads = []

    def start(self):
        loops = [(self.keep_gateway, i) for i in range(GATEWAYS)]
        loops += [(self.keep_poller, i) for i in range(POLLERS)]
        loops += [(self.bring_mishaps,)]
        for do, *args in loops:
            thread = threading.Thread(target=self.guarded, args=(do, *args),
                                      daemon=True)
            thread.start()
            self.threads.append(thread)

    def guarded(self, do, *args):
        try:
            do(*args)
        except Exception as error:  # the test is worth nothing then
            self.failure = error
            raise

    def stop(self):
        self.is_over = True
        self.thaw_all()
        for thread in self.threads:
            thread.join(10)

    def draw(self, what, *args):
        with self.lock:
            return getattr(self.chance, what)(*args)

    # -- for the walks

    def gateway(self, chance):
        """The socket of one that takes calls."""
        while not self.failure:
            ready = [g for g in self.gateways
                     if g and g.poll() is None and g not in self.frozen]
            if ready:
                return chance.choice(ready).socket
            time.sleep(0.02)
        raise self.failure

    # -- keeping them

    def mishap(self, room, share, most):
        """Settings that let some of them die on their way, or stand still."""
        if self.is_quiet or self.draw("random") >= share:
            return {}
        what = "stop_at" if self.draw("random") < 0.3 else "crash_at"
        point = self.draw("choice", self.points[room])
        return {what: f"{point}:{self.draw('randrange', 1, most)}"}

    def watch(self, child):
        """Until it ended, or all of it is over."""
        while child.poll() is None and not self.is_over:
            if child not in self.frozen and is_stopped(child):
                self.frozen[child] = time.time()
                threading.Timer(FREEZE, self.thaw, (child,)).start()
            time.sleep(0.03)

    def keep_gateway(self, i):
        while not self.is_over:
            child = self.stack.gateway(**self.mishap("gateway", 0.6, 160))
            if child is None:
                continue
            child.is_armed = not self.is_quiet
            self.gateways[i] = child
            self.watch(child)
            self.ended(child, self.gateways, i)

    def keep_poller(self, i):
        while not self.is_over:
            # when both sides must agree, a slow machine is no excuse
            more = {"poll_lease_ms": 20000} if self.is_quiet else {}
            child = self.stack.start("flowpin-poller", **more,
                                     **self.mishap("poller", 0.15, 12))
            self.pollers[i] = child
            self.watch(child)
            self.ended(child, self.pollers, i)
            time.sleep(PAUSE)

    def ended(self, child, places, i):
        if child.poll() is None:
            self.stack.end(child, signal.SIGTERM)
        if child.returncode == -signal.SIGKILL:
            self.deaths += 1
        elif child.returncode not in (0, -signal.SIGTERM) and not self.is_over:
            # no promise is broken by that, but it is said
            self.failed += 1
            print(f"a program ended with {child.returncode}:\n"
                  + self.stack.log(child), flush=True)
        places[i] = None
        self.frozen.pop(child, None)
        self.stack.gone(child)
        os.unlink(f"{self.stack.run_dir}/log.{child.number}")

    # -- what happens to them

    def bring_mishaps(self):
        while not self.is_over:
            time.sleep(self.draw("uniform", *MISHAP))
            if self.is_quiet:
                continue
            child = self.draw("choice", self.gateways + self.pollers)
            if child is None or child.poll() is not None:
                continue
            if self.draw("random") < 0.25:
                self.freeze(child)
            elif child not in self.frozen:
                child.send_signal(signal.SIGKILL)

    def freeze(self, child):
        if not self.frozen:  # one at a time: the other goes on
            child.send_signal(signal.SIGSTOP)

    def thaw(self, child):
        began = self.frozen.pop(child, None)
        if child.poll() is None:
            child.send_signal(signal.SIGCONT)
            self.freezes.append((began or time.time(), time.time()))
            self.thaws += 1

    def thaw_all(self):
        for child in self.gateways + self.pollers:
            if child and child.poll() is None and is_stopped(child):
                self.thaw(child)

    # -- a round's two halves

    def disturb(self):
        self.is_quiet = False

    def leave_alone(self):
        """From here on nothing dies; who was to die is replaced."""
        self.is_quiet = True
        for child in list(self.gateways):
            if child and child.is_armed and child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            self.thaw_all()
            if all(g and not g.is_armed for g in self.gateways):
                return
            time.sleep(0.05)
        raise RuntimeError("gateways do not start again")
