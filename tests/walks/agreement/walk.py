"""One walk: a user of the gateway, people at the providers, and what goes wrong
between them. It plays a plan and writes down what each of them did and when; it
judges nothing.
"""

import random
import threading
import time
import uuid

from walks.agreement.app import App
from walks.wire import WISHES, call, other

CALL_WAIT = 6       # seconds for an answer; a gateway may be frozen or dead
POLL_WAIT = 1.2     # seconds for a run that a step waits for



class Deed:
    """Something a person did at a provider, some time between its two moments:
    which flags of the item it gave and took, and whether the item is finished and
    when it is due since then, as the provider then said."""

    def __init__(self, began, ended, what, answer, gives=(), takes=()):
        self.began, self.ended, self.what = began, ended, what
        self.gives, self.takes = frozenset(gives), frozenset(takes)
        self.rev = answer["rev"]  # the order of all changes at the providers
        self.is_done = is_done(answer)
        self.due = due_of(answer)
        self.finishes = what in ("completed", "canceled", "duplicate")


def is_done(item):
    if item["provider"] == "linear":
        return item["state_type"] in ("completed", "canceled", "duplicate")
    return item["checked" if item["provider"] == "todoist" else "is_completed"]


def due_of(item):
    return item["due"]["date"] if item.get("due") else None


class Call:
    """A user's call to complete or uncomplete a task. ended: when the answer
    came; None: there was none."""

    def __init__(self, item, task, wish):
        self.item, self.task, self.wish = item, task, wish
        self.began, self.ended, self.answer = time.time(), None, None


class Api:
    """The gateways as one user sees them: whichever takes the call."""

    def __init__(self, processes, token, chance):
        self.processes, self.token, self.chance = processes, token, chance

    def call(self, method, target, body=None, prefer="", gateway=None):
        return call(gateway or self.processes.gateway(self.chance), self.token,
                    method, target, body, prefer, timeout=CALL_WAIT)

    def sure(self, method, target, body=None):
        """As call, until a gateway answers. Only for what may be done twice."""
        for _ in range(40):
            answer = self.call(method, target, body)
            if answer.status and answer.status < 500:
                return answer
            time.sleep(0.1)
        raise RuntimeError(f"no gateway answers {method} {target}: "
                           f"{answer.status} {answer.json}")


class Walk:
    def __init__(self, plan, test):
        self.plan, self.simulator = plan, test.simulator
        self.database = test.database
        self.seed = plan.seed
        # never the plan's own: what is drawn here depends on the moment
        self.chance = random.Random(f"{plan.seed} chance")
        self.user = str(uuid.uuid5(uuid.NAMESPACE_OID, f"walk {plan.seed}"))
        self.api = Api(test.processes, test.stack.new_token(self.user), self.chance)
        self.keys = {}          # account -> its token at the provider
        self.connections = {}   # account -> id, while there is one
        self.source_ids = {}    # item -> id at its provider
        self.by_source = {}
        self.me = {}            # item -> who it is assigned to at first
        self.deeds = {}         # item -> list of Deed
        self.lies = []          # (item's or account's, when)
        self.calls = []
        self.tasks = {}         # item -> ids of its tasks, oldest first
        self.status = {}        # task -> as last seen
        self.faults = []
        self.app = None
        self.raided = set()     # accounts where much was deleted at once
        self.strangers = set()  # accounts in whose connection one's key was
        self.approve = test.approve
        self.log = []
        self.lock = threading.Lock()
        self.begun = time.time()

    def say(self, words):
        with self.lock:
            self.log.append(f"{time.time() - self.begun:8.3f} {words}")

    # -- the providers' side

    def change(self, path, method, body):
        began = time.time()
        answer = self.simulator.ask(method, path, body)
        return began, time.time(), answer

    def new_item(self, item):
        account = item.account
        what = {"provider": account.provider, "account": self.keys[account],
                "title": f"item {item.number}"}
        if item.kind == "recurring":
            what["recurring"] = "every day"
        began, ended, made = self.change("/_sim/items", "POST", what)
        made = made["items"][0]
        self.source_ids[item] = made["id"]
        self.by_source[account.provider, made["id"]] = item
        self.me[item] = made["assignee"]
        self.deeds[item] = [Deed(began, ended, "made", made)]
        self.tasks[item] = []

    # what becomes of where an item is; it is finished or not beside that
    GIVES = {"deleted": ("deleted",), "archived": ("archived",),
             "away": ("others",)}
    TAKES = {"open": ("deleted", "archived", "moved", "others"),
             "back": ("others",),
             **dict.fromkeys(("completed", "canceled", "duplicate"),
                             ("deleted", "archived", "moved"))}

    def person(self, item, deed):
        """What people do, and what is then so of the item: deleted, archived,
        moved (to where its user does not see it) or another's."""
        provider = item.account.provider
        gives, takes = self.GIVES.get(deed, ()), self.TAKES.get(deed, ())
        if deed == "moved" and provider == "todoist":
            gives = ("moved",)
        if deed == "nobody":
            gives = ("others",)
        body = {
            "away": {"assignee": "other"}, "nobody": {"assignee": None},
            "back": {"assignee": self.me[item]},
            "backlog": {"state_type": "backlog"}, "advance": {"advance": True},
            "retitle": {"title": f"item {item.number}, {time.time():.3f}"},
        }.get(deed, {"state": deed})
        if deed in ("later", "earlier", "reschedule"):
            days = {"later": 3, "earlier": -2}.get(deed, 1)
            body = self.new_due(item, days)
        path = f"/_sim/items/{provider}/{self.source_ids[item]}"
        try:
            began, ended, answer = self.change(path, "PATCH", body)
        except RuntimeError as error:
            self.say(f"  {deed} is refused: {error}")
            return
        with self.lock:
            self.deeds[item].append(
                Deed(began, ended, deed, answer, gives, takes))
        self.say(f"  people: item {item.number} {deed}, now {answer['state']} "
                 f"{due_of(answer) or ''}")

    def new_due(self, item, days):
        due = self.deeds[item][-1].due
        base = time.mktime(time.strptime(due, "%Y-%m-%d")) if due else time.time()
        date = time.strftime("%Y-%m-%d", time.localtime(base + days * 86400 + 7200))
        if item.account.provider == "todoist":
            recurs = item.kind == "recurring"
            return {"due": {"date": date, "is_recurring": recurs,
                            **({"string": "every day"} if recurs else {})}}
        return {"due_date": date}

    def fault(self, account, op, fault):
        about = {"provider": account.provider, "account": self.keys[account],
                 "times": 1}
        if op == "write":
            about["write"] = True
        else:
            about["op"] = op
        made = self.simulator.ask("POST", "/_sim/faults", {**about, **fault})
        if fault["kind"] == "not_found":
            self.lies.append(account)
        self.faults.append(made["id"])

    # -- the user's side

    def connect(self, account, is_row):
        if account in self.connections:
            return
        if is_row:
            found = self.app.connect(account, self.keys[account])
            if found:
                self.connections[account] = found
            self.say(f"  connect by row: {found}")
            return
        body = {"type": account.provider, "key": self.keys[account],
                "label": str(account.number)}
        # no answer: it may be there all the same
        answer = self.api.call("POST", "/v1/connections", body)
        if answer.status == 201:
            self.connections[account] = answer.json["connection"]["id"]
        self.say(f"  connect: {answer.status}")

    def disconnect(self, account):
        found = self.connections.pop(account, None)
        if found:
            answer = self.api.sure("DELETE", f"/v1/connections/{found}")
            self.say(f"  disconnect: {answer.status}")

    def change_connection(self, account, **what):
        found = self.connections.get(account)
        if found:
            answer = self.api.call("PATCH", f"/v1/connections/{found}", what)
            self.say(f"  connection: {answer.status}")

    def look(self):
        """The user's list: what became of the tasks meanwhile."""
        answer = self.api.call("GET", "/v1/tasks?limit=200")
        for task in answer.json.get("tasks") or []:
            self.status[task["id"]] = task["status"]
            item = self.by_source.get((task["source"], task["source_id"]))
            if item:
                self.know(item, task["id"])

    def know(self, item, task):
        """The newest last: one that was deleted may have come back."""
        if task in self.tasks[item]:
            self.tasks[item].remove(task)
        self.tasks[item].append(task)

    def take_inbox(self, most=6):
        answer = self.api.call("GET", "/v1/inbox?limit=200")
        taken = 0
        for entry in answer.json.get("items") or []:
            item = self.by_source.get((entry["source"], entry["source_id"]))
            if not item or taken == most:
                continue
            made = self.api.call("POST", f"/v1/inbox/{entry['id']}/import")
            taken += 1
            if made.status in (200, 201):
                task = made.json["task"]
                self.know(item, task["id"])
                self.status[task["id"]] = task["status"]
            self.say(f"  import: item {item.number} {made.status}")
        self.look()

    def newest(self, item):
        return self.tasks[item][-1] if self.tasks[item] else None

    def send(self, item, wish, is_async=False, gateway=None):
        task = self.newest(item)
        if not task:
            return
        call = Call(item, task, wish)
        with self.lock:
            self.calls.append(call)
        answer = self.api.call("POST", f"/v1/tasks/{task}/{wish}",
                               prefer="respond-async" if is_async else "",
                               gateway=gateway)
        call.answer = answer
        if answer.status:
            call.ended = time.time()
        found = answer.json.get("task") if isinstance(answer.json, dict) else None
        if found:
            self.status[task] = found["status"]
        self.say(f"  {wish} item {item.number} task {task}: {answer.status} "
                 f"{answer.writeback.get('outcome')} "
                 f"{answer.writeback.get('reason')}")

    def flip(self, item, is_async=False):
        is_done = self.status.get(self.newest(item)) == "completed"
        self.send(item, WISHES[is_done], is_async)

    # -- steps

    def beside(self, *doings):
        """All of them at once."""
        threads = [threading.Thread(target=self.guarded, args=(do, *args))
                   for do, *args in doings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def guarded(self, do, *args):
        try:
            do(*args)
        except Exception as error:  # the walk is worth nothing then
            self.failure = error

    failure = None

    def play(self, step):
        self.say(str(step))
        getattr(self, "step_" + step.kind)(step)
        if self.failure:
            raise self.failure

    def step_flip(self, step):
        self.flip(step.item)

    def step_flip_async(self, step):
        self.flip(step.item, True)

    def step_pair(self, step):
        """A wish and its opposite at once, through any gateways."""
        is_done = self.status.get(self.newest(step.item)) == "completed"
        first = WISHES[is_done]
        self.beside((self.send, step.item, first),
                    (self.later, 0.004, self.send, step.item, other(first)))

    @staticmethod
    def later(seconds, do, *args):
        time.sleep(seconds)
        do(*args)

    def step_import(self, _step):
        self.take_inbox()

    def step_archive(self, step):
        task = self.newest(step.item)
        if task:
            answer = self.api.call("POST", f"/v1/tasks/{task}/archive")
            self.say(f"  archive task {task}: {answer.status}")

    def step_rename(self, step):
        task = self.newest(step.item)
        if task:
            self.api.call("PATCH", f"/v1/tasks/{task}",
                          {"title": f"renamed at step {step.number}"})

    def step_remove(self, step):
        task = self.newest(step.item)
        if task:
            answer = self.api.sure("DELETE", f"/v1/tasks/{task}")
            self.tasks[step.item].remove(task)
            self.say(f"  remove task {task}: {answer.status}")

    def step_by_hand(self, _step):
        made = self.api.call("POST", "/v1/tasks", {"title": "by hand"})
        if made.status == 201:
            self.api.call("POST", f"/v1/tasks/{made.json['task']['id']}/complete")

    def step_connect(self, step):
        self.connect(step.account, step.is_row)

    def step_disconnect(self, step):
        self.disconnect(step.account)

    def step_writeback(self, step):
        self.change_connection(step.account, writeback=step.is_on)

    def step_pause(self, step):
        self.change_connection(step.account,
                               status="active" if step.is_on else "paused")

    def step_replace_key(self, step):
        self.change_connection(step.account, key=self.keys[step.account])

    def step_switch(self, step):
        """The connection gets a stranger's key, by a mistake or on purpose: then a
        person lets the other account in."""
        account = step.account
        found = self.connections.get(account)
        if not found:
            return
        key = f"{self.keys[account]}-stranger-{step.number}"
        for path, what in (("accounts", {"token": key}),
                           ("items", {"account": key, "title": "a stranger's"})):
            self.simulator.ask("POST", "/_sim/" + path,
                               {"provider": account.provider, **what})
        self.strangers.add(account)
        if step.is_row:
            self.app.set_connection(found, api_key=key)
        else:
            self.change_connection(account, key=key)
        self.poll_and_wait(account)
        if step.is_approved:
            self.approve(found)
            self.poll_and_wait(account)

    def step_person(self, step):
        self.person(step.item, step.deed)

    def step_new_item(self, step):
        self.new_item(step.item)

    def step_poll(self, step):
        self.ask_poll(step.account)

    def ask_poll(self, account):
        found = self.connections.get(account)
        if found:
            self.api.call("POST", f"/v1/connections/{found}/poll")

    def step_poll_wait(self, step):
        self.poll_and_wait(step.account)
        self.look()

    def poll_and_wait(self, account):
        found = self.connections.get(account)
        if not found:
            return
        asked = self.api.call("POST", f"/v1/connections/{found}/poll")
        before = (asked.json.get("connection") or {}).get("last_run_at")
        deadline = time.monotonic() + POLL_WAIT
        while time.monotonic() < deadline:
            time.sleep(0.06)
            now = self.api.call("GET", f"/v1/connections/{found}")
            now = now.json.get("connection") or {}
            if now.get("last_run_at") != before:
                return

    def step_fault(self, step):
        self.fault(step.account, step.op, step.fault)

    def step_blackout(self, step):
        """For two runs and more the provider lists nothing and knows no item by
        id: two lies, which only a guard keeps from being believed."""
        account = step.account
        for old in self.faults:
            self.lift(old)
        self.lies.append(account)
        hides = "empty_list" if account.provider == "linear" else "not_found"
        faults = [self.simulator.ask("POST", "/_sim/faults", {
            "provider": account.provider, "account": self.keys[account],
            "op": op, "kind": kind})["id"]
            for op, kind in (("list", "empty_list"), ("read", hides))]
        for _ in range(3):
            self.poll_and_wait(account)
        for fault in faults:
            self.lift(fault)

    def lift(self, fault):
        try:
            self.simulator.ask("DELETE", f"/_sim/faults/{fault}")
        except RuntimeError:
            pass  # it happened as often as it was to

    def step_raid(self, step):
        """So much is deleted at once that a guard holds it; see raided."""
        for item in step.items:
            self.new_item(item)
        self.poll_and_wait(step.account)
        self.take_inbox(most=2 * len(step.items))
        for item in step.items:
            self.person(item, "deleted")
        self.raided.add(step.account)
        self.poll_and_wait(step.account)

    def step_both(self, step):
        self.beside((self.flip, step.item, step.is_async),
                    (self.person, step.item, step.deed))

    def step_unknown(self, step):
        self.fault(step.item.account, "write", step.fault)
        doings = [(self.flip, step.item, step.is_async)]
        if step.deed:
            doings.append((self.later, 0.05, self.person, step.item, step.deed))
        self.beside(*doings)

    def step_slow_run(self, step):
        """A run takes its time over what people just changed, and meanwhile the
        user does something."""
        account = step.item.account
        self.person(step.item, step.deed)
        self.fault(account, step.op, {"kind": "delay", "delay_ms": 250})
        self.ask_poll(account)
        time.sleep(step.after)
        getattr(self, "meanwhile_" + step.meanwhile, self.step_by_name)(step)

    def step_by_name(self, step):
        getattr(self, "step_" + step.meanwhile)(step)

    def meanwhile_replace_key(self, step):
        """The run's claim ends with that, and another poller may take it."""
        account = step.item.account
        self.change_connection(account, key=self.keys[account])

    def meanwhile_disconnect(self, step):
        self.disconnect(step.item.account)

    # -- the app's

    def step_app_flip(self, step):
        self.app.flip(step.item, step.device, step.is_late, step.is_own)

    def step_app_call(self, step):
        """An app that knows the gateway: the row, then the call."""
        is_done = self.status.get(self.newest(step.item)) == "completed"
        wish = WISHES[is_done]
        self.app.flip(step.item, step.device, wish=wish)
        self.send(step.item, wish)

    def step_app_both(self, step):
        self.beside((self.app.flip, step.item, step.device, False, step.is_own),
                    (self.flip, step.item))

    def step_app_pair(self, step):
        """Two devices at once."""
        self.beside(*((self.app.flip, step.item, i, False, step.is_own)
                      for i in range(len(self.app.devices))))

    def step_app_tunnel(self, step):
        """What the app did reaches the provider, and the database only after a run
        has seen that."""
        self.app.flip(step.item, step.device, is_late=True, is_own=True)
        self.poll_and_wait(step.item.account)
        self.app.devices[step.device].flush()

    def step_app_archive(self, step):
        self.app.archive(step.item, step.device)

    def step_app_edit(self, step):
        task = self.newest(step.item)
        if task:
            self.app.write(
                f"update public.tasks set title = 'edited at step {step.number}', "
                f"section = 'today', position = {step.number} "
                f"where id = '{task}'")

    def step_app_remove(self, step):
        task = self.newest(step.item)
        if task:
            self.app.write(f"delete from public.tasks where id = '{task}'")
            self.tasks[step.item].remove(task)
            self.say(f"  app: remove task {task}")

    def step_app_look(self, step):
        self.app.devices[step.device].look()

    def step_app_sync(self, step):
        self.app.devices[step.device].sync_now()

    def step_app_flush(self, step):
        self.app.devices[step.device].flush(
            self.chance.shuffle if step.is_shuffled else None)

    def step_app_key(self, step):
        found = self.connections.get(step.account)
        if not found:
            return
        if step.how == "change":
            key = f"{self.keys[step.account]}-{step.number}"
            self.simulator.ask("POST", "/_sim/accounts", {
                "provider": step.account.provider, "token": key,
                "account": self.keys[step.account]})
            self.keys[step.account] = key
        self.app.set_connection(found, api_key=None if step.how == "empty"
                                else self.keys[step.account])

    def step_app_active(self, step):
        found = self.connections.get(step.account)
        if found:
            self.app.set_connection(found, is_active=step.is_on)

    def step_app_disconnect(self, step):
        found = self.connections.pop(step.account, None)
        if found:
            self.app.disconnect(found)

    def state_of(self, account, team, kind):
        """Of a Linear team: its first state of a type."""
        teams = self.simulator.ask(
            "GET", f"/_sim/teams?account={self.keys[account]}")["teams"]
        states = next(t["states"] for t in teams if t["team_id"] == team)
        return min((s for s in states if s["type"] == kind),
                   key=lambda s: s["position"])["id"]

    # -- from the beginning to the end

    def open(self):
        self.database.sure(
            f"insert into auth.users (id) values ('{self.user}')")
        self.app = App(self, self.database.command)
        for account in self.plan.accounts:
            key = f"{account.provider}-{self.user}-{account.number}"
            if account.provider == "linear":
                key = "lin_api_" + key
            self.keys[account] = key
            self.simulator.ask("POST", "/_sim/accounts",
                               {"provider": account.provider, "token": key})
        for item in self.plan.first_items:
            self.new_item(item)
        # an item that nobody touches: no list becomes empty honestly, which
        # would be held until a person has looked
        for account in self.plan.accounts:
            self.simulator.ask("POST", "/_sim/items", {
                "provider": account.provider, "account": self.keys[account],
                "title": "anchor"})
        if self.plan.is_long:
            first = self.plan.accounts[0]
            self.simulator.ask("POST", "/_sim/items", {
                "provider": first.provider, "account": self.keys[first],
                "title": "filler", "count": 230})
        for account in self.plan.accounts:
            while account not in self.connections:
                self.connect(account, account in self.plan.by_row)
        for account in self.plan.accounts:
            self.poll_and_wait(account)
        self.take_inbox(most=12)

    def go(self):
        self.open()
        for step in self.plan.steps:
            self.play(step)

    # -- quiet

    def heal(self):
        """What a user does who sees that a connection no longer works, or that
        there are two where one was wanted."""
        self.app.rest()
        self.connections = {}
        answer = self.api.sure("GET", "/v1/connections")
        for found in answer.json["connections"]:
            target = f"/v1/connections/{found['id']}"
            account = self.plan.accounts[int(found["label"])]
            if account in self.connections:
                self.api.sure("DELETE", target)
                continue
            self.connections[account] = found["id"]
            if account in self.strangers:
                self.api.sure("PATCH", target, {"key": self.keys[account]})
            self.revive(account, target,
                        self.api.sure("GET", target).json["connection"]["status"])

    def revive(self, account, target, status):
        """One trouble may hide another: a paused one's key may be dead."""
        for _ in range(4):
            if status == "active":
                return
            self.api.sure("PATCH", target, {"status": "active"}
                          if status == "paused" else
                          {"key": self.keys[account]})
            status = self.api.sure("GET", target).json["connection"]["status"]
        raise RuntimeError(f"{target} stays {status}")

    def ask_polls(self):
        for found in self.connections.values():
            self.api.sure("POST", f"/v1/connections/{found}/poll")
