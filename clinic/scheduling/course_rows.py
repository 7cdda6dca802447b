"""The course that is planned, as it stands: its sessions, and every visit that the patient has in the diary for one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.utils.translation import gettext as _

from clinic import course_reads, diary_rows, timespans
from clinic.models import Appointment, Location
from clinic.refusals import Refused
from clinic.scheduling.wishing import Wish
from clinic.spacing import Elsewhere
from clinic.timespans import Span
from treatments import windows
from treatments.models import TreatmentSeries, TreatmentSession
from treatments.windows import PlannedSession

WAITING = (TreatmentSession.State.PLANNED, TreatmentSession.State.MISSED)
# Looked at beyond the best days of the course before the whole horizon is.
SLACK = timedelta(days=42)


@dataclass(frozen=True)
class Asked:
    """The first and the last day that the person asked for; None for the whole horizon."""

    first: date
    until: date | None


@dataclass(frozen=True)
class Pin:
    """A start that was chosen, in minutes since 1970, and the person if one was."""

    start: int
    person: int | None = None


def is_open(session: TreatmentSession, visits: Mapping[int, Appointment]) -> bool:
    """Whether the session waits to be booked."""
    return session.state in WAITING and session.number not in visits


def moment_of(minute: int) -> datetime:
    """A whole minute since 1970 as a moment."""
    return datetime.fromtimestamp(minute * 60, UTC)


@dataclass(frozen=True)
class CourseRows:
    """What is read of the series once, whatever the stretch.

    `given_back` is what visits that may move have now, by resource, and `present` when: it counts as free.
    """

    series: TreatmentSeries
    first_possible_on: date
    sessions: list[TreatmentSession]
    planned: dict[int, PlannedSession]
    visits: dict[int, Appointment]
    others: list[Elsewhere]
    locations: list[Location]
    home: Location
    given_back: Mapping[int, list[Span]] = field(default_factory=dict)
    present: tuple[Span, ...] = ()

    @property
    def open_numbers(self) -> set[int]:
        return {session.number for session in self.sessions if is_open(session, self.visits)}


@dataclass(frozen=True)
class Reach:
    """The local days that count: `ideal` is the last best day, `likely` the last day looked at to begin with."""

    first: date
    ideal: date
    likely: date
    last: date

    @classmethod
    def of(cls, rows: CourseRows, asked: Asked, pins: Mapping[int, Pin], now: datetime) -> "Reach":
        """From what is asked for, or today, to the end of what is asked for, or to the horizon of the location."""
        today = timespans.date_of(rows.home.zone, now)
        first, horizon = max(asked.first, today), today + timedelta(days=rows.home.horizon_days)
        last = horizon if asked.until is None else min(asked.until, horizon)
        ideal = _last_ideal(rows, first, today)
        pinned = max((moment_of(pin.start).date() + timespans.ONE_DAY for pin in pins.values()), default=first)
        return cls(first, ideal, min(last, max(ideal + SLACK, pinned)), last)


def _last_ideal(rows: CourseRows, first: date, today: date) -> date:
    """The latest day that any open session would have if each before it were on its best day, or on the first one."""
    before, latest = None, first
    for session in rows.sessions:
        planned = rows.planned[session.number]
        window = windows.after(planned, before, rows.first_possible_on)
        before = planned.done_on or planned.booked_on or max(window.ideal, today)
        if session.number in rows.open_numbers:
            latest = max(latest, window.ideal)
    return latest


def rows_of(
    series: TreatmentSeries, wish: Wish, *, sessions: Iterable[TreatmentSession] | None = None,
    locations: Iterable[Location] | None = None,
) -> CourseRows:  # fmt: skip
    """Read the course, what the patient has in the diary of this and other courses, and the locations.

    `sessions` of the series and `locations` in use, as `course_reads` has them, are read unless they are given.
    """
    found, first_possible_on = diary_rows.sessions(series.pk, None)
    planned = {each.number: each for each in found}
    read = course_reads.sessions(series) if sessions is None else sessions
    sessions = [session for session in read if session.number in planned]
    visits, others, last_place = _visits(series)
    locations = course_reads.locations() if locations is None else list(locations)
    if not locations:
        raise Refused(_("There is no location yet."))
    wanted = wish.location_id or last_place
    home = next((each for each in locations if each.pk == wanted), locations[0])
    return CourseRows(series, first_possible_on, sessions, planned, visits, others, locations, home)


def _visits(series: TreatmentSeries) -> tuple[dict[int, Appointment], list[Elsewhere], int | None]:
    """Live visits of the series by session, those of the patient's other courses, and where the last one was."""
    rows = course_reads.visits(series)
    mine = {visit.session.number: visit for visit in rows if visit.session.series_id == series.pk}
    last = next(reversed(list(mine.values()) or rows), None)
    return mine, course_reads.elsewhere(series, rows), last and last.location_id
