"""The crash points of the programs, as the sources name them."""

import os
import re

# Points that a poller's sweep passes, too, are called so.
SWEEP = "poller_"


class Points:
    """The names in the sources; none is forgotten. gateways: what a call or a
    gateway's sweeper passes; sweeps: what a poller's does; pollers: a run."""

    def __init__(self, source):
        rooms = {"gateway": set(), "poller": set(), "core": set()}
        for room, names in rooms.items():
            for folder, _, files in os.walk(os.path.join(source, room)):
                for file in files:
                    if file.endswith(".c") and file != "crash.c":
                        names |= self.read(os.path.join(folder, file))
        self.gateways = sorted(rooms["gateway"] | rooms["core"])
        self.sweeps = sorted(SWEEP + name for name in rooms["core"])
        self.pollers = sorted(rooms["poller"])
        self.all = self.gateways + self.sweeps + self.pollers

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as file:
            calls = re.findall(r"crash_point\(([^;]*)\);", file.read())
        return {name for args in calls for name in re.findall(r'"(\w+)"', args)}
