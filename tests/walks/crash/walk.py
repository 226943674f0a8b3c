"""The walk: prepares scenes and has them played, many at once, while gateways
and pollers that nobody harms go on beside them."""

import queue
import random
import threading
import time
import uuid

from walks.crash.play import Player
from walks.crash.scene import KINDS, Scene
from walks.wire import call, provider_of, wait_until

USERS = 12
GATEWAYS = 3        # that go on,
POLLERS = 2         # one pass after another
WORKERS = 5         # scenes at once
BATCH = 48          # scenes prepared at once
WALK_WAIT = 120     # seconds for the walk itself,
KILL_WAIT = 1.5     # and for each of its kills
RESTART_EVERY = 125 # kills
RESTARTS = ("fast", "immediate")


class Walk:
    """The scenes, played."""

    def __init__(self, stack, plan, kills, ask_for_restart):
        self.stack, self.plan, self.wanted = stack, plan, kills
        self.simulator, self.database = stack.simulator, stack.database
        self.ask_for_restart = ask_for_restart
        self.tokens, self.accounts = {}, {}
        self.scenes = []        # played
        self.kills = self.playing = self.restarts = 0
        self.lock = threading.Lock()
        self.ready = queue.Queue()
        self.is_over, self.is_judged = threading.Event(), threading.Event()
        self.failure = None
        self.random = random.Random(plan.random.random())
        self.player = Player(stack, self.accounts, self.random, self.is_over)

    # -- before

    def open(self):
        for i in range(USERS):
            user = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
            self.tokens[user] = self.stack.new_token(user)
            self.database.sure(f"insert into auth.users (id) values ('{user}')")
            for provider in ("todoist", "linear", "attio"):
                key = ("lin_api_" if provider == "linear" else "sim-")
                key += f"{provider}{i:04}{self.random.getrandbits(64):016x}"
                self.accounts[user, provider] = key
                self.simulator.ask("POST", "/_sim/accounts",
                                   {"provider": provider, "token": key})
        for _ in range(GATEWAYS):
            self.player.rescuers.append(self.stack.gateway())
        for (user, provider), key in self.accounts.items():
            self.connect(user, provider, key)
        for _ in range(POLLERS):
            threading.Thread(target=self.go_on_polling, daemon=True).start()

    def go_on_polling(self):
        """As a timer would start it, but more often."""
        while not self.is_judged.is_set():
            self.stack.poll()
            self.is_judged.wait(2)

    def connect(self, user, provider, key):
        answer = call(self.player.rescuers[0].socket, self.tokens[user], "POST",
                      "/v1/connections",
                      {"type": provider, "label": provider, "key": key})
        if answer.status != 201:
            raise RuntimeError(f"a connection is refused: {answer.json}")

    def prepare(self, scenes):
        """Their items, and tasks of them: polled and imported as a user would.
        Gives those that are ready; connections of dead pollers take longer."""
        for s in scenes:
            if s.source_id:
                continue
            users = list(self.tokens)
            s.user = users[s.number % len(users)]
            s.token = self.tokens[s.user]
            provider = provider_of(s.kind)
            item = {"provider": provider, "title": s.title,
                    "account": self.accounts[s.user, provider]}
            if s.kind == "recurring":
                item["recurring"] = "every day"
            made = self.simulator.ask("POST", "/_sim/items", item)
            s.source_id = made["items"][0]["id"]
        self.database.sure("update gateway.connections set next_poll_at = now()")
        self.stack.poll()
        ids = ",".join(f"'{s.source_id}'" for s in scenes)
        inbox = {r["source_id"]: r["id"] for r in self.database.rows(
            f"select id, source_id from gateway.inbox_items where source_id in ({ids})")}
        for s in scenes:
            if s.source_id in inbox:
                call(self.player.rescuer(), s.token, "POST",
                     f"/v1/inbox/{inbox[s.source_id]}/import")
        tasks = {r["source_id"]: r for r in self.database.rows(
            "select id, source_id, connection_id from tasks "
            f"where source_id in ({ids})")}
        ready = [s for s in scenes if s.source_id in tasks]
        for s in ready:
            s.task = tasks[s.source_id]["id"]
            s.connection = tasks[s.source_id]["connection_id"]
        return ready

    # -- all of them

    def work(self):
        try:
            while not self.is_over.is_set() and self.kills < self.wanted:
                with self.lock:
                    # who is at it may all succeed
                    may = self.kills + self.playing < self.wanted
                    self.playing += may
                if may:
                    self.play_one()
                else:
                    time.sleep(0.02)
        except Exception as error:  # the walk is worth nothing then
            self.failure = self.failure or error
            self.is_over.set()
            raise

    def play_one(self):
        s = None
        try:
            s = self.ready.get(timeout=0.5)
            self.player.play(s)
        except queue.Empty:
            pass
        finally:
            with self.lock:
                self.playing -= 1
                if s:
                    self.scenes.append(s)
                    self.kills += self.is_kill(s)

    def is_kill(self, s):
        return s.is_hit and s.how == "kill" and s.row in self.plan.points.all

    def go(self):
        workers = [threading.Thread(target=self.work) for _ in range(WORKERS)]
        allowed = WALK_WAIT + KILL_WAIT * self.wanted
        deadline = time.monotonic() + allowed
        for worker in workers:
            worker.start()
        waiting = []
        try:
            while self.kills < self.wanted and not self.is_over.is_set():
                if time.monotonic() >= deadline:
                    raise RuntimeError(
                        f"only {self.kills} kills in {allowed:.0f} s")
                if self.kills >= min(RESTART_EVERY, self.wanted // 2) * (
                        self.restarts + 0.5):
                    self.restart()
                if self.ready.qsize() < BATCH:
                    while len(waiting) < BATCH:
                        waiting.append(self.plan.next())
                    for s in self.prepare(waiting):
                        waiting.remove(s)
                        self.ready.put(s)
                else:
                    time.sleep(0.2)
        finally:
            self.is_over.set()
            for worker in workers:
                worker.join(90)
        if self.failure:
            raise self.failure

    def restart(self):
        how = RESTARTS[self.restarts % len(RESTARTS)]
        self.restarts += 1
        scenes = []
        for i in range(8):
            self.plan.number += 1
            scenes.append(Scene(self.plan.number, "db_" + how,
                                KINDS[i % len(KINDS)], "complete", "restart"))
        if wait_until(20, lambda: len(self.prepare(scenes)) == len(scenes), 0.3):
            self.player.play_restart(scenes, lambda: self.ask_for_restart(how))
            with self.lock:
                self.scenes += scenes
