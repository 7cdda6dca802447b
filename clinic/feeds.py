"""A visit as a calendar file. The entry keeps its UID, and its SEQUENCE rises with every change of the visit.

Families share calendars: a title says that there is a visit and where, never what for. Times are in UTC, which every
calendar shows in the reader's own zone.
"""

from datetime import UTC, datetime
from email.utils import parseaddr

from django.conf import settings
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, vCalAddress, vText
from icalendar.cal.component import Component

from clinic.models import Appointment

PRODUCT = "-//Cadence//Visits//EN"
PUBLISH, CANCEL = "PUBLISH", "CANCEL"
# RFC 5546 asks for these in a published or cancelled event, besides what RFC 5545 asks for in every event.
ALSO_REQUIRED = ("DTSTART", "SEQUENCE", "ORGANIZER", "STATUS")


class Incomplete(ValueError):
    """A calendar file lacks something without which readers drop it or take it for another visit."""


def method_of(visit: Appointment) -> str:
    """Whether a calendar is to show the visit or to take it out."""
    return PUBLISH if visit.is_live else CANCEL


def calendar_of(visit: Appointment, now: datetime) -> bytes:
    """Return the iCalendar file of one visit as of now."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method_of(visit))
    calendar.add_component(_event(visit, now))
    _check(calendar, ("METHOD",))
    for event in calendar.events:
        _check(event, ALSO_REQUIRED)
    return calendar.to_ical()


def _event(visit: Appointment, now: datetime) -> Event:
    place = visit.location
    event = Event()
    event.add("uid", f"{visit.public_id}@{settings.SITE_HOST}")
    event.add("sequence", visit.ical_sequence)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", visit.starts_at.astimezone(UTC))
    event.add("dtend", visit.ends_at.astimezone(UTC))
    event.add("status", "CONFIRMED" if visit.is_live else "CANCELLED")
    event.add("summary", _("Visit at %(clinic)s") % {"clinic": place.name})
    event.add("location", ", ".join([place.name, *place.address.split("\n")]).strip(", "))
    if place.phone:
        event.add("description", _("To change it, call us: %(phone)s") % {"phone": place.phone})
    organizer = vCalAddress(f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}")
    organizer.params["cn"] = vText(place.name)
    event["organizer"] = organizer
    return event


def _check(component: Component, also: tuple[str, ...]) -> None:
    missing = [name for name in (*component.required, *also) if name not in component]
    if missing:
        raise Incomplete(f"A calendar's {component.name} lacks {', '.join(missing)}.")
