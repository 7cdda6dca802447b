"""The free starts of a stretch of days as a page shows them, those later than planned apart."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from clinic import availability, courses, timespans
from clinic.availability import Offer, Request
from clinic.forms import PlaceForm

DAYS_SHOWN = 7
AFTER_WINDOW = "after_window"


@dataclass(frozen=True)
class Slot:
    """One free start, local to the location; `who` is empty when the clinic has one practitioner."""

    starts_at: datetime
    who: str


def slot(offer: Offer, place: PlaceForm) -> Slot:
    """One offer as it is shown."""
    return Slot(offer.starts_at.astimezone(place.location.zone), place.name_of(offer.practitioner_id))


def by_day(offers: list[Offer], place: PlaceForm) -> list[tuple[date, list[Slot]]]:
    """The free starts, day by day."""
    slots = sorted((slot(offer, place) for offer in offers), key=lambda each: each.starts_at)
    return [(day, list(group)) for day, group in groupby(slots, key=lambda each: each.starts_at.date())]


def stretch(place: PlaceForm, first: date, now: datetime) -> tuple[date, date]:
    """The days to show: a week from the day asked for, which is `first` unless another was typed."""
    first = max(place.day_or(first), timespans.date_of(place.location.zone, now))
    return first, first + timedelta(days=DAYS_SHOWN - 1)


def _latest_day(asked: Request) -> date | None:
    """The last day that is as planned for a session that is to come; None for every other visit."""
    if asked.session is None:
        return None
    window = courses.windows(asked.session.series, besides=asked.ignore_id).get(asked.session.number)
    return window.latest if window else None


def listed(asked: Request, place: PlaceForm, first: date, last: date, now: datetime) -> dict:
    """What a list of free starts shows, with the way to earlier and later days."""
    today = timespans.date_of(place.location.zone, now)
    place.show_day(first)
    latest = _latest_day(asked)
    allow = frozenset() if latest is None else frozenset({AFTER_WINDOW})
    days = by_day(availability.free_starts(asked, first, last, now, allow=allow), place)
    return {
        "place": place,
        "zone": place.location.zone,
        "days": [(day, slots) for day, slots in days if latest is None or day <= latest],
        "late_days": [(day, slots) for day, slots in days if latest is not None and day > latest],
        "latest": latest,
        "first": first,
        "last": last,
        "earlier": max(first - timedelta(days=DAYS_SHOWN), today) if first > today else None,
        "later": last + timedelta(days=1),
    }
