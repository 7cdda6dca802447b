"""Free starts and reasons on random calendars, against a plain calendar that shares nothing with the engine."""

import random
import time
from collections import Counter
from datetime import date
from unittest.mock import patch

from clinic.minutes import Ruler
from tests.clinic import stored_calendars
from tests.clinic.random_calendars import random_world
from tests.prove import web
from tests.prove.report import Row

SIZES, TEETH = {"small": 40, "full": 1500}, 300
CHANGES = {date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1)}
CODES = frozenset({
    "closed", "absent", "outside_hours", "busy", "no_room", "no_device", "device_due", "device_elsewhere",
    "not_qualified", "no_assistant", "travel", "inside_notice", "beyond_horizon", "past", "off_grid", "patient_busy",
    "before_window", "after_window", "too_close_to_next", "near_same_area", "near_other_area",
})  # fmt: skip


def days_of_24_hours(ruler: Ruler, day: date) -> int:
    """Midnight as it would be if days were added to UTC."""
    return min(max((day - ruler.dates[0]).days, 0) * 24 * 60, ruler.length)


def never(ruler: Ruler, day: date) -> bool:
    return False


def prove(size: str) -> Row:
    """The engine offers what the plain calendar has, gives a reason for everything else, and every reason occurs."""
    row = Row("calendars")
    started, first = time.perf_counter(), random.randrange(10**6)
    with web.on_a_copy():
        faults, seen, codes = attack(range(first, first + SIZES[size]))
        for number in range(first + SIZES[size], first + 5 * SIZES[size], 10):
            if set(codes) >= CODES:
                break
            for total, more in zip((faults, seen, codes), attack(range(number, number + 10)), strict=True):
                total += more  # noqa: PLW2901 (lists and counters grow in place)
        with patch.object(Ruler, "has_clock_change", never), patch.object(Ruler, "midnight", days_of_24_hours):
            tried, found = _first_difference(first)
    row.tried, row.accepted, row.errors = seen["worlds"], seen["offered"], len(faults)
    row.more = dict(seen) | {
        "reasons": dict(sorted(codes.items())),
        "reasons that never came": sorted(CODES - set(codes)),
    }
    row.more |= {"first faults": faults[:3]} if faults else {}
    row.more["teeth found"] = {"when wall time is added to UTC": found or "nothing", "worlds": tried}
    row.teeth = bool(found)
    row.seconds = time.perf_counter() - started
    return row.settle(holds=not faults and set(codes) >= CODES and seen["worlds with a change of the clock"] > 0)


def _first_difference(first: int) -> tuple[int, str]:
    """How many worlds with a change of the clock it takes to find a fault, and the fault."""
    tried = 0
    for number in range(first, first + TEETH):
        if _has_change(random_world(number)):
            tried += 1
            faults, _seen, _codes = attack(range(number, number + 1))
            if faults:
                return tried, faults[0]
    return tried, ""


def _has_change(world) -> bool:
    return any(world.first <= day <= world.last for day in CHANGES)


def attack(seeds: range) -> tuple[list[str], Counter, Counter]:
    """Compare one world for each seed; returns what differed, what was looked at, and how often each reason came."""
    faults, seen, codes = [], Counter(), Counter()
    for number in seeds:
        world = random_world(number)
        seen["worlds"] += 1
        seen["worlds with a change of the clock"] += _has_change(world)
        seen["offered"] += len(world.free_starts())
        try:
            codes += stored_calendars.compare(number)
        except Exception as fault:  # noqa: BLE001 (any error of the product is what is looked for)
            faults.append(f"world {number}: {type(fault).__name__} {str(fault)[:200]}")
    return faults, seen, codes
