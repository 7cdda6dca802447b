"""The clinics that are attacked: made in the database at once, before the web starts."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils import timezone

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


def burst(slots: int, clients: int) -> Burst:
    """Everything that `clients` people need to want the same `slots`."""
    desk = factories.Desk(time_zone="UTC")
    first = datetime.combine(timezone.now().date() + timedelta(days=1), time(8), tzinfo=UTC)
    days = [first + timedelta(days=number) for number in range(-(-slots // SLOTS_A_DAY))]
    starts = [day + number * SLOT for day in days for number in range(SLOTS_A_DAY)][:slots]
    users = [factories.user("reception") for _ in range(clients)]
    patients = [factories.patient("Ada", f"Quill {number}") for number in range(clients)]
    return Burst(desk, users, patients, starts)
