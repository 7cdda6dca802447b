"""The rest of a course, looked at again after a move, a no-show, an illness or a closure: the least change that helps.

Visits before the first that does not fit stay as they are. Those after it may move, at their own location; sessions
that were missed, or wait in front of a booked one, are placed too: each counts as one moved, by the whole days that it
is from its best day. Reads only: `clinic.proposals` proposes or makes the change.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from clinic import reasons, timespans, to_move
from clinic.minutes import MINUTES_OF_A_DAY, epoch_minute
from clinic.models import Appointment, Wishes
from clinic.scheduling import least_of_course, standing, words
from clinic.scheduling.choosing import as_chosen
from clinic.scheduling.course_rows import CourseRows, Pin, is_open, rows_of
from clinic.scheduling.ground import Ground
from clinic.scheduling.least_change import Least
from clinic.scheduling.nearest_starts import shift_minutes
from clinic.scheduling.planner import FAR_AWAY
from clinic.scheduling.plans import Chosen
from clinic.scheduling.standing import WAITING, Standing
from clinic.scheduling.wishing import Wish
from clinic.spacing import Breach
from treatments import windows
from treatments.models import TreatmentSeries, TreatmentSession
from treatments.windows import Window

Wanted = datetime | tuple[datetime, int | None]


@dataclass(frozen=True)
class ReflowVisit:
    """One visit that does not fit, moves, or is placed; `reasons` in words, `window` if the change is made.

    Without `chosen` it stays where it is, or goes on waiting. `is_pinned`: its start was asked for.
    """

    number: int
    session: TreatmentSession
    appointment: Appointment | None
    window: Window
    reasons: tuple[str, ...] = ()
    chosen: Chosen | None = None
    is_pinned: bool = False
    is_late: bool = False
    shift_minutes: int = 0

    @property
    def was_at(self) -> datetime | None:
        return self.appointment and self.appointment.starts_at

    @property
    def days(self) -> int:
        """Local days that it moves; negative for earlier."""
        if self.appointment is None or self.chosen is None:
            return 0
        return (self.chosen.day - timespans.date_of(self.appointment.location.zone, self.was_at)).days

    @property
    def stays(self) -> bool:
        return self.chosen is None


@dataclass(frozen=True)
class Reflow:
    """What does not fit any more, and the least change, in the order of time."""

    series: TreatmentSeries
    visits: tuple[ReflowVisit, ...] = ()

    @property
    def changes(self) -> list[ReflowVisit]:
        return [visit for visit in self.visits if visit.chosen is not None]

    @property
    def wrong(self) -> list[ReflowVisit]:
        """Those that do not fit as things are."""
        return [visit for visit in self.visits if visit.reasons]

    @property
    def moved(self) -> int:
        return len(self.changes)

    @property
    def shift_minutes(self) -> int:
        return sum(visit.shift_minutes for visit in self.changes)

    @property
    def is_needed(self) -> bool:
        return bool(self.wrong)

    @property
    def can_be_made(self) -> bool:
        return bool(self.changes) and all(visit.chosen for visit in self.visits if visit.is_pinned)


def reflow(series: TreatmentSeries, *, now: datetime, changes: Mapping[int, Wanted] | None = None) -> Reflow:
    """The visits of the series that no longer fit, and the change that is least by visits moved, then minutes
    (as `nearest_starts` counts them).

    `changes` are starts (UTC, or with the key of a practitioner or None for the one it has) asked for, by number.
    What follows the last of them is fitted to it. One that is not possible has no `chosen`, and says why.
    """
    wish = Wish.of(Wishes.objects.filter(series=series).first())
    rows = rows_of(series, wish)
    pins = {number: _pin(wanted) for number, wanted in (changes or {}).items() if _can_be_asked(rows, number)}
    course = Standing(
        rows, pins, now, to_move.found(now, within=Q(session__series=series)), standing.allowed_late(rows)
    )
    reasons_of = dict(standing.wrong(course))
    open_ones = standing.waiting(course)
    begins = min([number for number in (*reasons_of, *open_ones) if number > max(pins, default=0)], default=None)
    if begins is None and not pins:
        return Reflow(series)
    free = standing.movable(course, begins, open_ones)
    ground, found = least_of_course.least(course, wish, free)
    return Reflow(series, tuple(sorted(_answer(course, ground, found, free, reasons_of), key=_by_time)))


def _can_be_asked(rows: CourseRows, number: int) -> bool:
    visit = rows.visits.get(number)
    if visit is not None:
        return visit.status in WAITING
    return any(session.number == number and is_open(session, rows.visits) for session in rows.sessions)


def _pin(wanted: Wanted) -> Pin:
    start, person = wanted if isinstance(wanted, tuple) else (wanted, None)
    return Pin(min(max(epoch_minute(start), 0), FAR_AWAY), person)


def _by_time(visit: ReflowVisit) -> tuple[date, int]:
    if visit.chosen is not None:
        return visit.chosen.day, visit.number
    return visit.window.ideal, visit.number


def _answer(
    course: Standing, ground: Ground | None, found: Least, free: set[int], wrong: Mapping[int, list[str]]
) -> Iterator[ReflowVisit]:
    """Each visit that is wrong, moves, waits or was asked for, with its window if all of it is done."""
    before = None
    today = timespans.date_of(course.rows.home.zone, course.now)
    for session in course.rows.sessions:
        number, visit = session.number, course.rows.visits.get(session.number)
        window = windows.after(course.rows.planned[number], before, course.rows.first_possible_on)
        details = {"number": number, "session": session, "appointment": visit, "window": window}
        chosen, day = None, course.day(number)
        if number in course.pins:
            chosen, why = _pinned(course, ground, session, window)
            yield _visit(details, chosen, why, is_pinned=True)
        elif number in found.starts:
            start = found.starts[number]
            chosen = as_chosen(ground, start.option, window, visit and visit.practitioner_id)
            day = chosen.day
            yield _visit(details, chosen, wrong.get(number, ()))
        elif number in wrong or number in found.late or (number in free and visit is None):
            said = wrong.get(number) or (
                standing.why_not_in_time(window, number, day, is_late_allowed=False) if day else []
            )
            yield _visit(details, None, [*said, *_nowhere(ground, found, session, window)])
        before = day or max(window.ideal, today)


def _visit(details: dict, chosen: Chosen | None, why: Iterable[str], *, is_pinned: bool = False) -> ReflowVisit:
    shift, visit = 0, details["appointment"]
    if chosen is not None and visit is not None:
        shift = shift_minutes(visit.starts_at, chosen.starts_at, visit.location.zone)
    elif chosen is not None:
        shift = abs((chosen.day - details["window"].ideal).days) * MINUTES_OF_A_DAY
    is_late = chosen is not None and chosen.is_late
    return ReflowVisit(
        **details, reasons=tuple(why), chosen=chosen, is_pinned=is_pinned, is_late=is_late, shift_minutes=shift
    )


def _nowhere(ground: Ground | None, found: Least, session: TreatmentSession, window: Window) -> list[str]:
    if ground is None or session.number not in found.nowhere:
        return []
    return words.why_nowhere(ground, session, window, lambda _day: True)


def _pinned(
    course: Standing, ground: Ground, session: TreatmentSession, window: Window
) -> tuple[Chosen | None, list[str]]:
    """The start that was asked for, or why it is not possible."""
    pin, visit = course.pins[session.number], course.rows.visits.get(session.number)
    day = course.day(session.number)
    if day < window.earliest:
        return None, [reasons.of_the_series(Breach("before_window", window.earliest, session.number))]
    own = visit and visit.practitioner_id
    place = visit.location_id if visit is not None else ground.home.pk
    options = [option for option in ground.pinned(session, pin).get(day.toordinal(), ()) if option.place == place]
    if not options:
        return None, [words.why_not_then(ground, session, window, pin)]
    best = min(options, key=lambda option: (pin.person is None and option.person != own, option.cost, option.rank))
    return as_chosen(ground, best, window, own), []
