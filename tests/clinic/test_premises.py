"""Rooms, devices, people and their hours in the administration: saved with their row in the diary, under its locks."""

from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from django.db import connection

from clinic import premises
from clinic.models import Absence, Closure, Device, Location, Practitioner, Resource, Room, WorkingHours
from patients.refusals import Busy
from patients.roles import ADMINISTRATOR
from tests import factories
from tests.administration_forms import address, filled

AT = datetime(2026, 7, 1, 9, tzinfo=UTC)


@pytest.fixture
def administrator(client, db):
    client.force_login(factories.user(ADMINISTRATOR))
    return client


def test_a_room_is_added_with_its_row_in_the_diary(administrator):
    place = factories.location()
    typed = {"name": "Room 9", "location": place.pk, "turnaround_minutes": "10", "kind": "treatment", "is_active": "on"}

    answer = administrator.post(address(Room, "add"), typed)

    row = Room.objects.get()
    assert answer.status_code == 302
    assert (row.resource.type, row.resource.name, row.resource.turnaround_minutes) == ("room", "Room 9", 10)


def test_a_device_that_is_no_longer_in_use_keeps_its_row(administrator):
    device = factories.device(factories.location())
    path = address(Device, "change", device.pk)
    typed = filled(administrator.get(path))
    typed.pop("is_active")

    administrator.post(path, typed)

    device.resource.refresh_from_db()
    assert device.resource.is_active is False


def test_a_crossed_save_of_the_name_in_the_diary_is_seen(administrator):
    room = factories.room(factories.location())
    path = address(Room, "change", room.pk)
    opened = filled(administrator.get(path))
    Resource.objects.filter(pk=room.pk).update(name="Theirs")

    answer = administrator.post(path, {**opened, "name": "Mine"})

    assert answer.status_code == 409
    assert 'value="Mine"' in answer.content.decode()


def test_a_practitioner_gets_hours_and_a_qualification(administrator):
    place, person = factories.location(), factories.user("practitioner", name="Dr Ash")
    typed = filled(administrator.get(address(Practitioner, "add"))) | {
        "name": "Dr Ash", "user": person.pk, "job_title": "Nurse", "turnaround_minutes": "0", "is_active": "on",
        "working_hours-TOTAL_FORMS": "1", "working_hours-0-weekday": "1", "working_hours-0-starts": "09:00",
        "working_hours-0-ends": "17:00", "working_hours-0-location": place.pk, "working_hours-0-cycle_weeks": "1",
        "working_hours-0-cycle_week": "1", "working_hours-0-valid_from": "2026-03-02",
        "working_hours-0-is_open_desk": "on",
    }  # fmt: skip

    answer = administrator.post(address(Practitioner, "add"), typed)

    hours = WorkingHours.objects.get()
    assert answer.status_code == 302
    assert (hours.practitioner.resource.name, hours.location) == ("Dr Ash", place)


def test_an_absence_is_typed_in_the_wall_time_of_the_place(administrator):
    factories.location(time_zone="Europe/London")
    room = factories.room(factories.location(time_zone="Europe/Berlin"))
    typed = {"resource": room.pk, "starts_at": "2026-07-01T09:00", "ends_at": "2026-07-01T17:00", "reason": "Repair"}

    administrator.post(address(Absence, "add"), typed)

    absence = Absence.objects.get()
    shown = administrator.get(address(Absence, "change", absence.pk)).content.decode()
    assert absence.starts_at == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert 'value="2026-07-01T09:00"' in shown


def test_a_closure_is_typed_in_the_wall_time_of_its_location(administrator):
    factories.location(time_zone="Europe/London")
    place = factories.location(time_zone="Europe/Berlin")
    path = address(Location, "change", place.pk)
    typed = filled(administrator.get(path)) | {
        "closures-TOTAL_FORMS": "1", "closures-0-starts_at": "2026-07-01T00:00",
        "closures-0-ends_at": "2026-07-02T00:00", "closures-0-reason": "Fair",
    }  # fmt: skip

    administrator.post(path, typed)

    assert Closure.objects.get().starts_at == datetime(2026, 6, 30, 22, tzinfo=UTC)


def test_the_time_zone_of_a_location_stays(administrator):
    place = factories.location(time_zone="Europe/London")
    path = address(Location, "change", place.pk)

    administrator.post(path, filled(administrator.get(path)) | {"time_zone": "Europe/Berlin"})

    place.refresh_from_db()
    assert place.time_zone == "Europe/London"


def test_all_that_work_at_a_location_are_named(desk):
    elsewhere = factories.room(factories.location())

    found = set(premises.resources_of(desk.location))

    assert found == {desk.room.pk, desk.practitioner.pk}
    assert elsewhere.pk not in found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["absence", "hours", "location", "bookable", "ended"])
def test_a_change_waits_for_a_booking_that_holds_the_lock_and_then_says_so(act, django_db_serialized_rollback):
    desk = factories.Desk()
    absence = Absence(resource=desk.room.resource, starts_at=AT, ends_at=AT + timedelta(hours=1), reason="Repair")
    kept = Absence.objects.create(
        resource=desk.room.resource, starts_at=AT + timedelta(days=1), ends_at=AT + timedelta(days=2), reason="Repair"
    )
    acts = {
        "absence": lambda: premises.keep_absence(absence),
        "hours": lambda: premises.keep_parts(desk.practitioner, saved=[], removed=[]),
        "location": lambda: premises.keep_location(desk.location),
        "bookable": lambda: premises.keep_bookable(desk.room, desk.room.resource),
        "ended": lambda: premises.end_absence(kept),
    }
    held = psycopg2.connect(**_server())
    try:
        held.cursor().execute(
            "SELECT pg_advisory_xact_lock(%s), pg_advisory_xact_lock(%s)", [desk.room.pk, desk.practitioner.pk]
        )

        with pytest.raises(Busy):
            acts[act]()
    finally:
        held.close()

    assert Absence.objects.count() == 1


def _server():
    settings = connection.get_connection_params()
    return {name: settings[name] for name in ("dbname", "user", "password", "host", "port") if name in settings}
