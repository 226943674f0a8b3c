"""What a run.sh started, and how to start more."""

import os
import re
import signal
import subprocess
import threading
import time
import uuid

from walks.wire import Database, Simulator


def stop(_signal, _frame):
    """At once: the programs die with the threads that started them, and run.sh
    removes the rest."""
    os.write(1, b"the walk was ended by a signal\n")
    os._exit(143)


def is_stopped(child):
    """Does it stand still at a point?"""
    try:
        with open(f"/proc/{child.pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


class Stack:
    """What run.sh started, and how to start more."""

    def __init__(self, args):
        self.dir, self.programs = args.stack, args.programs
        self.conf = f"{args.stack}/flowpin.conf"
        self.simulator = Simulator(args.simulator)
        # as the owner of everything; the gateway has a role of its own
        self.database = Database(args.stack, args.postgres_port, "postgres")
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
            if child.poll() is None:  # it lives, and never takes a call
                self.end(child)
                break
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

    def new_token(self, user):
        """Of a user, for as long as any walk takes."""
        done = subprocess.run(
            [f"{self.programs}/flowpinctl", "--config", self.conf, "token", user,
             "--life", "86400"], check=True, timeout=30, stdout=subprocess.PIPE)
        return done.stdout.decode().strip()

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
