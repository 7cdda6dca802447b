"""The plan of a whole course on random calendars, against every combination tried by hand."""

import random
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from unittest.mock import patch
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from clinic import scheduling
from clinic.minutes import Ruler
from clinic.scheduling import Wish, search
from clinic.scheduling.ground import Ground
from clinic.scheduling.search import Found
from tests import factories, factories_treatments
from tests.clinic import compared_courses
from tests.clinic.random_courses import random_course
from tests.prove import web
from tests.prove.calendars import days_of_24_hours, never
from tests.prove.report import Row

SIZES, TEETH = {"small": 40, "full": 5200}, 300
THOUGHT_OF = {"small": 20, "full": 500}  # courses that Hypothesis makes up, and simplifies where one differs
MORE = 5  # so many times the small size is looked at until everything that a course may have was there
SAME_HOUR = wall_time(9)
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
}


def prove(size: str) -> Row:
    """The plan costs what the cheapest combination does, places as many, keeps wall time, and is always the same."""
    row = Row("exact")
    started, first = time.perf_counter(), random.randrange(10**6)
    with web.on_a_copy():
        faults, seen = attack_until_all_was_seen(first, SIZES[size])
        thought_of, simplest = made_up_by_hypothesis(first, THOUGHT_OF[size])
        faults += simplest
        hours_kept, shifted_hours = kept_hours()
        found = teeth(first)
    missing = sorted(EVERYTHING - set(seen))
    seen["courses by Hypothesis"] = thought_of
    row.tried, row.accepted, row.errors = seen["courses"] + thought_of, seen["placed"], len(faults) + len(shifted_hours)
    row.more = {name: seen[name] for name in sorted(seen)} | {"visits at the same hour over a change": hours_kept}
    row.more |= {"first faults": (faults + shifted_hours)[:3]} if faults or shifted_hours else {}
    row.more |= {"never there": missing, "teeth found": {name: said or "nothing" for name, said in found.items()}}
    row.teeth = all(found.values())
    row.seconds = time.perf_counter() - started
    return row.settle(holds=not row.errors and not missing and hours_kept > 0)


def attack_until_all_was_seen(first: int, count: int) -> tuple[list[str], Counter]:
    """So many courses, and some more while one of the things that a course may have was not there yet."""
    faults, seen = attack(range(first, first + count))
    for number in range(first + count, first + MORE * count, 10):
        if set(seen) >= EVERYTHING:
            break
        more_faults, more = attack(range(number, number + 10))
        faults, seen = faults + more_faults, seen + more
    return faults, seen


def made_up_by_hypothesis(first: int, count: int) -> tuple[int, list[str]]:
    """So many courses by other dice: how many there were, and the simplest that differs."""
    tried = 0

    @seed(first)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(number=st.integers(0, 11), rng=st.randoms())
    def compare(number: int, rng: random.Random) -> None:
        nonlocal tried
        tried += 1
        compared_courses.compare(number, rng)

    try:
        compare()
    except Exception as fault:  # noqa: BLE001 (any error of the product is what is looked for)
        return tried, [f"by Hypothesis: {type(fault).__name__} {str(fault)[:200]}"]
    return tried, []


def attack(seeds: Iterable[int]) -> tuple[list[str], Counter]:
    """Compare one course for each seed; returns what differed and what was looked at."""
    faults, seen = [], Counter()
    for number in seeds:
        seen["courses"] += 1
        try:
            seen += compared_courses.compare(number)
        except Exception as fault:  # noqa: BLE001 (any error of the product is what is looked for)
            faults.append(f"course {number}: {type(fault).__name__} {str(fault)[:200]}")
    return faults, seen


EVERYTHING = {"late", "impossible"} | {f"with {name}" for name in compared_courses.FEATURES} | {
    f"with the clock put {how} in {zone}" for how in ("forward", "back") for zone in CHANGES
}  # fmt: skip


def teeth(first: int) -> dict[str, str]:
    """The fault that each protection hid, once it is gone."""
    seeds = range(first, first + TEETH)
    with patch.object(search, "best", greedy):
        greedily = first_difference(seeds)
    with patch.object(Ruler, "has_clock_change", never), patch.object(Ruler, "midnight", days_of_24_hours):
        in_utc = first_difference(number for number in seeds if has_change(number))
    with patch.object(Ground, "is_blocked", nowhere):
        unsafe = first_difference(number for number in seeds if random_course(number).safety)
    with patch.object(Ground, "has_all_that_counts", property(lambda _ground: True)):
        at_home = first_difference(number for number in seeds if random_course(number).second is not None)
    return {
        "when the next cheapest visit is taken": greedily,
        "when wall time is added to UTC": in_utc,
        "when no rule of safety is asked": unsafe,
        "when other locations are not looked at": at_home,
    }


def first_difference(seeds: Iterable[int]) -> str:
    """The first fault, and how many courses it took to find it; empty without."""
    for tried, number in enumerate(seeds, start=1):
        faults, _seen = attack([number])
        if faults:
            return f"after {tried}: {faults[0]}"
    return ""


def has_change(number: int) -> bool:
    worlds = random_course(number).worlds
    return any(
        world.first < day <= world.last and len(minutes) != 24 * 60
        for world in worlds
        for day, minutes in world.days.items()
    )


def kept_hours() -> tuple[int, list[str]]:
    """Weekly visits at nine, over each change of the clock in each zone: how many there were, and which are not."""
    count, faults = 0, []
    for zone, changes in CHANGES.items():
        desk = factories.Desk(time_zone=zone)
        factories.room(desk.location, "treatment")
        person = factories.practitioner(desk.location, techniques=[factories_treatments.technique()])
        person.working_hours.update(valid_from=date(2020, 1, 6))
        version = factories_treatments.published(phases=((4, 7, 7, 10),))
        for change in changes:
            plan = _at_nine(version, desk.location.pk, first=change - timedelta(days=10))
            starts = [visit.chosen.starts_at for visit in plan.visits if visit.chosen]
            local = [start.astimezone(ZoneInfo(zone)) for start in starts]
            count += len(local)
            if len(local) != len(plan.visits) or {each.time() for each in local} != {SAME_HOUR}:
                faults.append(f"{zone}, {change}: {[str(each) for each in local]}")
            if len({start.astimezone(UTC).time() for start in starts}) != 2:
                faults.append(f"{zone}, {change}: the clock did not change")
    return count, faults


def _at_nine(version, location: int, *, first: date) -> scheduling.Plan:
    series = factories_treatments.series(version=version, first_possible_on=first)
    wish = Wish(earliest=SAME_HOUR, latest=SAME_HOUR, location_id=location)
    before = datetime.combine(first - timedelta(days=2), wall_time(12), tzinfo=UTC)
    return scheduling.plan(series, wish, first=first, now=before)


def nowhere(_ground: Ground, _session: object, _day: date) -> None:
    """Without rules of safety."""


def greedy(steps, first_possible_on, prices, today) -> Found:
    """Each session on the cheapest day that the one before it leaves, without a thought for those after it."""
    seeker = search._Search(steps, first_possible_on, prices, today)
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
            is_placing, state = False, (max(ideal, today), state[1])
            continue
        price, _rank, day, option = min(fitting)
        options[step.session.number], cost, state = option, cost + price, (day, option.person)
    return Found(options, cost if options else 0)
