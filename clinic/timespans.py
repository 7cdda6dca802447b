"""Spans of time, and the way from wall time at a location to UTC. Pure: no database, no clock.

Spans are half-open, [start, end): two that touch do not overlap. All arithmetic between instants is done in UTC,
because subtracting two moments of one zone ignores a clock change between them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MIDNIGHT = time(0)
ONE_DAY = timedelta(days=1)
ONE_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """[start, end) in UTC."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Span") -> bool:
        """Whether they share a moment; spans that touch do not."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Span") -> bool:
        """Whether the other lies within this one."""
        return self.start <= other.start and other.end <= self.end


def at(zone: ZoneInfo, day: date, wall: time) -> datetime:
    """The UTC moment of a wall time: one that exists twice is the first, one that does not exist the next valid."""
    local = datetime.combine(day, wall.replace(fold=0), tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    return _clocks_went_forward(zone, moment)


def _clocks_went_forward(zone: ZoneInfo, moment: datetime) -> datetime:
    """The change itself; the moment given lies after it by less than what was skipped."""
    offset = moment.astimezone(zone).utcoffset()
    moment = moment.replace(second=0, microsecond=0)
    while (moment - ONE_MINUTE).astimezone(zone).utcoffset() == offset:
        moment -= ONE_MINUTE
    return moment


def local_day(zone: ZoneInfo, day: date) -> Span:
    """One date of the wall calendar: 23, 24 or 25 hours."""
    return Span(at(zone, day, MIDNIGHT), at(zone, day + ONE_DAY, MIDNIGHT))


def wall_span(zone: ZoneInfo, day: date, starts: time, ends: time) -> Span | None:
    """A stretch of one date; 00:00 as its end is midnight at the end of the day. None if a clock change swallows it."""
    start = at(zone, day, starts)
    end = at(zone, day + ONE_DAY, MIDNIGHT) if ends == MIDNIGHT else at(zone, day, ends)
    return Span(start, end) if start < end else None


def date_of(zone: ZoneInfo, moment: datetime) -> date:
    """The date on the wall calendar of the zone."""
    return moment.astimezone(zone).date()


def dates(first: date, last: date) -> list[date]:
    """Every date from the first to the last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def near_one_another(spans: Iterable[Span], gap: timedelta) -> list[Span]:
    """The same, ascending, as one wherever two are nearer to one another than the gap."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start - found[-1].end < gap:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def is_on_grid(moment: datetime, zone: ZoneInfo, minutes: int) -> bool:
    """Whether the wall time is a whole number of steps after local midnight."""
    local = moment.astimezone(zone)
    return (local.hour * 60 + local.minute) % minutes == 0 and not local.second and not local.microsecond
