"""A booked course as it stands: which of its visits no longer fit, and what may move to mend it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from clinic import reasons, timespans
from clinic.models import Appointment, AppointmentChange, RuleOverride
from clinic.scheduling import words
from clinic.scheduling.course_rows import CourseRows, Pin, is_open, moment_of
from clinic.spacing import Breach
from treatments import windows
from treatments.models import TreatmentSession
from treatments.series import BOOKABLE
from treatments.windows import Window

WAITING = (Appointment.Status.BOOKED, Appointment.Status.CONFIRMED)


@dataclass
class Standing:
    """The course as it stands, with the starts that were asked for in place."""

    rows: CourseRows
    pins: Mapping[int, Pin]
    now: datetime
    displaced: Mapping[int, list[str]] = field(default_factory=dict)
    allowed_late: frozenset[int] = frozenset()

    def day(self, number: int) -> date | None:
        """Where a session is, or would be."""
        planned = self.rows.planned[number]
        if number in self.pins:
            return timespans.date_of(self.zone(number), moment_of(self.pins[number].start))
        return planned.done_on or planned.booked_on

    def zone(self, number: int) -> ZoneInfo:
        visit = self.rows.visits.get(number)
        return (visit.location if visit is not None else self.rows.home).zone

    def may_move(self, number: int) -> bool:
        visit = self.rows.visits.get(number)
        return visit is not None and visit.status in WAITING and visit.starts_at > self.now and number not in self.pins


def allowed_late(rows: CourseRows) -> frozenset[int]:
    """The numbers of visits of which it was allowed, since they were last moved, that they are late."""
    moves = Max("appointment__changes__at", filter=Q(appointment__changes__kind=AppointmentChange.Kind.MOVED))
    of = {visit.pk: number for number, visit in rows.visits.items()}
    found = RuleOverride.objects.filter(appointment__in=of, rule="after_window").annotate(moved_at=moves)
    return frozenset(
        of[visit]
        for visit, allowed_at, moved_at in found.values_list("appointment_id", "allowed_at", "moved_at")
        if moved_at is None or allowed_at >= moved_at
    )


def wrong(course: Standing) -> Iterator[tuple[int, list[str]]]:
    """By number why visits that wait do not fit: too early or late for the one before, or something is in the way."""
    before = None
    today = timespans.date_of(course.rows.home.zone, course.now)
    for session in course.rows.sessions:
        number, day = session.number, course.day(session.number)
        window = windows.after(course.rows.planned[number], before, course.rows.first_possible_on)
        if course.may_move(number):
            said = list(course.displaced.get(course.rows.visits[number].pk, ()))
            said += why_not_in_time(window, number, day, is_late_allowed=number in course.allowed_late)
            if said:
                yield number, said
        before = day or max(window.ideal, today)


def why_not_in_time(window: Window, number: int, day: date, *, is_late_allowed: bool) -> list[str]:
    if day < window.earliest:
        return [reasons.of_the_series(Breach("before_window", window.earliest, number))]
    if window.is_late(day) and not is_late_allowed:
        last = words.in_words(min(window.latest, window.expires_on or window.latest))
        return [_("Later than planned: this session is best by %(day)s.") % {"day": last}]
    return []


def waiting(course: Standing) -> set[int]:
    """Sessions that wait to be booked and were missed, or stand in front of one that is booked."""
    if course.rows.series.state not in BOOKABLE:
        return set()
    last = max((number for number in course.rows.visits if course.may_move(number)), default=0)
    return {
        session.number
        for session in course.rows.sessions
        if is_open(session, course.rows.visits)
        and session.number not in course.pins
        and (session.state == TreatmentSession.State.MISSED or session.number < last)
    }


def movable(course: Standing, begins: int | None, waiting: set[int]) -> set[int]:
    """The numbers of what may move or be placed: from the first that does not fit on."""
    if begins is None:
        return set()
    return {each.number for each in course.rows.sessions if each.number >= begins and (
        course.may_move(each.number) or each.number in waiting
    )}  # fmt: skip
