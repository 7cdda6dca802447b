"""What can be asked about one visit of a plan: its other starts, and why it is not earlier."""

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from clinic.minutes import bits, epoch_minute
from clinic.scheduling import words
from clinic.scheduling.choosing import as_chosen
from clinic.scheduling.course_rows import Pin
from clinic.scheduling.ground import Ground, Options
from clinic.scheduling.plans import Chosen, Plan, PlannedVisit
from clinic.scheduling.search import Option
from clinic.scheduling.wishing import SAME, Wish
from clinic.spacing import Course
from treatments.models import TreatmentSeries

APART_MINUTES = 60
SAME_DAY = 2
NEAREST = 3


def alternatives(
    series: TreatmentSeries, wish: Wish, number: int, *, plan: Plan, now: datetime, count: int = 6
) -> list[Chosen]:
    """Other starts of one session, given the visit before it, in the order of time: the cheapest days, and other times
    of the same day. Series, wish and now are those of the plan."""
    ground, visit = plan.ground.whole, plan.visit(number)
    if visit is None:
        return []
    person = person_before(plan, number)
    price = _price(ground, visit, person)
    fits = course_allows(plan, number)
    found = _same_day(ground, visit, price) if visit.chosen else []
    found += _other_days(ground, visit, price, fits, count - len(found))
    return [as_chosen(ground, option, visit.window, person) for option in sorted(found, key=lambda each: each.rank)]


def why_not_earlier(series: TreatmentSeries, wish: Wish, number: int, *, plan: Plan, now: datetime) -> list[str]:
    """Why the days between the earliest possible one and the chosen one were passed over, a line for each stretch."""
    ground, visit = plan.ground.whole, plan.visit(number)
    if visit is None or visit.chosen is None:
        return []
    first = max(visit.window.earliest, ground.first)
    last = visit.chosen.day - timedelta(days=1)
    return words.why_later(ground, visit.session, first, last, visit.window.ideal)


def with_reasons(plan: Plan, pins: dict[int, Pin]) -> Plan:
    """The plan, with why the first session without a time has none and what comes nearest."""
    visit = next((each for each in plan.visits if each.chosen is None and not each.reasons), None)
    if visit is None:
        return plan
    ground, fits = plan.ground, course_allows(plan, visit.number)
    pin = pins.get(visit.number)
    person = person_before(plan, visit.number)
    price = _price(ground, visit, person)
    if pin is not None:
        options = [each for found in _allowed(ground, visit, ground.options, fits) for each in found]
        nearest = sorted(options, key=lambda each: (abs(each.start - pin.start), each.rank))
        why = [words.why_not_then(ground, visit.session, visit.window, pin)]
    else:
        given_way = ground.options_with(None, frozenset()) if ground.wish.not_on or ground.wish.who == SAME else {}
        nearest = sorted((min(each, key=price) for each in _allowed(ground, visit, given_way, fits)), key=price)
        why = words.why_nowhere(ground, visit.session, visit.window, fits)
    shown = tuple(as_chosen(ground, option, visit.window, person) for option in nearest[:NEAREST])
    explained = replace(visit, reasons=tuple(why), nearest=shown)
    return replace(plan, visits=tuple(explained if each is visit else each for each in plan.visits))


def person_before(plan: Plan, number: int) -> int | None:
    """The practitioner of the last visit before the session, planned or in the diary."""
    ground, person = plan.ground, None
    planned = {visit.number: visit.chosen for visit in plan.visits if visit.chosen is not None}
    for session in ground.sessions:
        if session.number >= number:
            break
        if session.number in planned:
            person = planned[session.number].practitioner_id
        elif ground.planned[session.number].done_on or ground.planned[session.number].booked_on:
            person = ground.visits[session.number].practitioner_id if session.number in ground.visits else None
    return person


def course_allows(plan: Plan, number: int) -> Callable[[date], bool]:
    """Whether the course leaves a day for the session, if those before it are where the plan has them."""
    ground = plan.ground
    planned = {visit.number: visit.chosen.day for visit in plan.visits if visit.chosen and visit.number < number}
    rows = [
        replace(row, booked_on=planned[row.number]) if row.number in planned else row for row in ground.planned.values()
    ]
    course = Course.around(number, rows, ground.rows.first_possible_on)
    return lambda day: not {breach.code for breach in course.breaches(day)} - {"after_window"}


def _allowed(
    ground: Ground, visit: PlannedVisit, options: Options, fits: Callable[[date], bool]
) -> Iterable[list[Option]]:
    days = ground.days_of(visit.session, options)
    return [found for day, found in days.items() if fits(date.fromordinal(day))]


def _price(ground: Ground, visit: PlannedVisit, person: int | None) -> Callable[[Option], tuple]:
    """What an option costs after the visit before it; of equal ones the earlier."""
    prices, window = ground.prices, visit.window
    last = min(window.latest, window.expires_on or window.latest)

    def price(option: Option) -> tuple:
        day = ground.day_of(option)
        late = max((day - last).days, 0)
        is_change = person is not None and option.person is not None and option.person != person
        cost = abs((day - window.ideal).days) + option.cost + is_change * prices.change
        return cost + (prices.late + late * prices.each_late_day if late else 0), option.rank

    return price


def _other_days(
    ground: Ground, visit: PlannedVisit, price: Callable[[Option], tuple], fits: Callable[[date], bool], count: int
) -> list[Option]:
    """The cheapest start of each of the cheapest other days: looked for from the best day outwards."""
    ideal, found = visit.window.ideal.toordinal(), []
    own_day = visit.chosen.day.toordinal() if visit.chosen else None
    for day in sorted(ground.options, key=lambda each: abs(each - ideal)):
        if len(found) >= count and abs(day - ideal) > price(found[count - 1])[0]:
            break
        on = date.fromordinal(day)
        if day != own_day and on >= visit.window.earliest and fits(on) and not ground.is_forbidden(visit.session, on):
            insort(found, min(ground.options[day], key=price), key=price)
    return found[:count]


def _same_day(ground: Ground, visit: PlannedVisit, price: Callable[[Option], tuple]) -> list[Option]:
    """Other starts of the chosen day, an hour apart at least."""
    chosen = visit.chosen
    place = ground.places[chosen.location_id]
    ruler = place.board.ruler
    whole_day = ruler.between(*ruler.minutes_of(chosen.day))
    people = [
        person for person in place.starts if ground.wish.who != SAME or person in (ground.wish.practitioner_id, None)
    ]
    options = [
        ground.option(place, ruler.base + minute, person)
        for person in people
        for minute in bits(place.starts[person] & whole_day)
    ]
    found, starts = [], [epoch_minute(chosen.starts_at)]
    for option in sorted(options, key=price):
        if len(found) < SAME_DAY and all(abs(option.start - start) >= APART_MINUTES for start in starts):
            found.append(option)
            starts.append(option.start)
    return found
