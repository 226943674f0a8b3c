"""What a walk does, drawn from its seed alone: what the gateway answers never
changes which step comes next, so that a seed replays the same walk.

An *account* is a person's at one provider, an *item* has a number in the walk's
own count. A step names what is done and to which item or account; whether it
finds a task there to do it to is seen when it is played.
"""

import random

PROVIDERS = ("todoist", "linear", "attio")

# Of each kind of item, what people do to it. "reopen" restores it wholly: open,
# in its list, its own user's.
COMMON = (("completed", 24), ("open", 22), ("retitle", 4), ("reschedule", 6),
          ("away", 7), ("back", 7))
DEEDS = {
    "todoist": COMMON + (("deleted", 3), ("archived", 2), ("moved", 2)),
    "recurring": (("advance", 26), ("later", 6), ("earlier", 6), ("open", 10),
                  ("completed", 3), ("retitle", 4), ("away", 4), ("back", 5),
                  ("deleted", 1), ("archived", 1)),
    "linear": COMMON + (("canceled", 6), ("duplicate", 4), ("deleted", 3),
                        ("archived", 3), ("moved", 4), ("backlog", 4),
                        ("nobody", 3)),
    "attio": COMMON + (("deleted", 3),),
}
# Not visible by id any more, so nobody can confirm it: too many of these at once
# are rightly held until a person has looked. They are kept to the first items of
# an account, but for a raid, after which a person does look.
UNSEEN = {"todoist": ("deleted", "moved"), "recurring": ("deleted",),
          "attio": ("deleted",), "linear": ()}
UNSEEN_MOST = 4
RAID = 8            # items that are deleted at once: more than a guard lets pass

# (kind, how it is spoilt): once each. What lies is told apart from what only
# fails: a list may always lie, because what it leaves out is asked for by id; a
# "not found" by id is the second lie that may be believed, so an
# account tells only one of the two.
LIST_FAULTS = (
    ("drop_items", {"drop": 3}), ("drop_items", {"drop": 1}), ("empty_list", {}),
    ("missing_page", {}), ("finished_rows", {}), ("html", {}),
    ("html_status", {}), ("truncate", {}), ("truncate_json", {}),
    ("invalid_utf8", {}), ("no_next_cursor", {}), ("same_cursor", {}),
    ("wrong_type", {}), ("status", {"status": 502}), ("status", {"status": 500}),
    ("reset_before", {}), ("reset_after", {}), ("hang_before", {}),
    ("empty_body", {}), ("rate_limit", {"retry_after": 1}), ("auth", {}),
    ("delay", {"delay_ms": 250}), ("graphql_errors", {}),
    ("unknown_state_type", {}), ("stale", {}), ("stale", {}),
    ("foreign", {"status": 404}), ("foreign", {"status": 401}),
    ("foreign", {"status": 403}),
)
LIST_LIES = ("drop_items", "empty_list", "missing_page")
READ_FAULTS = (
    ("status", {"status": 500}), ("html", {}), ("truncate_json", {}),
    ("reset_before", {}), ("hang_before", {}), ("delay", {"delay_ms": 250}),
    ("rate_limit", {"retry_after": 1}), ("graphql_errors", {}),
    ("not_found", {}), ("stale", {}), ("stale", {}),
    ("foreign", {"status": 404}), ("foreign", {"status": 401}),
    ("foreign", {"status": 410}),
)
WRITE_FAULTS = (
    ("reset_before", {}), ("reset_after", {}), ("reset_after", {}),
    ("hang_before", {}), ("hang_after", {}), ("delay", {"delay_ms": 250}),
    ("delay_after", {"delay_ms": 900}), ("status", {"status": 500}),
    ("status", {"status": 502, "applied": True}), ("status", {"status": 400}),
    ("html", {}), ("html", {"applied": True}), ("empty_body", {}),
    ("truncate", {}), ("rate_limit", {"retry_after": 1}), ("auth", {}),
    ("forbidden", {}), ("gone_410", {}), ("success_false", {}),
    ("sync_error", {}), ("graphql_errors", {}), ("graphql_errors_after", {}),
    ("state_refused", {}), ("not_found", {}),
    ("foreign", {"status": 404}), ("foreign", {"status": 401}),
    ("foreign", {"status": 403}), ("foreign", {"status": 410}),
)
STALE_MOST = 1.2    # seconds that a stale answer is behind; see run.sh
# To Todoist an empty answer is a yes, also to what it does not know.
ONLY = {  # faults that one provider alone can show
    "empty_body": ("linear", "attio"),
    "graphql_errors": ("linear",), "graphql_errors_after": ("linear",),
    "success_false": ("linear",), "state_refused": ("linear",),
    "unknown_state_type": ("linear",), "sync_error": ("todoist",),
    "no_next_cursor": ("todoist", "linear"), "same_cursor": ("todoist", "linear"),
}

STEPS = (
    # users
    ("flip", 26), ("flip_async", 7), ("pair", 5), ("import", 7), ("archive", 3),
    ("rename", 3), ("remove", 1), ("by_hand", 1), ("disconnect", 1.2),
    ("writeback", 1.2), ("pause", 0.7), ("replace_key", 1.5),
    # the app's own client, on its rows; see app.py
    ("app_flip", 20), ("app_call", 4), ("app_pair", 4), ("app_both", 4),
    ("app_tunnel", 2), ("app_archive", 1.5), ("app_edit", 2), ("app_remove", 0.5),
    ("app_look", 4), ("app_sync", 4), ("app_flush", 5),
    ("app_key", 1.5), ("app_active", 1), ("app_disconnect", 0.6),
    # people at the providers
    ("person", 26), ("new_item", 4),
    # pollers
    ("poll", 5), ("poll_wait", 8),
    # what a guard is for: a provider that shows nothing, and honest mass deletion
    ("blackout", 0.8), ("raid", 0.4),
    # somebody else's key in a connection, for some steps
    ("switch", 0.8),
    # trouble
    ("fault", 10), ("both", 5), ("slow_run", 6), ("unknown", 5),
)

# What a user does while a run is under way.
MEANWHILE = ("flip", "flip", "flip_async", "archive", "import", "replace_key",
             "disconnect", "remove", "app_flip", "app_flip", "app_sync")
DEVICES = 2


class Account:
    def __init__(self, number, provider, lies_by):
        self.number, self.provider = number, provider
        self.lies_by = lies_by  # "list" or "read"
        self.is_stale = False   # what it answers may be some moments old
        self.items = 0


class Item:
    def __init__(self, number, account, kind):
        self.number, self.account, self.kind = number, account, kind
        account.items += 1
        self.place = account.items


class Step:
    def __init__(self, number, kind, **what):
        self.number, self.kind = number, kind
        self.__dict__.update(what)
        self.what = what

    def __str__(self):
        words = " ".join(f"{k}={getattr(v, 'number', v)}"
                         for k, v in self.what.items() if k != "items")
        return f"{self.number} {self.kind} {words}"


class Plan:
    """accounts, first items (some are imported before the walk) and steps."""

    def __init__(self, seed, steps):
        self.seed = seed
        self.pick = random.Random(seed)
        self.accounts = [Account(i, p, self.pick.choice(("list", "read")))
                         for i, p in enumerate(self.providers())]
        # one in sixteen has a list of several pages
        self.is_long = self.pick.random() < 1 / 16
        # whose first connection the app made, plain key and all
        self.by_row = {a for a in self.accounts if self.pick.random() < 0.6}
        self.items = []
        for account in self.accounts:
            for _ in range(self.pick.randrange(4, 8)):
                self.add_item(account)
        self.first_items = list(self.items)
        for account in self.accounts:
            account.is_stale = self.pick.random() < 0.4
        self.away = {}  # account -> step at which its connection comes back
        self.switched = {}  # account -> step at which it has its own key again
        kinds, weights = zip(*STEPS)
        self.steps = []
        for number in range(1, steps + 1):
            back = [a for a, at in self.away.items() if at <= number]
            if back:
                del self.away[back[0]]
                step = Step(number, "connect", account=back[0],
                            is_row=self.pick.random() < 0.6)
            elif number in self.switched.values():
                account = next(a for a, at in self.switched.items()
                               if at == number)
                del self.switched[account]
                step = Step(number, "replace_key", account=account)
            else:
                kind = self.pick.choices(kinds, weights)[0]
                step = self.step(number, kind)
            self.steps.append(step)

    def providers(self):
        """One of each, and now and then two of the same."""
        found = list(PROVIDERS)
        if self.pick.random() < 0.5:
            found.append(self.pick.choice(PROVIDERS))
        return found

    def add_item(self, account):
        kind = account.provider
        if kind == "todoist" and self.pick.random() < 0.35:
            kind = "recurring"
        item = Item(len(self.items), account, kind)
        self.items.append(item)
        return item

    def an_item(self, account=None):
        """Late ones more often: what is done to few is done more thoroughly."""
        items = [i for i in self.items if account in (None, i.account)]
        return items[int(len(items) * self.pick.random() ** 0.7)]

    def deed(self, item):
        names, weights = zip(*DEEDS[item.kind])
        deed = self.pick.choices(names, weights)[0]
        if deed in UNSEEN[item.kind] and item.place > UNSEEN_MOST:
            return "completed"
        return deed

    def free_step(self, number):
        """A later one at which no key comes back yet."""
        while True:
            number += self.pick.randrange(1, 12)
            if number not in self.switched.values():
                return number

    def fault(self, account, op):
        faults = {"list": LIST_FAULTS, "read": READ_FAULTS,
                  "write": WRITE_FAULTS}[op]
        while True:
            kind, more = self.pick.choice(faults)
            if account.provider not in ONLY.get(kind, PROVIDERS):
                continue
            if kind in LIST_LIES and account.lies_by != "list":
                continue
            if kind == "not_found" and account.lies_by != "read":
                continue
            if kind == "stale":
                if not account.is_stale:
                    continue
                more = {"age_ms": self.pick.randrange(100, int(STALE_MOST * 1000))}
            return {"kind": kind, **more}

    def of_app(self, kind):
        """On which device, and how."""
        what = {"device": self.pick.randrange(DEVICES)}
        if kind == "app_flip":
            what["is_late"] = self.pick.random() < 0.4
        if kind in ("app_flip", "app_call", "app_pair", "app_both"):
            what["is_own"] = self.pick.random() < 0.6
        if kind == "app_key":
            what["how"] = self.pick.choice(("change", "empty", "fill", "fill"))
        if kind == "app_active":
            what["is_on"] = self.pick.random() < 0.6
        if kind == "app_flush":
            what["is_shuffled"] = self.pick.random() < 0.5
        return what

    def step(self, number, kind):
        item = self.an_item()
        account = item.account
        what = {}
        if kind in ("flip", "flip_async", "archive", "rename", "remove", "pair"):
            what = {"item": item}
        elif kind in ("poll", "poll_wait", "replace_key", "blackout"):
            what = {"account": account}
        elif kind == "raid":
            account = self.pick.choice([a for a in self.accounts
                                        if UNSEEN[a.provider]])
            what = {"account": account,
                    "items": [self.add_item(account) for _ in range(RAID)]}
        elif kind == "switch":
            what = {"account": account, "is_row": self.pick.random() < 0.5,
                    "is_approved": self.pick.random() < 0.4}
            self.switched[account] = self.free_step(number)
        elif kind in ("writeback", "pause"):
            what = {"account": account, "is_on": self.pick.random() < 0.6}
        elif kind in ("disconnect", "app_disconnect"):
            what = {"account": account}
            self.away.setdefault(account, number + self.pick.randrange(1, 12))
        elif kind == "person":
            what = {"item": item, "deed": self.deed(item)}
        elif kind == "app_tunnel":
            recurring = [i for i in self.items if i.kind == "recurring"]
            what = {"item": self.pick.choice(recurring or self.items),
                    **self.of_app(kind)}
        elif kind.startswith("app_"):
            what = {"item": item, "account": account, **self.of_app(kind)}
            if kind == "app_both" and item.kind == "recurring":
                what["is_own"] = False  # see the oracle: out of the model
        elif kind == "new_item":
            what = {"item": self.add_item(account)}
        elif kind == "fault":
            op = self.pick.choice(("list", "list", "read", "write", "write"))
            what = {"account": account, "op": op,
                    "fault": self.fault(account, op)}
        elif kind == "both":
            what = {"item": item, "deed": self.deed(item),
                    "is_async": self.pick.random() < 0.3}
        elif kind == "slow_run":
            what = {"item": item, "deed": self.deed(item),
                    "op": self.pick.choice(("list", "read", "read")),
                    "after": round(self.pick.uniform(0.02, 0.35), 3),
                    "meanwhile": self.pick.choice(MEANWHILE),
                    "account": account, **self.of_app("app_flip")}
            if what["meanwhile"] == "disconnect":
                self.away.setdefault(account,
                                     number + self.pick.randrange(1, 12))
        elif kind == "unknown":
            what = {"item": item, "fault": self.fault(account, "write"),
                    "deed": self.deed(item) if self.pick.random() < 0.3 else None,
                    "is_async": self.pick.random() < 0.3}
        return Step(number, kind, **what)
