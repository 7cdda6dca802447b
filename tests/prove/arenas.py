"""Small clinics side by side, each the place of one race at a time, with everything a race can be about.

An arena has three people, three treatment rooms, a numbing lounge of two places and three devices. It is open every
day from 2 to 22 UTC; each slot of four hours is one race: the place that is wanted in its middle, and for each of the
two contenders, behind it and before it, one where a visit waits that is about to be moved, then one where another time
may be proposed for it.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone

from clinic.models import Location, Practitioner, Resource
from patients.models import Patient, User
from tests import factories
from treatments.models import Service, ServiceSegment, Technique

MINUTE = timedelta(minutes=1)
OPENS, CLOSES, SLOT_HOURS = 2, 22, 4
SLOTS_A_DAY = (CLOSES - OPENS) // SLOT_HOURS
LONG_AGO = date(2020, 1, 6)
DIMENSIONS = ("practitioner", "room", "place", "device", "patient")
NAMED = ("practitioner", "room", "device")  # what somebody can ask for by hand
HOLDS = {
    "practitioner": {},
    "room": {"room_kind": "treatment"},
    "place": {"room_kind": "numbing"},
    "device": {"device_kind": "needling_pen"},
    "patient": {},
    "qualified": {},
    "treatment": {},
}
KINDS = {"treatment": {"kind": "patch_test", "modality": "microneedling"}}


@dataclass
class Arena:
    """One clinic; the first of each kind is what is contended for, the others are for whoever must be elsewhere."""

    location: Location
    people: list[Practitioner]
    rooms: list[Resource]
    lounge: list[Resource]
    devices: list[Resource]
    patients: list[Patient]
    services: dict[str, Service] = field(default_factory=dict)
    desks: list[User] = field(default_factory=list)
    elsewhere: Location | None = None

    @property
    def resources(self) -> list[int]:
        return [row.pk for row in (*self.people, *self.rooms, *self.lounge, *self.devices)]

    def wish(self, dimension: str, slot: int, who: int) -> dict:
        """What one of the two contenders of a race wants, as plain values: see `writers`."""
        named = 0 if dimension in ("practitioner", "qualified") else 1 + who
        things = {"room": self.rooms, "device": self.devices}.get(dimension)
        start = slot_start(slot)
        side = -1 if who else 1
        return {
            "who": who,
            "location": self.location.pk,
            "service": self.services[dimension].pk,
            "practitioner": self.people[named].pk,
            "chosen": [things[0].pk] if things else [],
            "patient": self.patients[0 if dimension == "patient" else who].pk,
            "by": self.desks[who].pk,
            "start": start.isoformat(),
            "parking": (start + side * 60 * MINUTE).isoformat(),
            "nearby": (start + side * 90 * MINUTE).isoformat(),
            "elsewhere": {
                "practitioner": self.people[1 + who].pk,
                "chosen": [things[1 + who].pk] if things else [],
            },
            "far away": self.elsewhere.pk,
            "other": {"room": self.rooms[0].pk, "place": self.lounge[0].pk, "device": self.devices[0].pk}.get(
                dimension
            ),
        }


def slot_start(slot: int) -> datetime:
    """The time that is wanted in one slot, from tomorrow on."""
    day = timezone.now().astimezone(UTC).date() + timedelta(days=1 + slot // SLOTS_A_DAY)
    hour = OPENS + SLOT_HOURS // 2 + slot % SLOTS_A_DAY * SLOT_HOURS
    return datetime.combine(day, time(hour), tzinfo=UTC)


def made(count: int) -> list[Arena]:
    """So many arenas with nothing in their diaries."""
    technique = Technique.objects.create(key="proof", label="Needling", modality="microneedling")
    services = {dimension: _service(dimension, held, technique) for dimension, held in HOLDS.items()}
    desks = [factories.user("reception") for _ in range(2)]
    far = factories.location(time_zone="UTC")
    return [_arena(services, desks, technique, far) for _ in range(count)]


def _arena(services: dict[str, Service], desks: list[User], technique: Technique, far: Location) -> Arena:
    place = factories.location(
        time_zone="UTC", opens=time(OPENS), closes=time(CLOSES), horizon_days=400, online_horizon_days=400
    )
    people = [
        factories.practitioner(place, f"Dr {number}", time(OPENS), time(CLOSES), techniques=[technique])
        for number in range(3)
    ]
    for person in people:
        person.working_hours.update(valid_from=LONG_AGO)
    return Arena(
        location=place,
        people=people,
        rooms=[factories.room(place, "treatment").resource for _ in range(3)],
        lounge=[factories.room(place, "numbing").resource for _ in range(2)],
        devices=[factories.device(place).resource for _ in range(3)],
        patients=[factories.patient() for _ in range(2)],
        services=services,
        desks=desks,
        elsewhere=far,
    )


def _service(dimension: str, held: dict[str, str], technique: Technique) -> Service:
    details = {"kind": "consultation", "technique": technique if dimension == "qualified" else None}
    service = Service.objects.create(
        key=f"proof-{dimension}",
        name=f"Visit by {dimension}",
        confidence="proposed",
        **details | KINDS.get(dimension, {}),
    )
    ServiceSegment.objects.create(
        service=service, position=1, kind="hands_on", base_minutes=30, holds_practitioner=True, **held
    )
    return service
