"""One visit of a booked course is moved by every number of days: the rest is fitted with the least change."""

import random
import time
from collections import Counter
from collections.abc import Iterable
from unittest.mock import patch

from clinic.scheduling import least_change
from clinic.scheduling.least_change import Least
from tests.clinic import stored_reflows
from tests.clinic.reflows_by_hand import random_booked
from tests.prove import web
from tests.prove.report import Row

SIZES, TEETH = {"small": 2, "full": 60}, 40
SOME = range(-30, 61, 6)


def prove(size: str) -> Row:
    """From 30 days earlier to 60 days later: windows hold, and (moved, minutes) is that of trying every change."""
    row = Row("reflow")
    started, first = time.perf_counter(), random.randrange(10**6)
    with web.on_a_copy():
        faults, seen = attack(_courses(first, SIZES[size]))
        with patch.object(least_change, "least", greedily):
            tried, found = first_difference(_courses(first, TEETH))
    row.tried, row.accepted, row.errors = seen["offsets"], seen["changed"], len(faults)
    row.more = dict(seen) | ({"first faults": faults[:3]} if faults else {})
    row.more["teeth found"] = {"when each visit takes what is nearest to it": found or "nothing", "after": tried}
    row.teeth = bool(found)
    row.seconds = time.perf_counter() - started
    return row.settle(holds=not faults and seen["courses"] == SIZES[size] and seen["changed"] > 0)


def attack(seeds: Iterable[int], offsets: range = stored_reflows.OFFSETS) -> tuple[list[str], Counter]:
    """Compare one course for each seed; returns what differed and what was looked at."""
    faults, seen = [], Counter()
    for number in seeds:
        try:
            seen += stored_reflows.compare(number, offsets)
        except Exception as fault:  # noqa: BLE001 (any error of the product is what is looked for)
            faults.append(f"course {number}: {type(fault).__name__} {str(fault)[:200]}")
    return faults, seen


def first_difference(seeds: Iterable[int]) -> tuple[int, str]:
    """How many courses it takes to find a fault, and the fault."""
    for tried, number in enumerate(seeds, start=1):
        faults, _seen = attack([number], SOME)
        if faults:
            return tried, faults[0]
    return 0, ""


def _courses(first: int, count: int) -> list[int]:
    """Seeds whose dice leave room for a course."""
    found = []
    number = first
    while len(found) < count:
        if random_booked(number) is not None:
            found.append(number)
        number += 1
    return found


def greedily(steps, before, first_possible_on, today) -> Least:
    """Each session where the one before it leaves it the nearest, without a thought for those after it."""
    starts, nowhere, late, minutes, day = {}, set(), set(), 0, before
    for step in steps:
        alone = least_change._Change([step], first_possible_on, today)
        choice = min(alone.choices(0, day), key=lambda each: (each.cost, each.rank))
        number = step.session.number
        nowhere |= {number} if choice.is_nowhere else set()
        late |= {number} if choice.is_late else set()
        if choice.start is not None:
            starts[number] = choice.start
            minutes += choice.minutes
        day = choice.day
    return Least(starts, nowhere, late, minutes)
