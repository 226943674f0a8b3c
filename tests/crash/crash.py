"""The killing test: processes die at every crash point, connections are cut, the
database is restarted, and afterwards both sides are held against the promises.

Started by run.sh, which brings PostgreSQL, PgBouncer and the simulator. Only the
standard library; nothing here knows how the gateway works inside, but for the
names of its crash points and the shape of its tables.

Words: a *victim* is a program that is to die, a *rescuer* one that goes on, a
*scene* is one task with what is done to it, *trouble* is what the scene is about:
a crash point's name, or net_reset, net_blackhole, late_settle, db_restart.
"""

import argparse
import collections
import datetime
import http.client
import json
import os
import queue
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid

USERS = 12
WORKERS = 4         # scenes at once
BATCH = 48          # scenes prepared at once
SETTLE_WAIT = 60    # seconds for every writeback to end: promise 2
WALK_WAIT = 60      # seconds for the walk itself,
KILL_WAIT = 0.5     # and for each of its kills
KINDS = ("todoist", "recurring", "linear", "attio")
WISHES = ("complete", "uncomplete")
# Of a hundred scenes beside those of the crash points.
EXTRAS = (("net_reset", 9), ("net_blackhole", 5), ("late_settle", 3))
RESTARTS = 3
# Not a crash point: a victim whose call does not pass the wanted point is killed
# at some moment of it.
ANY_MOMENT = "any_moment"
# What a rollback restores, as columns of a task; with before_, of a writeback.
RESTORED = ("status", "completed_at", "completed_by", "completion_reason")


def provider_of(kind):
    return "todoist" if kind == "recurring" else kind


def other(wish):
    return "uncomplete" if wish == "complete" else "complete"


def wait_until(seconds, condition, pause=0.02):
    """True as soon as the condition is."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True


# --- FastCGI ------------------------------------------------------------------
# A client of one request per connection, as nginx would send it.

BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


def fcgi_record(kind, content):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def fcgi_length(n):
    return struct.pack("!B", n) if n < 128 else struct.pack("!I", n | 1 << 31)


def fcgi_request(params, body):
    pairs = b""
    for name, value in params.items():
        name, value = name.encode(), value.encode()
        pairs += fcgi_length(len(name)) + fcgi_length(len(value)) + name + value
    out = fcgi_record(BEGIN_REQUEST, struct.pack("!HB5x", 1, 0))
    out += fcgi_record(PARAMS, pairs) + fcgi_record(PARAMS, b"")
    if body:
        out += fcgi_record(STDIN, body)
    return out + fcgi_record(STDIN, b"")


def fcgi_answer(sock):
    """The bytes of STDOUT; None if the peer went away before the end."""
    stream, out = sock.makefile("rb"), b""
    while True:
        head = stream.read(8)
        if len(head) < 8:
            return None
        _, kind, _, length, padding, _ = struct.unpack("!BBHHBB", head)
        content = stream.read(length + padding)
        if len(content) < length + padding:
            return None
        if kind == STDOUT:
            out += content[:length]
        elif kind == END_REQUEST:
            return out


class Answer:
    """Of a gateway; status 0 when there was none."""

    def __init__(self, raw=None):
        self.status, self.json = 0, {}
        if not raw:
            return
        head, _, body = raw.partition(b"\r\n\r\n")
        found = re.match(rb"Status: (\d+)", head)
        self.status = int(found.group(1)) if found else 0
        try:
            self.json = json.loads(body)
        except ValueError:
            pass

    @property
    def writeback(self):
        found = self.json.get("writeback") if isinstance(self.json, dict) else None
        return found or {}


def call(path, token, method, target, prefer="", timeout=15):
    """One API call through the socket at path."""
    params = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": target, "QUERY_STRING": "",
        "CONTENT_TYPE": "", "CONTENT_LENGTH": "0", "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_ID": uuid.uuid4().hex, "HTTP_AUTHORIZATION": "Bearer " + token,
    }
    if prefer:
        params["HTTP_PREFER"] = prefer
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect(path)
            sock.sendall(fcgi_request(params, b""))
            return Answer(fcgi_answer(sock))
        except OSError:
            return Answer()


# --- the simulator ------------------------------------------------------------


class Simulator:
    """Its control calls. One kept connection per thread."""

    def __init__(self, url):
        self.url = url
        self.host, self.port = re.fullmatch(r"http://(.*):(\d+)", url).groups()
        self.port = int(self.port)
        self.kept = threading.local()

    def ask(self, method, path, value=None):
        body = None if value is None else json.dumps(value)
        for _ in range(2):  # a kept connection may have been closed
            if getattr(self.kept, "conn", None) is None:
                self.kept.conn = http.client.HTTPConnection(
                    self.host, self.port, timeout=20)
            try:
                self.kept.conn.request(method, path, body)
                answer = self.kept.conn.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                self.kept.conn.close()
                self.kept.conn = None
                continue
            if answer.status >= 300:
                raise RuntimeError(f"simulator: {method} {path}: {text.decode()}")
            return json.loads(text or b"null")
        raise RuntimeError(f"simulator: {method} {path}: no answer")

    def fault(self, kind, item, **more):
        self.ask("POST", "/_sim/faults", {
            "kind": kind, "provider": provider_of(item.kind),
            "item": item.source_id, "times": 1, **more})

    def change(self, scene, **what):
        provider = provider_of(scene.kind)
        self.ask("PATCH", f"/_sim/items/{provider}/{scene.source_id}", what)

    def requests(self, since=0, query=""):
        return self.ask("GET", f"/_sim/requests?since={since}{query}")

    def items(self):
        found = {}
        for provider in ("todoist", "linear", "attio"):
            for item in self.ask("GET", f"/_sim/items?provider={provider}")["items"]:
                found[provider, item["id"]] = item
        return found


def items_of(entry):
    """The ids of a request's items."""
    found = {entry.get("item")}
    for one in entry.get("items") or []:
        found.add(one)
    for command in entry.get("commands") or []:
        found.add(command.get("id"))
    return found - {None}


# --- the database -------------------------------------------------------------


class Database:
    """psql, past the pooler, as the gateway's role."""

    def __init__(self, stack, port):
        self.command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                        "-h", f"{stack}/pg", "-p", str(port), "-U", "flowpin",
                        "-d", "flowpin"]

    def run(self, sql):
        """The rows as text; None when the database is away."""
        done = subprocess.run(self.command, input=sql.encode(), timeout=30,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode == 2:  # psql's: the connection went bad
            return None
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.decode()}")
        return done.stdout.decode().splitlines()

    def sure(self, sql):
        """As run, and waits for the database."""
        deadline = time.monotonic() + 30
        while True:
            rows = self.run(sql)
            if rows is not None:
                return rows
            if time.monotonic() >= deadline:
                raise RuntimeError("the database stays away")
            time.sleep(0.05)

    def rows(self, sql):
        return [json.loads(row) for row in
                self.sure(f"select row_to_json(r) from ({sql}) r")]


def seconds(text):
    """A timestamp of PostgreSQL's JSON as seconds since 1970."""
    if text is None:
        return None
    return datetime.datetime.fromisoformat(text).timestamp()


# --- a relay that can be cut --------------------------------------------------


class Relay:
    """Between one program and what it talks to. subclass: what goes wrong."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.is_open = True
        self.happened_at = None  # when it went wrong for the first time
        self.connections = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.is_open:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self.carry, args=(client, number),
                             daemon=True).start()

    def carry(self, client, number):
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            client.close()
            return
        sides = {client: server, server: client}
        passed = {client: 0, server: 0}
        try:
            while self.is_open:
                ready, _, _ = select.select(list(sides), [], [], 0.2)
                for side in ready:
                    data = side.recv(65536)
                    if not data:
                        return
                    data = self.filter(client, number, side is client,
                                       passed[side], data)
                    if data is None:
                        return
                    passed[side] += len(data)
                    sides[side].sendall(data)
        except OSError:
            pass
        finally:
            client.close()
            server.close()

    def filter(self, client, number, is_upward, passed, data):
        """What to pass on of data; None: this connection is over."""
        return data

    def close(self):
        self.is_open = False
        # wakes accept(), which close() alone would not
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


class CutRelay(Relay):
    """Its first connections end, or fall silent, at a certain byte."""

    def __init__(self, host, port, how, is_upward, at_byte, connections):
        self.how, self.cut_upward = how, is_upward
        self.at_byte, self.cut_connections = at_byte, connections
        super().__init__(host, port)

    def filter(self, client, number, is_upward, passed, data):
        if (number > self.cut_connections or is_upward != self.cut_upward
                or passed + len(data) <= self.at_byte):
            return data
        if self.happened_at is None:
            self.happened_at = time.time()
        if self.how == "net_blackhole":
            # neither an answer nor an end, until the program gives up
            wait_until(20, lambda: not self.is_open or is_hung_up(client), 0.05)
            return None
        # RST instead of FIN
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
        return None


def is_hung_up(sock):
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return bool(poll.poll(0))


class HoldingRelay(Relay):
    """Between a gateway and the pooler: keeps back the statement that settles."""

    MARK = b"tasks_locked"  # only in sql/queries/writeback_settle.sql

    def __init__(self, host, port):
        self.held, self.released = threading.Event(), threading.Event()
        super().__init__(host, port)

    def filter(self, client, number, is_upward, passed, data):
        if is_upward and self.MARK in data and not self.held.is_set():
            self.happened_at = time.time()
            self.held.set()
            self.released.wait(9)
        return data


# --- programs -----------------------------------------------------------------


class Stack:
    """What run.sh started, and how to start more."""

    def __init__(self, args):
        self.dir, self.programs = args.stack, args.programs
        self.conf = f"{args.stack}/flowpin.conf"
        self.simulator = Simulator(args.simulator)
        self.database = Database(args.stack, args.postgres_port)
        with open(self.conf, encoding="utf-8") as file:
            self.pooled = re.search(r"^database_url = (.*)$", file.read(),
                                    re.MULTILINE).group(1)
        self.number = 0
        self.lock = threading.Lock()
        self.children = set()
        self.run_dir = f"{args.stack}/victims"
        os.mkdir(self.run_dir)

    def start(self, name, *options, **settings):
        """A program that ends with the thread that started it, at the latest."""
        with self.lock:
            self.number += 1
            number = self.number
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("FLOWPIN_", "PG"))}
        for key, value in settings.items():
            env["FLOWPIN_" + key.upper()] = str(value)
        with open(f"{self.run_dir}/log.{number}", "wb") as log:
            child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--",
                 f"{self.programs}/{name}", "--config", self.conf, *options],
                env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        child.number = number
        with self.lock:
            self.children.add(child)
        return child

    def gateway(self, **settings):
        """A gateway that takes calls at child.socket; None: it died at once."""
        path = f"{self.run_dir}/{uuid.uuid4().hex[:8]}"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            child = self.start("flowpin-gateway", socket=path, **settings)
            child.socket = path
            while child.poll() is None and time.monotonic() < deadline:
                if os.path.exists(path):
                    return child
                time.sleep(0.004)
            if child.returncode == -signal.SIGKILL:
                self.gone(child)
                return None
            self.gone(child)  # the database is away, perhaps
            time.sleep(0.1)
        raise RuntimeError("a gateway does not start:\n" + self.log(child))

    def end(self, child, how=signal.SIGKILL, seconds=4):
        if child.poll() is None:
            child.send_signal(how)
            try:
                child.wait(seconds)
            except subprocess.TimeoutExpired:
                child.kill()
        self.gone(child)

    def gone(self, child):
        child.wait()
        with self.lock:
            self.children.discard(child)
        if getattr(child, "socket", None) and os.path.exists(child.socket):
            os.unlink(child.socket)

    def end_all(self):
        for child in list(self.children):
            self.end(child)

    def log(self, child):
        with open(f"{self.run_dir}/log.{child.number}", encoding="utf-8",
                  errors="replace") as file:
            return file.read()[-2000:]

    def poll(self, *options, **settings):
        """A pass of the poller, to its end."""
        child = self.start("flowpin-poller", *options, **settings)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            pass
        status = child.poll()
        self.end(child)
        return status


# --- scenes -------------------------------------------------------------------


class Scene:
    """One task and what is done to it."""

    def __init__(self, number, trouble, kind, wish):
        self.number, self.trouble = number, trouble
        self.kind, self.wish = kind, wish
        self.title = f"scene {number}"
        self.nth = 1            # the point kills at this passing of it
        self.is_async = False
        self.is_pair = False    # the opposite wish is sent, too
        self.is_triple = False  # and then the first one again
        self.is_advanced = False  # the occurrence was done before the call
        self.is_sweeping = False  # the victim takes up others' writebacks, too
        self.fault = None
        self.delay = 0.0        # until a kill at any moment
        self.cut = None         # how a relay cuts: upward, byte, connections
        # learnt on the way
        self.user = self.token = self.connection = None
        self.task = self.source_id = None
        self.row = trouble      # of the table
        self.is_killed = False
        self.hit_at = None      # when it was killed or cut
        self.called_at = None
        self.is_inbound = False
        self.answers = []

    def story(self):
        named = ("trouble", "row", "kind", "wish", "nth", "is_async", "is_pair",
                 "is_triple", "is_advanced", "is_sweeping", "fault", "cut", "is_killed",
                 "hit_at", "called_at", "task", "source_id")
        return ", ".join(f"{n}={getattr(self, n)}" for n in named)


def crash_points(source):
    """The names in the sources, gateways' and pollers'; none is forgotten."""
    gateways, pollers = set(), set()
    for folder, _, names in os.walk(source):
        for name in names:
            if not name.endswith(".c") or name == "crash.c":
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
            room = pollers if os.path.basename(folder) == "poller" else gateways
            for args in re.findall(r"crash_point\(([^;]*)\);", text):
                room.update(re.findall(r'"(\w+)"', args))
    return sorted(gateways), sorted(pollers)


class Plan:
    """Scenes without end; the same seed gives the same ones."""

    def __init__(self, seed, gateways, pollers):
        self.random = random.Random(seed)
        self.gateways, self.pollers = gateways, pollers
        self.number = 0
        self.waiting = []

    def next(self):
        if not self.waiting:
            self.waiting = self.round()
        return self.waiting.pop()

    def round(self):
        """Every point with every kind and wish, and some extras."""
        scenes = []
        for point in self.gateways + self.pollers:
            for kind in KINDS:
                for wish in WISHES:
                    scenes.append((point, kind, wish))
        for trouble, share in EXTRAS:
            for _ in range(round(len(scenes) * share / 100)):
                scenes.append((trouble, self.random.choice(KINDS),
                               self.random.choice(WISHES)))
        self.random.shuffle(scenes)
        return [self.scene(*scene) for scene in scenes]

    def scene(self, trouble, kind, wish):
        pick = self.random
        self.number += 1
        s = Scene(self.number, trouble, kind, wish)
        s.delay = pick.uniform(0, 0.06)
        if trouble in self.pollers:
            s.is_inbound = True
            # what a reopened occurrence is, no poll can tell
            if kind == "recurring":
                s.wish = "complete"
        elif trouble in self.gateways:
            self.vary(s)
        elif trouble == "late_settle" and kind == "recurring":
            s.kind = "todoist"
        elif trouble.startswith("net_"):
            is_upward = pick.random() < 0.5
            most = 1400 if is_upward or kind in ("linear", "recurring") else 500
            s.cut = (is_upward, pick.randrange(most), pick.choice((1, 1, 2, 9)))
            s.is_async = pick.random() < 0.3
            s.is_pair = pick.random() < 0.3
        return s

    def vary(self, s):
        pick = self.random
        s.is_async = pick.random() < 0.3
        s.is_pair = pick.random() < 0.2
        s.is_sweeping = pick.random() < 0.1
        s.is_advanced = (s.kind == "recurring" and s.wish == "complete"
                         and pick.random() < 0.3)
        s.fault = pick.choice((None,) * 4 + (
            "reset_after", "reset_before", "delay", "delay_after", "status",
            "status twice", "refuse", "refuse second"))
        if "claim" in s.trouble:
            # passed only by a call that waits for another one of its task
            s.is_pair, s.is_async, s.is_advanced = True, False, False
            s.is_triple = pick.random() < 0.3
            s.fault = pick.choice(("delay", "delay", "delay", "slow refuse",
                                   "slow refuse twice"))
            s.nth = pick.randrange(1, 12)
        elif "question" in s.trouble and s.kind in ("todoist", "attio"):
            # asked only when something was unclear
            s.fault = pick.choice(("reset_after", "reset_before", "status",
                                   "delay_after"))
        elif "provider_call" in s.trouble and s.kind == "linear":
            s.nth = pick.choice((1, 2, 2, 3))  # Linear's questions are POSTs


class Walk:
    """The scenes, played."""

    def __init__(self, stack, plan, kills, ask_for_restart):
        self.stack, self.plan, self.wanted = stack, plan, kills
        self.simulator, self.database = stack.simulator, stack.database
        self.ask_for_restart = ask_for_restart
        self.tokens, self.accounts = {}, {}
        self.rescuers = []
        self.scenes = []        # played
        self.kills = self.playing = 0
        self.lock = threading.Lock()
        self.ready = queue.Queue()
        self.is_over = threading.Event()
        self.failure = None
        self.random = random.Random(plan.random.random())

    # -- before

    def open(self):
        for i in range(USERS):
            user = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
            self.tokens[user] = subprocess.run(
                [f"{self.stack.programs}/flowpinctl", "--config", self.stack.conf,
                 "token", user, "--life", "7200"], check=True, timeout=20,
                stdout=subprocess.PIPE).stdout.decode().strip()
            for provider in ("todoist", "linear", "attio"):
                key = ("lin_api_" if provider == "linear" else "sim-")
                key += f"{provider}{i:04}{self.random.getrandbits(64):016x}"
                self.accounts[user, provider] = key
                self.simulator.ask("POST", "/_sim/accounts",
                                   {"provider": provider, "token": key})
        for _ in range(2):
            self.rescuers.append(self.stack.gateway())
        for (user, provider), key in self.accounts.items():
            self.connect(user, provider, key)

    def connect(self, user, provider, key):
        body = json.dumps({"type": provider, "name": provider, "key": key}).encode()
        params = {"REQUEST_METHOD": "POST", "SCRIPT_NAME": "/v1/connections",
                  "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
                  "CONTENT_LENGTH": str(len(body)),
                  "HTTP_AUTHORIZATION": "Bearer " + self.tokens[user]}
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(15)
            sock.connect(self.rescuers[0].socket)
            sock.sendall(fcgi_request(params, body))
            answer = Answer(fcgi_answer(sock))
        if answer.status != 201:
            raise RuntimeError(f"a connection is refused: {answer.json}")

    def rescuer(self):
        return self.random.choice(self.rescuers).socket

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
        self.database.sure("update integrations set next_poll_at = now()")
        self.stack.poll()
        titles = ",".join(f"'{s.title}'" for s in scenes)
        inbox = {r["title"]: r["id"] for r in self.database.rows(
            f"select id, title from inbox_items where title in ({titles})")}
        for s in scenes:
            if s.title in inbox:
                call(self.rescuer(), s.token, "POST",
                     f"/v1/inbox/{inbox[s.title]}/import")
        tasks = {r["title"]: r for r in self.database.rows(
            "select id, title, connection_id from tasks "
            f"where title in ({titles})")}
        ready = [s for s in scenes if s.title in tasks]
        for s in ready:
            s.task = tasks[s.title]["id"]
            s.connection = tasks[s.title]["connection_id"]
        return ready

    # -- calls

    def send(self, s, path, wish, is_async=False):
        answer = call(path, s.token, "POST", f"/v1/tasks/{s.task}/{wish}",
                      "respond-async" if is_async else "")
        if answer.writeback.get("id"):
            s.answers.append(answer)
        return answer

    def send_behind(self, s, path, wish, is_async=False):
        thread = threading.Thread(target=self.send, args=(s, path, wish, is_async))
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
            "select count(*) from writebacks where settled_at is null "
            f"and task_id = '{s.task}'") == ["0"]

    def is_writing(self, s):
        """Is a write of the scene's item under way?"""
        query = f"&provider={provider_of(s.kind)}&write=1&account="
        query += urllib.parse.quote(self.accounts[s.user, provider_of(s.kind)])
        return any(entry["status"] is None and s.source_id in items_of(entry)
                   for entry in self.simulator.requests(0, query)["requests"])

    def set_fault(self, s):
        refused = ({"kind": "success_false"} if s.kind == "linear"
                   else {"kind": "status", "status": 400})
        faults = {
            "reset_after": [{"kind": "reset_after"}],
            "reset_before": [{"kind": "reset_before"}],
            "delay": [{"kind": "delay", "delay_ms": 300}],
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

    # -- scenes

    def play(self, s):
        if s.wish == "uncomplete":
            self.complete_first(s)
        if s.is_advanced:
            self.simulator.change(s, advance=True)
        if s.is_inbound:
            self.play_poller(s)
        elif s.trouble.startswith("net_"):
            self.play_cut(s)
        elif s.trouble == "late_settle":
            self.play_late(s)
        else:
            self.play_victim(s)

    def play_victim(self, s):
        point = s.trouble + (f":{s.nth}" if s.nth > 1 else "")
        victim = self.stack.gateway(
            crash_at=point, sweep_ms=60 if s.is_sweeping else 600000)
        if victim is None:  # it died while it rescued another
            self.killed(s)
            return
        if s.fault:
            self.set_fault(s)
        s.called_at = time.time()
        if "claim" in s.trouble:
            self.play_second(s, victim)
        else:
            self.play_first(s, victim)

    def play_first(self, s, victim):
        thread = self.send_behind(s, victim.socket, s.wish, s.is_async)
        second = None
        if s.is_pair:
            # at once, through another gateway; the first must have begun
            wait_until(0.5, lambda: not thread.is_alive() or self.has_begun(s), 0.01)
            second = self.send_behind(s, self.rescuer(), other(s.wish))
        self.await_death(s, victim, thread)
        for one in filter(None, (thread, second)):
            one.join(20)

    def has_begun(self, s):
        return self.database.run(
            f"select count(*) from writebacks where task_id = '{s.task}' "
            f"and wish = '{s.wish}' and created_at >= to_timestamp({s.called_at})"
        ) == ["1"]

    def play_second(self, s, victim):
        """The wish goes through a rescuer and takes its time; what dies is the
        opposite wish's call, which waits for it."""
        first = self.send_behind(s, self.rescuer(), s.wish)
        wait_until(1, lambda: not first.is_alive() or self.is_writing(s))
        thread = self.send_behind(s, victim.socket, other(s.wish))
        threads = [first, thread]
        if s.is_triple:
            wait_until(0.3, lambda: self.is_queued(s), 0.01)
            threads.append(self.send_behind(s, self.rescuer(), s.wish))
        self.await_death(s, victim, thread)
        for one in threads:
            one.join(20)

    def is_queued(self, s):
        return self.database.run(
            f"select count(*) from writebacks where task_id = '{s.task}' "
            "and state = 'queued'") == ["1"]

    def await_death(self, s, victim, thread):
        """Until the victim died, or the call is through and it will not."""
        deadline = time.monotonic() + 6
        ended = None
        while victim.poll() is None and time.monotonic() < deadline:
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
        if victim.poll() == -signal.SIGKILL:
            self.killed(s)
        else:
            s.row = ANY_MOMENT
            s.hit_at = time.time()
        self.stack.end(victim)

    @staticmethod
    def can_pass(s):
        """Linear has no question that is a GET."""
        return not (s.kind == "linear" and s.trouble.endswith("question"))

    def killed(self, s):
        s.is_killed = True
        s.hit_at = time.time()

    def play_poller(self, s):
        """Something happens at the provider, and the poller that sees it dies."""
        if s.kind == "recurring":
            self.simulator.change(s, advance=True)
        elif s.wish == "complete":
            self.simulator.change(s, state="completed")
        else:
            self.simulator.change(s, state="open")
        s.called_at = time.time()
        for _ in range(12):  # another poller has the connection at the moment
            status = self.stack.poll("--connection", s.connection,
                                     crash_at=s.trouble)
            if status == -signal.SIGKILL:
                self.killed(s)
                return
            if self.is_over.is_set():
                break
            time.sleep(0.3)
        s.row = ANY_MOMENT

    def play_cut(self, s):
        relay = CutRelay(self.simulator.host, self.simulator.port, s.trouble, *s.cut)
        url = f"http://127.0.0.1:{relay.port}"
        gateway = self.stack.gateway(todoist_url=url, linear_url=url,
                                     attio_url=url, sweep_ms=600000)
        s.called_at = time.time()
        thread = self.send_behind(s, gateway.socket, s.wish, s.is_async)
        if s.is_pair:
            wait_until(0.5, lambda: not thread.is_alive() or self.has_begun(s), 0.01)
            self.send(s, self.rescuer(), other(s.wish))
        thread.join(20)
        if s.is_async:
            wait_until(3, lambda: self.is_settled(s), 0.05)
        s.hit_at = relay.happened_at or time.time()
        s.is_killed = relay.happened_at is not None
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
            s.is_killed = wait_until(
                8, lambda: self.is_taken_over(s) and self.is_writing(s), 0.03)
        relay.released.set()
        s.hit_at = relay.happened_at or time.time()
        thread.join(20)
        self.stack.end(gateway, signal.SIGTERM)
        relay.close()

    def is_taken_over(self, s):
        return self.database.run(
            "select count(*) from writebacks where state = 'sending' "
            f"and generation > 1 and task_id = '{s.task}'") == ["1"]

    def play_restart(self, scenes):
        """The database goes away and comes back under load."""
        threads = []
        restart = threading.Thread(target=self.ask_for_restart)
        for i, s in enumerate(scenes):
            s.called_at = time.time()
            threads.append(self.send_behind(s, self.rescuer(), s.wish, i % 3 == 0))
            if i == len(scenes) // 2:
                restart.start()
            time.sleep(self.random.uniform(0, 0.04))
        restart.join(60)
        self.database.sure("select 1")
        for s, thread in zip(scenes, threads):
            thread.join(30)
            s.hit_at = time.time()
            self.scenes.append(s)
        scenes[0].is_killed = True  # one restart

    # -- all of them

    def work(self):
        try:
            while True:
                with self.lock:
                    if self.is_over.is_set() or self.kills >= self.wanted:
                        return
                    # who is at it may all succeed
                    may = self.kills + self.playing < self.wanted
                    if may:
                        self.playing += 1
                if not may:
                    time.sleep(0.02)
                    continue
                s = None
                try:
                    s = self.ready.get(timeout=0.5)
                    self.play(s)
                except queue.Empty:
                    pass
                finally:
                    with self.lock:
                        self.playing -= 1
                        if s:
                            self.scenes.append(s)
                        if s and s.is_killed and self.is_point(s):
                            self.kills += 1
        except Exception as error:  # the walk is worth nothing then
            self.failure = self.failure or error
            self.is_over.set()
            raise

    def is_point(self, s):
        return s.row in self.plan.gateways or s.row in self.plan.pollers

    def go(self):
        workers = [threading.Thread(target=self.work) for _ in range(WORKERS)]
        allowed = WALK_WAIT + KILL_WAIT * self.wanted
        deadline = time.monotonic() + allowed
        for worker in workers:
            worker.start()
        waiting, restarts = [], 0
        try:
            while self.kills < self.wanted and not self.is_over.is_set():
                if time.monotonic() >= deadline:
                    raise RuntimeError(
                        f"only {self.kills} kills in {allowed:.0f} s")
                if (restarts < RESTARTS and self.kills * (RESTARTS + 1)
                        >= self.wanted * (restarts + 1)):
                    restarts += 1
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
                worker.join(60)
        if self.failure:
            raise self.failure
        self.restarts = restarts

    def restart(self):
        scenes = []
        for i in range(8):
            self.plan.number += 1
            scenes.append(Scene(self.plan.number, "db_restart",
                                KINDS[i % len(KINDS)], "complete"))
        if wait_until(20, lambda: len(self.prepare(scenes)) == len(scenes), 0.3):
            self.play_restart(scenes)


# --- judging ------------------------------------------------------------------


class Judge:
    """Holds what is left against the promises. Each check is a sentence with the
    scenes (or rows) for which it does not hold."""

    def __init__(self, walk):
        self.walk, self.stack = walk, walk.stack
        self.simulator, self.database = walk.simulator, walk.database
        self.checks = []  # (sentence, failures): each a (task or None, words)
        self.lost, self.twice, self.wrong = set(), set(), set()
        self.recovery = {}
        self.told = set()

    def check(self, sentence, failures, count=None):
        """count: the set that the failures' tasks or words are counted in."""
        failures = list(failures)
        self.checks.append((sentence, failures))
        if count is not None:
            count.update(failures)

    def load(self):
        self.tasks = {t["id"]: t for t in self.database.rows("table tasks")}
        self.rows = collections.defaultdict(list)
        for row in self.database.rows(
                "select * from writebacks order by task_id, task_version"):
            self.rows[row["task_id"]].append(row)
        self.audit = self.database.rows("select * from crash_audit order by id")
        self.by_xact = collections.defaultdict(list)
        for entry in self.audit:
            self.by_xact[entry["xact"]].append(entry)
        self.changes = collections.defaultdict(list)
        for entry in self.audit:
            if entry["what"] == "tasks":
                self.changes[entry["row_id"]].append(entry)
        self.items = self.simulator.items()
        self.log = collections.defaultdict(list)
        for entry in self.simulator.requests()["requests"]:
            for item in items_of(entry):
                self.log[entry["provider"], item].append(entry)
        self.scenes = {s.task: s for s in self.walk.scenes if s.task}

    def item_of(self, task):
        return self.items[task["source"], task["source_id"]]

    @staticmethod
    def is_done(item):
        """One task stands for one occurrence."""
        if item.get("recurring"):
            return item["occurrences_done"] > 0
        return item["state"] == "completed"

    # -- promise 2

    def await_end(self):
        begun = time.monotonic()

        def are_ended():
            return self.database.sure("select count(*) from writebacks "
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

    # -- promise 1

    def check_together(self):
        alone, bare = [], []
        for e in self.audit:
            others = self.by_xact[e["xact"]]
            if e["what"] == "tasks" and e["op"] == "update":
                if (e["was"]["status"] != e["became"]["status"]
                        and not self.is_explained(e, others)):
                    alone.append((e["row_id"], "its status changed alone, to "
                                  f"version {e['became']['version']}"))
            elif e["what"] == "writebacks" and e["op"] == "insert":
                row = e["became"]
                if not any(o["what"] == "tasks" and o["op"] == "update"
                           and o["row_id"] == row["task_id"]
                           and o["became"]["version"] == row["task_version"]
                           for o in others):
                    bare.append((row["task_id"], f"writeback {row['id']} came "
                                 "without a change of its task"))
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

    # -- promises 5 and 7

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
                done = item["occurrences_done"]
                # one task is one occurrence, however often it is reopened
                if done > min(wishes, 1) or done < 0:
                    twice.append((task["id"], f"{done} occurrences were done "
                                  f"for {wishes} accepted wishes"))
            effective = sum(e["applied"] for e in writes)
            if effective > len(rows):
                twice.append((task["id"], f"{effective} writes had an effect "
                              f"for {len(rows)} wishes"))
            if s and not s.is_pair and not s.trouble.startswith("net_"):
                again += self.resent(task, s, writes)
        self.check("nothing was done twice", twice, self.twice)
        self.check("nothing that was applied was sent again unread", again,
                   self.twice)

    def resent(self, task, s, writes):
        """A write after one that was applied, without a look in between. Only of
        scenes with a single wish since the victim was called."""
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

    # -- promises 3 and 4

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
            is_fulfilled = self.is_done(self.item_of(task)) == (
                last["wish"] == "complete")
            if last["state"] == "accepted" and not is_fulfilled:
                wrong.append((task["id"], f"writeback {last['id']} is accepted "
                              "and its item is not so"))
            # a refused wish may have been true before: then what was restored
            # must be as the item is
            if (last["state"] == "rolled_back" and is_fulfilled
                    and last["before_status"] != (
                        "completed" if last["wish"] == "complete" else "active")):
                wrong.append((task["id"], f"writeback {last['id']} is rolled back "
                              "and its item is as wished"))
        self.check("outcomes agree with the items", wrong, self.wrong)
        self.check("rollbacks restored what was there", self.misrestored(),
                   self.wrong)

    def misrestored(self):
        for e in self.audit:
            if (e["what"] != "writebacks" or e["op"] == "insert"
                    or (e["became"] or {}).get("state") != "rolled_back"
                    or e["was"]["state"] == "rolled_back"):
                continue
            row = e["became"]
            changes = [o for o in self.by_xact[e["xact"]]
                       if o["what"] == "tasks" and o["row_id"] == row["task_id"]]
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
                if said.get("outcome") in (None, "open"):
                    continue
                if states.get(said["id"]) != said["outcome"]:
                    wrong.append((s.task, f"{said['id']} was answered as "
                                  f"{said['outcome']}, and is "
                                  f"{states.get(said['id'])}"))
        self.check("no caller was told what did not hold", wrong)

    # -- promise 12

    def poll_twice(self):
        failures = []
        for _ in range(2):
            connections = self.database.rows("select id from integrations")
            # a dead poller's lease must end first; then due or not
            left = {c["id"] for c in connections}
            deadline = time.monotonic() + 30
            while left and time.monotonic() < deadline:
                since = self.database.sure("select now()")[0]
                self.database.sure("update integrations set next_poll_at = now()")
                self.stack.poll(poll_interval_ms=600000, poll_lease_ms=20000)
                left -= {r["connection_id"] for r in self.database.rows(
                    "select connection_id from poll_runs where outcome = "
                    f"'complete' and started_at >= '{since}'")}
                if left:
                    time.sleep(0.3)
            failures += [(None, f"connection {c} cannot be polled") for c in left]
        self.check("every connection can be polled in the end", failures)

    def check_agreement(self):
        failures = []
        for task in self.tasks.values():
            item = self.item_of(task)
            if (task["status"] == "completed") != self.is_done(item):
                failures.append((task["id"], f"is {task['status']}, its item "
                                 f"{item['state']} (occurrences: "
                                 f"{item.get('occurrences_done')})"))
        self.check("both sides agree after two polls", failures)
        inbound = []
        for s in self.walk.scenes:
            allowed = 1 if s.wish == "uncomplete" else 0
            if s.is_inbound and len(self.rows[s.task]) > allowed:
                inbound.append((s.task, "what happened at the provider was "
                                "written back"))
        self.check("nothing inbound was written back", inbound)

    def check_walk(self):
        points = self.walk.plan.gateways + self.walk.plan.pollers
        killed = collections.Counter(s.row for s in self.walk.scenes
                                     if s.is_killed)
        missing = []
        # below two rounds chance may leave one out
        if self.walk.wanted >= 250:
            missing = [(None, f"nothing died at {p}") for p in points
                       if not killed[p]]
        self.check("something died at every crash point", missing)

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
                settled = seconds(row["settled_at"])
                before = [r for at, r in changes[row["id"]] if at <= s.hit_at]
                if settled is None or not before:
                    continue
                due = seconds(before[-1]["due_at"])
                if due is None:
                    continue  # it had ended when that happened
                self.recovery[row["id"]] = max(
                    0, settled - max(due, s.hit_at)) * 1000

    # -- saying it

    def table(self):
        names = self.walk.plan.gateways + self.walk.plan.pollers
        extra = [ANY_MOMENT] + [name for name, _ in EXTRAS] + ["db_restart"]
        print(f"{'point':22}{'kills':>6}{'writebacks':>12}{'accepted':>10}"
              f"{'rolled_back':>13}{'superseded':>12}{'skipped':>9}"
              f"{'slowest_ms':>12}")
        for name in names + extra:
            scenes = [s for s in self.walk.scenes if s.row == name]
            rows = [r for s in scenes for r in self.rows[s.task]]
            states = collections.Counter(r["state"] for r in rows)
            slowest = max((self.recovery.get(r["id"], 0) for r in rows), default=0)
            # of the last rows it counts what happened instead
            hits = sum(s.is_killed for s in scenes)
            if name == ANY_MOMENT:
                hits = len(scenes)
            print(f"{name:22}{hits:6}{len(rows):12}{states['accepted']:10}"
                  f"{states['rolled_back']:13}{states['superseded']:12}"
                  f"{states['skipped']:9}{slowest:12.0f}")

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
                f"select * from events where task_id = '{task}' order by id"):
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
        self.table()
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
    j.load()
    j.check_ended()
    j.check_together()
    j.check_writes()
    j.check_outcomes()
    j.check_answers()
    j.check_walk()
    j.measure()
    j.poll_twice()
    j.load()
    j.check_agreement()
    return j


# --- the program --------------------------------------------------------------


def read_arguments():
    parser = argparse.ArgumentParser(description="see run.sh")
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", required=True)
    for name in ("stack", "programs", "source", "simulator", "postgres-port"):
        parser.add_argument("--" + name, required=True)
    return parser.parse_args()


def ask_for_restart(args):
    """run.sh, whose child PostgreSQL is, restarts it."""
    def ask():
        with open(f"{args.stack}/asked", "w", encoding="ascii") as file:
            file.write("restart\n")
        with open(f"{args.stack}/done", encoding="ascii") as file:
            file.readline()
    return ask


def stop(_signal, _frame):
    """At once: the programs die with the threads that started them, and run.sh
    removes the rest."""
    os.write(1, b"the walk was ended by a signal\n")
    os._exit(143)


def main():
    args = read_arguments()
    signal.signal(signal.SIGTERM, stop)
    print(f"seed={args.seed}", flush=True)
    stack = Stack(args)
    plan = Plan(args.seed, *crash_points(args.source))
    walk = Walk(stack, plan, args.kills, ask_for_restart(args))
    begun = time.monotonic()
    try:
        walk.open()
        walk.go()
        walked = time.monotonic() - begun
        found = judge(walk)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"seed={args.seed}: {error}")
        for rescuer in walk.rescuers:
            print(stack.log(rescuer))
        print("0 passed, 1 failed")
        return 1
    finally:
        stack.end_all()
        shutil.rmtree(stack.run_dir, ignore_errors=True)
    failed = found.report()
    print(f"seed={args.seed} restarts={walk.restarts} scenes={len(walk.scenes)} "
          f"walk_s={walked:.0f} wait_s={found.waited:.1f} "
          f"all_s={time.monotonic() - begun:.0f}")
    print(f"kills={walk.kills} "
          f"writebacks={sum(len(r) for r in found.rows.values())} "
          f"lost={len(found.lost)} twice={len(found.twice)} "
          f"wrong_rollback={len(found.wrong)} "
          f"slowest_recovery_ms={max(found.recovery.values(), default=0):.0f}")
    print(f"{len(found.checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
