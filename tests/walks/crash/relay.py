"""Relays between one program and what it talks to, which can be cut."""

import select
import socket
import struct
import threading
import time

from walks.wire import wait_until


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
        reset(client)
        return None


def is_hung_up(sock):
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return bool(poll.poll(0))


def reset(sock):
    """RST instead of FIN, when it is closed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class GateRelay(Relay):
    """Cuts everything at one moment, for a while. What it holds back then is
    delivered afterwards, however late, if is_late; else only to those who still
    wait. is_one_way: what goes up passes, and the answers are lost."""

    def __init__(self, host, port, is_late, is_one_way):
        self.how = None
        self.is_late, self.is_one_way = is_late, is_one_way
        super().__init__(host, port)

    def cut(self, how):
        self.happened_at = time.time()
        self.how = how

    def heal(self):
        self.how = None

    def is_shut(self):
        return self.how and not self.is_one_way

    def carry(self, client, number):
        if not self.pass_gate(client):
            return
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            client.close()
            return
        sides = {client: server, server: client}
        try:
            while self.is_open and self.pass_gate(client):
                ready, _, _ = select.select(list(sides), [], [], 0.02)
                if self.is_shut():
                    continue
                for side in ready:
                    data = side.recv(65536)
                    if not data or self.loses(client, side):
                        return
                    sides[side].sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            client.close()
            server.close()

    def pass_gate(self, client):
        """Waits while the gate is shut. False: the connection is over."""
        if not self.is_shut():
            return True
        if self.how == "reset":
            reset(client)
            return False
        wait_until(30, lambda: not self.is_shut() or not self.is_open)
        return self.is_late or not is_hung_up(client)

    def loses(self, client, side):
        """The answer on its way, and with it the connection?"""
        if side is client or not self.how:
            return False
        if self.how == "reset":
            reset(client)
        else:
            wait_until(30, lambda: not self.is_open or is_hung_up(client))
        return True


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
