"""Clients that call without a pause: completes and uncompletes of one task each.

    clients.py URL TOKEN STOP_FILE TASK...

Each client has a task, and goes on until STOP_FILE is there; then one line: calls, and
those whose answer was not 200, with what they were.
"""
import http.client
import os
import sys
import threading
import urllib.parse


class Client(threading.Thread):
    def __init__(self, host, token, stop_file, task):
        super().__init__(daemon=True)
        self.host, self.token, self.stop_file = host, token, stop_file
        self.task, self.calls, self.bad = task, 0, []

    def run(self):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        wishes = ("complete", "uncomplete")
        while not os.path.exists(self.stop_file):
            self.call(connection, wishes[self.calls % 2])
            self.calls += 1

    def call(self, connection, wish):
        try:
            connection.request("POST", f"/v1/tasks/{self.task}/{wish}",
                               headers={"Authorization": "Bearer " + self.token})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                self.bad.append(f"{answer.status} {body[:120]!r}")
        except (OSError, http.client.HTTPException) as error:
            self.bad.append(repr(error))
            connection.close()


def main():
    url, token, stop_file, *tasks = sys.argv[1:]
    host = urllib.parse.urlsplit(url).netloc
    clients = [Client(host, token, stop_file, task) for task in tasks]
    for client in clients:
        client.start()
    for client in clients:
        client.join(120)
    bad = [what for client in clients for what in client.bad]
    print(sum(client.calls for client in clients), len(bad), *sorted(set(bad))[:3])


main()
