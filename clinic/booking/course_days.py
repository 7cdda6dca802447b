"""What the courses of a patient say of the days that several of their visits are given at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from clinic import course_reads, reasons
from clinic.booking.changes import Change, day_of, person
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
    """The patient's visits of other courses, those that get a time on their new day, and sessions that are placed."""
    items = list(items)
    moved = {item.appointment.pk: day_of(item) for item in items if item.appointment is not None}
    found = [replace(each, day=moved.get(each.visit, each.day)) for each in course_reads.of_other_courses(series)]
    placed = [item for item in items if item.appointment is None and _is_of_another(item, series)]
    return found + [_elsewhere(item, series) for item in placed]


def _is_of_another(item: Change, series: TreatmentSeries) -> bool:
    return item.session.series_id != series.pk and person(item) == (series.patient.merged_into_id or series.patient_id)


def _elsewhere(item: Change, series: TreatmentSeries) -> Elsewhere:
    """A session that has no visit yet, at the time that it is to get."""
    theirs = item.session.series.series_areas.values("area")
    return Elsewhere(
        visit=0,
        day=day_of(item),
        number=item.session.number,
        interval_min_days=item.session.phase.interval_min_days,
        is_same_area=series.series_areas.filter(area__in=theirs).exists(),
        name=item.service.name,
    )
