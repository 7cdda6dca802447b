"""The clinics that are attacked: made in the database at once, before the web starts."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils import timezone

from clinic.models import Appointment, Practitioner
from patients.models import Patient, User
from tests import factories

SLOT, DAY = timedelta(minutes=30), timedelta(days=1)
SLOTS_A_DAY = 20


@dataclass
class Burst:
    """One practitioner and one room, open 8 to 18 UTC; slots of half an hour from tomorrow on."""

    desk: factories.Desk
    users: list[User]
    patients: list[Patient]
    slots: list[datetime]

    @property
    def practitioner(self) -> str:
        return str(self.desk.practitioner.resource.public_id)

    def address(self, start: datetime) -> str:
        """The booking page of one slot."""
        return f"/appointments/new/?service={self.desk.service.public_id}&start={start:%Y-%m-%dT%H:%MZ}"


@dataclass
class Visited(Burst):
    """Some patients with a visit each, at distinct times, with the days after free at the same hour."""

    visits: list[Appointment]


def burst(slots: int, clients: int) -> Burst:
    """Everything that `clients` people need to want the same `slots`."""
    desk = factories.Desk(time_zone="UTC")
    users = [factories.user("reception") for _ in range(clients)]
    patients = [factories.patient("Ada", f"Quill {number}") for number in range(clients)]
    return Burst(desk, users, patients, _starts(slots, timezone.now()))


def busy(slots: int, *, practitioners: int) -> Burst:
    """One person at the desk and so many practitioners with a room each, nobody named: each slot fits them all."""
    world = burst(slots, 1)
    world.patients[0].delete()
    for number in range(practitioners - 1):
        factories.practitioner(world.desk.location, f"Dr {number}")
        factories.room(world.desk.location, "consultation")
    return world


def wide(slots: int, *, practitioners: int) -> tuple[Burst, list[tuple]]:
    """A desk with many practitioners, and so many (start, practitioner, patient) that none is in another's way."""
    world = busy(0, practitioners=practitioners)
    people = list(Practitioner.objects.select_related("resource").order_by("pk"))
    world.patients = [factories.patient("Cy", f"Thorne {number}") for number in range(practitioners)]
    starts = _starts(-(-slots // practitioners), timezone.now())
    who = [(person.resource.public_id, patient) for person, patient in zip(people, world.patients, strict=True)]
    return world, [(start, *each) for start in starts for each in who][:slots]


def visited(visits: int) -> Visited:
    """So many patients, each with a visit on a day of its own with its hour free on the two days after."""
    world, now = burst(0, 2), timezone.now()
    world.patients += [factories.patient("Bo", f"Marsh {number}") for number in range(2, visits)]
    starts = [start for start in _starts(3 * visits + 3 * SLOTS_A_DAY, now) if _day(start, now) % 3 == 0][:visits]
    booked = [world.desk.book(start, who, now=now) for start, who in zip(starts, world.patients, strict=True)]
    return Visited(world.desk, world.users, world.patients, starts, booked)


def key() -> str:
    """A submission key, as a rendered form carries it."""
    return str(uuid.uuid4())


def _starts(count: int, now: datetime) -> list[datetime]:
    first = datetime.combine(now.date() + DAY, time(8), tzinfo=UTC)
    return [first + number // SLOTS_A_DAY * DAY + number % SLOTS_A_DAY * SLOT for number in range(count)]


def _day(start: datetime, now: datetime) -> int:
    return (start.date() - now.date()).days
