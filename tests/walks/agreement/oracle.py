"""What must be true when a round of walks is over. Knows what users and people
did (the walks' records), what the providers received (the simulator's log) and
what the tables say; knows nothing of how the gateway decides.

The words of the four counters:

*Disagreement.* A task with a live connection and its item do not say the same
after quiet and two runs. For every mix:

- A task is *active*: its item must be open and in its list's scope (not done,
  deleted, archived, moved out of sight or another's). Both sides may have changed
  at once; whoever came last, they must end alike.
- A task is *completed*: its item must not be open and in scope. One that was
  completed only here on purpose (skipped: no connection, no key, paused, writebacks
  off) agrees with anything.
- A task is *archived*: nothing at the provider changes it, nothing is sent; an item
  that is open is in the inbox, and importing it brings the row back.
- *One row per item*: there are never two.
- *Which connection*: the task's own; if it has none, the user's oldest of its source
  that has a key. If that one is of another account, it cannot see the item, and
  whether both sides agree is not checked. What is checked all the same: that no run
  completes such a task while its item is open, see below, and that a wish reached
  the item if it is said to have. A row that a client brought back, of an item that
  no list has shown since and that names no connection, is nobody's to judge: what
  its connection by the fallback does not see may be another account's.
- *Recurring*: the row stands for the series. An active one must know the due date
  that its item now has; one that was completed here, even if only here, must be
  active again once its item is open with a later date than was closed.
- *Away and back*: an item given to another is out of scope, its task completed;
  given back it is open and in scope, so the task is reopened.
- *Todoist's archived items* are unlisted, and by id look open: both are right.
- *The inbox* has what is open and has no task, or an archived one, and no more.
- *Links*: each task has one, which took note of the status that the task has.
- *The last word*: if the last thing that happened to a plain item was a user's
  wish that was accepted, both sides must be as wished. Otherwise a gateway that
  loses wishes would pass, as long as both sides lose them.

*Wrong completion.* Inbound sync completed a task although, between the run's t0 and
its mark, the item was open and in scope all the time, as far as people are
concerned. What the user's own writes did counts only if the user's last word for
the task was not to uncomplete it: evidence that is older than the user's change
of mind is none. That an occurrence is over is no reason: the series goes on.

*Writes per user action.* A write takes effect if the simulator says so. Each is
booked on a wish (a row of writebacks) that was open when the write arrived; each
wish must be a call that the walk made, or a change of the row: by the transaction of
the change itself (origin row), or an earlier one that came to no wish (found). Two writes for one wish are right only if
people changed the item in between: what was done and undone looks like undone.

*Writes for provider actions.* A write that no open wish explains, or a wish that
neither a call nor a changed row explains.

*Answers.* What a caller was told of a wish that had ended is how it ended, and the
status of the answer says the same.

*Told.* What runs learn of a connection for clients stands in Flowpin's own row.

*Rows.* What the app writes never fails, commits with its wish while the trigger is
there, and is found later if it is not. An old copy that is upserted changes no
status. The gateway changes only columns of its own, and writes no row in which
nothing changes. Of a recurring item, the app's own close and the gateway's count
together: one wish closes one occurrence.

Out of the model: a provider that applies a write after it hung up on it. Nobody
can fence that off, so no fault does it for longer than a client waits. And two
clients that complete one recurring item in the same second, one of them closing it
itself, the other by a call: the call is answered at once, and nobody can know then.
"""

import collections
import datetime

from walks.agreement.app import AGENT
from walks.agreement.plan import STALE_MOST
from walks.agreement.walk import is_done

NEAR = 0.005        # seconds: clocks of one machine, rounded differently
TICK = 0.002        # seconds within which two moments are the same one
SLACK = 0.15        # until a write that arrived was applied
AWAKE = 1           # seconds in which one that stood still goes on with its write
LATE = 20           # seconds after which a call without answer has not begun
ENDLESS = float("inf")


def seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp() if text else None


class Segment:
    """How an item was from one change to the next. The moments are outer ones:
    it may have been so from start on, and until end."""

    def __init__(self, start, flags, is_done):
        self.start, self.end = start, ENDLESS
        self.flags, self.is_done = flags, is_done
        # people's doing, or a write's: then the task it was made for
        self.done_by = "people"
        self.is_app, self.at = False, start


def by_gateway(change):
    return change["by"] == "flowpin"


def by_app(change):
    return change["by"] == "authenticated"


def wish_for(change):
    """What a change of a task's row wishes; None: nothing."""
    was = change["was"] and change["was"]["status"]
    now = change["became"] and change["became"]["status"]
    if now in (None, was) or change["became"]["source_id"] is None:
        return None
    if now == "completed":
        return "complete"
    return "uncomplete" if (was, now) == ("completed", "active") else None


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
        # the number of the change that the app made it for; None: the gateway's
        agent = entry["agent"] or ""
        self.change = (int(agent.rpartition("-")[2])
                       if agent.startswith(AGENT) else None)
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
        self.tasks = self.by(database, "table public.tasks")
        self.links = self.by(database, "table gateway.links")
        self.connections = self.by(
            database, "select id, user_id, type, label, created_at, has_key, account_id "
            "from gateway.connection_state")
        self.told = self.by(database, "select i.user_id, i.id, i.metadata as told, "
                            "c.metadata as known from public.integrations i "
                            "join gateway.connections c using (id)")
        self.inbox = self.by(database, "table gateway.inbox_items")
        self.writebacks = self.by(database, "table gateway.writebacks")
        self.audit = collections.defaultdict(list)
        for e in database.rows(
                "select * from public.audit where what <> 'told' order by id"):
            self.audit[e["user_id"]].append(e)

    @staticmethod
    def by(database, query):
        found = collections.defaultdict(list)
        for row in database.rows(query):
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
    def __init__(self, walk, tables, writes, items, triggerless, freezes):
        self.walk = walk
        self.triggerless, self.freezes = triggerless, freezes
        self.tasks = {t["id"]: t for t in tables.tasks[walk.user]}
        self.links = {k["task_id"]: k for k in tables.links[walk.user]}
        self.connections = sorted(tables.connections[walk.user],
                                  key=lambda c: (seconds(c["created_at"]), c["id"]))
        self.told = tables.told[walk.user]
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
        self.match_wishes()
        self.check_old_copies()
        self.check_rows()
        self.check_failures()
        self.check_told()
        self.check_answers()
        self.check_writes()
        self.build_segments()
        self.check_items()
        self.check_completions()
        self.check_reopenings()
        self.check_archived()
        self.check_open_wishes()
        self.check_overtaken()
        self.check_late_runs()
        self.check_links()
        self.check_active()
        self.check_open_items()
        self.check_inbox()
        self.check_last_words()
        return self.verdict

    def key(self, item):
        return item.account.provider, self.walk.source_ids[item]

    # -- user actions and writes

    def match_wishes(self):
        """Who made which wish: a call, in order, for each task and wish; or the app,
        by the transaction that changed the row, or by a change that no trigger saw."""
        self.call_of = {}
        waiting = collections.defaultdict(list)
        for call in sorted(self.walk.calls, key=lambda c: c.began):
            waiting[call.task, call.wish].append(call)
        self.made, self.settled = {}, {}
        for e in self.audit:
            if e["what"] == "writebacks" and e["op"] != "delete":
                if e["op"] == "insert":
                    self.made[e["row_id"]] = e
                if e["became"]["settled_at"] is not None:
                    self.settled.setdefault(e["row_id"], e)
        made = self.made
        by_xact = {(e["xact"], e["row_id"]): e for e in self.row_changes()}
        unseen = collections.defaultdict(list)
        seen = {(made[r["id"]]["xact"], r["task_id"])
                for rows in self.rows.values() for r in rows}
        for key, e in by_xact.items():
            if key not in seen:
                unseen[e["row_id"], wish_for(e)].append(e)
        for rows in self.rows.values():
            for row in rows:
                if row["source"] == "manual":
                    continue
                key = row["task_id"], row["wish"]
                if row["origin"] == "call":
                    maker = self.call_for(row, waiting[key])
                    if maker:
                        waiting[key].remove(maker)
                elif row["origin"] == "row":
                    maker = by_xact.get((made[row["id"]]["xact"], key[0]))
                else:
                    maker = next((e for e in unseen[key]
                                  if e["at"] <= made[row["id"]]["at"]), None)
                    if maker:
                        unseen[key].remove(maker)
                    else:
                        maker = self.unseen_in_sum(row)
                if maker:
                    self.call_of[row["id"]] = maker
                else:
                    self.verdict.provider_writes += 1
                    self.verdict.find("writes_for_provider_actions",
                                      row["task_id"],
                                      f"writeback {row['id']} ({row['origin']}) "
                                      "has no user's action")
        self.check_unseen(unseen)

    def unseen_in_sum(self, row):
        """Several changes that no trigger saw are one: what came out. By way of
        archived, none of them is a wish."""
        return next((e for e in self.audit if (
            e["what"] == "tasks" and e["row_id"] == row["task_id"] and by_app(e)
            and e["became"] and e["at"] <= self.made[row["id"]]["at"]
            and self.is_triggerless(seconds(e["at"]))
            and e["was"] and e["was"]["status"] == "archived"
            and e["became"]["status"] == (
                "completed" if row["wish"] == "complete" else "active"))), None)

    def row_changes(self):
        """What the app wrote, as it took effect, that is a wish."""
        return [e for e in self.audit if e["what"] == "tasks" and by_app(e)
                and wish_for(e)]

    def check_unseen(self, unseen):
        """A wish by row commits with its writeback, while the trigger is there."""
        noted = collections.defaultdict(list)
        for e in self.audit:
            if e["what"] == "links" and e["became"]:
                noted[e["row_id"]].append(e)
        for events in unseen.values():
            for e in events:
                if self.is_triggerless(seconds(e["at"])):
                    continue
                before = [n["became"]["status"] for n in noted[e["row_id"]]
                          if n["id"] < e["id"] and n["xact"] != e["xact"]]
                # an unseen change that was taken back
                if before and before[-1] == e["became"]["status"]:
                    continue
                self.verdict.find("disagreements", e["row_id"],
                                  f"the row became {e['became']['status']} at "
                                  f"{e['at']}, and no wish came of it")

    def is_triggerless(self, moment):
        return any(a - NEAR <= moment <= b + NEAR for a, b in self.triggerless)

    def check_old_copies(self):
        """What was upserted with an older updated_at than the row's changes no
        status."""
        for e in self.row_changes():
            if e["op"] != "update" or self.is_triggerless(seconds(e["at"])):
                continue
            at = seconds(e["at"])
            if any(c.task == e["row_id"] and c.began and c.began - NEAR <= at
                   <= c.ended + NEAR for c in self.walk.app.changes):
                continue
            stamps = [u.stamps[e["row_id"]] for u in self.walk.app.upserts
                      if u.began - NEAR <= at <= u.ended + NEAR
                      and e["row_id"] in u.stamps]
            if not stamps:
                self.verdict.find("disagreements", e["row_id"],
                                  f"nobody made it {e['became']['status']} at "
                                  f"{e['at']}")
            elif all(seconds(s) < seconds(e["was"]["updated_at"])
                     for s in stamps):
                self.verdict.find("disagreements", e["row_id"],
                                  f"an old copy of {stamps} made it "
                                  f"{e['became']['status']} at {e['at']}")

    # -- the rows of Flowpin

    OWN = {"tasks": {"status", "completed_at", "connection_id", "source_id",
                     "title"},
           "integrations": {"is_active", "metadata"}}

    def check_rows(self):
        """The gateway changes no column that it does not own, and writes no row in
        which nothing changes; a run only if the task's status or id does."""
        runs = {e["xact"] for e in self.audit if e["what"] == "poll_runs"}
        for e in self.audit:
            if e["what"] not in self.OWN or not by_gateway(e):
                continue
            if e["op"] == "idle":
                self.verdict.find("disagreements", e["row_id"],
                                  f"a row of {e['what']} was written for nothing "
                                  f"at {e['at']}")
            if e["op"] != "update":
                continue
            changed = {k for k in e["became"] if k != "updated_at"
                       and e["became"][k] != e["was"][k]}
            if "title" in changed and not e["became"]["title"].startswith(
                    "renamed at step"):
                changed.add("title by itself")
            if "metadata" in changed and not (
                    e["was"]["metadata"].keys() <= e["became"]["metadata"].keys()):
                changed.add("metadata lost")
            if changed - self.OWN[e["what"]]:
                self.verdict.find("disagreements", e["row_id"],
                                  f"the gateway changed {sorted(changed)} of "
                                  f"{e['what']} at {e['at']}")
            if (e["what"] == "tasks" and e["xact"] in runs
                    and not changed & {"status", "source_id"}):
                self.verdict.find("disagreements", e["row_id"],
                                  f"a run wrote {sorted(changed)} at {e['at']}")

    def check_failures(self):
        """No statement of a client fails. But Flowpin's own unique key holds also
        where there is no gateway: of an item that was removed and imported anew, a
        device may hold the old row. And without the trigger nobody keeps a row from
        naming a connection that is gone."""
        for at, error, sql in self.walk.app.failures:
            if error.state == "23505" and "source_id_key" in str(error):
                continue
            if error.state == "23503" and self.is_triggerless(at):
                continue
            self.verdict.find("disagreements", None,
                              f"a client's statement failed: {error}: {sql}")

    def check_told(self):
        """What a run learnt of a connection, clients can read, whoever died."""
        for row in self.told:
            known = row["known"].get("teamDoneStates")
            if known and known.keys() - row["told"].get("teamDoneStates", {}).keys():
                self.verdict.find("disagreements", None,
                                  f"connection {row['id']}: clients are not told "
                                  "its states")

    def check_answers(self):
        """No caller was told what did not hold."""
        rows = {r["id"]: r for rows in self.rows.values() for r in rows}
        for call in self.walk.calls:
            said = call.answer.writeback if call.answer else {}
            outcome = said.get("outcome")
            if outcome is None:
                continue
            if not call.answer.is_honest or (
                    call.answer.json.get("rolled_back") and outcome != "rolled_back"):
                self.verdict.find("disagreements", call.task,
                                  f"{call.answer.status} was answered to what is "
                                  f"{outcome}")
            row = rows.get(said["id"])
            if row and outcome not in ("open", row["state"]):
                self.verdict.find("disagreements", call.task,
                                  f"writeback {row['id']} was answered as {outcome}, "
                                  f"and is {row['state']}")

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
                if write.change is not None:
                    change = self.walk.app.changes[write.change]
                    write.task = change.task
                    # a deleted item's state does not tell
                    write.wish = write.wish or change.wish
                    continue
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
            if item.kind == "recurring":
                self.count_closes(item, key, effective)

    def count_closes(self, item, key, effective):
        """One wish closes one occurrence, whoever does it: the app itself, or the
        gateway, or each thinking that the other did not."""
        for write in self.writes.get(key, []):
            if write.change is None or not write.applied \
                    or write.wish != "complete":
                continue
            change = self.walk.app.changes[write.change]
            for row in self.rows[change.task]:
                e = self.call_of.get(row["id"])
                if (row["wish"] == "complete" and isinstance(e, dict)
                        and change.began - NEAR <= seconds(e["at"])
                        <= change.ended + NEAR):
                    self.count_writes(item, row, effective[row["id"]] + 1, write)

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
            off = min((self.distance(write.at, began, ended)
                       for began, ended in self.spans[row["id"]]),
                      default=ENDLESS)
            if off <= NEAR:
                # of two wishes that follow on each other at that moment it is
                # the one that has no write yet
                fitting.append((off > TICK, effective[row["id"]], off,
                                row["id"], row))
        return min(fitting, key=lambda f: f[:-1])[-1] if fitting else None

    def distance(self, moment, began, ended):
        """From a moment to when a wish was being sent. Its owner may have stood
        still when its claim ended, and have gone on with what it was at: that this
        closes nothing twice is counted, see count_writes."""
        away = max(began - moment, moment - ended, 0)
        if away > NEAR and any(froze - NEAR <= ended <= woke + NEAR
                               and woke - NEAR <= moment <= woke + AWAKE
                               for froze, woke in self.freezes):
            return NEAR
        return away

    def count_writes(self, item, row, number, own=None):
        """own: a write that the app made for the same wish."""
        began = min(seconds(row["created_at"]), own.began if own else ENDLESS) - NEAR
        ended = (seconds(row["settled_at"]) or ENDLESS) + NEAR
        undone = sum(d.ended >= began and d.began <= ended
                     for d in self.walk.deeds[item][1:])
        # another's wish in the app, done by itself
        undone += sum(w.change is not None and w is not own and w.applied
                      and w.ended >= began and w.began <= ended
                      for w in self.writes.get(self.key(item), []))
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
                    segment = self.after_write(event, before)
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
                          deed.is_done)
        if before and not deed.finishes:
            segment.done_by = before.done_by
            segment.is_app, segment.at = before.is_app, before.at
        return segment

    @staticmethod
    def after_write(write, before):
        done = write.state in ("completed", "canceled", "duplicate")
        if write.state == "deleted":  # which hides it
            done = write.wish == "complete"
        segment = Segment(write.began, before.flags, done)
        # it may have been done already, and not by this
        if before.is_done == done:
            segment.done_by = before.done_by
            segment.is_app, segment.at = before.is_app, before.at
        else:
            segment.done_by = write.task
            segment.is_app, segment.at = write.change is not None, write.at
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
            if (e["what"] != "links" or e["op"] != "update"
                    or e["became"]["status"] != "completed"
                    or e["was"]["status"] != "active"
                    or e["became"]["completed_by"] == "user"):
                continue  # check_archived tells; or what a rollback restored
            run = runs.get(e["xact"])
            item = self.walk.by_source.get(
                (e["became"]["source"], e["became"]["source_id"]))
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
        since = self.evidence_from(item, since)
        # whose own writes are no evidence
        mind = self.changed_mind(change)
        own = mind is not None and change["row_id"]
        for s in self.segments[item]:
            if s.start > until or s.end < since:
                continue
            if self.scope(item, s.flags):
                return True
            # what the app did itself, after the gateway had looked, looks like
            # another person's doing
            if s.is_done and (s.done_by != own or s.is_app and s.at >= mind):
                return True
        return False

    @staticmethod
    def evidence_from(item, since):
        """A run believes what it was told, which may be of some moments ago."""
        return since - NEAR - (STALE_MOST if item.account.is_stale else 0)

    def check_reopenings(self):
        """What a run reopens was open, and since the user's own completion of it if
        that was the last word."""
        runs = {e["xact"]: e["became"] for e in self.audit
                if e["what"] == "poll_runs"}
        for e in self.audit:
            if (e["what"] != "links" or e["op"] != "update"
                    or e["xact"] not in runs
                    or (e["was"]["status"], e["became"]["status"])
                    != ("completed", "active")):
                continue
            item = self.walk.by_source.get(
                (e["became"]["source"], e["became"]["source_id"]))
            since = max(self.evidence_from(
                item, seconds(runs[e["xact"]]["started_at"])),
                self.completed_at(e) or 0)
            if not any(s.start <= seconds(e["at"]) and s.end > since
                       and not s.is_done and not self.scope(item, s.flags)
                       for s in self.segments[item]):
                self.verdict.find(
                    "disagreements", e["row_id"],
                    f"reopened at {e['at']} by the run of "
                    f"{runs[e['xact']]['started_at']}, but item {item.number} was "
                    "not open since")

    def completed_at(self, change):
        """When the user's last word before that change took effect at the provider,
        if it was to complete."""
        row = next((r for r in reversed(self.rows[change["row_id"]])
                    if self.made[r["id"]]["id"] < change["id"]), None)
        if not row or row["wish"] != "complete" or row["state"] != "accepted":
            return None
        return max((w.ended for w in self.writes.get(
            (row["source"], row["source_id"]), [])
            if w.task == row["task_id"] and w.wish == "complete" and w.applied
            and w.at <= (seconds(row["settled_at"]) or ENDLESS)), default=None)

    def changed_mind(self, change):
        """If the user's last word, before that change, was that it is not done:
        since when that was carried to the provider. None: it was not. Before is what
        the lock on the task's row let happen before, not what began before: who
        waited for the run's lock has a row that is older than the run's change."""
        last = None
        for row in self.rows[change["row_id"]]:
            if self.made[row["id"]]["id"] < change["id"]:
                last = row
        if last is None or last["wish"] != "uncomplete":
            return None
        ended = self.settled.get(last["id"])
        if (last["state"] != "accepted" and ended is not None
                and ended["id"] < change["id"]):
            return None
        spans = self.spans[last["id"]]
        return spans[-1][0] if spans else seconds(last["created_at"])

    # -- what no run may do

    def check_archived(self):
        """An import brings it back; a run does not, nor does a wish that ends."""
        runs, imports = set(), set()
        for e in self.audit:
            if e["what"] == "poll_runs":
                runs.add(e["xact"])
            elif e["what"] == "inbox_items":
                imports.add(e["xact"])
        for e in self.audit:
            if (e["what"] == "tasks" and e["op"] == "update" and by_gateway(e)
                    and e["was"]["status"] == "archived"
                    and e["became"]["status"] != "archived"
                    and e["xact"] not in imports - runs):
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
            if e["what"] == "connections":
                current[e["row_id"]] = row["generation"]
            elif (e["what"] == "poll_runs" and
                    row["generation"] < current.get(row["connection_id"], 0)):
                self.verdict.find("disagreements", None,
                                  f"run {row['id']} of {row['started_at']} ended "
                                  "after its claim had")

    # -- agreement

    def connection_of(self, task):
        """The one that speaks for the task, or None: its own; else one of the
        account that showed the item; else the oldest."""
        if task["connection_id"]:
            return next((c for c in self.connections
                         if c["id"] == task["connection_id"]), None)
        able = [c for c in self.connections
                if c["type"] == task["source"] and c["has_key"]]
        seen = self.link(task)["account_id"]
        return next((c for c in able if seen and c["account_id"] == seen),
                    able[0] if able else None)

    def live_connection(self, task):
        """The same, if it can see the item."""
        account = self.walk.by_source[task["source"], task["source_id"]].account
        found = self.connection_of(task)
        return found if found and found["has_key"] \
            and int(found["label"]) == account.number else None

    def own_tasks(self):
        for task in self.tasks.values():
            item = self.walk.by_source.get((task["source"], task["source_id"]))
            if item:
                yield task, item

    def link(self, task):
        return self.links.get(task["id"]) or collections.defaultdict(
            lambda: None, metadata={})

    def check_links(self):
        for task, _ in self.own_tasks():
            link = self.link(task)
            if (link["source_id"], link["status"]) != (task["source_id"],
                                                       task["status"]):
                self.verdict.find("disagreements", task["id"],
                                  f"is {task['status']}, its link noted "
                                  f"{link['status']}")

    def check_active(self):
        for task, item in self.own_tasks():
            found = self.live_connection(task)
            if task["status"] != "active" or not found:
                continue
            flags = self.flags(item)
            link = self.link(task)
            if item.account.provider == "todoist" and flags == {"archived"}:
                continue
            if (flags & {"others", "deleted", "moved"} and not link["account_id"]
                    and not task["connection_id"]):
                continue
            if flags:
                self.verdict.find("disagreements", task["id"],
                                  f"is active, its item {set(flags)}")
            elif item.kind == "recurring":
                due = self.items[self.key(item)]["due"]
                known = link["metadata"].get("due_date")
                if due and due["date"] != known:
                    self.verdict.find("disagreements", task["id"],
                                      f"is active and due {known}, its item "
                                      f"{due['date']}")

    def is_local(self, task, item):
        """Completed here only, on purpose, and not over by now."""
        # what was rolled back went back to an earlier completion
        rows = [r for r in self.rows[task["id"]] if r["wish"] == "complete"
                and r["state"] in ("accepted", "skipped")]
        link = self.link(task)
        due = self.items[self.key(item)].get("due")
        closed = link["metadata"].get("due_date")
        if item.kind == "recurring" and due and closed and due["date"] > closed:
            return False
        return (link["completed_by"] == "user" and bool(rows)
                and rows[-1]["state"] == "skipped")

    def check_open_items(self):
        tasks = {item: task for task, item in self.own_tasks()}
        waiting = {(i["connection_id"], i["source_id"]) for i in self.inbox}
        for item in self.segments:
            connection = self.walk.connections.get(item.account)
            if not connection or not self.is_open(item):
                continue
            task = tasks.get(item)
            waits = (connection, self.walk.source_ids[item]) in waiting
            if task is None or task["status"] == "archived":
                if not waits:
                    self.verdict.find(
                        "disagreements", task and task["id"],
                        f"item {item.number} is open, and "
                        + (f"its task {task['status']}" if task else "nowhere"))
                continue
            if waits:
                self.verdict.find("disagreements", task["id"],
                                  f"item {item.number} is in the inbox, its "
                                  f"task {task['status']}")
            if (task["status"] == "active" or self.live_connection(task) is None
                    or self.is_local(task, item)):
                continue
            self.verdict.find("disagreements", task["id"],
                              f"item {item.number} is open, and its task "
                              f"{task['status']}")

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
            # of a task that was deleted and one made since each has its own order
            if (last["state"] != "accepted" or not task
                    or len({r["task_id"] for r in rows}) > 1):
                continue
            people = max([d.ended for d in self.walk.deeds[item]]
                         + [w.ended for w in self.writes.get(self.key(item), [])
                            if w.change is not None and w.applied])
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

