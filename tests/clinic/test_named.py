"""What a booking names brings along what the booking needs of it, so that nothing of it is asked a second time."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import named, reviews
from clinic.models import Location, LocationReminderRule
from patients.models import Patient
from tests.factories import NOW, Desk, patient
from treatments.models import CatalogueRevision

FAR = NOW + timedelta(days=10, hours=1)


@pytest.fixture
def desk(db):
    desk = Desk()
    for key, minutes in (("three-days", 3 * 1440), ("one-day", 1440)):
        LocationReminderRule.objects.create(location=desk.location, key=key, minutes_before=minutes)
    return desk


def as_named(desk, person):
    """The same things as a page gets them."""
    keys = {"service": desk.service, "location": desk.location, "practitioner": None, "patient": person}
    return named.visit(**{name: row and row.public_id for name, row in keys.items()})


def book(desk, found):
    return desk.book(FAR, found["patient"], service=found["service"], location=found["location"])


def planned(visit):
    return sorted(visit.reminders.values_list("rule_key", "due_at"))


def test_a_visit_that_was_named_is_reminded_of_by_the_rules_of_its_location(desk):
    by_row = desk.book(FAR)
    later = FAR + timedelta(days=1)
    found = as_named(desk, patient())

    visit = desk.book(later, found["patient"], service=found["service"], location=found["location"])

    assert [key for key, _due in planned(visit)] == [
        "visit_booked", "visit_reminder-one-day", "visit_reminder-three-days",
    ]  # fmt: skip
    assert [due for _key, due in planned(visit)][1:] == [later - timedelta(days=1), later - timedelta(days=3)]
    assert [key for key, _due in planned(by_row)] == [key for key, _due in planned(visit)]


def test_a_visit_at_a_location_without_rules_is_confirmed_and_not_reminded_of(desk):
    LocationReminderRule.objects.all().delete()
    found = as_named(desk, patient())

    assert [key for key, _due in planned(book(desk, found))] == ["visit_booked"]


def test_neither_rules_nor_revisions_are_asked_again(desk):
    found = as_named(desk, patient())

    with CaptureQueriesContext(connection) as seen:
        book(desk, found)

    said = " ".join(query["sql"] for query in seen)
    assert "insert_visits" in said
    assert "reminder_rules" not in said
    assert "safety_revision (" not in said


def test_a_visit_is_assessed_at_the_revisions_that_were_read(desk):
    person = patient()
    Patient.objects.filter(pk=person.pk).update(safety_revision=7)
    CatalogueRevision.objects.update_or_create(pk=1, defaults={"number": 40})

    visit = book(desk, as_named(desk, person))

    assert (visit.assessed_safety_revision, visit.assessed_catalogue_revision) == (7, 40)
    assert not reviews.stale(NOW).exists()


@pytest.mark.parametrize("changed", ["patient", "catalogue"])
def test_what_changes_between_the_reading_and_the_booking_is_assessed_again(desk, changed):
    found = as_named(desk, patient())
    if changed == "patient":
        Patient.objects.update(safety_revision=found["patient"].safety_revision + 1)
    else:
        CatalogueRevision.objects.update_or_create(pk=1, defaults={"number": found["service"].catalogue_number + 1})

    visit = book(desk, found)

    assert list(reviews.stale(NOW)) == [visit]


def test_a_location_that_is_not_named_is_the_first(desk):
    Location.objects.create(name="Later", time_zone="Europe/Berlin")

    assert named.location() == desk.location
    assert named.location().rules == [["three-days", 3 * 1440], ["one-day", 1440]]
