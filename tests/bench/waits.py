"""The longest wait of any client: waits.py URL CLIENTS SECONDS LOAD, where LOAD has
"token task wish" lines. Each client keeps its connection and calls again as soon as
it was answered; an answer that did not come is a wait, too, which is what a load
generator's percentiles leave out. Prints the longest wait in seconds and how many
calls were answered."""
import http.client
import sys
import threading
import time
import urllib.parse

OPPOSITE = {"complete": "uncomplete", "uncomplete": "complete"}


class Client(threading.Thread):
    def __init__(self, address, calls, end):
        super().__init__(daemon=True)
        self.address, self.calls, self.end = address, calls, end
        self.longest, self.answered, self.since = 0.0, 0, time.monotonic()

    def run(self):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        while time.monotonic() < self.end:
            for call in self.calls:
                if time.monotonic() >= self.end:
                    break
                self.ask(connection, call)
        connection.close()

    def ask(self, connection, call):
        token, task, wish = call
        self.since = time.monotonic()
        connection.request("POST", f"/v1/tasks/{task}/{wish}",
                           headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"a call was answered with {answer.status}")
        self.longest = max(self.longest, time.monotonic() - self.since)
        self.answered += 1
        call[2] = OPPOSITE[wish]


def main():
    url, clients, seconds, load = sys.argv[1:]
    parts = urllib.parse.urlsplit(url)
    with open(load, encoding="ascii") as lines:
        calls = [line.split() for line in lines]
    count, end = int(clients), time.monotonic() + float(seconds)
    running = [Client((parts.hostname, parts.port), calls[i::count], end)
               for i in range(count)]
    for client in running:
        client.start()
    for client in running:
        client.join(max(0.0, end + 10 - time.monotonic()))
    for client in running:
        if client.is_alive():
            client.longest = time.monotonic() - client.since
    print(f"{max(c.longest for c in running):.3f}",
          sum(c.answered for c in running))


main()
