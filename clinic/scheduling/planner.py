"""Placing all open sessions of one series."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from clinic import timespans
from clinic.minutes import epoch_minute
from clinic.models import Appointment, Location
from clinic.scheduling import answers, search, words
from clinic.scheduling import ground as grounds
from clinic.scheduling.choosing import as_chosen
from clinic.scheduling.course_rows import Asked, CourseRows, Pin, Reach, is_open, moment_of, rows_of
from clinic.scheduling.ground import Ground, Options
from clinic.scheduling.plans import Plan, PlannedVisit
from clinic.scheduling.search import Found, Option
from clinic.scheduling.wishing import Wish
from treatments import windows
from treatments.models import TreatmentSeries, TreatmentSession

# A start beyond, as somebody may type it, is as impossible as this one, and can still be counted with.
FAR_AWAY = epoch_minute(datetime(2200, 1, 1, tzinfo=UTC))


def plan(
    series: TreatmentSeries, wish: Wish, *, first: date, now: datetime, fixed: Mapping[int, datetime] | None = None,
    people: Mapping[int, int | None] | None = None, until: date | None = None,
) -> Plan:  # fmt: skip
    """Place the planned and missed sessions of the series between two local days, as cheaply as can be.

    Done and booked sessions stay as they are. `fixed` (UTC, by number) are starts that the person chose, `people` (by
    number) with whom; sessions before the first of them are where they would be without it, those after it are placed
    anew. Most sessions placed comes first, then least cost, then the earlier start; the same input gives the same plan.
    Without `until` the whole horizon of the location counts.
    """
    rows = rows_of(series, wish)
    pins = pins_of(fixed or {}, people or {})
    return _planned(rows, wish, first, now, pins, until, one_by_one=True)


def replanned(plan: Plan, *, now: datetime) -> Plan:
    """The plan as it is possible now: each visit keeps what it has, as far as it can; what cannot be gives way."""
    before = plan.ground
    rows = rows_of(before.series, before.wish)
    return _kept_as_far_as_possible(rows, before.wish, before.asked, plan.starts(), now)


def as_shown(
    series: TreatmentSeries, wish: Wish, *, first: date, now: datetime, fixed: Mapping[int, datetime],
    people: Mapping[int, int | None], sessions: Iterable[TreatmentSession] | None = None,
    locations: Iterable[Location] | None = None,
) -> Plan:  # fmt: skip
    """The plan with these starts (UTC, by number) and people, as far as they can be kept; the others give way.

    `sessions` and `locations` have just been read by the caller, or are read here.
    """
    rows = rows_of(series, wish, sessions=sessions, locations=locations)
    return _kept_as_far_as_possible(rows, wish, Asked(first, None), pins_of(fixed, people), now)


def _kept_as_far_as_possible(rows: CourseRows, wish: Wish, asked: Asked, pins: dict[int, Pin], now: datetime) -> Plan:
    while True:
        again = _planned(rows, wish, asked.first, now, pins, asked.until, one_by_one=False)
        lost = {visit.number for visit in again.visits if visit.number in pins and visit.chosen is None}
        if not lost:
            return again
        # Of those that cannot be kept the first gives way: the others may be possible again after its new day.
        del pins[min(lost)]


def pins_of(fixed: Mapping[int, datetime], people: Mapping[int, int | None]) -> dict[int, Pin]:
    """Chosen starts by number, with the person where one is named."""
    starts = {number: min(max(epoch_minute(start), 0), FAR_AWAY) for number, start in fixed.items()}
    return {number: Pin(start, people.get(number)) for number, start in starts.items()}


def _planned(
    rows: CourseRows, wish: Wish, first: date, now: datetime, pins: Mapping[int, Pin], until: date | None, *,
    one_by_one: bool,
) -> Plan:  # fmt: skip
    asked = Asked(first, until)
    if rows.open_numbers and rows.open_numbers <= set(pins):
        details = {"pins": pins, "is_safety_asked": one_by_one}
        ground = grounds.read(rows, wish, asked, grounds.stretch_of(pins), now, **details)
        ground, found = _everywhere(ground, pins, one_by_one=one_by_one)
        if len(found.options) == len(rows.open_numbers):
            return _as_plan(ground, found, pins)
    reach = Reach.of(rows, asked, pins, now)
    last = reach.likely
    while True:
        ground = grounds.read(rows, wish, asked, (reach.first, last), now)
        ground, found = _everywhere(ground, pins, one_by_one=one_by_one)
        # A visit after the stretch is later than its best day by more than the whole plan costs.
        is_proven = len(found.options) == len(rows.open_numbers) and last - reach.ideal >= timedelta(found.cost)
        if last >= reach.last or is_proven:
            return _as_plan(ground, found, pins)
        last = reach.last


def _everywhere(ground: Ground, pins: Mapping[int, Pin], *, one_by_one: bool) -> tuple[Ground, Found]:
    """Place the course at the usual location, and with the others where one visit there may be worth its price."""
    found = _placed(ground, pins, one_by_one=one_by_one)
    is_whole = len(found.options) == len(ground.rows.open_numbers)
    # Chosen starts that are free at the usual location are meant to be there.
    if ground.has_all_that_counts or (is_whole and (ground.pins or found.cost < ground.home.cost_of_location)):
        return ground, found
    return ground.everywhere, _placed(ground.everywhere, pins, one_by_one=one_by_one)


def _placed(ground: Ground, pins: Mapping[int, Pin], *, one_by_one: bool) -> Found:
    """The cheapest course around what is pinned; one by one, as if each start were chosen after those before it."""
    days: dict[int, Options] = {}
    if not ground.pins:  # else every session has its start, and nothing was read of other days
        days = {session.number: ground.days_of(session) for session in ground.open_ones}
    held: dict[int, Options] = {}
    for session in ground.open_ones:
        if session.number not in pins:
            continue
        before = [number for number in days if number < session.number and number not in held]
        if before and one_by_one:
            found = _found(ground, days | held)
            held |= {number: _only(ground, found.options[number]) for number in before if number in found.options}
        held[session.number] = ground.pinned(session, pins[session.number])
    return _found(ground, days | held)


def _found(ground: Ground, days: Mapping[int, Options]) -> Found:
    return search.best(ground.steps(days), ground.rows.first_possible_on, ground.prices, ground.today.toordinal())


def _only(ground: Ground, option: Option) -> Options:
    zone = ground.places[option.place].location.zone
    return {timespans.date_of(zone, moment_of(option.start)).toordinal(): [option]}


def _as_plan(ground: Ground, found: Found, pins: Mapping[int, Pin]) -> Plan:
    ahead = _still_kept_ahead(ground)
    visits, before, person, missing = [], None, None, None
    for session in ground.sessions:
        planned = ground.planned[session.number]
        window = windows.after(planned, before, ground.rows.first_possible_on)
        option = found.options.get(session.number)
        if option is not None:
            chosen = as_chosen(ground, option, window, person)
            is_date_only = ahead is not None and len([one for one in visits if one.chosen]) >= ahead
            visits.append(PlannedVisit(session.number, session, window, chosen, session.number in pins, is_date_only))
            before, person = chosen.day, chosen.practitioner_id
            continue
        if is_open(session, ground.visits):
            after = (words.after_one_without_a_time(missing),) if missing else ()
            details = {"is_fixed": session.number in pins, "is_date_only": bool(missing), "reasons": after}
            visits.append(PlannedVisit(session.number, session, window, **details))
            missing = missing or session.number
        elif planned.done_on or planned.booked_on:
            person = ground.visits[session.number].practitioner_id if session.number in ground.visits else None
        before = planned.done_on or planned.booked_on or max(window.ideal, ground.today)
    return answers.with_reasons(Plan(tuple(visits), found.cost, ground, pins), pins)


def _still_kept_ahead(ground: Ground) -> int | None:
    """How many more visits of the course the location keeps in the diary; None for as many as wanted."""
    most = ground.home.visits_ahead
    if most is None:
        return None
    waiting = (Appointment.Status.BOOKED, Appointment.Status.CONFIRMED)
    kept = [visit for visit in ground.visits.values() if visit.status in waiting and visit.starts_at >= ground.now]
    return max(most - len(kept), 0)
