"""The printable day list: sheets for practitioners and rooms, alerts for whoever may read them, room to write."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import booking
from patients import history
from patients.models import SubstanceTag
from tests.factories import NOW, location, patient, practitioner, user

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)
DAY = {"day": "2026-03-03"}

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def show(client, desk):
    client.force_login(desk.by)

    def ask(**query):
        return client.get(reverse("day_list"), {**DAY, **query})

    return ask


def lines(answer):
    return {sheet.name: [str(line.visit.patient) for line in sheet.lines] for sheet in answer.context["sheets"]}


def alerts(answer):
    return [alert for sheet in answer.context["sheets"] for line in sheet.lines for alert in line.alerts]


def allergic(who):
    clinician = user("practitioner")
    tag = SubstanceTag.objects.create(key="lidocaine-x", label="Lidocaine")
    history.add_allergy(who, tags=[tag], criticality="high", by=clinician, at=NOW)
    return clinician


def test_day_list_has_a_sheet_for_each_practitioner_in_order_of_time(show, desk):
    other = practitioner(desk.location, "Dr Crane")
    desk.book(NINE + HALF, patient("Bo", "Vane"), practitioner=other)
    desk.book(NINE + 2 * HALF, patient("Cy", "Rowe"), practitioner=desk.practitioner)
    desk.book(NINE, patient("Ada", "Quill"), practitioner=other)

    assert lines(show()) == {"Dr Bell": ["Cy Rowe"], "Dr Crane": ["Ada Quill", "Bo Vane"]}


def test_day_list_has_a_sheet_for_each_room_when_asked(show, desk):
    desk.book(NINE, patient("Ada", "Quill"))

    assert lines(show(by="room")) == {desk.room.resource.name: ["Ada Quill"]}


def test_day_list_shows_one_practitioner_when_asked(show, desk):
    other = practitioner(desk.location, "Dr Crane")
    desk.book(NINE, patient("Ada", "Quill"), practitioner=desk.practitioner)
    desk.book(NINE + HALF, patient("Bo", "Vane"), practitioner=other)

    assert lines(show(practitioner=str(other.resource.public_id))) == {"Dr Crane": ["Bo Vane"]}


def test_day_list_has_a_row_with_time_patient_visit_and_room_to_write(show, desk):
    desk.book(NINE, patient("Ada", "Quill", phone="+442079460018"))

    text = show().content.decode()

    assert "09:00–09:30" in text
    assert "born 2 Jan 1990" in text
    assert "phone …018" in text or "phone …18" in text
    assert "First consultation" in text
    assert '<td class="notes-cell"></td>' in text


def test_day_list_leaves_out_what_keeps_no_time(show, desk):
    visit = desk.book(NINE)
    booking.cancel(visit, version=1, cancelled_by="patient", reason="Ill", by=desk.by, now=NOW)

    assert "No visits on this day" in show().content.decode()


def test_day_list_alerts_say_the_note_and_that_a_clinician_decides(show, desk):
    visit = desk.book(NINE, note="Comes by taxi")
    visit.needs_review = True
    visit.save(update_fields=["needs_review"])

    assert alerts(show()) == ["A clinician decides before this visit", "Note: Comes by taxi"]


def test_day_list_names_an_allergy_to_a_clinician(client, show, desk):
    who = patient("Ada", "Quill")
    clinician = allergic(who)
    desk.book(NINE, who)
    client.force_login(clinician)

    assert alerts(show()) == ["Allergy: Lidocaine (severe)"]


def test_day_list_names_an_allergy_of_a_record_that_was_merged_into_this_one(client, show, desk):
    who, twin = patient("Ada", "Quill"), patient("Ada", "Quil")
    clinician = allergic(twin)
    twin.merged_into = who
    twin.save(update_fields=["merged_into"])
    desk.book(NINE, who)
    client.force_login(clinician)

    assert alerts(show()) == ["Allergy: Lidocaine (severe)"]


def test_day_list_keeps_an_allergy_from_reception(show, desk):
    who = patient("Ada", "Quill")
    allergic(who)
    desk.book(NINE, who)

    answer = show()

    assert alerts(answer) == []
    assert "Lidocaine" not in answer.content.decode()


def test_day_list_asks_as_often_for_three_visits_as_for_one(client, show, desk):
    client.force_login(user("practitioner"))
    show()
    counts = []
    for number in (1, 3):
        while desk.practitioner.appointments.count() < number:
            desk.book(NINE + HALF * desk.practitioner.appointments.count())
        with CaptureQueriesContext(connection) as queries:
            show()
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_day_list_shows_times_of_the_location_that_is_asked_for(show, desk):
    other = location("Second house", time_zone="America/New_York")

    answer = show(location=str(other.public_id))

    assert answer.context["location"] == other
    assert "times in America/New_York" in answer.content.decode()


def test_day_list_says_what_to_do_before_there_is_a_location(client, db):
    client.force_login(user("reception"))

    assert "There is no location yet" in client.get(reverse("day_list")).content.decode()
