"""When a message is due: local calendar days, the same local hour, and never inside the quiet hours. Pure."""

from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from clinic import timespans

MINUTES_PER_DAY = 24 * 60
JUST_BEFORE_QUIET = timedelta(minutes=1)


class Place(Protocol):
    """What is asked of a location."""

    zone: ZoneInfo
    quiet_from: time | None
    quiet_until: time | None


def before(starts_at: datetime, minutes: int, place: Place) -> datetime:
    """The instant `minutes` before a visit; inside the quiet hours it moves to just before they begin."""
    return _out_of_quiet_backwards(_shifted(starts_at, -minutes, place.zone), place)


def after(ends_at: datetime, hours: int, place: Place) -> datetime:
    """The instant `hours` after a visit; inside the quiet hours it moves to their end."""
    return out_of_quiet(_shifted(ends_at, hours * 60, place.zone), place)


def is_quiet(at: datetime, place: Place) -> bool:
    """Whether the local time lies in the quiet hours, which may run over midnight."""
    if place.quiet_from is None or place.quiet_until is None:
        return False
    local = at.astimezone(place.zone).time()
    if place.quiet_from <= place.quiet_until:
        return place.quiet_from <= local < place.quiet_until
    return local >= place.quiet_from or local < place.quiet_until


def out_of_quiet(at: datetime, place: Place) -> datetime:
    """The instant itself, or the end of the quiet hours it falls into."""
    if not is_quiet(at, place):
        return at
    local = at.astimezone(place.zone)
    day = local.date() if local.time() < place.quiet_until else local.date() + timedelta(days=1)
    return timespans.at(place.zone, day, place.quiet_until)


def _out_of_quiet_backwards(at: datetime, place: Place) -> datetime:
    if not is_quiet(at, place):
        return at
    local = at.astimezone(place.zone)
    day = local.date() if local.time() >= place.quiet_from else local.date() - timedelta(days=1)
    return timespans.at(place.zone, day, place.quiet_from) - JUST_BEFORE_QUIET


def _shifted(at: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    """Whole days are calendar days with the same local hour; anything else is elapsed time."""
    days, rest = divmod(abs(minutes), MINUTES_PER_DAY)
    if rest or not days:
        return at + timedelta(minutes=minutes)
    local = at.astimezone(zone)
    return timespans.at(zone, local.date() + timedelta(days=days if minutes > 0 else -days), local.time())
