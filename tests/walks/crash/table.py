"""The table by crash point and the line that closes it: of one walk, or, as a
program, of many, whose counts lie in the files named.
"""

import json
import sys

COLUMNS = ("kills", "resets", "blackholes", "writebacks", "accepted", "rolled_back",
           "superseded", "skipped", "slowest_ms")
TOTALS = ("kills", "writebacks", "lost", "twice", "wrong_rollback",
          "slowest_recovery_ms")


def add(into, one):
    """Counts add up, what is slowest stays so."""
    for name, value in one.items():
        if name.startswith("slowest"):
            into[name] = max(into.get(name, 0), value)
        else:
            into[name] = into.get(name, 0) + value


class Table:
    """rows: a point's name to its columns; totals: the closing line."""

    def __init__(self, rows=None, totals=None):
        self.rows, self.totals = rows or {}, totals or {}

    def merge(self, other):
        for name, row in other.rows.items():
            add(self.rows.setdefault(name, {}), row)
        add(self.totals, other.totals)

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"rows": self.rows, "totals": self.totals}, file)

    def show(self):
        print(f"{'point':27}" + "".join(f"{c:>{len(c) + 2}}" for c in COLUMNS))
        for name, row in self.rows.items():
            print(f"{name:27}" + "".join(
                f"{row[c]:{len(c) + 2}.0f}" for c in COLUMNS))

    def close(self):
        print(" ".join(f"{name}={self.totals[name]:.0f}" for name in TOTALS))


def main():
    table = Table()
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            table.merge(Table(**json.load(file)))
    table.show()
    table.close()


if __name__ == "__main__":
    main()
