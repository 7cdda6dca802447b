"""The plan of a whole course on random calendars, against every combination tried by hand."""

import random
import time
from collections import Counter
from datetime import date
from unittest.mock import patch

from clinic.minutes import Ruler
from clinic.scheduling import search
from clinic.scheduling.search import Found
from tests.clinic import stored_courses
from tests.clinic.random_courses import random_course
from tests.prove import web
from tests.prove.calendars import CHANGES, days_of_24_hours, never
from tests.prove.report import Row

SIZES, TEETH = {"small": 60, "full": 5200}, 300


def prove(size: str) -> Row:
    """The plan costs what the cheapest combination does, places as many, keeps wall time, and is always the same."""
    row = Row("exact")
    started, first = time.perf_counter(), random.randrange(10**6)
    with web.on_a_copy():
        faults, seen = attack(range(first, first + SIZES[size]))
        with patch.object(search, "best", greedy):
            greedily, found = first_difference(range(first, first + TEETH))
        changing = (number for number in range(first, first + 10 * TEETH) if has_change(number))
        with patch.object(Ruler, "has_clock_change", never), patch.object(Ruler, "midnight", days_of_24_hours):
            in_utc, shifted = first_difference(changing)
    row.tried, row.accepted, row.errors = seen["courses"], seen["placed"], len(faults)
    row.more = dict(seen) | ({"first faults": faults[:3]} if faults else {})
    row.more["teeth found"] = {
        "when the next cheapest visit is taken": found or "nothing", "after": greedily,
        "when wall time is added to UTC": shifted or "nothing", "after ": in_utc,
    }  # fmt: skip
    row.teeth = bool(found and shifted)
    row.seconds = time.perf_counter() - started
    return row.settle(holds=not faults and all(seen[what] for what in ("late", "impossible", "with a change of clock")))


def attack(seeds) -> tuple[list[str], Counter]:
    """Compare one course for each seed; returns what differed and what was looked at."""
    faults, seen = [], Counter()
    for number in seeds:
        seen["courses"] += 1
        seen["with a change of clock"] += has_change(number)
        try:
            seen += stored_courses.compare(number)
        except Exception as fault:  # noqa: BLE001 (any error of the product is what is looked for)
            faults.append(f"course {number}: {type(fault).__name__} {str(fault)[:200]}")
    return faults, seen


def first_difference(seeds) -> tuple[int, str]:
    """How many courses it takes to find a fault, and the fault."""
    for tried, number in enumerate(seeds, start=1):
        faults, _seen = attack([number])
        if faults:
            return tried, faults[0]
    return 0, ""


def has_change(number: int) -> bool:
    world = random_course(number).world
    return any(world.first < day <= world.last for day in CHANGES) and world.zone.key.startswith(_zone_of(world.first))


def _zone_of(first: date) -> str:
    """Where the clocks change in the days after this one."""
    return "America" if first in (date(2026, 3, 4), date(2026, 10, 28)) else "Europe"


def greedy(steps, first_possible_on, prices) -> Found:
    """Each session on the cheapest day that the one before it leaves, without a thought for those after it."""
    seeker = search._Search(steps, first_possible_on, prices)
    options, cost, state, is_placing, seen_open = {}, 0, search.START, True, False
    for place, step in enumerate(steps):
        earliest, ideal, _latest = seeker.window(place, state[0])
        if not step.is_open:
            state, more = seeker._follow(place, state, after_open=seen_open)
            if more == float("inf"):
                return Found({}, 0)
            cost += more
            continue
        seen_open = True
        fitting = [
            (seeker._price(place, state, day, option), option.rank, day, option)
            for day, found in step.days.items()
            for option in found
            if day >= earliest and is_placing
        ]
        if not fitting:
            is_placing, state = False, (ideal, state[1])
            continue
        price, _rank, day, option = min(fitting)
        options[step.session.number], cost, state = option, cost + price, (day, option.person)
    return Found(options, cost if options else 0)
