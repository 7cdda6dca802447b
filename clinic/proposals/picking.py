"""Other starts that a patient may take instead of the proposed one, without asking anybody."""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta

from clinic import availability, gate, timespans
from clinic.availability import Offer, Request
from clinic.booking.changes import Change
from clinic.calendars import ONLINE
from clinic.models import Proposal, ProposedVisit
from clinic.proposals.reading import change_of, rows_of
from clinic.refusals import Refused

MOST, MOST_A_DAY, APART = 6, 2, timedelta(hours=1)
AROUND = timedelta(days=28)


def others(proposal: Proposal, now: datetime) -> list[datetime]:
    """Free starts near the proposed one, by time: with the same person, when patients may book, inside every rule.

    None of a proposal about several visits, as what one of them gets decides about the others; and none of a visit that
    cannot be booked any more because its service has no duration.
    """
    rows = rows_of(proposal)
    if len(rows) != 1:
        return []
    try:
        asked = _request(rows[0])
    except Refused:
        return []
    return _others(rows[0], asked, now)


def offer(row: ProposedVisit, starts_at: datetime, now: datetime) -> Offer | None:
    """Who and what the visit would take then, if it is free."""
    return availability.offer_at(_request(row), starts_at, now)


def _others(row: ProposedVisit, asked: Request, now: datetime) -> list[datetime]:
    zone = row.location.zone
    day = timespans.date_of(zone, row.starts_at)
    free = availability.bare_starts(asked, day - AROUND, day + AROUND, now)
    days = {start: timespans.date_of(zone, start) for start in free}
    suits = _suits(change_of(row), list(days.values()))
    known, found = [at for at in (row.starts_at, row.was_at) if at], []
    of_the_day = Counter()
    for start in sorted(free, key=lambda each: abs(each - row.starts_at)):
        is_apart = all(abs(start - at) >= APART for at in known)
        if is_apart and of_the_day[days[start]] < MOST_A_DAY and suits(days[start]):
            of_the_day[days[start]] += 1
            known.append(start)
            found.append(start)
    return sorted(found[:MOST])


def _request(row: ProposedVisit) -> Request:
    item = change_of(row)
    return availability.request_for(
        location=row.location,
        service=item.service,
        session=item.session,
        practitioner=row.practitioner,
        patient=item.patient,
        ignore=row.appointment,
        ignore_hold=row.hold,
        channel=ONLINE,
    )


def _suits(item: Change, days: list[date]) -> Callable[[date], bool]:
    """Whether safety allows the session on a day; a visit of no course is not asked."""
    session = item.session
    if session is None or not days:
        return lambda _day: True
    blocked = gate.days_blocked(session.series, [session], min(days), max(days))[session.number]
    return lambda day: not any(stretch.first <= day <= stretch.last for stretch in blocked)
