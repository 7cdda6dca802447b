"""Other starts that a patient may take instead of proposed ones, without asking anybody."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from clinic import availability, diary_rows, gate, timespans
from clinic.availability import Offer, Request
from clinic.booking import course_days
from clinic.booking.changes import Change, SomeTaken, day_of
from clinic.calendars import ONLINE
from clinic.models import Proposal, ProposedVisit
from clinic.proposals.reading import change_of, rows_of
from clinic.refusals import Refused
from clinic.spacing import too_close
from clinic.timespans import Span
from treatments import safety
from treatments.models import TreatmentSession

MOST, MOST_A_DAY, APART = 6, 2, timedelta(hours=1)
AROUND = timedelta(days=28)

Starts = Mapping[int, datetime]


def others(proposal: Proposal, visit: int, now: datetime, *, chosen: Starts | None = None) -> list[datetime]:
    """Free starts near the proposed one of a visit (primary key), by time: with the same person, inside every rule.

    The other visits are where they are proposed, or at the start `chosen` for them. When patients may book, and not on
    the old times of these visits, which are theirs until they move. None of a visit that cannot be booked any more
    because its service has no duration.
    """
    rows = rows_of(proposal)
    row = next(row for row in rows if row.pk == visit)
    return _few(row, _Instead(rows, chosen or {}, now).starts(row))


def gone(proposal: Proposal, chosen: Starts, now: datetime) -> set[int]:
    """The visits (primary keys) whose `chosen` start cannot be taken, beside the others."""
    rows = rows_of(proposal)
    asked = _Instead(rows, chosen, now)
    return {row.pk for row in asked.picked if not asked.can_be_had(row)}


def changes(rows: Sequence[ProposedVisit], chosen: Starts, now: datetime) -> list[Change]:
    """What the visits get: what is kept for them, or the start `chosen` for one, and who and what it would take.

    Raises `SomeTaken` for starts that cannot be taken.
    """
    asked = _Instead(rows, chosen, now)
    offers = {row.pk: asked.offer(row) for row in asked.picked}
    if missing := [asked.items[row.pk] for row in asked.picked if offers[row.pk] is None]:
        raise SomeTaken(missing)
    takes = {pk: frozenset(take.resource_id for take in offer.takes) for pk, offer in offers.items()}
    return [
        replace(item, takes=takes[pk], hold=None) if pk in takes else item for pk, item in asked.items.items()
    ]  # fmt: skip


@dataclass(frozen=True)
class _Instead:
    """The visits of a proposal, each at its proposed start or at the one that is chosen for it."""

    rows: Sequence[ProposedVisit]
    chosen: Starts
    now: datetime

    @cached_property
    def items(self) -> dict[int, Change]:
        changes = ((row, change_of(row)) for row in self.rows)
        return {row.pk: replace(item, starts_at=self.chosen.get(row.pk, row.starts_at)) for row, item in changes}

    @property
    def picked(self) -> list[ProposedVisit]:
        return [row for row in self.rows if self.items[row.pk].starts_at != row.starts_at]

    def offer(self, row: ProposedVisit) -> Offer | None:
        """Who and what the visit would take at its chosen start, if it can have it."""
        return availability.offer_at(_request(row), self.chosen[row.pk], self.now) if self.can_be_had(row) else None

    def can_be_had(self, row: ProposedVisit) -> bool:
        """Whether the visit can have its chosen start; no other day is looked at."""
        start = self.chosen[row.pk]
        return start in self.starts(row, on=timespans.date_of(row.location.zone, start))

    def starts(self, row: ProposedVisit, on: date | None = None) -> list[datetime]:
        """Every start that it could have, by time, near the proposed one and apart from what the patient knows.

        With `on` those of one local day.
        """
        try:
            asked = _request(row)
        except Refused:
            return []
        known = [at for at in (row.starts_at, row.was_at) if at]
        zone = row.location.zone
        day = timespans.date_of(zone, row.starts_at)
        first, last = (day - AROUND, day + AROUND) if on is None else (max(on, day - AROUND), min(on, day + AROUND))
        free = availability.bare_starts(asked, first, last, self.now)
        days = {start: timespans.date_of(zone, start) for start in free}
        suiting = self._suiting(row, sorted(set(days.values())))
        busy = [self._around(other) for other in self.rows if other is not row]
        length = timedelta(minutes=asked.shape.minutes)
        return [
            start
            for start in free
            if days[start] in suiting
            and all(abs(start - at) >= APART for at in known)
            and not any(Span(start, start + length).overlaps(other) for other in busy)
        ]

    def _around(self, row: ProposedVisit) -> Span:
        """The visit, with time enough for turnaround and ways before and after it."""
        start = self.items[row.pk].starts_at
        return Span(start - APART, start + (row.ends_at - row.starts_at) + APART)

    def _suiting(self, row: ProposedVisit, days: Sequence[date]) -> Collection[date]:
        """The days on which safety and the patient's courses allow the visit; one of no course is asked day by day."""
        item, session = self.items[row.pk], self.items[row.pk].session
        if session is None:
            return [
                day
                for day in days
                if not safety.blocking(gate.check(item.patient, item.service, None, day).findings, safety.BOOK)
            ]
        if not days:
            return days
        blocked = gate.days_blocked(session.series, [session], days[0], days[-1])[session.number]
        safe = [day for day in days if not any(stretch.first <= day <= stretch.last for stretch in blocked)]
        return self._in_course(row, session, safe)

    def _in_course(self, row: ProposedVisit, session: TreatmentSession, days: Iterable[date]) -> set[date]:
        """The days that break no rule of a course, nor make another of these visits later than it is proposed."""
        course = diary_rows.sessions(session.series_id, None)
        at = _days(session, self.items.values())
        late = course_days.judged(*course, _days(session, map(change_of, self.rows))).late - {session.number}
        others = course_days.other_courses(session.series, self.items.values())
        # Each of them is asked by the distance of its own location: the longest suits all.
        least, apart = session.phase.interval_min_days, max(item.location.apart_days for item in self.items.values())

        def suits(day: date) -> bool:
            if too_close(others, day, least_days=least, apart_days=apart):
                return False
            found = course_days.judged(*course, at | {session.number: day})
            return not found.refused and found.late <= late

        return {day for day in days if suits(day)}


def _days(session: TreatmentSession, items: Iterable[Change]) -> dict[int, date]:
    """The days of those that belong to the same course, by number."""
    of_it = [item for item in items if item.session is not None and item.session.series_id == session.series_id]
    return {item.session.number: day_of(item) for item in of_it}


def _few(row: ProposedVisit, starts: Iterable[datetime]) -> list[datetime]:
    """The nearest to the proposed one that lie apart, by time; at most two of one day."""
    found, of_the_day = [], Counter()
    for start in sorted(starts, key=lambda each: abs(each - row.starts_at)):
        day = timespans.date_of(row.location.zone, start)
        if of_the_day[day] < MOST_A_DAY and all(abs(start - at) >= APART for at in found):
            of_the_day[day] += 1
            found.append(start)
    return sorted(found[:MOST])


def _request(row: ProposedVisit) -> Request:
    """What the visit needs, without the rules of its course: these are asked with all visits in place."""
    item = change_of(row)
    asked = availability.request_for(
        location=row.location,
        service=item.service,
        session=item.session,
        practitioner=row.practitioner,
        patient=item.patient,
        ignore=row.appointment,
        ignore_hold=row.hold,
        channel=ONLINE,
    )
    return replace(asked, session=None)
