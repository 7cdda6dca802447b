"""Visits that are to get new times at once, and how the verbs say which of them cannot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import timespans
from clinic.models import Appointment, Hold, Location, Practitioner
from clinic.refusals import Refused, Taken
from patients.models import Patient
from treatments.models import Service, TreatmentSession


@dataclass(frozen=True)
class Moved:
    """A visit and its new start (UTC). Without a practitioner it stays with its own, or else goes to anybody.

    With `version` it must still be as it was seen. `hold` keeps the new time; `takes` are people, rooms and devices
    that were found for it: these are tried first, and if all that move have them, nothing else is locked.
    """

    appointment: Appointment
    starts_at: datetime
    practitioner: Practitioner | None = None
    version: int | None = None
    hold: Hold | None = None
    takes: frozenset[int] = frozenset()

    @property
    def session(self) -> TreatmentSession | None:
        return self.appointment.session

    @property
    def location(self) -> Location:
        return self.appointment.location

    @property
    def patient(self) -> Patient:
        return self.appointment.patient

    @property
    def service(self) -> Service:
        return self.appointment.service


@dataclass(frozen=True)
class Placed:
    """A session that waits to be booked, and its start (UTC); the rest as for a visit."""

    session: TreatmentSession
    starts_at: datetime
    practitioner: Practitioner | None
    location: Location
    hold: Hold | None = None
    takes: frozenset[int] = frozenset()
    appointment: None = field(default=None, init=False)

    @property
    def patient(self) -> Patient:
        return self.session.series.patient

    @property
    def service(self) -> Service:
        return self.session.series.protocol_version.protocol.service


Change = Moved | Placed


class _Which:
    """Which of the visits it is about."""

    items: tuple[Change, ...]

    @property
    def keys(self) -> set[int]:
        """The primary keys of the visits."""
        return {item.appointment.pk for item in self.items if item.appointment is not None}

    @property
    def sessions(self) -> set[int]:
        """The primary keys of the sessions that wait to be booked."""
        return {item.session.pk for item in self.items if item.appointment is None}


class SomeTaken(_Which, Taken):
    """Some of the times are not free any more; nothing was written."""

    def __init__(self, items: Sequence[Change]) -> None:
        super().__init__(
            _("No longer free: %(times)s. Nothing has been changed.") % {"times": "; ".join(map(named, items))}
        )
        self.items = tuple(items)


class SomeRefused(_Which, Refused):
    """A rule stands in the way of some of the visits; nothing was written. `why` has the sentences for each."""

    def __init__(self, why: Sequence[tuple[Change, list[str]]]) -> None:
        super().__init__([f"{named(item)}: {text}" for item, texts in why for text in texts])
        self.items = tuple(item for item, _texts in why)
        self.why = list(why)


def named(item: Change) -> str:
    """The visit in a message: whose, and its new time at the location."""
    local = item.starts_at.astimezone(item.location.zone)
    return f"{item.patient}, {date_format(local, 'D j F Y, H:i')}"


def day_of(item: Change) -> date:
    return timespans.date_of(item.location.zone, item.starts_at)


def person(item: Change) -> int:
    """The key of the patient, whichever record the visit is under."""
    return item.patient.merged_into_id or item.patient.pk
