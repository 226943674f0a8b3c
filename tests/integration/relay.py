"""Stands between the gateway and PostgreSQL, and does what networks and poolers do.

    relay.py PORT_FILE TARGET_PORT WORD_FILE

Writes its port to PORT_FILE. WORD_FILE says what it does, and is read again for every
piece of data and every connection:

    pass        nothing
    forget S    what is sent on a connection that was silent for S seconds goes nowhere
    grant N     a connection is closed at once while there are N others
    lose TEXT   the server is sent what has this text in it, and its answer is lost with
                the connection; then it passes all again
"""
import select
import socket
import sys
import threading
import time


class Relay:
    def __init__(self, target, word_file):
        self.target, self.word_file = target, word_file
        self.lock, self.count = threading.Lock(), 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def word(self):
        with open(self.word_file, encoding="ascii") as file:
            name, *number = file.read().split()
        return name, number[0] if number else "0"

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def enters(self):
        name, most = self.word()
        with self.lock:
            if name == "grant" and self.count >= int(most):
                return False
            self.count += 1
        return True

    def carry(self, client):
        if not self.enters():
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self.target))
        try:
            self.pump({client: server, server: client})
        except OSError:
            pass
        finally:
            client.close()
            server.close()
            with self.lock:
                self.count -= 1

    def is_lost(self, data):
        """Is this what is to be lost? Once."""
        name, what = self.word()
        if name != "lose" or what.encode() not in data:
            return False
        with open(self.word_file, "w", encoding="ascii") as file:
            file.write("pass")
        return True

    def pump(self, sides):
        last, is_forgotten, is_lost = time.monotonic(), False, False
        while True:
            ready, _, _ = select.select(list(sides), [], [])
            name, after = self.word()
            is_forgotten = is_forgotten or (
                name == "forget" and time.monotonic() - last > float(after))
            last = time.monotonic()
            for side in ready:
                data = side.recv(65536)
                if not data or is_lost:
                    return
                is_lost = self.is_lost(data)
                if not is_forgotten:
                    sides[side].sendall(data)


def main():
    port_file, target, word_file = sys.argv[1:]
    relay = Relay(int(target), word_file)
    with open(port_file, "w", encoding="ascii") as file:
        print(relay.listener.getsockname()[1], file=file)
    relay.serve()


main()
