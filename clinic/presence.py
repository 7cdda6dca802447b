"""When people work, a location is open and a device is there, in minutes of a ruler. Pure, over rows of the diary."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from clinic import diary_rows
from clinic.diary_rows import HoursOfADay, Pairs, ResourceRow, UsualHours
from clinic.minutes import Ruler
from clinic.models import WorkingHours


def hours_of(
    ruler: Ruler, usual: Iterable[UsualHours], dated: Iterable[HoursOfADay], *, is_booked: bool
) -> Iterator[tuple[int, int]]:
    """Where somebody works, in minutes of the ruler; `is_booked` asks for hours that may be booked."""
    by_weekday, by_day = defaultdict(list), defaultdict(list)
    for hours in usual:
        by_weekday[hours.weekday].append(hours)
    for hours in dated:
        by_day[hours.on].append(hours)
    for day in ruler.dates:
        special = by_day.get(day.toordinal(), ())
        found = [hours for hours in special if hours.is_here and (hours.is_open or not is_booked)]
        if not any(hours.replaces_usual for hours in special):
            found += [hours for hours in by_weekday[day.isoweekday()] if works_on(hours, day)]
        for hours in found:
            yield ruler.wall_minutes(day, hours.starts, hours.ends)


def works_on(hours: UsualHours | WorkingHours, day: date) -> bool:
    """Whether weekly hours hold on a date: the weekday, the week of the cycle, and their validity."""
    if day.isoweekday() != hours.weekday or day < hours.valid_from or (hours.valid_until and day > hours.valid_until):
        return False
    monday = hours.valid_from - timedelta(days=hours.valid_from.weekday())
    return (day - monday).days // 7 % hours.cycle_weeks == hours.cycle_week - 1


def opening(ruler: Ruler, spans: dict[tuple[str, int], Pairs]) -> int:
    """A location that states no opening hours is open whenever somebody works. A closure closes extra openings too."""
    stretches, says_nothing = [], not any(what == diary_rows.OPENING for what, _whose in spans)
    for day in ruler.dates:
        usual = spans.get((diary_rows.OPENING, day.isoweekday()), [])
        for opens, closes in usual + spans.get((diary_rows.EXTRA, day.toordinal()), []):
            stretches.append(ruler.wall_minutes(day, opens, closes))
    hours = ruler.everything if says_nothing else ruler.mask(stretches)
    return hours & ~mask(ruler, spans.get((diary_rows.CLOSED, 0)))


def until(ruler: Ruler, last: int | None) -> int:
    """The minutes up to the end of a date (an ordinal); none without one."""
    if last is None or last >= ruler.dates[-1].toordinal():
        return 0 if last is None else ruler.everything
    return ruler.between(0, ruler.midnight(date.fromordinal(last + 1)))


def here(ruler: Ruler, row: ResourceRow) -> int:
    """The dates on which a device is at the location: its own one, but for the days on which it is elsewhere."""
    if not row.places:
        return ruler.everything if row.is_of_location else 0
    stated = dict(row.places)
    days = [day for day in ruler.dates if stated.get(day.toordinal(), row.is_of_location)]
    return ruler.mask(ruler.minutes_of(day) for day in days)


def mask(ruler: Ruler, spans: Pairs | None) -> int:
    """Minutes since 1970 as minutes of the ruler."""
    return ruler.mask(spans, since=ruler.base) if spans else 0
