"""Scenes, and the plan that makes them: everything that is random about a walk."""

import random

from walks.points import SWEEP
from walks.wire import WISHES

KINDS = ("todoist", "recurring", "linear", "attio")
# What happens at a point: the process dies, or stands still while its network is
# cut, and goes on.
CUTS = ("reset", "blackhole")
CUT_SHARE = 40      # so many cuts for a hundred kills
# Of a hundred scenes beside those of the points.
EXTRAS = (("net_reset", 6), ("net_blackhole", 4), ("late_settle", 3))
# A victim whose call does not pass the wanted point is killed at some moment.
ANY_MOMENT = "any_moment"


class Scene:
    """One task and what is done to it."""

    def __init__(self, number, trouble, kind, wish, how="kill"):
        self.number, self.trouble = number, trouble
        self.kind, self.wish, self.how = kind, wish, how
        self.title = f"scene {number}"
        self.nth = 1            # it happens at this passing of the point
        self.is_async = False
        self.is_pair = False    # the opposite wish is sent, too
        self.is_triple = False  # and then the first one again
        self.is_keyed = False   # asked again under its Idempotency-Key
        self.is_row = False     # wished by changing the row, as the app does,
        self.joins = False      # and then by a call as well
        self.is_advanced = False  # the occurrence was done before the call
        self.is_sweeping = False  # the victim takes up others' writebacks, too
        self.prior = None       # where the owner before a poller's sweep died
        self.fault = None
        self.delay = 0.0        # until a kill at any moment
        self.cut = None         # how a relay cuts: upward, byte, connections
        self.cut_sides = ()     # provider, database
        self.is_one_way = False
        self.outage = 0.0       # seconds
        # learnt on the way
        self.user = self.token = self.connection = None
        self.task = self.source_id = None
        self.row = trouble      # of the table
        self.is_hit = False     # it happened
        self.hit_at = None
        self.called_at = None
        self.since = 0          # the simulator's requests before the call
        self.is_inbound = False
        self.answers = []
        self.changed_at = None  # the row
        self.repeated = None    # what a repetition under the key was told

    @property
    def point(self):
        return self.trouble.removeprefix(SWEEP)

    @property
    def is_sweep(self):
        return self.trouble.startswith(SWEEP)

    def story(self):
        named = ("trouble", "row", "how", "kind", "wish", "nth", "is_async",
                 "is_pair", "is_triple", "is_keyed", "is_row",
                 "joins", "is_advanced", "is_sweeping", "prior", "fault", "cut", "cut_sides", "is_one_way", "outage",
                 "is_hit", "hit_at", "called_at", "repeated", "task", "source_id")
        return ", ".join(f"{n}={getattr(self, n)}" for n in named)


class Plan:
    """Scenes without end; the same seed gives the same ones."""

    def __init__(self, seed, points):
        self.random = random.Random(seed)
        self.points = points
        self.number = 0
        self.waiting, self.deck = [], []

    def next(self):
        if not self.waiting:
            self.waiting = self.round()
        return self.waiting.pop()

    def round(self):
        """A kill at every point with every kind and wish, and some others."""
        scenes = [(point, kind, wish, "kill") for point in self.points.all
                  for kind in KINDS for wish in WISHES]
        kills = len(scenes)
        for trouble, share in EXTRAS:
            for _ in range(round(kills * share / 100)):
                scenes.append((trouble, self.random.choice(KINDS),
                               self.random.choice(WISHES), trouble))
        for _ in range(round(kills * CUT_SHARE / 100)):
            scenes.append(self.next_cut())
        self.random.shuffle(scenes)
        return [self.scene(*scene) for scene in scenes]

    def next_cut(self):
        """All of them have their turn, over the rounds."""
        if not self.deck:
            self.deck = [(point, kind, wish, how)
                         for point in self.points.gateways + self.points.pollers
                         for kind in KINDS for wish in WISHES for how in CUTS]
            self.random.shuffle(self.deck)
        return self.deck.pop()

    def scene(self, trouble, kind, wish, how):
        pick = self.random
        self.number += 1
        if "keep" in trouble:
            kind = "recurring"  # nothing else passes there
        s = Scene(self.number, trouble, kind, wish, how)
        s.delay = pick.uniform(0, 0.06)
        if trouble in self.points.pollers:
            s.is_inbound = True
            # what a reopened occurrence is, no poll can tell
            if kind == "recurring":
                s.wish = "complete"
        elif trouble in self.points.sweeps:
            self.vary_sweep(s)
        elif trouble in self.points.gateways:
            self.vary(s)
        elif trouble == "late_settle" and kind == "recurring":
            s.kind = "todoist"
        elif trouble.startswith("net_"):
            is_upward = pick.random() < 0.5
            most = 1400 if is_upward or kind in ("linear", "recurring") else 500
            s.cut = (is_upward, pick.randrange(most), pick.choice((1, 1, 2, 9)))
            s.is_async = pick.random() < 0.3
            s.is_pair = pick.random() < 0.3
        if how in CUTS:
            s.cut_sides = pick.choice((("provider",), ("database",), ("database",),
                                       ("provider", "database")))
            s.is_one_way = pick.random() < 0.4
            # the longest one outlives the lease
            s.outage = pick.choice((0.3, 1.0, 1.0, 3.5))
        return s

    def vary(self, s):
        pick = self.random
        s.is_async = pick.random() < 0.3
        s.is_pair = pick.random() < 0.2
        s.is_keyed = pick.random() < 0.2
        s.is_sweeping = pick.random() < 0.1
        s.is_advanced = (s.kind == "recurring" and s.wish == "complete"
                         and pick.random() < 0.3)
        s.fault = pick.choice((None,) * 4 + (
            "reset_after", "reset_before", "delay", "delay over", "delay_after",
            "status", "status twice", "refuse", "refuse second"))
        if "claim" in s.trouble:
            # passed only by a call that waits for another one of its task
            s.is_pair, s.is_async, s.is_advanced = True, False, False
            s.is_triple = pick.random() < 0.3
            s.fault = pick.choice(("delay", "delay", "delay", "slow refuse",
                                   "slow refuse twice"))
            s.nth = pick.randrange(1, 12)
        elif "take_up" in s.trouble:
            s.is_async = True  # which wakes the sweeper
            s.is_row = pick.random() < 0.5
        elif "keep" in s.trouble:
            s.is_row, s.is_advanced = pick.random() < 0.5, False
        elif "key" in s.trouble:
            s.is_keyed = True
        elif "question" in s.trouble and s.kind in ("todoist", "attio"):
            # asked only when something was unclear
            s.fault = pick.choice(("reset_after", "reset_before", "status",
                                   "delay_after"))
            s.is_row = pick.random() < 0.35
        elif "provider_call" in s.trouble and s.kind == "linear":
            s.nth = pick.choice((1, 2, 2, 3))  # Linear's questions are POSTs
        elif pick.random() < 0.35:
            s.is_row, s.joins = True, pick.random() < 0.5
        if s.is_row:
            s.is_keyed = s.is_advanced = False
        # one wish alone, so that two of them would be one too many
        s.is_keyed = s.is_keyed and "claim" not in s.trouble
        s.is_pair = s.is_pair and not s.is_keyed

    def vary_sweep(self, s):
        pick = self.random
        s.prior = pick.choice(("after_begin", "after_provider_call",
                               "before_settle"))
        if "provider_call" in s.trouble or "keep" in s.trouble:
            s.prior = "after_begin"  # else it is done, and none is needed
        s.is_row = pick.random() < 0.3
        s.fault = pick.choice((None, None, "status", "reset_after", "delay_after"))
