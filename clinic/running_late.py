"""By how many minutes a practitioner runs late, from planned and real times. Pure: no database, no clock.

Only what is known counts: a patient who has not come yet keeps nobody, one who is in treatment keeps the practitioner
at least until the planned length is over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Planned:
    """One visit of a practitioner: `begins` to `ends` is when they are needed; the real times where there are some."""

    key: int
    begins: datetime
    ends: datetime
    is_here: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None


def delays(visits: Iterable[Planned], now: datetime) -> Mapping[int, int]:
    """Minutes of delay by key, for the visits of one practitioner that have not begun; five and more count."""
    late, free_at = {}, None
    for visit in sorted(visits, key=lambda each: (each.begins, each.key)):
        begins = visit.started_at or _expected(visit, free_at, now)
        minutes = (begins - visit.begins) // timedelta(minutes=1)
        if visit.started_at is None and minutes >= LEAST_MINUTES:
            late[visit.key] = minutes
        ends = visit.finished_at or _ends(visit, begins, now)
        free_at = ends if free_at is None else max(free_at, ends)
    return late


def _expected(visit: Planned, free_at: datetime | None, now: datetime) -> datetime:
    known = [visit.begins]
    if free_at is not None:
        known.append(free_at)
    if visit.is_here:
        known.append(now)
    return max(known)


def _ends(visit: Planned, begins: datetime, now: datetime) -> datetime:
    ends = begins + (visit.ends - visit.begins)
    return max(ends, now) if visit.started_at is not None else ends
