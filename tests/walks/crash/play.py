"""How a scene is played: the calls, and what happens to whoever answers them."""

import signal
import threading
import time
import urllib.parse

from walks.crash.relay import CutRelay, GateRelay, HoldingRelay
from walks.crash.scene import ANY_MOMENT, CUTS
from walks.stack import is_stopped
from walks.wire import call, items_of, other, provider_of, wait_until

REPEAT_WAIT = 20    # seconds until a repetition under a key is answered


class Outage:
    """The relays around a victim that is to be cut off, or none."""

    def __init__(self, s, stack):
        self.s, self.relays, self.settings = s, [], {}
        if s.how not in CUTS:
            return
        url = urllib.parse.urlsplit(stack.pooled)
        provider = GateRelay(stack.simulator.host, stack.simulator.port, False,
                             s.is_one_way)
        # a statement that arrives late is what the generation is there for
        database = GateRelay(url.hostname, url.port, True, s.is_one_way)
        self.relays = [provider, database]
        self.cut_ones = [r for r, side in ((provider, "provider"),
                                           (database, "database"))
                         if side in s.cut_sides]
        here = f"http://127.0.0.1:{provider.port}"
        self.settings = {
            "todoist_url": here, "linear_url": here, "attio_url": here,
            "database_url": stack.pooled.replace(f":{url.port}/",
                                                 f":{database.port}/"),
            "query_timeout_ms": 2500}

    def happen(self, victim):
        """The victim stands still. Cut it off, let it go on, heal later."""
        for relay in self.cut_ones:
            relay.cut(self.s.how)
        victim.send_signal(signal.SIGCONT)
        threading.Timer(self.s.outage, self.heal).start()

    def heal(self):
        for relay in self.relays:
            relay.heal()

    def close(self):
        for relay in self.relays:
            relay.heal()
            relay.close()


class Player:
    """rescuers: the gateways that go on, which the walk starts."""

    def __init__(self, stack, accounts, pick, is_over):
        self.stack, self.accounts, self.random = stack, accounts, pick
        self.simulator, self.database = stack.simulator, stack.database
        self.is_over = is_over
        self.rescuers = []

    def rescuer(self):
        return self.random.choice(self.rescuers).socket

    # -- calls

    def send(self, s, path, wish, is_async=False):
        answer = call(path, s.token, "POST", f"/v1/tasks/{s.task}/{wish}",
                      prefer="respond-async" if is_async else "",
                      key=s.title if s.is_keyed and s.called_at else "")
        if answer.writeback.get("id"):
            s.answers.append(answer)
        return answer

    def send_behind(self, s, path, wish, is_async=False):
        thread = threading.Thread(target=self.send, args=(s, path, wish, is_async))
        thread.start()
        return thread

    def change_row(self, s):
        """As the app's client writes it, in its role. Nothing else tells anybody."""
        status, at = (("completed", "now()") if s.wish == "complete"
                      else ("active", "null"))
        s.changed_at = time.time()
        self.database.sure(
            "begin; set local role authenticated; "
            f"set local request.jwt.claims = '{{\"sub\": \"{s.user}\"}}'; "
            f"update public.tasks set status = '{status}', completed_at = {at}, "
            f"updated_at = now() where id = '{s.task}'; commit")

    def settle_behind(self, s):
        thread = threading.Thread(
            target=wait_until, args=(5, lambda: self.is_settled(s), 0.02))
        thread.start()
        return thread

    def complete_first(self, s):
        """A task must be completed before it can be uncompleted."""
        for _ in range(5):
            answer = self.send(s, self.rescuer(), "complete")
            if answer.writeback.get("outcome") in ("accepted", "skipped"):
                return
            wait_until(8, lambda: self.is_settled(s), 0.2)

    def is_settled(self, s):
        return self.database.run(
            "select count(*) from gateway.writebacks where settled_at is null "
            f"and task_id = '{s.task}'") == ["0"]

    def is_writing(self, s):
        """Is a write of the scene's item under way?"""
        query = f"&provider={provider_of(s.kind)}&write=1&account="
        query += urllib.parse.quote(self.accounts[s.user, provider_of(s.kind)])
        return any(entry["status"] is None and s.source_id in items_of(entry)
                   for entry in self.simulator.requests(s.since, query)["requests"])

    def set_fault(self, s):
        refused = ({"kind": "success_false"} if s.kind == "linear"
                   else {"kind": "status", "status": 400})
        faults = {
            "reset_after": [{"kind": "reset_after"}],
            "reset_before": [{"kind": "reset_before"}],
            "delay": [{"kind": "delay", "delay_ms": 300}],
            # done when nobody waits for its answer any more
            "delay over": [{"kind": "delay", "delay_ms": 1100, "times": 3}],
            "delay_after": [{"kind": "delay_after", "delay_ms": 900}],
            "status": [{"kind": "status", "status": 500}],
            "status twice": [{"kind": "status", "status": 502, "times": 2}],
            "refuse": [refused],
            # who does not look whether the first was applied, is told no
            "refuse second": [{**refused, "skip": 1}],
            # two wishes in a row: the second may meet what is left of the first
            "slow refuse": [{**refused, "delay_ms": 300}],
            "slow refuse twice": [{**refused, "delay_ms": 300, "times": 2}],
            # the first owner is told no, the second one's yes takes its time
            "late": [refused, {"kind": "delay_after", "delay_ms": 600}],
        }[s.fault]
        for fault in faults:
            self.simulator.fault(item=s, write=True, **fault)

    def repeat(self, s):
        """The caller got no answer, or wants it again: the same request under
        the same key, through any gateway, until there is one."""
        def is_answered():
            answer = self.send(s, self.rescuer(), s.wish, s.is_async)
            s.repeated = answer.status
            return answer.status not in (0, 409, 503)
        wait_until(REPEAT_WAIT, is_answered, 0.2)

    # -- scenes

    def play(self, s):
        if s.wish == "uncomplete":
            self.complete_first(s)
        if s.is_advanced:
            self.simulator.change(s, advance=True)
        s.since = self.simulator.last()
        if s.is_inbound:
            self.play_run(s)
        elif s.is_sweep:
            self.play_sweep(s)
        elif s.how.startswith("net_"):
            self.play_cut(s)
        elif s.how == "late_settle":
            self.play_late(s)
        else:
            self.play_victim(s)

    def settings(self, s):
        """That make it happen at the scene's point."""
        point = s.point + (f":{s.nth}" if s.nth > 1 else "")
        return {"stop_at" if s.how in CUTS else "crash_at": point}

    def hit(self, s):
        s.is_hit = True
        s.hit_at = time.time()

    def play_victim(self, s):
        outage = Outage(s, self.stack)
        victim = self.stack.gateway(
            sweep_ms=60 if s.is_sweeping or s.is_row else 600000,
            **self.settings(s),
            **outage.settings)
        if victim is None:  # it died while it rescued another
            self.hit(s)
            return
        if s.fault:
            self.set_fault(s)
        s.called_at = time.time()
        if "claim" in s.trouble:
            self.play_second(s, victim, outage)
        else:
            self.play_first(s, victim, outage)
        outage.close()
        if s.is_keyed:
            self.repeat(s)

    def play_first(self, s, victim, outage):
        if s.is_row:
            self.change_row(s)
        thread = (self.send_behind(s, victim.socket, s.wish, s.is_async)
                  if s.joins or not s.is_row else self.settle_behind(s))
        second = None
        if s.is_pair:
            # at once, through another gateway; the first must have begun
            wait_until(0.5, lambda: not thread.is_alive() or self.has_begun(s), 0.01)
            second = self.send_behind(s, self.rescuer(), other(s.wish))
        self.await_point(s, victim, thread, outage)
        for one in filter(None, (thread, second)):
            one.join(40)

    def has_begun(self, s):
        return self.database.run(
            f"select count(*) from gateway.writebacks where task_id = '{s.task}' "
            f"and wish = '{s.wish}' and created_at >= to_timestamp({s.called_at})"
        ) == ["1"]

    def play_second(self, s, victim, outage):
        """The wish goes through a rescuer and takes its time; it happens to the
        opposite wish's call, which waits for it."""
        first = self.send_behind(s, self.rescuer(), s.wish)
        wait_until(1, lambda: not first.is_alive() or self.is_writing(s))
        thread = self.send_behind(s, victim.socket, other(s.wish))
        threads = [first, thread]
        if s.is_triple:
            wait_until(0.3, lambda: self.is_queued(s), 0.01)
            threads.append(self.send_behind(s, self.rescuer(), s.wish))
        self.await_point(s, victim, thread, outage)
        for one in threads:
            one.join(40)

    def is_queued(self, s):
        return self.database.run(
            f"select count(*) from gateway.writebacks where task_id = '{s.task}' "
            "and state = 'queued'") == ["1"]

    def await_point(self, s, victim, thread, outage):
        """Until it happened to the victim, or the call is through and it will
        not."""
        deadline = time.monotonic() + 6
        ended = None
        while (victim.poll() is None and not is_stopped(victim)
               and time.monotonic() < deadline):
            if ended is None and not thread.is_alive():
                # what was asked for async goes on behind the answer
                wait = 1.5 if s.is_async else 0.05
                if s.trouble.endswith("question") and s.kind == "linear":
                    wait = s.delay
                ended = time.monotonic() + wait
            if ended is not None and time.monotonic() >= ended:
                break
            if not self.can_pass(s) and time.time() >= s.called_at + s.delay:
                break
            time.sleep(0.003)
        if is_stopped(victim):
            self.hit(s)
            outage.happen(victim)
            thread.join(40)
            self.stack.end(victim, signal.SIGTERM)
        elif victim.poll() == -signal.SIGKILL:
            self.hit(s)
            self.stack.end(victim)
        else:
            s.row = ANY_MOMENT
            s.hit_at = time.time()
            self.stack.end(victim)

    @staticmethod
    def can_pass(s):
        """Linear has no question that is a GET."""
        return not (s.kind == "linear" and s.trouble.endswith("question"))

    def play_sweep(self, s):
        """An owner died; the poller that takes its writeback up dies as well. Or
        the wish came by row, and nobody had it yet."""
        if s.fault:
            self.set_fault(s)
        s.called_at = time.time()
        if s.is_row:
            self.change_row(s)
        else:
            self.own(s)
        # nobody else takes it up before the poller is there
        self.postpone(s, "1 hour")
        poller = self.stack.start("flowpin-poller", stop_at="before_take_up",
                                  crash_at=s.point)
        wait_until(10, lambda: poller.poll() is not None or is_stopped(poller), 0.003)
        self.postpone(s, "0")
        if poller.poll() is None:
            poller.send_signal(signal.SIGCONT)
            wait_until(20, lambda: poller.poll() is not None, 0.005)
        s.hit_at = time.time()
        s.is_hit = poller.poll() == -signal.SIGKILL
        if not s.is_hit:
            s.row = ANY_MOMENT
        self.stack.end(poller)

    def own(self, s):
        """A call, and its owner's death."""
        owner = self.stack.gateway(crash_at=s.prior, sweep_ms=600000)
        thread = self.send_behind(s, owner.socket, s.wish)
        wait_until(6, lambda: owner.poll() is not None or not thread.is_alive())
        self.stack.end(owner)
        thread.join(40)

    def postpone(self, s, interval):
        """What a dead owner left; of a row's wish, what no living one has."""
        left = "state = 'queued'" if s.is_row else "settled_at is null"
        self.database.quick(
            f"update gateway.writebacks set due_at = now() + interval '{interval}' "
            f"where task_id = '{s.task}' and {left}")

    def play_run(self, s):
        """Something happens at the provider, and to the poller that sees it."""
        if s.kind == "recurring":
            self.simulator.change(s, advance=True)
        else:
            self.simulator.change(
                s, state="completed" if s.wish == "complete" else "open")
        s.called_at = time.time()
        for _ in range(12):  # another poller has the connection at the moment
            if "fails" in s.trouble:
                self.simulator.ask("POST", "/_sim/faults", {
                    "kind": "status", "provider": provider_of(s.kind),
                    "account": self.accounts[s.user, provider_of(s.kind)],
                    "op": "list", "times": 1})
            if self.run_once(s):
                self.hit(s)
                return
            if self.is_over.is_set():
                break
            time.sleep(0.3)
        s.row = ANY_MOMENT

    def run_once(self, s):
        """True: it happened."""
        outage = Outage(s, self.stack)
        poller = self.stack.start("flowpin-poller", "--connection", s.connection,
                                  **self.settings(s), **outage.settings)
        wait_until(20, lambda: poller.poll() is not None or is_stopped(poller), 0.003)
        happened = is_stopped(poller)
        if happened:
            outage.happen(poller)
            wait_until(20, lambda: poller.poll() is not None)
        elif poller.poll() == -signal.SIGKILL:
            happened = True
        self.stack.end(poller)
        outage.close()
        return happened

    def play_cut(self, s):
        relay = CutRelay(self.simulator.host, self.simulator.port, s.how, *s.cut)
        url = f"http://127.0.0.1:{relay.port}"
        gateway = self.stack.gateway(todoist_url=url, linear_url=url,
                                     attio_url=url, sweep_ms=600000)
        s.called_at = time.time()
        thread = self.send_behind(s, gateway.socket, s.wish, s.is_async)
        if s.is_pair:
            wait_until(0.5, lambda: not thread.is_alive() or self.has_begun(s), 0.01)
            self.send(s, self.rescuer(), other(s.wish))
        thread.join(40)
        if s.is_async:
            wait_until(3, lambda: self.is_settled(s), 0.05)
        s.hit_at = relay.happened_at or time.time()
        s.is_hit = relay.happened_at is not None
        self.stack.end(gateway, signal.SIGTERM)
        relay.close()

    def play_late(self, s):
        """A worker loses its lease and answers all the same, while the next
        owner is at work."""
        url = urllib.parse.urlsplit(self.stack.pooled)
        relay = HoldingRelay(url.hostname, url.port)
        gateway = self.stack.gateway(
            sweep_ms=600000, database_url=self.stack.pooled.replace(
                f":{url.port}/", f":{relay.port}/"))
        s.fault = "late"
        self.set_fault(s)
        s.called_at = time.time()
        thread = self.send_behind(s, gateway.socket, s.wish)
        if relay.held.wait(5):
            s.is_hit = wait_until(
                8, lambda: self.is_taken_over(s) and self.is_writing(s), 0.03)
        relay.released.set()
        s.hit_at = relay.happened_at or time.time()
        thread.join(40)
        self.stack.end(gateway, signal.SIGTERM)
        relay.close()

    def is_taken_over(self, s):
        return self.database.run(
            "select count(*) from gateway.writebacks where state = 'sending' "
            f"and generation > 1 and task_id = '{s.task}'") == ["1"]

    def play_restart(self, scenes, restart):
        """The database goes away and comes back under load."""
        threads = []
        restarter = threading.Thread(target=restart)
        for i, s in enumerate(scenes):
            s.called_at = time.time()
            threads.append(self.send_behind(s, self.rescuer(), s.wish, i % 3 == 0))
            if i == len(scenes) // 2:
                restarter.start()
            time.sleep(self.random.uniform(0, 0.04))
        restarter.join(60)
        self.database.sure("select 1")
        for s, thread in zip(scenes, threads):
            thread.join(40)
            s.hit_at = time.time()
        scenes[0].is_hit = True  # one restart
