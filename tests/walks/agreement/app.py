"""Flowpin's own client, as it is out there: it knows no gateway. On two devices it
changes rows as its user, through row level security; what it wrote it flushes at
once, or hours late and in any order; "sync now" writes back whole rows as a device
holds them. After a change it also writes to the provider itself, with the key that it
finds in the connection's row, and takes the change back if that fails.
"""

import datetime
import http.client
import json
import subprocess
import threading
import time
import uuid

AGENT = "Flowpin-App/"
PATIENCE = 1.5  # seconds that it waits for a provider


class RowError(Exception):
    """What the database said to a client's statement."""

    def __init__(self, state, text):
        super().__init__(f"{state}: {text}")
        self.state = state


class Session:
    """A connection of the data API, as one user. A psql that stays."""

    def __init__(self, command, user):
        self.lock = threading.Lock()
        self.psql = subprocess.Popen(
            [w for w in command if w != "ON_ERROR_STOP=1" and w != "-v"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        claims = json.dumps({"sub": user})
        self.run("\\set VERBOSITY verbose\nset session authorization authenticated;"
                 f" select set_config('request.jwt.claims', '{claims}', false)")

    def run(self, sql):
        """Its rows as text; a statement that fails is an error."""
        with self.lock:
            self.psql.stdin.write(f"{sql};\n\\echo =end=\n".encode())
            self.psql.stdin.flush()
            lines, error = [], None
            for line in self.psql.stdout:
                line = line.decode().rstrip("\n")
                if line == "=end=":
                    break
                if line.startswith("ERROR:"):
                    error = line.split(":", 2)
                lines.append(line)
            else:
                raise RuntimeError("psql of the app ended: " + "\n".join(lines))
        if error:
            raise RowError(error[1].strip(), " ".join(lines))
        return lines

    def rows(self, sql):
        return [json.loads(line) for line in
                self.run(f"select row_to_json(r) from ({sql}) r")]

    def end(self):
        self.psql.stdin.close()
        self.psql.wait()


def quote(value):
    if value is None:
        return "null"
    return "'" + str(value).replace("'", "''") + "'"


class Change:
    """A change of a task that a person made on a device, and when it reached the
    database. own: did the app's own write to the provider succeed? None: it made
    none."""

    def __init__(self, number, item, task, patch):
        self.number, self.item, self.task, self.patch = number, item, task, patch
        self.wish = {"completed": "complete",
                     "active": "uncomplete"}.get(patch["status"])
        self.made = time.time()
        self.began = self.ended = self.own = None


class Upsert:
    """Whole tasks written back: their own updated_at by id."""

    def __init__(self, stamps):
        self.stamps, self.began, self.ended = stamps, time.time(), None


class Device:
    def __init__(self, app, number, skew):
        self.app, self.number, self.skew = app, number, skew
        self.tasks, self.connections = {}, {}
        self.queue = []
        self.lock = threading.RLock()

    def now(self):
        """By its own clock."""
        return datetime.datetime.fromtimestamp(
            time.time() + self.skew, datetime.timezone.utc).isoformat()

    def look(self):
        """All own rows; what waits in the queue stays as it was changed here."""
        rows = self.app.session.rows("table public.tasks")
        connections = self.app.session.rows("table public.integrations")
        with self.lock:
            waiting = {c.task: self.tasks[c.task] for c in self.queue
                       if c.task in self.tasks}
            self.tasks = {r["id"]: r for r in rows} | waiting
            self.connections = {r["id"]: r for r in connections}

    def task_of(self, source, source_id):
        with self.lock:
            return next((t for t in self.tasks.values() if (
                t["source"], t["source_id"]) == (source, source_id)), None)

    def change(self, item, task, patch):
        with self.lock:
            patch = {**patch, "updated_at": self.now()}
            change = self.app.new_change(item, task["id"], patch)
            task.update(patch)
            self.queue.append(change)
        return change

    def flush(self, shuffle=None):
        with self.lock:
            queue, self.queue = self.queue, []
        if shuffle:
            shuffle(queue)
        for change in queue:
            change.began = time.time()
            self.app.write("update public.tasks set " + ", ".join(
                f"{k} = {quote(v)}" for k, v in change.patch.items())
                + f" where id = '{change.task}'")
            change.ended = time.time()

    def sync_now(self):
        """Everything back as it is held here, however old; the queue stays."""
        with self.lock:
            tasks = list(self.tasks.values())
            connections = list(self.connections.values())
        upsert = Upsert({t["id"]: t["updated_at"] for t in tasks})
        self.app.upserts.append(upsert)
        self.upsert("integrations", connections)
        self.upsert("tasks", tasks)
        upsert.ended = time.time()

    def upsert(self, table, rows):
        if not rows:
            return
        columns = list(rows[0])
        names = ", ".join(columns)
        news = ", ".join(f"{c} = excluded.{c}" for c in columns if c != "id")

        def write(some):
            text = quote(json.dumps(some))
            return self.app.write(
                f"insert into public.{table} ({names}) select {names} from "
                f"jsonb_populate_recordset(null::public.{table}, {text}) "
                f"on conflict (id) do update set {news}",
                is_whole=len(some) > 1)

        if not write(rows):
            for row in rows:  # what the client does with a page that fails
                write([row])


class App:
    """All devices of one user."""

    def __init__(self, walk, command):
        self.walk, self.session = walk, Session(command, walk.user)
        self.devices = [Device(self, i, walk.chance.uniform(-2, 2))
                        for i in range(2)]
        self.changes, self.upserts = [], []
        self.failures = []  # (moment, what the database said, statement)
        self.lock = threading.Lock()

    def new_change(self, item, task, patch):
        with self.lock:
            change = Change(len(self.changes), item, task, patch)
            self.changes.append(change)
        return change

    def write(self, sql, is_whole=False):
        """False: it failed, which nothing of a client's should. Of what is written
        whole, the parts tell."""
        try:
            self.session.run(sql)
            return True
        except RowError as error:
            self.walk.say(f"  app: {error}")
            if not is_whole:
                self.failures.append((time.time(), error, sql[:200]))
            return False

    # -- a person's changes

    def flip(self, item, number, is_late=False, is_own=False, wish=None):
        """Complete or uncomplete, by what the device holds."""
        device = self.devices[number]
        key = item.account.provider, self.walk.source_ids.get(item)
        task = device.task_of(*key)
        if not task:
            device.look()
            task = device.task_of(*key)
        if not task or task["status"] == "archived":
            return
        wish = wish or ("uncomplete" if task["status"] == "completed"
                        else "complete")
        before = {k: task[k] for k in ("status", "completed_at")}
        after = {"status": "completed", "completed_at": device.now()} \
            if wish == "complete" else {"status": "active", "completed_at": None}
        change = device.change(item, task, after)
        if not is_late:
            device.flush()
        if is_own:
            change.own = self.tell_provider(device, item, task, change, wish)
        self.walk.say(f"  app {number}: {wish} item {item.number} task "
                      f"{task['id']} as {change.number}, late {is_late}, "
                      f"own {change.own}")
        if change.own is False:
            device.change(item, task, before)
            if not is_late:
                device.flush()

    def archive(self, item, number):
        device = self.devices[number]
        task = device.task_of(item.account.provider,
                              self.walk.source_ids.get(item))
        if task:
            device.change(item, task, {"status": "archived"})
            device.flush()
            self.walk.say(f"  app {number}: archive task {task['id']}")

    # -- at the provider

    def tell_provider(self, device, item, task, change, wish):
        """None: it has no key for that."""
        own = [c for c in device.connections.values()
               if c["type"] == task["source"] and c["api_key"] and c["is_active"]
               and task["connection_id"] in (None, c["id"])]
        if not own:
            return None
        method, path, body = self.request(item, task["source_id"], wish)
        key = own[0]["api_key"]
        simulator = self.walk.simulator
        conn = http.client.HTTPConnection(simulator.host, simulator.port,
                                          timeout=PATIENCE)
        try:
            conn.request(method, path, body and json.dumps(body), {
                "Authorization": key if item.kind == "linear" else
                "Bearer " + key, "Content-Type": "application/json",
                "User-Agent": f"{AGENT}{self.walk.seed}-{change.number}"})
            answer = conn.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            conn.close()
        if answer.status >= 300 or b'"errors"' in text:
            return False
        return item.kind != "linear" or b'"success":true' in text

    def request(self, item, source_id, wish):
        if item.account.provider == "todoist":
            verb = "close" if wish == "complete" else "reopen"
            return "POST", f"/api/v1/tasks/{source_id}/{verb}", None
        if item.account.provider == "attio":
            return "PATCH", f"/v2/tasks/{source_id}", {
                "data": {"is_completed": wish == "complete"}}
        # it keeps the states of all teams itself
        issue = self.walk.simulator.ask("GET", f"/_sim/items/linear/{source_id}")
        state = self.walk.state_of(
            item.account, issue["team_id"],
            "completed" if wish == "complete" else "started")
        return "POST", "/graphql", {
            "query": "mutation M($id: String!, $stateId: String!) { issueUpdate"
                     "(id: $id, input: { stateId: $stateId }) { success } }",
            "variables": {"id": source_id, "stateId": state}}

    # -- connections, by row

    def connect(self, account, key):
        """The id of the new row; None: it failed."""
        found = str(uuid.uuid4())
        done = self.write(
            "insert into public.integrations (id, user_id, type, api_key, label) "
            f"values ('{found}', '{self.walk.user}', '{account.provider}', "
            f"{quote(key)}, '{account.number}')")
        return found if done else None

    def set_connection(self, found, **what):
        self.write("update public.integrations set " + ", ".join(
            f"{k} = {quote(v)}" for k, v in what.items())
            + f" where id = '{found}'")

    def disconnect(self, found):
        self.write(f"delete from public.integrations where id = '{found}'")

    # -- quiet

    def rest(self):
        """Whatever waits arrives, and then the app is closed."""
        for device in self.devices:
            device.flush()
        self.session.end()
