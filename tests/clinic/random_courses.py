"""Small clinics over ten days or so, many around a clock change, with a course of up to four sessions in each."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from tests.clinic.calendars_by_hand import Row, Thing, World
from tests.clinic.courses_by_hand import Prices, Session, Wished

ZONES = ["Europe/Berlin", "America/New_York"]
FIRSTS = [date(2026, 3, 25), date(2026, 10, 21), date(2026, 6, 10), date(2026, 3, 4), date(2026, 10, 28)]
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
    others: list  # (day, least of its own protocol, whether it treats the same area)
    apart: int


def random_course(seed):
    rng = random.Random(seed)
    first = rng.choice(FIRSTS)
    last = first + timedelta(days=rng.choice([6, 8, 10, 12]))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    length = 1440 * len(days)
    people = [a_person(rng, length) for _ in range(rng.choice([1, 1, 2]))]
    world = World(
        zone=ZoneInfo(rng.choice(ZONES)),
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
    return CourseWorld(
        world=world,
        sessions=some_sessions(rng, days, len(people)),
        first_possible=days[0] + timedelta(days=rng.choice([-3, 0, 0, 1, 2])),
        first=days[0] + timedelta(days=rng.choice([0, 0, 0, 2])),
        wished=a_wish(rng, days, len(people)),
        prices=Prices(*(rng.choice([0, 1, 2, 3, 5]) for _ in range(5)), rng.choice([0, 1, 2])),
        others=[(rng.choice(days), rng.choice([1, 2, 3]), rng.random() < 0.5)] if rng.random() < 0.3 else [],
        apart=rng.choice([0, 1, 2]),
    )


def a_person(rng, length):
    hours = [Row(weekday, *rng.choice(HOURS)) for weekday in range(1, 8) if rng.random() < 0.75]
    return Thing("practitioner", hours=hours, taken=spans(rng, length, 4, 1500), absent=spans(rng, length, 1, 3000))


def some_sessions(rng, days, people):
    count = rng.choice([1, 2, 3, 3, 3])
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
