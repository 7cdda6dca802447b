"""The small clinic that the random lives share, in the database and in plain Python."""

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

from clinic import premises
from clinic.models import Practitioner
from tests import factories
from tests.prove import diary_by_hand as by_hand
from tests.prove.diary_by_hand import Diary, Thing
from treatments.models import Service, ServiceSegment

ZONE = ZoneInfo("Europe/London")
OPENING = (0, 20 * 60)
SHIFTS = (((0, 240), (480, 960)), ((90, 720),), ((150, 600), (660, 1080)))
LONG_AGO = date(2020, 1, 6)


class World:
    """The rows that all lives share."""

    def __init__(self) -> None:
        self.place = factories.location(time_zone=ZONE.key, opens=clock(0), closes=clock(20), grid_minutes=30)
        self.by = [factories.user("reception") for _ in range(2)]
        self.people = [factories.practitioner(self.place, f"Dr {number}") for number in range(2)]
        rooms = [factories.room(self.place, "treatment") for _ in range(2)]
        device = factories.device(self.place)
        self.patients = [factories.patient("Ada", f"Quill {number}") for number in range(3)]
        self.things = {}
        for row, kind, turnaround in zip(
            [*self.people, *rooms, device],
            ["person", "person", "room", "room", "device"],
            [0, 5, 0, 25, 10],
            strict=True,
        ):
            row.resource.turnaround_minutes = turnaround
            row.resource.save()
            self.things[row.pk] = (kind, turnaround)
        for person, shifts in zip(self.people, SHIFTS, strict=False):
            set_hours(person, self.place, shifts)
        self.services = {kind: _service(kind) for kind in by_hand.SHAPES}

    def diary(self) -> Diary:
        shifts = dict(zip((person.pk for person in self.people), SHIFTS, strict=False))
        things = {pk: Thing(kind, turnaround, shifts.get(pk, ())) for pk, (kind, turnaround) in self.things.items()}
        now = datetime.combine(changes_of_the_clock()[0] - timedelta(days=1), clock(7), tzinfo=UTC)
        return Diary(ZONE, by_hand.minute_of(now), 30, OPENING, things)


def changes_of_the_clock() -> list[date]:
    """The last Sundays of March and October of next year: the clock of the database is behind them."""
    year = datetime.now(UTC).year + 1
    return [
        max(date(year, month, day) for day in range(25, 32) if date(year, month, day).isoweekday() == 7)
        for month in (3, 10)
    ]


def _service(kind: str) -> Service:
    service = Service.objects.create(key=f"life-{kind}", name=kind, kind="consultation", confidence="proposed")
    if kind == "talk":
        segments = [("hands_on", 30, {"holds_practitioner": True})]
    else:
        room = {"room_kind": "treatment"}
        hands_on = {**room, "holds_practitioner": True, "device_kind": "needling_pen"}
        segments = [("numbing", 30, room), ("hands_on", 30, hands_on), ("turnaround", 15, room)]
    for position, (what, minutes, held) in enumerate(segments):
        ServiceSegment.objects.create(service=service, position=position, kind=what, base_minutes=minutes, **held)
    return service


def set_hours(person: Practitioner, place, shifts) -> None:
    rows = [
        person.working_hours.model(
            practitioner=person,
            location=place,
            weekday=day,
            starts=clock(start // 60, start % 60),
            ends=clock(end // 60, end % 60),
            valid_from=LONG_AGO,
        )
        for day in range(1, 8)
        for start, end in shifts
    ]
    premises.keep_parts(person, saved=rows, removed=list(person.working_hours.all()))
