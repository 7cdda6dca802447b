"""What the days around a visit mean for it: its course, safety, and the days off that the patient named."""

from datetime import date
from functools import cached_property

from django.utils.translation import gettext as _

from clinic import course_reads, diary_rows, gate, timespans
from clinic.models import Appointment
from clinic.scheduling.course_rows import moment_of
from clinic.scheduling.wishing import SAME, Wish
from clinic.spacing import Course, Elsewhere, too_close
from treatments import safety
from treatments.safety import Blocked
from treatments.windows import PlannedSession


class Days:
    """What each local day means for one visit: good, late or none; `moving` are other sessions that move too."""

    def __init__(self, visit: Appointment, wish: Wish, moving: set[int], reach: tuple[date, date]) -> None:
        self.visit, self.wish, self.moving, self.reach = visit, wish, moving, reach
        self.refused: set[str] = set()
        self._known: dict[date, str] = {}

    def says(self, start: int) -> str:
        day = timespans.date_of(self.visit.location.zone, moment_of(start))
        if day not in self._known:
            self._known[day] = self._judge(day)
            self.refused.add(self._known[day])
        return self._known[day]

    def _judge(self, day: date) -> str:
        if day in self.wish.not_on:
            return "wish"
        if self.visit.session is not None and {each.code for each in self._course.breaches(day)} - {"after_window"}:
            return "course"
        if self._is_next_to_another_course(day):
            return "course"
        if self._is_unsafe(day):
            return "safety"
        return "late" if self._is_late(day) else "good"

    @cached_property
    def _rows(self) -> tuple[list[PlannedSession], date | None]:
        return diary_rows.sessions(self.visit.session.series_id, self.visit.pk)

    @cached_property
    def _course(self) -> Course:
        """The course without what moves as well: those are kept apart when all are put together."""
        rows, first_possible_on = self._rows
        return Course.around(
            self.visit.session.number, [row for row in rows if row.number not in self.moving], first_possible_on
        )

    @cached_property
    def _elsewhere(self) -> list[Elsewhere]:
        return course_reads.of_other_courses(self.visit.session.series)

    def _is_next_to_another_course(self, day: date) -> bool:
        """On another day than its own: there it may stay, however near it was booked."""
        zone, session = self.visit.location.zone, self.visit.session
        if session is None or day == timespans.date_of(zone, self.visit.starts_at):
            return False
        least, apart = session.phase.interval_min_days, self.visit.location.apart_days
        return too_close(self._elsewhere, day, least_days=least, apart_days=apart) is not None

    def _is_late(self, day: date) -> bool:
        if self.visit.session is None:
            return False
        rows, first_possible_on = self._rows
        window = Course.around(self.visit.session.number, rows, first_possible_on).window
        return window is not None and window.is_late(day)

    @cached_property
    def _blocked(self) -> list[Blocked]:
        session = self.visit.session
        found = gate.days_blocked(session.series, [session], *self.reach)
        return found.get(session.number, [])

    def _is_unsafe(self, day: date) -> bool:
        if self.visit.session is not None:
            return any(stretch.first <= day <= stretch.last for stretch in self._blocked)
        if not self.visit.service.modality:
            return False
        found = gate.findings(self.visit.patient, self.visit.service, None, day)
        return bool(safety.blocking(found, safety.BOOK))


def why_nothing(wish: Wish, days: Days) -> str:
    if "safety" in days.refused:
        return _("The safety check allows no day on which something is free.")
    if "course" in days.refused:
        return _("What is free is too near to another visit of this course or of another one.")
    if wish.who == SAME:
        return _("The patient wants this person alone, who has nothing free in the weeks around it.")
    return _("Nothing is free in the six weeks before and after it.")
