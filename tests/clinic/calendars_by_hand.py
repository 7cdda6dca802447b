"""A clinic's calendar in plain Python, minute by minute: what the availability engine is compared with.

It shares nothing with the engine: wall time is found by looking at every minute, and a start is free if every minute
it needs is.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


@dataclass
class Thing:
    """A person, room or device. Spans are minutes since the first minute of the world."""

    what: str
    turnaround: int = 0
    hours: list = field(default_factory=list)
    taken: list = field(default_factory=list)
    absent: list = field(default_factory=list)
    usable_until: date | None = None
    is_usable: bool = True
    pk: int = 0


@dataclass
class World:
    zone: ZoneInfo
    first: date
    last: date
    now: int
    grid: int
    notice: int
    horizon: int
    opening: list
    closures: list
    things: list
    patient: list
    segments: list

    def __post_init__(self):
        self.origin = datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC) - timedelta(days=2)
        self.walls = []
        for minute in range(((self.last - self.first).days + 5) * 1440):
            local = (self.origin + minute * MINUTE).astimezone(self.zone)
            self.walls.append((local.date(), local.hour * 60 + local.minute))

    def moment(self, minute):
        return self.origin + minute * MINUTE

    def minutes_of(self, rows):
        """The minutes of weekly rows (weekday, from, until, holds_on): the first whose wall time has reached them."""
        found = set()
        by_day = {}
        for minute, (day, wall) in enumerate(self.walls):
            by_day.setdefault(day, []).append((minute, wall))
        for day, minutes in by_day.items():
            end_of_day = minutes[-1][0] + 1
            for weekday, opens, closes, holds_on in rows:
                if day.isoweekday() == weekday and holds_on(day):
                    start = next((m for m, wall in minutes if wall >= opens), end_of_day)
                    end = next((m for m, wall in minutes if wall >= (closes or 1440)), end_of_day)
                    found.update(range(start, end))
        return found

    def needs(self):
        """(what -> list of (start, end in use, end)), and the minutes the patient is present."""
        clock, present, held = 0, 0, {}
        for kind, length, whats in self.segments:
            for what in whats:
                spans = held.setdefault(what, [])
                use = clock if kind == "turnaround" else clock + length
                if spans and spans[-1][2] == clock:
                    spans[-1] = (spans[-1][0], spans[-1][1] if kind == "turnaround" else use, clock + length)
                else:
                    spans.append((clock, use, clock + length))
            clock += length
            present = present if kind == "turnaround" else clock
        return held, present

    def free_starts(self):
        """Every start the clinic has, by what each minute says."""
        held, present = self.needs()
        opening = self.minutes_of(self.opening) if self.opening else set(range(len(self.walls)))
        closed = minutes_in(self.closures)
        patient = minutes_in(self.patient)
        last = self.walls[self.now][0] + timedelta(days=self.horizon)
        hours = {id(thing): self.minutes_of(thing.hours) for thing in self.things}
        busy = {id(thing): minutes_in(thing.taken) | minutes_in(thing.absent) for thing in self.things}
        found = []
        for start, (day, wall) in enumerate(self.walls):
            stay = range(start, start + present)
            if not (self.first <= day <= min(self.last, last)) or wall % self.grid or start < self.now + self.notice:
                continue
            if any(m not in opening or m in closed or m in patient for m in stay):
                continue
            if all(
                any(self.can(thing, start, spans, hours[id(thing)], busy[id(thing)]) for thing in self.of(what))
                for what, spans in held.items()
            ):
                found.append(start)
        return found

    def of(self, what):
        return [thing for thing in self.things if thing.what == what]

    def can(self, thing, start, spans, hours, busy):
        """Whether the thing is usable that day and free, its turnaround included, and at work where it is a person."""
        if not thing.is_usable or (thing.usable_until and self.walls[start][0] > thing.usable_until):
            return False
        for number, (begins, in_use, ends) in enumerate(spans):
            until = max(ends, in_use + thing.turnaround) if number == len(spans) - 1 else ends
            if any(start + m in busy for m in range(begins, until)):
                return False
            if thing.what == "practitioner" and any(start + m not in hours for m in range(begins, in_use)):
                return False
        return True


def minutes_in(spans):
    return {minute for start, end in spans for minute in range(start, end)}


def apart(rng, count, low, high, longest):
    """Random spans that do not overlap; some touch."""
    spans, minute = [], low
    for _number in range(count):
        start = minute + rng.choice([0, 0, 15, 30, rng.randrange(400)])
        minute = start + rng.choice([15, 30, 60, rng.randrange(1, longest)])
        if minute < high:
            spans.append((start, minute))
    return spans


def random_world(seed):
    """A small clinic around an ordinary day or a clock change, its people and things more or less busy."""
    rng = random.Random(seed)
    zone = ZoneInfo(rng.choice(["Europe/Berlin", "Europe/London", "America/New_York"]))
    first = rng.choice([date(2026, 3, 28), date(2026, 10, 24), date(2026, 6, 10), date(2026, 3, 7), date(2026, 10, 31)])
    last = first + timedelta(days=rng.randrange(3))
    days = [(first + timedelta(days=n)).isoweekday() for n in range(-1, 4)]

    def rows(latest, earliest):
        return [
            (day, rng.choice(earliest), rng.choice(latest), lambda _day: True)
            for day in dict.fromkeys(days)
            if rng.random() < 0.9
        ]

    def thing(what):
        return Thing(
            what,
            turnaround=rng.choice([0, 0, 10, 25]),
            hours=rows([600, 1080, 0, 165], [0, 90, 150]) if what == "practitioner" else [],
            taken=apart(rng, 14, 2000, 6500, 240),
            absent=[(s, s + rng.randrange(30, 600)) for s in rng.sample(range(2500, 6500), rng.randrange(3))],
            usable_until=rng.choice([None, None, first, last]),
            is_usable=rng.random() < 0.9,
        )

    people = [thing("practitioner") for _ in range(rng.randrange(1, 4))]
    rooms = [thing("room") for _ in range(rng.randrange(1, 3))]
    devices = [thing("device") for _ in range(rng.randrange(1, 3))]
    segments = rng.choice(
        [
            [("hands_on", 45, ["practitioner"])],
            [("numbing", 20, ["room"]), ("hands_on", 30, ["practitioner", "room", "device"])],
            [
                ("hands_on", 5, ["practitioner", "room"]),
                ("numbing", 25, ["room"]),
                ("hands_on", 35, ["practitioner", "room", "device"]),
                ("recovery", 10, ["room"]),
                ("turnaround", 15, ["room", "device"]),
            ],
        ]
    )
    return World(
        zone=zone,
        first=first,
        last=last,
        now=rng.choice([100, 2880 + rng.randrange(900)]),
        grid=rng.choice([15, 20, 30, 50]),
        notice=rng.choice([0, 0, 45]),
        horizon=rng.choice([365, 365, 3]),
        opening=rng.choice([[], rows([1080, 0], [0, 60, 480])]),
        closures=[(s, s + rng.randrange(30, 400)) for s in rng.sample(range(2500, 6500), rng.randrange(2))],
        things=people + rooms + devices,
        patient=apart(rng, 3, 2900, 6000, 90),
        segments=segments,
    )
