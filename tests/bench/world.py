"""The clinic that is measured: 20 people with a room and a device each, a full month ahead and a history behind it.

Made by SQL with triggers off; constraints and indexes come back after the load.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection
from django.utils import timezone

from clinic.models import Appointment, LocationReminderRule, Practitioner
from patients.models import Patient, User
from tests import factories
from treatments.models import Service, ServiceSegment

PEOPLE, PATIENTS, LOADED_DAYS = 20, 5000, 30
HISTORY_DAYS = {"small": 7, "large": 2482}
TAKEN = ("08:00", "08:30", "09:00", "10:30", "11:00", "11:30", "13:00", "13:30", "14:00", "15:30", "16:00", "16:30")
FREE = (time(9, 30), time(12), time(14, 30), time(17))  # the only starts for 45 minutes on a loaded day
MINUTES, GRID, OPENS, CLOSES = 45, 30, time(8), time(18)
LOADED = ("clinic_appointment", "clinic_claim")
# In an order in which rows may be removed; what a booking writes, apart from its submission.
WRITTEN = {
    "clinic_appointment": "id > {newest}",
    "clinic_claim": "appointment_id > {newest}",
    "clinic_reminder": "appointment_id > {newest}",
    "clinic_appointmentevent": "pgh_obj_id > {newest}",
}
SLOTS = """
    CREATE TEMPORARY TABLE slot AS
    SELECT row_number() OVER (ORDER BY starts_at, who) AS n, who, starts_at FROM (
        SELECT day + make_interval(mins => 480 + 30 * number) AS starts_at
        FROM generate_series(%(today)s - %(history)s * interval '1 day', %(today)s - interval '1 day', '1 day') day,
            generate_series(0, 19) number
        UNION ALL
        SELECT day + taken::interval FROM unnest(%(taken)s) taken,
            generate_series(%(today)s + interval '1 day', %(today)s + %(ahead)s * interval '1 day', '1 day') day
    ) starts, generate_series(0, %(people)s - 1) who
"""
CLAIMS = """
    INSERT INTO clinic_claim (resource_id, appointment_id, starts_at, ends_at, live)
    SELECT resource, %(first)s + slot.n, starts_at, starts_at + interval '30 minutes', true
    FROM slot, unnest((%(resources)s::bigint[])[who * 3 + 1 : who * 3 + 3]) resource
"""
FLOOR = """
    CREATE TABLE bench_visit (id bigserial PRIMARY KEY, practitioner bigint NOT NULL, patient bigint NOT NULL,
        starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL);
    INSERT INTO bench_visit (practitioner, patient, starts_at, ends_at)
        SELECT practitioner_id, patient_id, starts_at, ends_at FROM clinic_appointment;
    ALTER TABLE bench_visit ADD EXCLUDE USING gist (practitioner WITH =, tstzrange(starts_at, ends_at) WITH &&)
"""


@dataclass
class World:
    """`everything` lists practitioner, room and device of each in turn."""

    desk: factories.Desk
    user: User
    people: list[Practitioner]
    everything: list[tuple[int, int, int]]
    patients: list[Patient]
    alone: Service
    equipped: Service
    today: date
    newest: int

    @property
    def first(self) -> date:
        return self.today + timedelta(days=1)

    def empty_starts(self, days: int) -> list[datetime]:
        """Every start of some days after the loaded ones, two hours apart so that one never meets another."""
        after = datetime.combine(self.first + timedelta(days=LOADED_DAYS), OPENS, tzinfo=UTC)
        return [after + timedelta(days=day, hours=2 * number) for day in range(days) for number in range(5)]


def make(size: str) -> World:
    """The clinic with 10,000 visits (small) or a million (large)."""
    desk = factories.Desk(time_zone="UTC", opens=OPENS, closes=CLOSES, grid_minutes=GRID)
    people = [factories.practitioner(desk.location, f"Dr {number}") for number in range(PEOPLE)]
    rooms = [factories.room(desk.location, "treatment") for _ in people]
    devices = [factories.device(desk.location) for _ in people]
    everything = [tuple(one.pk for one in each) for each in zip(people, rooms, devices, strict=True)]
    patients = Patient.objects.bulk_create(
        Patient(given_name="Ada", family_name=f"Quill {number}", email=f"ada{number}@mail.example")
        for number in range(PATIENTS)
    )
    LocationReminderRule.objects.get_or_create(location=desk.location, key="day-before", minutes_before=24 * 60)
    today = timezone.now().astimezone(UTC).date()
    newest = _fill(desk, everything, patients, today, HISTORY_DAYS[size])
    return World(
        desk=desk,
        user=factories.user("reception"),
        people=people,
        everything=everything,
        patients=patients,
        alone=_service("Alone"),
        equipped=_service("Equipped", room_kind="treatment", device_kind="needling_pen"),
        today=today,
        newest=newest,
    )


def rows_written(world: World) -> dict[str, int]:
    """How many rows bookings have added to each table."""
    with connection.cursor() as cursor:
        counts = {}
        for table, new in WRITTEN.items():
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {new.format(newest=world.newest)}")
            counts[table] = cursor.fetchone()[0]
    return counts


def forget_bookings(world: World, floor_newest: int) -> None:
    """Remove what was booked since the load."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table, new in WRITTEN.items():
            cursor.execute(f"DELETE FROM {table} WHERE {new.format(newest=world.newest)}")
        cursor.execute("DELETE FROM patients_submission")
        cursor.execute("DELETE FROM bench_visit WHERE id > %s", [floor_newest])
        cursor.execute("SET session_replication_role = origin")


def _service(name: str, **holds: str) -> Service:
    service = Service.objects.create(key=f"bench-{name.lower()}", name=name, kind="consultation", confidence="proposed")
    ServiceSegment.objects.create(
        service=service, position=1, kind="hands_on", base_minutes=MINUTES, holds_practitioner=True, **holds
    )
    return service


def _fill(desk: factories.Desk, everything: list, patients: list[Patient], today: date, history: int) -> int:
    """Load visits and claims; returns the newest visit's key."""
    midnight = datetime.combine(today, time(), tzinfo=UTC)
    sample = desk.book(midnight + timedelta(days=300, hours=9), who=patients[0], now=timezone.now())
    values = {
        "id": "%(first)s + slot.n",
        "public_id": "gen_random_uuid()",
        "patient_id": "(%(patients)s::bigint[])[1 + slot.n %% %(count)s]",
        "practitioner_id": "(%(resources)s::bigint[])[1 + 3 * who]",
        "starts_at": "slot.starts_at",
        "ends_at": "slot.starts_at + interval '30 minutes'",
    }
    columns = [column.column for column in Appointment._meta.concrete_fields]
    taken = ", ".join(values.get(name, f"sample.{name}") for name in columns)
    visits = (
        f"INSERT INTO clinic_appointment ({', '.join(columns)}) SELECT {taken}"
        " FROM slot, clinic_appointment sample WHERE sample.id = %(first)s"
    )
    given = {
        "today": midnight, "history": history, "ahead": LOADED_DAYS, "taken": list(TAKEN), "people": PEOPLE,
        "first": sample.pk, "patients": [one.pk for one in patients], "count": len(patients),
        "resources": [key for each in everything for key in each],
    }  # fmt: skip
    with connection.cursor() as cursor, _bare(cursor):
        for statement in (SLOTS, visits, CLAIMS):
            cursor.execute(statement, given)
        cursor.execute("SELECT max(id), setval(pg_get_serial_sequence('clinic_appointment', 'id'), max(id))"
                       " FROM clinic_appointment")  # fmt: skip
        newest = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute(FLOOR)
        cursor.execute("VACUUM ANALYZE")
    return newest


@contextmanager
def _bare(cursor) -> Iterator[None]:
    """Without triggers, indexes and constraints, but for the primary keys, until the load is done."""
    cursor.execute(
        "SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),"
        " format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))"
        " FROM pg_constraint WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('x', 'u', 'f', 'c')"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint other WHERE other.confrelid = conrelid"
        " AND other.conindid = pg_constraint.conindid AND other.contype = 'f')",
        [list(LOADED)],
    )
    constraints = cursor.fetchall()
    cursor.execute("SET session_replication_role = replica")
    for drop, _add in constraints:
        cursor.execute(drop)
    cursor.execute(
        "SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary",
        [list(LOADED)],
    )
    indexes = cursor.fetchall()
    for drop, _add in indexes:
        cursor.execute(drop)
    yield
    cursor.execute("SET maintenance_work_mem = '256MB'")
    for _drop, add in [*indexes, *constraints]:
        cursor.execute(add)
    cursor.execute("SET session_replication_role = origin")
