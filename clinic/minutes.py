"""A calendar as one whole number: bit n is minute n of a stretch of time. Pure: no database, no clock.

Weeks of somebody's diary are a few thousand bytes, and "free for 45 minutes from here" is six shifts of the whole of
them, whatever the number of appointments.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from clinic import timespans

MINUTES_OF_A_DAY = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch_minute(moment: datetime) -> int:
    """Whole minutes since 1970, rounded down."""
    return (moment - _EPOCH) // timespans.ONE_MINUTE


class Ruler:
    """The minutes of some local dates, and a day on either side for what reaches over their edges.

    With `only`, of the dates from first to last nothing is known but these.
    """

    def __init__(self, zone: ZoneInfo, first: date, last: date, only: Iterable[date] = ()) -> None:
        self.zone, self.first, self.last = zone, first, last
        self.dates = timespans.dates(first - timespans.ONE_DAY, last + timespans.ONE_DAY)
        if only:
            around = (-timespans.ONE_DAY, timedelta(0), timespans.ONE_DAY)
            self.dates = sorted({day + step for day in only for step in around})
        self._midnights = {}
        for day in {*self.dates, *(day + timespans.ONE_DAY for day in self.dates)}:
            self._midnights[day] = epoch_minute(timespans.at(zone, day, timespans.MIDNIGHT))
        self.base = self._midnights[self.dates[0]]
        self.length = self._midnights[last + 2 * timespans.ONE_DAY] - self.base
        self.everything = (1 << self.length) - 1

    @property
    def span(self) -> timespans.Span:
        return timespans.Span(self.moment(0), self.moment(self.length))

    def minute(self, moment: datetime) -> int:
        """The minute of the ruler in which the moment lies; outside the ruler it is negative or beyond the length."""
        return epoch_minute(moment) - self.base

    def moment(self, minute: int) -> datetime:
        return _EPOCH + timedelta(minutes=self.base + minute)

    def midnight(self, day: date) -> int:
        """The minute at which a date begins; dates before the ruler are its start, dates after it its end."""
        if day < self.dates[0]:
            return 0
        if day > self.dates[-1]:
            return self.length
        if day not in self._midnights:
            self._midnights[day] = epoch_minute(timespans.at(self.zone, day, timespans.MIDNIGHT))
        return self._midnights[day] - self.base

    def minutes_of(self, day: date) -> tuple[int, int]:
        """The first minute of a date of the ruler and the first one after it."""
        return self.midnight(day), self.midnight(day + timespans.ONE_DAY)

    def has_clock_change(self, day: date) -> bool:
        return self._midnights[day + timespans.ONE_DAY] - self._midnights[day] != MINUTES_OF_A_DAY

    def wall_minutes(self, day: date, starts: int, ends: int) -> tuple[int, int]:
        """A stretch of one date, given in minutes on the wall; empty (equal ends) when a clock change swallows it."""
        if self.has_clock_change(day):
            walls = (time(*divmod(wall % MINUTES_OF_A_DAY, 60)) for wall in (starts, ends))
            span = timespans.wall_span(self.zone, day, *walls) if starts < ends else None
            return (self.minute(span.start), self.minute(span.end)) if span else (0, 0)
        midnight = self.midnight(day)
        return midnight + starts, midnight + ends

    def minute_up(self, moment: datetime) -> int:
        """The first whole minute of the ruler at or after the moment."""
        return -((_EPOCH - moment) // timespans.ONE_MINUTE) - self.base

    def mask(self, spans: Iterable[tuple[int, int]], since: int = 0) -> int:
        """One bit for every minute of the spans; they may overlap and reach over the ruler's ends.

        Their minutes count from minute `since` before the ruler: its base for minutes since 1970.
        """
        begins, ends = bytearray(self.length // 8 + 1), bytearray(self.length // 8 + 1)
        reached, length = 0, self.length
        for first, after in sorted(spans):  # tens of thousands for a month of many people, so without calls
            start = first - since if first - since > reached else reached
            end = after - since if after - since < length else length
            if start < end:
                begins[start >> 3] |= 1 << (start & 7)
                ends[end >> 3] |= 1 << (end & 7)
                reached = end
        # 2 ** end - 2 ** start is a stretch of ones; the stretches are apart, so their sums may be subtracted at once.
        return int.from_bytes(ends, "little") - int.from_bytes(begins, "little")

    def between(self, start: int, end: int) -> int:
        """The minutes from start to end, cut to the ruler."""
        start, end = max(start, 0), min(end, self.length)
        return ((1 << (end - start)) - 1) << start if start < end else 0

    def grid(self, step_minutes: int) -> int:
        """The minutes of the dates asked for whose wall time is a whole number of steps after midnight."""
        result = 0
        for day in self.dates[1:-1]:
            if self.has_clock_change(day):
                minutes = range(self.midnight(day), self.midnight(day + timespans.ONE_DAY))
                steps = (n for n in minutes if timespans.is_on_grid(self.moment(n), self.zone, step_minutes))
                result |= self.mask((minute, minute + 1) for minute in steps)
            else:
                result |= _steps_of_a_day(step_minutes) << self.midnight(day)
        return result


@lru_cache
def _steps_of_a_day(step_minutes: int) -> int:
    return sum(1 << minute for minute in range(0, MINUTES_OF_A_DAY, step_minutes))


def room_for(free: int, start_minutes: int, end_minutes: int) -> int:
    """The minutes m for which every minute of [m + start, m + end) is free; an empty stretch always is."""
    run, length = free, 1
    wanted = end_minutes - start_minutes
    if wanted <= 0:
        return -1
    while length < wanted:
        step = min(length, wanted - length)
        run &= run >> step
        length += step
    return run >> start_minutes


def bits(mask: int) -> Iterator[int]:
    """The minutes whose bit is set, ascending."""
    line = bin(mask)[:1:-1]
    place = line.find("1")
    while place >= 0:
        yield place
        place = line.find("1", place + 1)
