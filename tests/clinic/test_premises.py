"""Rooms, devices, people and their hours in the administration: saved with their row in the diary, under its locks."""

from datetime import UTC, datetime, time, timedelta

import psycopg2
import pytest
from django.db import connection

from clinic import holidays_import, hours, premises
from clinic.models import (
    Absence,
    Closure,
    DatedHours,
    Device,
    DevicePlace,
    Location,
    Practitioner,
    Resource,
    Room,
    TravelTime,
    WorkingHours,
)
from clinic.refusals import Refused, Taken
from patients.refusals import Busy
from patients.roles import ADMINISTRATOR
from tests import factories
from tests.administration_forms import address, filled
from tests.clinic.test_holidays_import import entry, file
from tests.factories import NOW

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
@pytest.mark.parametrize(
    "act", ["absence", "hours", "location", "bookable", "ended", "day off", "holidays", "places", "travel"]
)
def test_a_change_waits_for_a_booking_that_holds_the_lock_and_then_says_so(act, django_db_serialized_rollback):
    desk = factories.Desk()
    other = factories.location()
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
        "day off": lambda: hours.day_off(desk.practitioner, on=AT.date()),
        "holidays": lambda: holidays_import.take_over(desk.location, file(entry()), now=NOW),
        "places": lambda: premises.keep_places(desk.room, desk.room.resource, places=2, now=NOW),
        "travel": lambda: premises.keep_travel_time(TravelTime(start=desk.location, end=other, minutes=5)),
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


# -- Rooms with several places ----------------------------------------------------------------------------------------


def lounge(place, name="Lounge", places=3, **details):
    resource = Resource(name=name, location=place, is_active=details.pop("is_active", True))
    room = premises.keep_places(Room(kind="consultation"), resource, places=places, now=NOW)
    return Room.objects.select_related("resource").get(pk=room.pk)


def rows_of(room):
    return [(row.resource.name, row.resource.is_active) for row in premises.places_of(room)]


def keep(room, places, name="Lounge", **details):
    resource = Resource.objects.get(pk=room.pk)
    resource.name = name
    for field, value in details.items():
        setattr(resource, field, value)
    return premises.keep_places(room, resource, places=places, now=NOW)


def test_a_room_of_three_places_is_three_rows_in_the_diary(desk):
    room = lounge(desk.location)

    assert rows_of(room) == [("Lounge, place 1", True), ("Lounge, place 2", True), ("Lounge, place 3", True)]
    assert premises.room_name(room) == "Lounge"
    assert premises.number_of_places(room) == 3


def test_three_visits_fit_into_three_places_at_once(desk):
    desk.room.delete()
    lounge(desk.location)
    desk.service = factories.service(room_kind="consultation")
    for _number in range(3):
        desk.book(AT, practitioner=factories.practitioner(desk.location, "Dr Dove"))

    with pytest.raises(Taken):
        desk.book(AT, practitioner=factories.practitioner(desk.location, "Dr Elm"))


def test_fewer_places_go_out_of_use_and_come_back(desk):
    room = lounge(desk.location)

    keep(room, 1)
    assert rows_of(room) == [("Lounge, place 1", True), ("Lounge, place 2", False), ("Lounge, place 3", False)]

    keep(Room.objects.get(pk=room.pk), 2)
    assert [is_active for _name, is_active in rows_of(Room.objects.get(pk=room.pk))] == [True, True, False]


def test_a_place_that_a_later_visit_takes_stays(desk):
    desk.room.delete()
    room = lounge(desk.location, places=2)
    people = [factories.practitioner(desk.location, name) for name in ("Dr Dove", "Dr Elm")]
    for person in people:
        desk.book(AT, practitioner=person)

    with pytest.raises(Refused, match="1 visit to come takes one of the places that would go"):
        keep(room, 1)

    assert premises.number_of_places(room) == 2


def test_a_room_for_one_becomes_a_room_for_two_and_keeps_its_visits(desk):
    visit = desk.book(AT)

    keep(desk.room, 2, name="Lounge")

    room = Room.objects.select_related("resource").get(pk=desk.room.pk)
    assert rows_of(room) == [("Lounge, place 1", True), ("Lounge, place 2", True)]
    assert visit.claims.filter(resource=room.pk).exists()


def test_name_kind_and_turnaround_are_the_same_for_every_place(desk):
    room = lounge(desk.location)
    room.kind, room.serves_all = "treatment", True

    keep(room, 3, name="Salon", turnaround_minutes=5)

    rows = premises.places_of(Room.objects.get(pk=room.pk))
    assert {(row.kind, row.serves_all, row.place_of, row.resource.turnaround_minutes) for row in rows} == {
        ("treatment", True, "Salon", 5)
    }


def test_a_room_that_is_not_in_use_remembers_its_places(desk):
    room = keep(lounge(desk.location), 3, is_active=False)

    assert rows_of(room) == [(f"Lounge, place {number}", False) for number in (1, 2, 3)]
    assert premises.number_of_places(room) == 3


@pytest.mark.parametrize("places", [0, 51])
def test_a_room_has_between_one_and_fifty_places(desk, places):
    with pytest.raises(Refused, match="A room has between 1 and 50 places"):
        lounge(desk.location, places=places)

    assert Room.objects.count() == 1


def test_two_rooms_of_several_places_have_two_names(desk):
    lounge(desk.location)

    with pytest.raises(Refused, match="Another room of several places has this name here"):
        lounge(desk.location)

    assert lounge(factories.location()).pk


def test_a_long_name_leaves_room_for_the_number(desk):
    room = lounge(desk.location, name="L" * 80, places=2)

    assert [len(name) for name, _is_active in rows_of(room)] == [80, 80]


def test_the_list_of_rooms_shows_a_room_of_several_places_once(administrator):
    place = factories.location()
    lounge(place)
    factories.room(place, name="Room 1")

    rows = administrator.get(address(Room, "changelist")).context["cl"].result_list

    assert [(premises.room_name(row), row.in_use) for row in rows] == [("Lounge", 3), ("Room 1", None)]


def test_places_are_typed_with_the_room(administrator):
    room = lounge(factories.location(), places=2)
    path = address(Room, "change", room.pk)
    typed = filled(administrator.get(path))
    assert (typed["name"], str(typed["places"])) == ("Lounge", "2")

    answer = administrator.post(path, typed | {"places": "4", "name": "Salon"})

    assert answer.status_code == 302
    assert premises.number_of_places(Room.objects.get(pk=room.pk)) == 4
    assert Room.objects.get(pk=room.pk).place_of == "Salon"


def test_too_few_places_are_refused_beside_what_was_typed(administrator, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    desk = factories.Desk()
    desk.room.delete()
    room = lounge(desk.location, places=2)
    for name in ("Dr Dove", "Dr Elm"):
        desk.book(AT, practitioner=factories.practitioner(desk.location, name))
    path = address(Room, "change", room.pk)

    answer = administrator.post(path, filled(administrator.get(path)) | {"places": "1"})

    assert answer.status_code == 422
    assert "takes one of the places that would go" in answer.content.decode()
    assert premises.number_of_places(room) == 2


# -- Zones, travel, devices, what no longer fits ----------------------------------------------------------------------


def test_zones_are_those_of_the_place_of_the_hours_or_of_the_clinic(desk, django_assert_num_queries):
    berlin = factories.location(time_zone="Europe/Berlin")
    person = factories.practitioner(berlin, "Dr Dove")
    idle = factories.practitioner(berlin, "Dr Elm")
    idle.working_hours.all().delete()

    with django_assert_num_queries(1):
        zones = premises.zones_of([desk.room.pk, person.pk, idle.pk])

    assert [str(zones[pk]) for pk in (desk.room.pk, person.pk, idle.pk)] == [
        "Europe/London", "Europe/Berlin", "Europe/London",
    ]  # fmt: skip


def test_guests_of_a_location_are_locked_with_it(desk):
    other = factories.location()
    guest = factories.device(other)
    person = factories.practitioner(other, "Dr Dove")
    DevicePlace.objects.create(device=guest, on=AT.date(), location=desk.location)
    details = {"location": desk.location, "starts": time(9), "ends": time(12)}
    DatedHours.objects.create(practitioner=person, on=AT.date(), **details)

    assert {guest.pk, person.pk} <= set(premises.resources_of(desk.location))


def test_travel_time_locks_all_that_work_at_either_end(desk):
    other = factories.location()
    person = factories.practitioner(other, "Dr Dove")

    found = premises.resources_of(TravelTime(start=desk.location, end=other, minutes=30))

    assert set(found) == {desk.room.pk, desk.practitioner.pk, person.pk}


def test_somebody_who_begins_to_work_there_meanwhile_is_locked_too(desk):
    looks = iter([[desk.room.pk], [desk.room.pk, desk.practitioner.pk], [desk.room.pk, desk.practitioner.pk]])
    last = []

    def resources():
        last[:] = next(looks, last)
        return list(last)

    assert premises.locked(resources, lambda: "written") == "written"


def test_who_never_stops_growing_is_busy(desk):
    names = iter(range(1, 100))

    with pytest.raises(Busy):
        premises.locked(lambda: [next(names)], lambda: None)


def test_travel_time_is_stated_once_for_both_ways(administrator):
    start, end = factories.location(), factories.location()
    administrator.post(address(TravelTime, "add"), {"start": start.pk, "end": end.pk, "minutes": "30"})

    answer = administrator.post(address(TravelTime, "add"), {"start": end.pk, "end": start.pk, "minutes": "20"})

    assert "stated already" in answer.content.decode()
    assert TravelTime.objects.get().minutes == 30


def test_a_device_is_sent_to_another_location_for_a_day(administrator):
    device, other = factories.device(factories.location()), factories.location()
    path = address(Device, "change", device.pk)
    typed = filled(administrator.get(path)) | {
        "places-TOTAL_FORMS": "1", "places-0-on": "2026-07-01", "places-0-location": other.pk,
    }  # fmt: skip

    assert administrator.post(path, typed).status_code == 302
    assert DevicePlace.objects.get().location == other


def test_hours_of_a_single_day_are_kept_with_the_person(administrator):
    person = factories.practitioner(factories.location())
    path = address(Practitioner, "change", person.pk)
    typed = filled(administrator.get(path)) | {
        "dated_hours-TOTAL_FORMS": "1", "dated_hours-0-on": "2026-07-01", "dated_hours-0-replaces_usual": "on",
    }  # fmt: skip

    assert administrator.post(path, typed).status_code == 302
    assert person.dated_hours.get().starts is None


def test_an_absence_over_a_visit_says_how_many_have_to_be_moved(administrator, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    desk = factories.Desk()
    desk.book(AT)
    typed = {
        "resource": desk.room.pk,
        "starts_at": "2026-07-01T09:00",
        "ends_at": "2026-07-01T17:00",
        "reason": "Repair",
    }

    answer = administrator.post(address(Absence, "add"), typed, follow=True)

    assert "1 visit no longer fits." in answer.content.decode()


def test_a_closure_over_a_visit_says_how_many_have_to_be_moved(administrator, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    desk = factories.Desk()
    desk.book(AT)
    path = address(Location, "change", desk.location.pk)
    typed = filled(administrator.get(path)) | {
        "closures-TOTAL_FORMS": "1", "closures-0-starts_at": "2026-07-01T00:00",
        "closures-0-ends_at": "2026-07-02T00:00", "closures-0-reason": "Fair",
    }  # fmt: skip

    answer = administrator.post(path, typed, follow=True)

    assert "1 visit no longer fits." in answer.content.decode()
