"""What the courses of a patient say of the days that several of their visits are given at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from clinic import course_reads, reasons
from clinic.booking.changes import Change, day_of
from clinic.spacing import Course, Elsewhere
from treatments.models import TreatmentSeries
from treatments.windows import PlannedSession


@dataclass(frozen=True)
class Judged:
    """By number: sessions that come later than is best, and why others are refused."""

    late: set[int]
    refused: dict[int, list[str]]


def judged(rows: Sequence[PlannedSession], first_possible_on: date | None, days: Mapping[int, date]) -> Judged:
    """The rules of the course, with all the new days in place; the other sessions are where they are."""
    course = [replace(row, booked_on=days[row.number]) if row.number in days else row for row in rows]
    found = Judged(set(), {})
    for number, day in days.items():
        for breach in Course.around(number, course, first_possible_on).breaches(day):
            if breach.code == "after_window":
                found.late.add(number)
            else:
                found.refused.setdefault(number, []).append(reasons.of_the_series(breach))
    return found


def other_courses(series: TreatmentSeries, items: Iterable[Change]) -> list[Elsewhere]:
    """The patient's visits of other courses, those that get a new time on their new day."""
    moved = {item.appointment.pk: day_of(item) for item in items if item.appointment is not None}
    return [replace(each, day=moved.get(each.visit, each.day)) for each in course_reads.of_other_courses(series)]
