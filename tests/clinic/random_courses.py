"""Small clinics over ten days or so, many around a clock change, with a course of up to five sessions in each.

Zones and seasons go round with the number, so that a few dozen numbers in a row have every change of the clock; the
rest is thrown with dice. In a part of them the patient may also go to a second location, where one of the people works
on other weekdays; starts are chosen by hand; and a rule of safety forbids days before or after one of them.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from tests.clinic.calendars_by_hand import Row, Thing, World
from tests.clinic.courses_by_hand import Prices, Session, Wished

FIRSTS = {  # a few days before the clocks are put forward, put back (by half an hour on Lord Howe), and neither
    "Europe/Berlin": [date(2026, 3, 25), date(2026, 10, 21), date(2026, 6, 10)],
    "America/New_York": [date(2026, 3, 4), date(2026, 10, 28), date(2026, 6, 10)],
    "Europe/London": [date(2026, 3, 26), date(2026, 10, 22), date(2026, 6, 10)],
    "Australia/Lord_Howe": [date(2026, 9, 30), date(2026, 4, 1), date(2026, 6, 10)],
}
ZONES = list(FIRSTS)
VISITS = [[("hands_on", 45, ["practitioner"])], [("hands_on", 30, ["practitioner", "room"]), ("turnaround", 15, ["room"])]]  # fmt: skip # noqa: E501 (one row of a table)
HOURS = [(480, 600), (540, 720), (840, 960), (600, 660), (60, 240)]
TWO_DAYS = 2880


@dataclass
class CourseWorld:
    world: World
    sessions: list
    first_possible: date
    first: date
    wished: Wished
    prices: Prices
    others: list  # (day, least of its own protocol, whether it treats the same area, whether it is at the second)
    apart: int
    second: World | None = None
    shared: tuple | None = None  # (the person here, the same one at the second location)
    by_hand: list = field(default_factory=list)
    safety: list = field(default_factory=list)  # ("birthday" or "washout", first day allowed) or ("word", last one)
    places: list = field(default_factory=list)  # the keys of both locations, once they are in the diary
    slack: int | None = None  # days looked at beyond the best ones before all are

    @property
    def worlds(self):
        return [self.world] if self.second is None else [self.world, self.second]

    def is_forbidden(self, day):
        return any(day > until if what == "word" else day < until for what, until in self.safety)


@dataclass
class ByHand:
    """The start of a session that somebody chose: this share of the way through the free ones, and `later`."""

    number: int
    share: float
    later: int
    names_person: bool


def random_course(seed, rng=None):
    """The course of that number; all but its zone and season is thrown by `rng`, by dice of the number without one."""
    rng = rng or random.Random(seed)
    key = ZONES[seed % len(ZONES)]
    first = FIRSTS[key][seed // len(ZONES) % 3]
    has_second = rng.random() < 0.35
    last = first + timedelta(days=rng.choice([6, 7, 8] if has_second else [6, 8, 10, 12]))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    length = 1440 * len(days)
    people = [a_person(rng, length) for _ in range(rng.choice([1, 1, 2]))]
    world = World(
        zone=ZoneInfo(key),
        first=first,
        last=last,
        now=TWO_DAYS - 600,
        grid=rng.choice([60, 90]),
        notice=0,
        horizon=365,
        channel="desk",
        opening=[Row(weekday, 0, 0) for weekday in range(1, 8) if rng.random() < 0.85] if rng.random() < 0.5 else [],
        extra=[],
        closures=spans(rng, length, 1, 2000),
        things=[*people, Thing("room", taken=spans(rng, length, 3, 600))],
        patient=spans(rng, length, 2, 300),
        segments=rng.choice(VISITS),
        way=0,
        course=None,
    )
    course = CourseWorld(
        world=world,
        sessions=some_sessions(rng, days, len(people), most=rng.choice([2, 3]) if has_second else 3),
        first_possible=days[0] + timedelta(days=rng.choice([-3, 0, 0, 1, 2])),
        first=days[0] + timedelta(days=rng.choice([0, 0, 0, 2])),
        wished=a_wish(rng, days, len(people)),
        prices=Prices(*(rng.choice([0, 1, 2, 3, 5]) for _ in range(5)), rng.choice([0, 1, 2]), rng.choice([0, 1, 4])),
        others=[other_visit(rng, days, has_second)] if rng.random() < 0.3 else [],
        apart=rng.choice([0, 1, 2]),
        safety=some_safety(rng, days),
        slack=rng.choice([None, 0, 1, 3]),
    )
    course.by_hand = chosen_by_hand(rng, course.sessions)
    if has_second:
        add_second(rng, course, length)
    return course


def add_second(rng, course, length):
    """Another location, maybe in another zone: a person of its own, and one of here who works there on other days."""
    here = course.world
    person = rng.choice([each for each in here.things if each.what == "practitioner"])
    here.way = rng.choice([0, 30, 90])
    person.away = between(person.taken, spans(rng, length, 3, 600))
    free_days = [weekday for weekday in range(1, 8) if weekday not in {row.on for row in person.hours}]
    hours = [Row(weekday, *rng.choice(HOURS)) for weekday in free_days]
    there = Thing("practitioner", hours=hours, taken=person.away, away=person.taken, absent=person.absent)
    course.shared = (person, there)
    own = [a_person(rng, length)] if rng.random() < 0.5 else []
    course.second = replace(
        here,
        zone=ZoneInfo(here.zone.key if rng.random() < 0.7 else rng.choice(ZONES)),
        grid=rng.choice([60, 90]),
        opening=[],
        closures=spans(rng, length, 1, 2000),
        things=[there, *own, Thing("room", taken=spans(rng, length, 3, 600))],
    )


def between(taken, others):
    """The spans that touch none of those taken."""
    return [(start, end) for start, end in others if not any(start < until and since < end for since, until in taken)]


def other_visit(rng, days, has_second):
    return rng.choice(days), rng.choice([1, 2, 3]), rng.random() < 0.5, has_second and rng.random() < 0.5


def some_safety(rng, days):
    """Up to two rules of safety that end, or begin, on one of the days."""
    found = []
    if rng.random() < 0.3:
        found.append((rng.choice(["birthday", "washout"]), rng.choice(days[1:4])))
    if rng.random() < 0.1:
        found.append(("word", rng.choice(days[4:])))
    return found


def chosen_by_hand(rng, sessions):
    """None, one, or more of the starts; some of them where nothing is free."""
    chance = rng.choice([0, 0, 0.4, 1])
    numbers = [
        number for number, session in enumerate(sessions, start=1) if session.state == "open" and rng.random() < chance
    ]
    shares = sorted(rng.random() for _number in numbers)
    return [
        ByHand(number, share, rng.choice([0, 0, 0, 0, 30]), rng.random() < 0.6)
        for number, share in zip(numbers, shares, strict=True)
    ]


def a_person(rng, length):
    hours = [Row(weekday, *rng.choice(HOURS)) for weekday in range(1, 8) if rng.random() < 0.75]
    return Thing("practitioner", hours=hours, taken=spans(rng, length, 4, 1500), absent=spans(rng, length, 1, 3000))


def some_sessions(rng, days, people, most):
    count = rng.choice([1, 2, most, most, most])
    found = []
    for _number in range(count):
        least = rng.choice([1, 1, 2, 3])
        ideal = least + rng.choice([0, 1, 2])
        found.append(Session(least, ideal, ideal + rng.choice([0, 0, 1, 3])))
        if rng.random() < 0.15:
            found[-1].not_before = rng.choice(days)
        if rng.random() < 0.15:
            found[-1].best = max(rng.choice(days), found[-1].not_before or days[0])
        if rng.random() < 0.1:
            found[-1].not_after = max(found[-1].best or found[-1].not_before or days[0], rng.choice(days))
    if rng.random() < 0.3:
        done = days[0] - timedelta(days=rng.choice([1, 2, 5]))
        found.insert(0, Session(1, 1, 1, "done", done, rng.choice([None, *range(people)])))
    if rng.random() < 0.25:
        least = rng.choice([1, 2, 4])
        booked = Session(
            least, least + 1, least + 3, "booked", rng.choice(days[2:]), rng.choice([None, *range(people)])
        )
        found.insert(rng.randrange(1, len(found) + 1), booked)
    if rng.random() < 0.1:
        found.insert(rng.randrange(len(found) + 1), Session(1, 2, 3, "on_hold"))
    return found


def a_wish(rng, days, people):
    wished = Wished(who=rng.choice(["any", "any", "prefer", "same"]))
    if rng.random() < 0.4:
        wished.weekdays = set(rng.sample(range(1, 8), rng.choice([1, 2, 4])))
    if rng.random() < 0.3:
        wished.earliest = rng.choice([540, 600, 900])
    if rng.random() < 0.2:
        wished.latest = rng.choice([900, 960])
    if wished.who != "any":
        wished.person = rng.randrange(people)
    if rng.random() < 0.3:
        wished.not_on = set(rng.sample(days, 2))
    return wished


def spans(rng, length, most, longest):
    """Spans of minutes of the world that do not overlap."""
    found, minute = [], TWO_DAYS
    for _number in range(rng.randrange(most + 1)):
        start = minute + rng.randrange(length // 2)
        minute = start + rng.randrange(30, min(longest, 700))
        if minute < TWO_DAYS + length:
            found.append((start, minute))
    return found
