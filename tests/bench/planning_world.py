"""The clinic that whole courses are planned in: 10 people share 8 rooms and 8 devices, their diary full for a year.

It lies next to the other one in the same database: another location, other people.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection
from django.utils import timezone

from clinic.models import Appointment, Location, LocationReminderRule, Practitioner
from patients.models import Patient
from tests import factories, factories_treatments
from tests.bench.world import GRID, MINUTES, TAKEN, World
from treatments import series as courses_of
from treatments.models import ProtocolVersion, TreatmentSeries, VersionSegment

PEOPLE, ROOMS, DEVICES, BUSY, DAYS = 10, 8, 8, 6, 365
SESSIONS, LEAST, IDEAL, MOST = 6, 28, 30, 42  # the last one 150 days after the first: within 26 weeks
# At each of the taken times six of the ten have a visit, in other rooms and with other devices from day to day.
VISITS = """
    CREATE TEMPORARY TABLE planned_visit AS
    SELECT row_number() OVER (ORDER BY day, number, who) AS n, starts.day + taken::interval AS starts_at,
        (%(people)s::bigint[])[1 + (who + number + number_of_day) %% %(of_people)s] AS person,
        (%(rooms)s::bigint[])[1 + (who + number) %% %(of_rooms)s] AS room,
        (%(devices)s::bigint[])[1 + (who + number_of_day) %% %(of_devices)s] AS device
    FROM (SELECT day, row_number() OVER (ORDER BY day) AS number_of_day
            FROM generate_series(%(today)s, %(today)s + %(days)s * interval '1 day', '1 day') day) starts,
        unnest(%(taken)s) WITH ORDINALITY AS slot (taken, number), generate_series(0, %(busy)s - 1) who
"""
CLAIMS = """
    INSERT INTO clinic_claim (resource_id, appointment_id, starts_at, ends_at, live)
    SELECT resource, %(newest)s + n, starts_at, starts_at + interval '30 minutes', true
    FROM planned_visit, unnest(ARRAY[person, room, device]) resource
"""


@dataclass
class PlanningWorld:
    location: Location
    people: list[Practitioner]
    version: ProtocolVersion
    patients: list[Patient]
    first: date
    world: World

    def new_series(self) -> TreatmentSeries:
        """A course that nobody has planned yet, of the next patient."""
        who = self.patients.pop()
        return courses_of.start(
            who, self.version, areas=[factories_treatments.area("cheek")], sessions_planned=SESSIONS,
            first_possible_on=self.first, by=self.world.user,
        )  # fmt: skip

    def address(self, series: TreatmentSeries) -> str:
        """The page that plans the course, with wishes: mornings, Tuesday to Friday, rather one of the ten."""
        person = self.people[0].resource.public_id
        return (
            f"/series/{series.public_id}/plan/?first={self.first}&location={self.location.public_id}"
            f"&practitioner={person}&earliest_time=08:00&latest_time=12:00&weekdays=2&weekdays=3&weekdays=4&weekdays=5"
        )


def make(world: World) -> PlanningWorld:
    """The location with its year; the other clinic's world learns which visits were there before."""
    place = factories.location("Plans", time_zone="UTC", grid_minutes=GRID)
    LocationReminderRule.objects.get_or_create(location=place, key="day-before", minutes_before=24 * 60)
    technique = factories_treatments.technique()
    people = [factories.practitioner(place, f"Dr Plan {number}", techniques=[technique]) for number in range(PEOPLE)]
    rooms = [factories.room(place, "treatment").pk for _ in range(ROOMS)]
    devices = [factories.device(place).pk for _ in range(DEVICES)]
    draft = factories_treatments.draft(phases=((SESSIONS, LEAST, IDEAL, MOST),), has_visit=False)
    parts = {"kind": "hands_on", "base_minutes": MINUTES, "holds_practitioner": True}
    VersionSegment.objects.create(version=draft, position=1, room_kind="treatment", device_kind="needling_pen", **parts)
    version = factories_treatments.protocols.publish(
        draft, by=factories_treatments.clinical_lead(), now=factories_treatments.NOW
    )
    today = timezone.now().astimezone(UTC).date()
    _fill(world, place, [one.pk for one in people], rooms, devices, today)
    return PlanningWorld(place, people, version, list(world.patients), today + timedelta(days=7), world)


def _fill(world: World, place: Location, people: list, rooms: list, devices: list, today: date) -> None:
    given = {
        "people": people, "rooms": rooms, "devices": devices, "of_people": PEOPLE, "of_rooms": ROOMS,
        "of_devices": DEVICES, "today": datetime.combine(today, time(), tzinfo=UTC), "days": DAYS, "busy": BUSY,
        "taken": list(TAKEN), "newest": world.newest, "place": place.pk, "patients": [one.pk for one in world.patients],
        "count": len(world.patients),
    }  # fmt: skip
    values = {
        "id": "%(newest)s + n",
        "public_id": "gen_random_uuid()",
        "patient_id": "(%(patients)s::bigint[])[1 + n %% %(count)s]",
        "practitioner_id": "person",
        "location_id": "%(place)s",
        "starts_at": "planned_visit.starts_at",
        "ends_at": "planned_visit.starts_at + interval '30 minutes'",
    }
    columns = [column.column for column in Appointment._meta.concrete_fields]
    taken = ", ".join(values.get(name, f"sample.{name}") for name in columns)
    visits = (
        f"INSERT INTO clinic_appointment ({', '.join(columns)}) SELECT {taken} FROM planned_visit,"
        " (SELECT * FROM clinic_appointment WHERE id = %(newest)s) sample"
        " WHERE NOT EXISTS (SELECT FROM clinic_appointment met WHERE met.starts_at = planned_visit.starts_at"
        " AND met.patient_id = (%(patients)s::bigint[])[1 + n %% %(count)s])"
    )
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in (VISITS, visits, CLAIMS):
            cursor.execute(statement, given)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("SELECT max(id), setval(pg_get_serial_sequence('clinic_appointment', 'id'), max(id))"
                       " FROM clinic_appointment")  # fmt: skip
        world.newest = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE clinic_claim")
