"""The least change of a course in the diary: what is read for it, and the days that it may use."""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from datetime import date

from django.db.models import Q

from clinic import timespans
from clinic.models import Appointment, Claim, Proposal
from clinic.scheduling import ground as grounds
from clinic.scheduling import least_change
from clinic.scheduling.course_rows import Asked, CourseRows, Reach
from clinic.scheduling.ground import Ground
from clinic.scheduling.least_change import Least, Step
from clinic.scheduling.nearest_starts import Nearest
from clinic.scheduling.standing import Standing
from clinic.scheduling.wishing import Wish
from clinic.timespans import Span
from treatments import windows
from treatments.models import TreatmentSeries, TreatmentSession
from treatments.windows import PlannedSession


def least(course: Standing, wish: Wish, free: set[int]) -> tuple[Ground | None, Least]:
    """The ground of what may move, and the least change: nothing beyond what was read can be in time."""
    rows = _taken_out(course, free | set(course.pins))
    asked = Asked(timespans.date_of(rows.home.zone, course.now), None)
    reach = Reach.of(rows, asked, course.pins, course.now)
    last = min(_last_in_time(course, free, reach), reach.last)
    if not free and not course.pins:
        return None, Least({}, set(), set(), 0)
    while True:
        ground = grounds.read(rows, wish, asked, (reach.first, last), course.now)
        if any(place != rows.home.pk for place in _places(course, free | set(course.pins))):
            ground = ground.everywhere
        steps, before = _steps(course, ground, free)
        found = least_change.least(steps, before, rows.first_possible_on, reach.first.toordinal())
        if last >= reach.last or not (found.nowhere or found.late):
            return ground, found
        last = reach.last


def _places(course: Standing, numbers: set[int]) -> set[int]:
    return {visit.location_id for number, visit in course.rows.visits.items() if number in numbers}


def _taken_out(course: Standing, numbers: set[int]) -> CourseRows:
    """The course as if these sessions waited to be booked, and what their visits have were free."""
    rows = course.rows
    sessions = [copy(session) for session in rows.sessions]
    for session in sessions:
        if session.number in numbers:
            session.state = TreatmentSession.State.PLANNED
    leaving = {number: visit for number, visit in rows.visits.items() if number in numbers}
    planned = {
        number: replace(row, booked_on=None) if number in numbers else row for number, row in rows.planned.items()
    }
    return replace(
        rows,
        sessions=sessions,
        planned=planned,
        visits={number: visit for number, visit in rows.visits.items() if number not in numbers},
        given_back=_given_back(rows.series, leaving),
        present=tuple(Span(visit.starts_at, visit.ends_at) for visit in leaving.values()),
    )


def _given_back(series: TreatmentSeries, leaving: Mapping[int, Appointment]) -> dict[int, list[Span]]:
    """What these visits have, and what is kept by a proposal about them, which another one takes back."""
    kept = Q(hold__proposed_visit__proposal__series=series, hold__proposed_visit__proposal__state=Proposal.State.OPEN)
    mine = Q(appointment__in=[visit.pk for visit in leaving.values()])
    found: dict[int, list[Span]] = {}
    rows = Claim.objects.filter(mine | kept, live=True).order_by()
    for resource, starts_at, ends_at in rows.values_list("resource_id", "starts_at", "ends_at"):
        found.setdefault(resource, []).append(Span(starts_at, ends_at))
    return found


def _last_in_time(course: Standing, free: set[int], reach: Reach) -> date:
    """The last day on which any of them could be in time: each as late as the one before allows."""
    before, last = None, max([reach.first, *(course.day(number) for number in course.pins)])
    for session in course.rows.sessions:
        planned, day = course.rows.planned[session.number], course.day(session.number)
        window = windows.after(planned, before, course.rows.first_possible_on)
        before = max(window.latest, day or reach.first) if session.number in free else day or window.ideal
        if session.number in free:
            last = max(last, before)
    return last


def _steps(course: Standing, ground: Ground, free: set[int]) -> tuple[list[Step], int | None]:
    """The sessions from the first that may move, and the day of the one before it."""
    begins, before, steps = min(free, default=None), None, []
    today = timespans.date_of(course.rows.home.zone, course.now)
    starts = Nearest(ground)
    for session in ground.sessions:
        number, day = session.number, course.day(session.number)
        if begins is None or number < begins:
            window = windows.after(course.rows.planned[number], before, course.rows.first_possible_on)
            before = day or max(window.ideal, today)
            continue
        visit = course.rows.visits.get(number)
        planned = _without_day(course.rows.planned[number])
        where = None if day is None else day.toordinal()
        if number not in free:
            steps.append(Step(planned, where, may_be_late=number in course.allowed_late))
            continue
        days = starts.of(session, visit)
        stands = visit is None or visit.pk not in course.displaced
        steps.append(Step(planned, where, days, stands=stands, may_be_late=number in course.allowed_late))
    return steps, None if before is None else before.toordinal()


def _without_day(planned: PlannedSession) -> PlannedSession:
    return replace(planned, booked_on=None)
