"""Holds what is left against the promises, as the database, the transactions of
every change (audit.sql) and the simulator's log tell it."""

import collections
import json
import time

from walks.crash.scene import ANY_MOMENT, CUTS, EXTRAS
from walks.crash.table import Table
from walks.crash.walk import RESTARTS
from walks.wire import items_of, seconds, wait_until

SETTLE_WAIT = 90    # seconds for every writeback to end
TAKE_UP_MS = 15000  # after the lease's end, somebody has it
# What a rollback restores, as columns of a task; with before_, of a writeback.
RESTORED = ("status", "completed_at", "completed_by", "completion_reason")

class Judge:
    """Holds what is left against the promises. Each check is a sentence with the
    scenes (or rows) for which it does not hold."""

    def __init__(self, walk):
        self.walk, self.stack = walk, walk.stack
        self.simulator, self.database = walk.simulator, walk.database
        self.checks = []  # (sentence, failures): each a (task or None, words)
        self.lost, self.twice, self.wrong = set(), set(), set()
        self.recovery, self.take_up = {}, {}
        self.told = set()

    def check(self, sentence, failures, count=None):
        """count: the set that the failures' tasks or words are counted in."""
        failures = list(failures)
        self.checks.append((sentence, failures))
        if count is not None:
            count.update(failures)

    def load(self):
        self.tasks = {t["id"]: t for t in self.database.rows(
            "select t.*, l.version, l.completed_by, l.completion_reason, "
            "l.metadata->>'due_date' as due_date "
            "from tasks t left join gateway.links l on l.task_id = t.id")}
        self.rows = collections.defaultdict(list)
        for row in self.database.rows(
                "select * from gateway.writebacks order by task_id, task_version"):
            self.rows[row["task_id"]].append(row)
        self.audit = self.database.rows(
            "select * from audit where what in ('told', 'writebacks', 'poll_runs') "
            "order by id")
        self.by_xact = collections.defaultdict(list)
        for entry in self.audit:
            self.by_xact[entry["xact"]].append(entry)
        self.changes = collections.defaultdict(list)
        for entry in self.audit:
            if entry["what"] == "told":
                self.changes[entry["row_id"]].append(entry)
        self.items = self.simulator.items()
        self.log = collections.defaultdict(list)
        for entry in self.simulator.requests()["requests"]:
            for item in items_of(entry):
                self.log[entry["provider"], item].append(entry)
        self.scenes = {s.task: s for s in self.walk.scenes if s.task}

    def key_of(self, task_id):
        task = self.tasks[task_id]
        return task["source"], task["source_id"]

    def item_of(self, task):
        return self.items[task["source"], task["source_id"]]

    def is_done(self, task):
        """A series goes on: of each of its occurrences the walk does one."""
        item = self.item_of(task)
        if item.get("recurring"):
            return self.done_here(task) > 0
        return item["state"] == "completed"

    # -- every writeback ends

    def await_end(self):
        begun = time.monotonic()

        def are_ended():
            return self.database.sure("select count(*) from gateway.writebacks "
                                      "where settled_at is null") == ["0"]

        wait_until(SETTLE_WAIT, are_ended, 0.1)
        self.waited = time.monotonic() - begun

    def check_ended(self):
        self.check("every writeback has ended", (
            (task, f"writeback {row['id']} is still {row['state']}")
            for task, rows in self.rows.items() for row in rows
            if row["settled_at"] is None), self.lost)
        # what a settled row says is final, whoever comes late
        self.check("no writeback was settled a second time", (
            (e["was"]["task_id"], f"writeback {e['row_id']} was "
             f"{e['was']['state']} and became {(e['became'] or {}).get('state')}")
            for e in self.audit if e["what"] == "writebacks"
            and e["op"] != "insert" and e["was"]["settled_at"]))

    # -- no change without its writeback

    def check_together(self):
        alone, bare = [], []
        for e in self.audit:
            others = self.by_xact[e["xact"]]
            if e["what"] == "told" and e["op"] == "update":
                if (e["was"]["status"] != e["became"]["status"]
                        and not self.is_explained(e, others)):
                    alone.append((e["row_id"], "its status changed alone, to "
                                  f"version {e['became']['version']}"))
            elif e["what"] == "writebacks" and e["op"] == "insert":
                row = e["became"]
                if not any(o["what"] == "told" and o["op"] == "update"
                           and o["row_id"] == row["task_id"]
                           and o["became"]["version"] == row["task_version"]
                           for o in others):
                    bare.append((row["task_id"], f"writeback {row['id']} came "
                                 "without a change of its task"))
        unheard = [(s.task, "its row was changed, and no wish came of it")
                   for s in self.walk.scenes if s.changed_at is not None
                   and not self.is_echo(s)
                   and not any(r["wish"] == s.wish and r["origin"] != "call"
                               and seconds(r["created_at"]) >= s.changed_at - 1
                               for r in self.rows[s.task])]
        self.check("no changed row went unheard", unheard, self.lost)
        self.check("no status changed without a writeback or a run", alone,
                   self.lost)
        self.check("no writeback came without a change", bare, self.lost)

    @staticmethod
    def is_explained(change, others):
        for o in others:
            if o["what"] == "poll_runs":
                return True
            if (o["what"] != "writebacks" or o["op"] == "delete"
                    or o["became"]["task_id"] != change["row_id"]):
                continue
            if o["op"] == "insert":
                if o["became"]["task_version"] == change["became"]["version"]:
                    return True
            elif o["became"]["state"] == "rolled_back":
                return True
        return False

    # -- nothing is done twice, no late owner settles

    def check_writes(self):
        twice, again = [], []
        for task in self.tasks.values():
            item, rows = self.item_of(task), self.rows[task["id"]]
            s = self.scenes.get(task["id"])
            writes = [e for e in self.log[task["source"], task["source_id"]]
                      if e["write"]]
            if item.get("recurring"):
                wishes = sum(r["wish"] == "complete" and r["state"] == "accepted"
                             for r in rows)
                if s and (s.is_advanced or s.is_inbound):
                    wishes = max(wishes, 1)
                done = self.done_here(task)
                # one occurrence, however often a call reopens it here; the next
                # one only after a run made the task active for it, or a client
                # its row, which takes nothing back there
                activated = self.next_occurrences(task) + sum(
                    r["wish"] == "uncomplete" and r["origin"] != "call"
                    and r["state"] in ("accepted", "superseded") for r in rows)
                if done < 0 or done > min(wishes, 1 + activated):
                    twice.append((task["id"], f"{done} occurrences were done "
                                  f"for {wishes} accepted wishes"))
            effective = sum(e["applied"] for e in writes)
            sent = sum(r["attempts"] > 0 for r in rows)
            if effective > sent:
                twice.append((task["id"], f"{effective} writes had an effect "
                              f"for {sent} wishes that were sent"))
            if s and not s.is_pair:
                again += self.resent(task, s, writes)
        self.check("nothing was done twice", twice, self.twice)
        self.check("nothing that was applied was sent again unread", again,
                   self.twice)

    def done_here(self, task):
        """Occurrences of a series that were done for its task. What was done there
        before the call is none of them if a run told of it in between: then the wish
        is about the next one."""
        s = self.scenes.get(task["id"])
        elsewhere = bool(s and s.is_advanced and any(
            self.is_about_next(r, task) for r in self.rows[task["id"]]))
        return self.item_of(task)["occurrences_done"] - elsewhere

    @staticmethod
    def is_about_next(row, task):
        """The due date that stood with the wish is later than the one imported."""
        return ((row["source_metadata"] or {}).get("due_date") or "") > (
            task["source_metadata"]["due"]["date"])

    def is_echo(self, s):
        """A run that saw the next occurrence made the row active before its client
        did, whose write then says nothing new."""
        return (s.wish == "uncomplete"
                and self.next_occurrences(self.tasks[s.task]) > 0)

    def next_occurrences(self, task):
        return sum(e["op"] == "update" and e["was"]["status"] == "completed"
                   and e["became"]["status"] == "active"
                   and any(o["what"] == "poll_runs"
                           for o in self.by_xact[e["xact"]])
                   for e in self.changes[task["id"]])

    def resent(self, task, s, writes):
        """A write after one that was applied, without a look in between. Only of
        scenes with a single wish since the victim was called. A look that fails
        leaves the writeback open: nothing is sent again unread."""
        since = (s.called_at or 0) * 1000
        writes = [e for e in writes if e["at_ms"] >= since]
        every = self.log[task["source"], task["source_id"]]
        for one, two in zip(writes, writes[1:]):
            looked = any(one["seq"] < e["seq"] < two["seq"] and not e["write"]
                         for e in every)
            # a delayed write was applied when its delay was over
            if one["applied"] and one.get("fault") != "delay" and not looked:
                yield (task["id"], f"request {two['seq']} repeats {one['seq']}, "
                       "which had been applied")

    def check_keys(self):
        """The same request under the same key, again: one writeback, unless the
        first was refused."""
        more, silent = [], []
        for s in self.walk.scenes:
            if not s.is_keyed or s.repeated is None:
                continue
            made = [r for r in self.rows[s.task] if r["wish"] == s.wish
                    and seconds(r["created_at"]) >= s.called_at
                    and r["state"] != "rolled_back"]
            if len(made) > 1:
                more.append((s.task, f"{len(made)} writebacks came of one key"))
            if s.repeated in (0, 409, 503):
                silent.append((s.task, "a repetition under its key was still told "
                               f"{s.repeated}"))
        self.check("a request repeated under its key is carried out once", more,
                   self.twice)
        self.check("a key whose owner is gone is free again", silent)

    # -- the last wish wins

    def check_order(self):
        """The last wish wins. A task that an inbound change has touched is the
        polls' business."""
        wrong = []
        polled = {e["row_id"] for e in self.audit if e["what"] == "told"
                  and e["op"] == "update"
                  and e["was"]["status"] != e["became"]["status"]
                  and any(o["what"] == "poll_runs" for o in self.by_xact[e["xact"]])}
        for task in self.tasks.values():
            rows = self.rows[task["id"]]
            if not rows or task["id"] in polled:
                continue
            last = rows[-1]
            wished = "completed" if last["wish"] == "complete" else "active"
            if last["state"] == "superseded":
                wrong.append((task["id"], f"the last wish, {last['id']}, was "
                              "superseded"))
            elif last["state"] == "rolled_back":
                wished = last["before_status"]
            if task["status"] != wished:
                wrong.append((task["id"], f"is {task['status']}; its last wish "
                              f"ended as {last['state']}"))
        self.check("the last wish won", wrong, self.wrong)

    # -- a rollback is exact, and no outcome is wrong

    def check_outcomes(self):
        """Before the last polls, which would heal what is wrong. Polls on the way
        changed no item, so what is there now is what the writebacks left."""
        wrong = []
        for task in self.tasks.values():
            s = self.scenes.get(task["id"])
            decided = [r for r in self.rows[task["id"]]
                       if r["state"] in ("accepted", "rolled_back")]
            if not decided or (s and s.is_inbound):
                continue
            last = decided[-1]
            is_fulfilled = self.is_done(task) == (last["wish"] == "complete")
            if last["state"] == "accepted" and not (
                    is_fulfilled or self.asks_nothing(last, task)):
                wrong.append((task["id"], f"writeback {last['id']} is accepted "
                              "and its item is not so"))
            # a refused wish may have been true before: then what was restored
            # must be as the item is
            if (last["state"] == "rolled_back" and is_fulfilled
                    and not self.is_others_doing(last, task)
                    and last["before_status"] != (
                        "completed" if last["wish"] == "complete" else "active")):
                wrong.append((task["id"], f"writeback {last['id']} is rolled back "
                              "and its item is as wished"))
        self.check("outcomes agree with the items", wrong, self.wrong)
        self.check("rollbacks restored what was there", self.misrestored(),
                   self.wrong)

    def is_others_doing(self, row, task):
        """The occurrence of a series that is done was done there, or for an earlier
        wish: none was by this one's command."""
        return bool(self.item_of(task).get("recurring")) and not any(
            e["applied"] and c["uuid"] == row["id"]
            for e in self.log[task["source"], task["source_id"]]
            for c in e.get("commands") or ())

    def asks_nothing(self, row, task):
        """Clients make the row of a series active when they see its next occurrence:
        that is no wish to have the last one back."""
        item = self.item_of(task)
        return (item.get("recurring") and item["state"] == "open"
                and row["wish"] == "uncomplete" and row["origin"] != "call")

    def misrestored(self):
        for e in self.audit:
            if (e["what"] != "writebacks" or e["op"] == "insert"
                    or (e["became"] or {}).get("state") != "rolled_back"
                    or e["was"]["state"] == "rolled_back"):
                continue
            row = e["became"]
            changes = [o for o in self.by_xact[e["xact"]]
                       if o["what"] == "told" and o["row_id"] == row["task_id"]]
            before = [o for o in self.changes[row["task_id"]]
                      if o["id"] < e["id"] and o["xact"] != e["xact"]
                      and o["became"]]
            newer = [o for o in before
                     if o["became"]["version"] > row["task_version"]]
            if newer and changes:
                yield (row["task_id"], f"writeback {row['id']} was rolled back "
                       "over a newer change")
            elif not newer and not changes and any(
                    before[-1]["became"][n] != row["before_" + n] for n in RESTORED):
                yield (row["task_id"], f"writeback {row['id']} was rolled back "
                       "and its task was left")
            for o in changes:
                for name in RESTORED:
                    if o["became"][name] != row["before_" + name]:
                        yield (row["task_id"], f"writeback {row['id']} restored "
                               f"{name} to {o['became'][name]}, not to "
                               f"{row['before_' + name]}")

    def check_answers(self):
        wrong = []
        for s in self.walk.scenes:
            states = {r["id"]: r["state"] for r in self.rows[s.task]}
            for answer in s.answers:
                said = answer.writeback
                if not answer.is_honest:
                    wrong.append((s.task, f"{answer.status} was answered to what "
                                  f"is {said.get('outcome')}"))
                if said.get("outcome") in (None, "open"):
                    continue
                if states.get(said["id"]) != said["outcome"]:
                    wrong.append((s.task, f"{said['id']} was answered as "
                                  f"{said['outcome']}, and is "
                                  f"{states.get(said['id'])}"))
        self.check("no caller was told what did not hold", wrong)

    # -- both sides agree

    def poll_twice(self):
        failures = []
        for _ in range(2):
            connections = self.database.rows("select id from integrations")
            # a dead poller's lease must end first; then due or not
            left = {c["id"] for c in connections}
            deadline = time.monotonic() + 30
            while left and time.monotonic() < deadline:
                since = self.database.sure("select now()")[0]
                self.database.sure("update gateway.connections set next_poll_at = now()")
                self.stack.poll(poll_interval_ms=600000, poll_lease_ms=20000)
                left -= {r["connection_id"] for r in self.database.rows(
                    "select connection_id from gateway.poll_runs where outcome = "
                    f"'complete' and started_at >= '{since}'")}
                if left:
                    time.sleep(0.3)
            failures += [(None, f"connection {c} cannot be polled") for c in left]
        self.check("every connection can be polled in the end", failures)

    def check_agreement(self):
        failures = []
        for task in self.tasks.values():
            item = self.item_of(task)
            if item.get("recurring") and item["state"] == "open":
                # the row stands for the series, and knows its date
                if (task["status"] != "active"
                        or task["due_date"] != item["due"]["date"]):
                    failures.append((task["id"], f"is {task['status']} and due "
                                     f"{task['due_date']}, its item's series "
                                     f"{item['due']['date']}"))
            elif (task["status"] == "completed") != (
                    item["state"] == "completed"):
                failures.append((task["id"], f"is {task['status']}, its item "
                                 f"{item['state']} (occurrences: "
                                 f"{item.get('occurrences_done')})"))
        self.check("both sides agree after two polls", failures)
        inbound = []
        for s in self.walk.scenes:
            allowed = 1 if s.wish == "uncomplete" else 0
            if not s.is_inbound:
                continue
            writes = [e for e in self.log[self.key_of(s.task)] if e["write"]
                      and e["seq"] > s.since]
            if len(self.rows[s.task]) > allowed or writes:
                inbound.append((s.task, "what happened at the provider was "
                                "written back"))
        self.check("nothing inbound was written back", inbound)

    def check_walk(self):
        kills, wanted = self.walk.kills, self.walk.wanted
        self.check(f"{kills} of {wanted} kills were done", [] if (
            0 < wanted <= kills) else [(None, "a walk cut short proves nothing")])
        hit = collections.Counter((s.row, s.how) for s in self.walk.scenes
                                  if s.is_hit)
        missing = []
        # below two rounds chance may leave one out
        if self.walk.wanted >= 500:
            missing = [(None, f"nothing died at {p}")
                       for p in self.walk.plan.points.all if not hit[p, "kill"]]
            missing += [(None, f"no {how}") for how in CUTS
                        if not any(h == how for _, h in hit)]
        self.check("something died at every crash point", missing)
        # a walk in which nothing works proves nothing
        wished = [s for s in self.walk.scenes if not s.is_inbound]
        accepted = sum(any(r["state"] == "accepted" for r in self.rows[s.task])
                       for s in wished)
        self.check("most wishes came true", [] if accepted * 2 > len(wished) else [
            (None, f"{accepted} of {len(wished)} scenes had one")], self.lost)

    # -- how long it took

    def measure(self):
        changes = collections.defaultdict(list)
        for e in self.audit:
            if e["what"] == "writebacks" and e["became"]:
                changes[e["row_id"]].append((seconds(e["at"]), e["became"]))
        for s in self.walk.scenes:
            if s.hit_at is None or s.is_inbound:
                continue
            for row in self.rows[s.task]:
                self.measure_one(s, row, changes[row["id"]])
        self.check("what was left was taken up within 15 s of the lease's end", (
            (next((t for t, rows in self.rows.items()
                   if any(r["id"] == w for r in rows)), None),
             f"writeback {w} was taken up after {ms:.0f} ms")
            for w, ms in self.take_up.items() if ms > TAKE_UP_MS), self.lost)

    def measure_one(self, s, row, changes):
        """From the end of the lease under which it was left: until another owner
        has it, and until it has ended."""
        settled = seconds(row["settled_at"])
        before = [r for at, r in changes if at <= s.hit_at]
        after = [(at, r) for at, r in changes if at > s.hit_at]
        if not before or before[-1]["due_at"] is None:
            return  # it had ended when that happened, or was not there yet
        begin = max(seconds(before[-1]["due_at"]), s.hit_at)
        taken = next((at for at, r in after if r["settled_at"]
                      or r["generation"] > before[-1]["generation"]), time.time())
        self.take_up[row["id"]] = max(0, taken - begin) * 1000
        if settled is not None:
            self.recovery[row["id"]] = max(0, settled - begin) * 1000

    # -- saying it

    def table(self):
        names = (self.walk.plan.points.all + [ANY_MOMENT]
                 + [name for name, _ in EXTRAS] + ["db_" + how for how in RESTARTS])
        return Table({name: self.row(name) for name in names}, {
            "kills": self.walk.kills,
            "writebacks": sum(len(rows) for rows in self.rows.values()),
            "lost": len(self.lost), "twice": len(self.twice),
            "wrong_rollback": len(self.wrong),
            "slowest_recovery_ms": max(self.recovery.values(), default=0)})

    def row(self, name):
        scenes = [s for s in self.walk.scenes if s.row == name]
        rows = [r for s in scenes for r in self.rows[s.task]]
        states = collections.Counter(r["state"] for r in rows)
        hits = collections.Counter(s.how for s in scenes if s.is_hit)
        if name == ANY_MOMENT:  # whatever was meant, it was killed
            hits = {"kill": len(scenes)}
        hits = collections.Counter(hits)
        return {"kills": hits["kill"],
                "resets": hits["reset"] + hits["net_reset"],
                "blackholes": hits["blackhole"] + hits["net_blackhole"],
                "writebacks": len(rows), "accepted": states["accepted"],
                "rolled_back": states["rolled_back"],
                "superseded": states["superseded"], "skipped": states["skipped"],
                "slowest_ms": max((self.recovery.get(r["id"], 0) for r in rows),
                                  default=0)}

    def story(self, task, words):
        print(f"  {words}")
        if task is None or task in self.told:
            return
        self.told.add(task)
        s = self.scenes.get(task)
        print(f"    scene: {s.story() if s else 'none'}")
        print(f"    task: {json.dumps(self.tasks.get(task))}")
        for row in self.rows[task]:
            print(f"    writeback: {json.dumps(row)}")
        for e in self.audit:
            row = e["became"] or e["was"]
            if e["row_id"] == task or row.get("task_id") == task:
                said = {k: row[k] for k in ("status", "completed_by", "version",
                        "state", "reason", "generation", "attempts", "due_at",
                        "detail") if k in row}
                print(f"    {e['at']} {e['what']} {e['op']} {e['row_id']} "
                      f"{json.dumps(said)}")
        for event in self.database.rows(
                f"select * from gateway.events where task_id = '{task}' order by id"):
            print(f"    event: {json.dumps(event)}")
        found = self.tasks.get(task)
        if found:
            key = found["source"], found["source_id"]
            print(f"    item: {json.dumps(self.items.get(key))}")
            for entry in self.log[key]:
                # pollers read the whole list; that tells nothing here
                if entry["op"] != "list":
                    print(f"    request: {json.dumps(entry)}")

    def report(self):
        failed = 0
        for sentence, failures in self.checks:
            failed += bool(failures)
            print(f"{'not ok' if failures else 'ok'} - {sentence}"
                  + (f": {len(failures)} times" if failures else ""))
            for task, words in failures[:3]:
                self.story(task, words)
        return failed


def judge(walk):
    j = Judge(walk)
    walk.simulator.ask("DELETE", "/_sim/faults")
    j.await_end()
    walk.is_judged.set()
    j.load()
    j.check_ended()
    j.check_together()
    j.check_writes()
    j.check_keys()
    j.check_order()
    j.check_outcomes()
    j.check_answers()
    j.check_walk()
    j.measure()
    j.poll_twice()
    j.load()
    j.check_agreement()
    return j
