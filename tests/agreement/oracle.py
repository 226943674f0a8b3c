"""What must be true when a round of walks is over. Knows what users and people
did (the walks' records), what the providers received (the simulator's log) and
what the tables say; knows nothing of how the gateway decides.

The words of the four counters:

*Disagreement.* A task with a live connection and its item do not say the same
after quiet and two runs. For every mix:

- A task is *active*: its item must be open and in its list's scope (not done,
  deleted, archived, moved out of sight or another's). Both sides may have changed
  at once; whoever came last, they must end alike.
- A task is *completed*: no task that stands for its item may be completed while
  the item is open and in scope. Of several tasks of one item the newest stands
  for it, but an active one always does. One that was archived or completed here
  only on purpose (skipped: no connection, writebacks off) agrees with anything.
- A task is *archived*: nothing at the provider changes it, nothing is sent.
- *Fallback*: a task whose connection was deleted is the business of the user's
  oldest connection of its type, if that one is of the item's account; if not, or
  if there is none, no live connection speaks for it and it may be as it likes.
  While it was never listed there, "not visible" says nothing of it.
- *Connection deleted, then added anew*: nothing but the above; the new one lists
  the item and takes the task over, or says by id what became of it.
- *Recurring*: a task stands for one occurrence. An active one must know the due
  date that its item now has; an occurrence that is due and of which no task is
  active is in the inbox.
- *Away and back*: an item given to another is out of scope, its task completed;
  given back it is open and in scope, so the task is reopened.
- *Todoist's archived items* are unlisted, and by id look open: both are right.
- *The last word*: if the last thing that happened to a plain item was a user's
  wish that was accepted, both sides must be as wished. Otherwise a gateway that
  loses wishes would pass, as long as both sides lose them.

*Wrong completion.* Inbound sync completed a task although, between the run's t0 and
its mark, the item was open and in scope all the time, as far as people are
concerned. What the user's own writes did counts only if the user's last word for
the task was not to uncomplete it: evidence that is older than the user's change
of mind is none. For an occurrence, the due date must have moved past the task's.

*Writes per user action.* A write takes effect if the simulator says so. Each is
booked on a wish (a row of writebacks) that was open when the write arrived; each
wish must be a call that the walk made. Two writes for one wish are right only if
people changed the item in between: what was done and undone looks like undone.

*Writes for provider actions.* A write that no open wish explains, or a wish that
no call explains.

Out of the model: a provider that applies a write after it hung up on it. Nobody
can fence that off, so no fault does it for longer than a client waits.
"""

import collections
import datetime

from walk import is_done

NEAR = 0.005        # seconds: clocks of one machine, rounded differently
TICK = 0.002        # seconds within which two moments are the same one
SLACK = 0.15        # until a write that arrived was applied
LATE = 20           # seconds after which a call without answer has not begun
ENDLESS = float("inf")


def seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp() if text else None


class Segment:
    """How an item was from one change to the next. The moments are outer ones:
    it may have been so from start on, and until end."""

    def __init__(self, start, flags, is_done, due):
        self.start, self.end = start, ENDLESS
        self.flags, self.is_done, self.due = flags, is_done, due
        # people's doing, or a write's: then the task it was made for
        self.done_by = self.due_by = "people"


def wish_of(entry, command):
    op = command["type"] if command else entry["op"]
    return {"close": "complete", "item_close": "complete",
            "reopen": "uncomplete",
            "item_update_date_complete": "uncomplete"}.get(op)


class Write:
    """A write request, or a command of one, that a provider received."""

    def __init__(self, entry, command=None):
        self.at = entry["at_ms"] / 1000 + 0.0005  # was cut to a millisecond
        self.item = command["id"] if command else entry["item"]
        self.provider, self.seq = entry["provider"], entry["seq"]
        self.row = command["uuid"] if command else None
        self.wish, self.task = wish_of(entry, command), None
        if entry["applied"] and entry["op"] == "update":
            self.wish = {"completed": "complete",
                         "open": "uncomplete"}.get(entry.get("state"))
        self.applied = entry["applied"] and (
            not command or command["result"] == "ok")
        self.fault = entry.get("fault")
        # what the simulator says of the item since then
        self.rev, self.state = entry.get("rev"), entry.get("state")
        self.due = entry.get("due_date")
        self.began = self.at
        self.ended = self.at + (0.6 if self.fault == "delay" else SLACK)

    def __str__(self):
        return (f"request {self.seq} at {self.at:.3f} {self.wish or 'update'} "
                f"applied={self.applied} fault={self.fault}")


def writes_of(entries):
    found = collections.defaultdict(list)
    for entry in entries:
        if not entry["write"]:
            continue
        for command in entry.get("commands") or [None]:
            write = Write(entry, command)
            found[write.provider, write.item].append(write)
    return found


class Tables:
    """A round's rows."""

    def __init__(self, database):
        self.tasks = self.by(database, "tasks")
        self.connections = self.by(database, "integrations")
        self.inbox = self.by(database, "inbox_items")
        self.writebacks = self.by(database, "writebacks")
        self.audit = collections.defaultdict(list)
        for e in database.rows("select id, at, xact, user_id, what, op, row_id, "
                               "was, became from agreement_audit order by id"):
            self.audit[e["user_id"]].append(e)

    @staticmethod
    def by(database, table):
        found = collections.defaultdict(list)
        for row in database.rows(f"table {table}"):
            found[row["user_id"]].append(row)
        return found


class Verdict:
    """Of one walk: each finding is a counter's name and a sentence, and the
    task it is about."""

    def __init__(self):
        self.findings = []
        self.most_writes = 0
        self.provider_writes = 0

    def find(self, counter, task, words):
        self.findings.append((counter, task, words))

    def count(self, counter):
        return sum(c == counter for c, _, _ in self.findings)


class Oracle:
    def __init__(self, walk, tables, writes, items):
        self.walk = walk
        self.tasks = {t["id"]: t for t in tables.tasks[walk.user]}
        self.connections = sorted(tables.connections[walk.user],
                                  key=lambda c: (seconds(c["created_at"]), c["id"]))
        self.inbox = tables.inbox[walk.user]
        self.audit = tables.audit[walk.user]
        self.writes, self.items = writes, items
        self.rows = collections.defaultdict(list)  # task -> wishes, in order
        for row in sorted(tables.writebacks[walk.user],
                          key=lambda r: r["task_version"]):
            self.rows[row["task_id"]].append(row)
        self.verdict = Verdict()
        self.segments = {}

    def judge(self):
        self.match_calls()
        self.check_writes()
        self.build_segments()
        self.check_items()
        self.check_completions()
        self.check_archived()
        self.check_open_wishes()
        self.check_overtaken()
        self.check_late_runs()
        self.check_active()
        self.check_open_items()
        self.check_inbox()
        self.check_last_words()
        return self.verdict

    def key(self, item):
        return item.account.provider, self.walk.source_ids[item]

    # -- user actions and writes

    def match_calls(self):
        """Which call made which wish: in order, for each task and wish."""
        waiting = collections.defaultdict(list)
        for call in sorted(self.walk.calls, key=lambda c: c.began):
            waiting[call.task, call.wish].append(call)
        self.call_of = {}
        for rows in self.rows.values():
            for row in rows:
                if row["source"] == "manual":
                    continue
                call = self.call_for(row, waiting[row["task_id"], row["wish"]])
                if call:
                    waiting[row["task_id"], row["wish"]].remove(call)
                    self.call_of[row["id"]] = call
                else:
                    self.verdict.provider_writes += 1
                    self.verdict.find("writes_for_provider_actions",
                                      row["task_id"],
                                      f"writeback {row['id']} has no call")

    @staticmethod
    def call_for(row, calls):
        created = seconds(row["created_at"])
        fitting = [c for c in calls if c.began - NEAR <= created
                   and created <= (c.ended or c.began + LATE) + NEAR]
        named = [c for c in fitting
                 if c.answer and c.answer.writeback.get("id") == row["id"]]
        return (named or fitting or [None])[0]

    def find_spans(self):
        """When each wish was being sent: what arrived then was sent for it. Of
        one task at most one is at a time."""
        self.spans = collections.defaultdict(list)
        for e in self.audit:
            if e["what"] != "writebacks" or not e["became"]:
                continue
            spans = self.spans[e["row_id"]]
            at = seconds(e["at"])
            if e["was"] and e["was"]["state"] == "sending":
                spans[-1][1] = at
            if e["became"]["state"] == "sending":
                spans.append([at, ENDLESS])

    def check_writes(self):
        self.find_spans()
        own = {self.key(i): i for i in self.walk.source_ids}
        rows = collections.defaultdict(list)
        for task in self.rows.values():
            for row in task:
                if row["id"] in self.call_of:
                    rows[row["source"], row["source_id"]].append(row)
        effective = collections.Counter()
        for key, item in own.items():
            for write in self.writes.get(key, []):
                row = self.row_for(write, rows[key], effective)
                if row is None:
                    self.verdict.provider_writes += 1
                    self.verdict.find("writes_for_provider_actions",
                                      self.any_task(item),
                                      f"nobody asked for {write}")
                elif write.applied:
                    effective[row["id"]] += 1
                    write.wish, write.task = row["wish"], row["task_id"]
            for row in rows[key]:
                self.count_writes(item, row, effective[row["id"]])

    def any_task(self, item):
        return (self.walk.tasks[item] or [None])[-1]

    def row_for(self, write, rows, effective):
        """The wish that was being sent when the write arrived; of several tasks'
        wishes the one with the fewest writes."""
        fitting = []
        for row in rows:
            if write.row and write.row != row["id"]:
                continue
            if write.wish and write.wish != row["wish"]:
                continue
            off = min((max(began - write.at, write.at - ended, 0)
                       for began, ended in self.spans[row["id"]]),
                      default=ENDLESS)
            if off <= NEAR:
                # of two wishes that follow on each other at that moment it is
                # the one that has no write yet
                fitting.append((off > TICK, effective[row["id"]], off,
                                row["id"], row))
        return min(fitting, key=lambda f: f[:-1])[-1] if fitting else None

    def count_writes(self, item, row, number):
        began = seconds(row["created_at"]) - NEAR
        ended = (seconds(row["settled_at"]) or ENDLESS) + NEAR
        undone = sum(d.ended >= began and d.began <= ended
                     for d in self.walk.deeds[item][1:])
        number = min(number, max(1, number - undone))
        self.verdict.most_writes = max(self.verdict.most_writes, number)
        if number > 1:
            self.verdict.find("max_writes_per_user_action", row["task_id"],
                              f"{number} writes took effect for {row['id']}")

    # -- how items were

    def build_segments(self):
        for item in self.walk.source_ids:
            events = self.walk.deeds[item] + [
                w for w in self.writes.get(self.key(item), []) if w.applied]
            segments = []
            for event in sorted(events, key=lambda e: e.rev):
                before = segments[-1] if segments else None
                if isinstance(event, Write):
                    segment = self.after_write(item, event, before)
                else:
                    segment = self.after_deed(event, before)
                if before:
                    # it was so until the change was surely made
                    before.end = event.ended
                segments.append(segment)
            self.segments[item] = segments

    @staticmethod
    def after_deed(deed, before):
        flags = before.flags if before else frozenset()
        segment = Segment(deed.began, flags - deed.takes | deed.gives,
                          deed.is_done, deed.due)
        if before and not deed.finishes:
            segment.done_by = before.done_by
        # finished for good: which occurrence is meant after that, none can tell
        if before and before.due == deed.due and not deed.finishes:
            segment.due_by = before.due_by
        return segment

    @staticmethod
    def after_write(item, write, before):
        done = write.state in ("completed", "canceled", "duplicate")
        if write.state == "deleted":  # which hides it
            done = write.wish == "complete"
        segment = Segment(write.began, before.flags, done,
                          write.due if item.kind == "recurring" else None)
        # it may have been done already, and not by this
        segment.done_by = before.done_by if before.is_done == done \
            else write.task
        segment.due_by = before.due_by if segment.due == before.due \
            else write.task
        return segment

    def check_items(self):
        """The test's own: the record must end where the simulator did."""
        for item, segments in self.segments.items():
            found = self.items[self.key(item)]
            if (segments[-1].is_done != is_done(found)
                    or self.is_open(item) == bool(self.flags(item))):
                self.verdict.find(
                    "disagreements", self.any_task(item),
                    f"the record of item {item.number} is wrong: "
                    f"{set(self.flags(item))}, and is {found['state']}")

    @staticmethod
    def scope(item, flags):
        """Those flags that put an item out of its list."""
        return flags - {"others"} if item.kind == "attio" else flags

    def flags(self, item):
        """All that keeps it from being open and in scope, at the end."""
        last = self.segments[item][-1]
        done = {"done"} if last.is_done else set()
        return self.scope(item, last.flags) | done

    def is_open(self, item):
        """At the end, by the simulator."""
        found = self.items[self.key(item)]
        if item.kind == "attio":
            return found["state"] in ("open", "reassigned")
        if item.kind == "linear":
            return found["state"] in ("open", "moved")
        return found["state"] == "open"

    # -- wrong completions

    def check_completions(self):
        runs = {e["xact"]: e["became"] for e in self.audit
                if e["what"] == "poll_runs"}
        for e in self.audit:
            if (e["what"] != "tasks" or e["op"] != "update"
                    or e["became"]["status"] != "completed"
                    or e["was"]["status"] == "completed"
                    or e["became"]["completed_by"] == "user"):
                continue
            run = runs.get(e["xact"])
            item = self.walk.by_source.get(
                (e["became"]["source"], e["became"]["source_id"]))
            if e["was"]["status"] != "active":
                continue  # check_archived tells; or what a rollback restored
            if run is None:
                if not self.is_rollback(e):
                    self.verdict.find("wrong_completions", e["row_id"],
                                      "completed inbound, but by no run")
                continue
            if not self.is_evident(e, item, seconds(run["started_at"])):
                self.verdict.find(
                    "wrong_completions", e["row_id"],
                    f"completed at {e['at']} ({e['became']['completion_reason']}) "
                    f"by the run of {run['started_at']}, but item {item.number} "
                    "was open all the time")

    def is_rollback(self, change):
        return any(e["xact"] == change["xact"] and e["what"] == "writebacks"
                   and e["became"] and e["became"]["state"] == "rolled_back"
                   for e in self.audit)

    def is_evident(self, change, item, since):
        until = seconds(change["at"])
        since -= NEAR
        # whose own writes are no evidence
        own = self.has_changed_mind(change["row_id"], until) and change["row_id"]
        before = change["was"]["source_metadata"].get("due_date")
        for s in self.segments[item]:
            if s.start > until or s.end < since:
                continue
            if self.scope(item, s.flags):
                return True
            if s.is_done and s.done_by != own:
                return True
            if item.kind != "recurring" or s.due_by == own:
                continue
            if before is None or (s.due or "") > before:
                return True
        return False

    def has_changed_mind(self, task, moment):
        """Was the user's last word, before that moment, that it is not done?"""
        last = None
        for row in self.rows[task]:
            if seconds(row["created_at"]) < moment:
                last = row
        if last is None or last["wish"] != "uncomplete":
            return False
        ended = seconds(last["settled_at"])
        return last["state"] == "accepted" or ended is None or ended > moment

    # -- what no run may do

    def check_archived(self):
        for e in self.audit:
            if (e["what"] == "tasks" and e["op"] == "update"
                    and e["was"]["status"] == "archived"
                    and e["became"]["status"] != "archived"):
                self.verdict.find("disagreements", e["row_id"],
                                  f"archived, and {e['became']['status']} "
                                  f"at {e['at']}")

    def check_open_wishes(self):
        for rows in self.rows.values():
            for row in rows:
                if row["settled_at"] is None:
                    self.verdict.find("disagreements", row["task_id"],
                                      f"writeback {row['id']} never ended")

    def check_overtaken(self):
        """A wish that was still waiting when a newer one came is not sent."""
        newest = collections.defaultdict(int)
        for e in self.audit:
            if e["what"] != "writebacks" or not e["became"]:
                continue
            row = e["became"]
            if e["op"] == "insert":
                newest[row["task_id"]] = row["task_version"]
            elif (e["was"]["state"] == "queued" and row["state"] == "sending"
                    and row["task_version"] < newest[row["task_id"]]):
                self.verdict.find("disagreements", row["task_id"],
                                  f"writeback {row['id']} was sent although a "
                                  "newer wish had come")

    def check_late_runs(self):
        """A run whose claim had ended writes nothing down."""
        current = {}
        for e in self.audit:
            row = e["became"]
            if e["what"] == "integrations":
                current[e["row_id"]] = row["generation"]
            elif (e["what"] == "poll_runs" and
                    row["generation"] < current.get(row["connection_id"], 0)):
                self.verdict.find("disagreements", None,
                                  f"run {row['id']} of {row['started_at']} ended "
                                  "after its claim had")

    # -- agreement

    def live_connection(self, task):
        """The one that speaks for the task, or None."""
        account = self.walk.by_source[task["source"], task["source_id"]].account
        own = [c for c in self.connections if task["connection_id"] == c["id"]
               or (not task["connection_id"] and c["type"] == task["source"])]
        # the oldest, and nobody else's
        return own[0]["id"] if own and int(own[0]["name"]) == account.number \
            else None

    def own_tasks(self):
        for task in self.tasks.values():
            item = self.walk.by_source.get((task["source"], task["source_id"]))
            if item:
                yield task, item

    def check_active(self):
        for task, item in self.own_tasks():
            if task["status"] != "active" or not self.live_connection(task):
                continue
            flags = self.flags(item)
            if item.account.provider == "todoist" and flags == {"archived"}:
                continue
            hidden = {"deleted", "moved"} if item.kind != "linear" else set()
            if flags & hidden and task["connection_id"] is None:
                continue
            if flags:
                self.verdict.find("disagreements", task["id"],
                                  f"is active, its item {set(flags)}")
            elif item.kind == "recurring":
                due = self.items[self.key(item)]["due"]
                known = task["source_metadata"].get("due_date")
                if due and due["date"] != known:
                    self.verdict.find("disagreements", task["id"],
                                      f"is active and due {known}, its item "
                                      f"{due['date']}")

    def is_local(self, task):
        """Completed here only, on purpose."""
        # what was rolled back went back to an earlier completion
        rows = [r for r in self.rows[task["id"]] if r["wish"] == "complete"
                and r["state"] in ("accepted", "skipped")]
        return (task["completed_by"] == "user" and bool(rows)
                and rows[-1]["state"] == "skipped")

    def check_open_items(self):
        tasks = collections.defaultdict(list)
        for task, item in self.own_tasks():
            tasks[item].append(task)
        waiting = {(i["connection_id"], i["source_id"]) for i in self.inbox}
        for item in self.segments:
            connection = self.walk.connections.get(item.account)
            if not connection or not self.is_open(item):
                continue
            if (connection, self.walk.source_ids[item]) in waiting:
                continue
            known = sorted(tasks[item],
                           key=lambda t: (seconds(t["created_at"]), t["id"]))
            if any(t["status"] == "active" for t in known):
                continue
            if known and self.live_connection(known[-1]) is None:
                continue
            if known and self.is_local(known[-1]):
                continue
            self.verdict.find(
                "disagreements", known[-1]["id"] if known else None,
                f"item {item.number} is open, and "
                + (f"its task {known[-1]['status']}" if known else "nowhere"))

    def check_inbox(self):
        for entry in self.inbox:
            connection = next(c for c in self.connections
                              if c["id"] == entry["connection_id"])
            item = self.walk.by_source.get(
                (connection["type"], entry["source_id"]))
            if item and not self.is_open(item):
                self.verdict.find("disagreements", self.any_task(item),
                                  f"item {item.number} is in the inbox, and "
                                  f"{set(self.flags(item))}")

    def check_last_words(self):
        for item, segments in self.segments.items():
            if item.kind == "recurring" or item.account in self.walk.lies:
                continue
            rows = [r for t in self.walk.tasks[item] for r in self.rows[t]]
            if not rows:
                continue
            last = max(rows, key=lambda r: r["task_version"])
            task = self.tasks.get(last["task_id"])
            # of several tasks of one item each has an order of its own
            if (last["state"] != "accepted" or not task
                    or len({r["task_id"] for r in rows}) > 1):
                continue
            people = max(d.ended for d in self.walk.deeds[item])
            if seconds(last["created_at"]) <= people + NEAR:
                continue
            if self.scope(item, segments[-1].flags):
                continue
            wished = last["wish"] == "complete"
            if segments[-1].is_done != wished:
                self.verdict.find("disagreements", task["id"],
                                  f"the last word was {last['wish']}, its item is "
                                  f"{'done' if not wished else 'open'}")
            elif (task["status"] != "archived"
                    and (task["status"] == "completed") != wished):
                self.verdict.find("disagreements", task["id"],
                                  f"the last word was {last['wish']}, and it is "
                                  f"{task['status']}")

