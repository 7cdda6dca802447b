"""Small clinics around an ordinary day or a clock change, their people and things more or less busy."""

import random
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from tests.clinic.calendars_by_hand import Course, Row, Thing, World

ZONES = ["Europe/Berlin", "Europe/London", "America/New_York"]
FIRSTS = [date(2026, 3, 28), date(2026, 10, 24), date(2026, 6, 10), date(2026, 3, 7), date(2026, 10, 31)]
VISITS = [
    [("hands_on", 45, ["practitioner"])],
    [("hands_on", 45, ["practitioner", "assistant"])],
    [("numbing", 20, ["room"]), ("hands_on", 30, ["practitioner", "room", "device"])],
    [("numbing", 20, ["lounge"]), ("hands_on", 30, ["practitioner", "room"]), ("turnaround", 10, ["room"])],
    [
        ("hands_on", 5, ["practitioner", "room"]),
        ("numbing", 25, ["room"]),
        ("hands_on", 35, ["practitioner", "room", "device", "assistant"]),
        ("recovery", 10, ["room"]),
        ("turnaround", 15, ["room", "device"]),
    ],
]


def random_world(seed):
    rng = random.Random(seed)
    first = rng.choice(FIRSTS)
    last = first + timedelta(days=rng.randrange(3))
    days = [first + timedelta(days=n) for n in range(-1, (last - first).days + 2)]
    people = [a_person(rng, days) for _ in range(rng.randrange(1, 5))]
    rooms = [a_room(rng) for _ in range(rng.randrange(1, 4))]
    devices = [a_device(rng, days) for _ in range(rng.randrange(1, 3))]
    is_open = rng.random() < 0.5
    world = World(
        zone=ZoneInfo(rng.choice(ZONES)),
        first=first,
        last=last,
        now=rng.choice([100, 2880 + rng.randrange(900)]),
        grid=rng.choice([15, 20, 30, 50]),
        notice=rng.choice([0, 45, 300]),
        horizon=rng.choice([365, 365, 2]),
        channel=rng.choice(["desk", "desk", "online"]),
        opening=usual_hours(rng, days, [1080, 0], [0, 60, 480]) if is_open else [],
        extra=[Row(rng.choice(days), *rng.choice([(60, 240), (150, 0), (1000, 1290)]))] if is_open else [],
        closures=some_spans(rng, 1, 400),
        things=people + rooms + devices,
        patient=apart(rng, 3, 2900, 6000, 90),
        segments=rng.choice(VISITS),
        way=rng.choice([0, 25, 90]),
        course=rng.choice([None, a_course(rng, days)]),
    )
    if world.course is not None and rng.random() < 0.4:
        near = rng.sample([days[0] - timedelta(days=1), *days, days[-1] + timedelta(days=2)], 2)
        world.course.others = [(day, rng.choice([1, 2, 3]), rng.random() < 0.5) for day in near]
        world.course.apart = rng.choice([0, 1, 3])
    return world


def a_person(rng, days):
    treats = rng.random() < 0.8
    taken = apart(rng, 14, 2000, 6500, 240)
    return Thing(
        "practitioner",
        turnaround=rng.choice([0, 0, 10, 25]),
        hours=usual_hours(rng, days, [600, 1080, 0, 165], [0, 90, 150]),
        dated=[own_hours(rng, days) for _ in range(rng.randrange(2))],
        taken=taken[::2],
        away=taken[1::2] if rng.random() < 0.5 else [],
        absent=some_spans(rng, 2, 600),
        usable_until=rng.choice([None, None, days[0], days[1]]),
        is_usable=rng.random() < 0.9,
        treats=treats,
        assists=not treats,
    )


def a_room(rng):
    return Thing(
        rng.choice(["room", "room", "lounge"]),
        turnaround=rng.choice([0, 0, 10, 25]),
        taken=apart(rng, 14, 2000, 6500, 240),
        absent=some_spans(rng, 2, 600),
        is_usable=rng.random() < 0.9,
        serves_all=rng.random() < 0.3,
    )


def a_device(rng, days):
    return Thing(
        "device",
        turnaround=rng.choice([0, 0, 10, 25]),
        taken=apart(rng, 8, 2000, 6500, 240),
        absent=some_spans(rng, 1, 600),
        usable_until=rng.choice([None, None, days[0], days[1]]),
        is_usable=rng.random() < 0.9,
        is_at_home=rng.random() < 0.7,
        stays={day: rng.random() < 0.5 for day in days if rng.random() < 0.4},
    )


def a_course(rng, days):
    least = rng.choice([1, 2, 7])
    return Course(
        done_on=days[0] - timedelta(days=rng.choice([1, 6, 20])),
        least=least,
        most=least + rng.choice([0, 5, 30]),
        next_on=rng.choice([None, days[-1] + timedelta(days=rng.choice([2, 8]))]),
        next_least=rng.choice([1, 8, 12]),
    )


def usual_hours(rng, days, ends, starts):
    weekdays = dict.fromkeys(day.isoweekday() for day in days)
    return [
        Row(weekday, rng.choice(starts), rng.choice(ends), is_open=rng.random() < 0.9)
        for weekday in weekdays
        if rng.random() < 0.9
    ]


def own_hours(rng, days):
    is_here = rng.random() < 0.6
    return Row(
        rng.choice(days),
        *rng.choice([(30, 170), (130, 900), (800, 0)]),
        is_open=rng.random() < 0.8,
        replaces_usual=not is_here or rng.random() < 0.5,
        is_here=is_here,
    )


def some_spans(rng, most, longest):
    starts = rng.sample(range(2500, 6500), rng.randrange(most + 1))
    return [(start, start + rng.randrange(30, longest)) for start in starts]


def apart(rng, count, low, high, longest):
    """Random spans that do not overlap; some touch."""
    spans, minute = [], low
    for _number in range(count):
        start = minute + rng.choice([0, 0, 15, 30, rng.randrange(400)])
        minute = start + rng.choice([15, 30, 60, rng.randrange(1, longest)])
        if minute < high:
            spans.append((start, minute))
    return spans
