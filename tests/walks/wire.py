"""What walks talk to: gateways over FastCGI, the simulator, the database.
"""

import datetime
import http.client
import json
import re
import socket
import struct
import subprocess
import threading
import time
import uuid


def provider_of(kind):
    return "todoist" if kind == "recurring" else kind


WISHES = ("complete", "uncomplete")


def other(wish):
    return WISHES[wish == "complete"]


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

    @property
    def is_honest(self):
        """Does the status say the same as the outcome?"""
        outcome = self.writeback.get("outcome")
        if outcome == "open":
            return self.status in (202, 503, 504)
        if outcome == "rolled_back":
            return self.status in (502, 503, 504)
        return self.status == 200


def call(path, token, method, target, body=None, prefer="", key="", timeout=30):
    """One API call through the socket at path. body: for JSON."""
    script, _, query = target.partition("?")
    data = b"" if body is None else json.dumps(body).encode()
    params = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": script, "QUERY_STRING": query,
        "CONTENT_TYPE": "application/json" if data else "",
        "CONTENT_LENGTH": str(len(data)), "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_ID": uuid.uuid4().hex, "HTTP_AUTHORIZATION": "Bearer " + token,
    }
    if prefer:
        params["HTTP_PREFER"] = prefer
    if key:
        params["HTTP_IDEMPOTENCY_KEY"] = key
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect(path)
            sock.sendall(fcgi_request(params, data))
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

    def last(self):
        """The number of the latest request."""
        return self.requests(1 << 50)["last_seq"]

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
    """psql, past the pooler."""

    def __init__(self, stack, port, user):
        self.command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                        "-h", f"{stack}/pg", "-p", str(port), "-U", user, "-d", "flowpin"]
        self.kept = threading.local()

    def quick(self, sql):
        """As sure, without rows, through a psql that stays: for what must not be
        overtaken."""
        try:
            if getattr(self.kept, "psql", None) is None:
                self.kept.psql = subprocess.Popen(
                    self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL)
            self.kept.psql.stdin.write(f"{sql};\n\\echo done\n".encode())
            self.kept.psql.stdin.flush()
            if self.kept.psql.stdout.readline() == b"done\n":
                return
        except OSError:
            pass
        self.kept.psql.kill()
        self.kept.psql.wait()
        self.kept.psql = None
        self.sure(sql)

    def run(self, sql):
        """The rows as text; None when the database is away, or ended this to
        resolve a deadlock."""
        done = subprocess.run(self.command, input=sql.encode(), timeout=30,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # psql's 2: the connection went bad
        if done.returncode == 2 or b"deadlock detected" in done.stderr:
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
