"""Public holidays from a calendar file (.ics): whole days become closures of a location, at its local midnights.

Every entry keeps its own key, so the same file brought in twice changes nothing, and a corrected one changes what was
corrected. What cannot be taken over is said, entry by entry.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256

from dateutil.rrule import rrulestr
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from icalendar import Calendar, Event
from icalendar.error import BrokenCalendarProperty

from clinic import premises, timespans
from clinic.models import Closure, Location
from patients.refusals import Refused

MOST_BYTES = 1_000_000
MOST_ENTRIES = 3_000
MOST_DAYS = 60
LAST_YEAR = 2100
# Entries that come again every year are taken over for this year and the two after it.
YEARS_AHEAD = 2
UNDERSTOOD = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST"}
LONGEST_KEY, LONGEST_REASON = 200, 120


@dataclass(frozen=True, slots=True)
class Holiday:
    """Whole local days, first to last."""

    key: str
    first: date
    last: date
    title: str
    is_cancelled: bool = False


@dataclass
class Outcome:
    """What an import did: closures added, changed, taken away; how many were there already; what was left out."""

    added: list[Closure] = field(default_factory=list)
    changed: list[Closure] = field(default_factory=list)
    removed: list[Closure] = field(default_factory=list)
    same: int = 0
    skipped: list[str] = field(default_factory=list)


class Unusable(ValueError):
    """Why one entry is left out, as a sentence."""


def take_over(location: Location, data: bytes, *, now: datetime) -> Outcome:
    """Close the location on the days of the file that are not over yet. Locks all that work there; raises `Refused`.

    A closure of the same days that somebody typed counts as there already. Closures that the file does not name stay.
    """
    today = timespans.date_of(location.zone, now)
    found, skipped = read(data, today)

    def write() -> Outcome:
        outcome = Outcome(skipped=skipped)
        known = list(location.closures.all())
        by_key = {row.imported_uid: row for row in known if row.imported_uid}
        typed = {(row.starts_at, row.ends_at) for row in known if not row.imported_uid}
        for holiday in found:
            _settle(location, holiday, by_key, typed, outcome)
        Closure.objects.bulk_create(outcome.added, ignore_conflicts=True)
        Closure.objects.bulk_update(outcome.changed, ["starts_at", "ends_at", "reason"])
        Closure.objects.filter(pk__in=[row.pk for row in outcome.removed]).delete()
        return outcome

    return premises.locked(lambda: premises.resources_of(location), write)


def _settle(location: Location, holiday: Holiday, by_key: dict, typed: set, outcome: Outcome) -> None:
    starts_at = timespans.local_day(location.zone, holiday.first).start
    ends_at = timespans.local_day(location.zone, holiday.last).end
    row = by_key.get(holiday.key)
    if holiday.is_cancelled:
        outcome.removed += [row] if row else []
    elif row is None and (starts_at, ends_at) in typed:
        outcome.same += 1
    elif row is None:
        details = {"starts_at": starts_at, "ends_at": ends_at, "reason": holiday.title}
        outcome.added.append(Closure(location=location, imported_uid=holiday.key, **details))
    elif (row.starts_at, row.ends_at, row.reason) == (starts_at, ends_at, holiday.title):
        outcome.same += 1
    else:
        row.starts_at, row.ends_at, row.reason = starts_at, ends_at, holiday.title
        outcome.changed.append(row)


# -- Reading the file -------------------------------------------------------------------------------------------------


def read(data: bytes, today: date) -> tuple[list[Holiday], list[str]]:
    """The days of a calendar file that are not over, and a sentence for each entry left out. Raises `Refused`."""
    events = _events(data)
    found: dict[str, Holiday] = {}
    skipped = []
    # Single days of a repeating entry come after it, so that they stand in its place.
    for event in sorted(events, key=lambda event: "RECURRENCE-ID" in event):
        try:
            holidays = list(_holidays(event, today))
        except Unusable as why:
            skipped.append(f"{_title(event)}: {why}")
            continue
        except BrokenCalendarProperty:
            skipped.append(f"{_title(event)}: {_('it is damaged and cannot be read.')}")
            continue
        for holiday in holidays:
            if holiday.key in found and "RECURRENCE-ID" not in event:
                skipped.append(f"{holiday.title}: {_('it is in the file twice; the first one counts.')}")
            else:
                found[holiday.key] = holiday
    return sorted((row for row in found.values() if row.last >= today), key=lambda row: (row.first, row.key)), skipped


def _events(data: bytes) -> list[Event]:
    if len(data) > MOST_BYTES:
        raise Refused(_("The file is larger than 1 MB. Choose a calendar with public holidays only."))
    try:
        calendars = Calendar.from_ical(data, multiple=True)
        events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    except (ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise Refused(_("This is not a calendar file. Choose one whose name ends in .ics.")) from error
    if not events:
        raise Refused(_("There is no entry in this file. Choose a calendar with public holidays."))
    if len(events) > MOST_ENTRIES:
        raise Refused(_("There are more than %(most)d entries in this file.") % {"most": MOST_ENTRIES})
    return events


def _holidays(event: Event, today: date) -> Iterator[Holiday]:
    lacking = [name for name in event.required if name not in event]
    if lacking:
        raise Unusable(_("it lacks %(names)s.") % {"names": ", ".join(lacking)})
    first, days = _first_and_days(event)
    key, title = _key(event), _title(event)
    is_cancelled = str(event.get("STATUS", "")).upper() == "CANCELLED"
    if "RECURRENCE-ID" in event:
        instead = _day(event, "RECURRENCE-ID")
        yield Holiday(f"{key}/{instead}", first, first + timedelta(days=days - 1), title, is_cancelled)
    elif "RRULE" in event:
        for day in _years(event, first, today):
            yield Holiday(f"{key}/{day}", day, day + timedelta(days=days - 1), title, is_cancelled)
    else:
        if "RDATE" in event:
            raise Unusable(_("it names further days in a way that is not understood. Type them as closures."))
        yield Holiday(key, first, first + timedelta(days=days - 1), title, is_cancelled)


def _first_and_days(event: Event) -> tuple[date, int]:
    first = _day(event, "DTSTART")
    if "DTEND" in event:
        days = (_day(event, "DTEND") - first).days
    else:
        duration = getattr(event.get("DURATION"), "dt", timespans.ONE_DAY)
        if not isinstance(duration, timedelta) or duration % timespans.ONE_DAY:
            raise Unusable(_("it has times of day. Only whole days are taken over."))
        days = duration.days
    if days < 0:
        raise Unusable(_("it ends before it begins."))
    if days > MOST_DAYS:
        raise Unusable(_("it is longer than %(most)d days.") % {"most": MOST_DAYS})
    # Some programs end an entry of one day on its own date.
    return first, max(days, 1)


def _day(event: Event, name: str) -> date:
    value = event.get(name)
    day = getattr(value, "dt", None)
    if isinstance(value, list) or not isinstance(day, date):
        raise Unusable(_("its day cannot be read."))
    if isinstance(day, datetime):
        raise Unusable(_("it has times of day. Only whole days are taken over."))
    if not 1970 <= day.year <= LAST_YEAR:
        raise Unusable(_("its day, %(day)s, is not between 1970 and 2100.") % {"day": date_format(day, "j F Y")})
    return day


def _key(event: Event) -> str:
    uid = str(event["UID"]).strip()
    if not uid:
        raise Unusable(_("it lacks %(names)s.") % {"names": "UID"})
    return uid if len(uid) <= LONGEST_KEY and "\x00" not in uid else sha256(uid.encode()).hexdigest()


def _title(event: Event) -> str:
    title = " ".join(str(event.get("SUMMARY", "")).replace("\x00", "").split())
    return title[:LONGEST_REASON] or _("Public holiday")


def _years(event: Event, first: date, today: date) -> list[date]:
    """The days of a yearly entry in this year and the next ones."""
    rule = event["RRULE"]
    names = set() if isinstance(rule, list) else {name.upper() for name in rule}
    is_yearly = names <= UNDERSTOOD and [str(one).upper() for one in rule.get("FREQ", [])] == ["YEARLY"]
    if not names or not is_yearly or "RDATE" in event or rule.get("INTERVAL", [1])[0] < 1:
        raise Unusable(_("it repeats, and only what comes again every year is understood. Type it as a closure."))
    start = datetime.combine(first, timespans.MIDNIGHT)
    begin, end = datetime(today.year, 1, 1), datetime(today.year + YEARS_AHEAD, 12, 31)  # noqa: DTZ001 (whole days have no zone)
    text = rule.to_ical().decode().replace("Z", "")
    try:
        days = [moment.date() for moment in rrulestr(text, dtstart=start).between(begin, end, inc=True)]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise Unusable(_("how it repeats cannot be read.")) from error
    left_out = event.get("EXDATE", [])
    for row in left_out if isinstance(left_out, list) else [left_out]:
        days = [day for day in days if day not in {one.dt for one in getattr(row, "dts", ())}]
    if len(days) > (YEARS_AHEAD + 1) * MOST_DAYS:
        raise Unusable(_("it repeats on too many days of a year."))
    return days
