"""Pages of one visit: book it, move it, cancel it, say how it went. Refusals keep what was typed."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from clinic import booking
from clinic.models import Appointment
from patients.models import Patient
from tests.factories import NOW, patient, practitioner

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
LATE = datetime(2026, 3, 3, 20, 0, tzinfo=UTC)
NEW = {"patient": "", "given_name": "Cleo", "family_name": "Marsh", "phone": "+442079460123"}


pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def staff(client, desk):
    client.force_login(desk.by)
    return client


def address(name, visit):
    return reverse(name, args=[visit.public_id])


def new(desk, start=NINE):
    return f"{reverse('appointment_new')}?service={desk.service.public_id}&start={start:%Y-%m-%dT%H:%MZ}"


def typed(start=NINE, **details):
    return {"key": str(uuid.uuid4()), "starts_at": start.isoformat(), "note": "knocks twice", **details}


# -- Book -------------------------------------------------------------------------------------------------------------


def test_new_shows_service_time_and_place(staff, desk):
    text = staff.get(new(desk)).content.decode()

    assert "First consultation" in text
    assert "Tuesday 3 March 2026, 09:00" in text


def test_new_leads_back_to_the_search_when_the_address_says_too_little(staff, desk):
    assert staff.get(reverse("appointment_new"), {"start": "x"}).url == reverse("find_time")


def test_new_says_why_the_time_is_not_free(staff, desk):
    desk.book(NINE)

    assert staff.get(new(desk)).context["answer"].sentences != []


def test_new_finds_patients_by_two_letters_and_answers_htmx_with_the_list(staff, desk):
    patient("Ada", "Quill", phone="+442079460999")

    answer = staff.post(new(desk), typed(q="qu", search="1"), headers={"HX-Request": "true"})
    text = answer.content.decode()

    assert "Ada Quill · born 2 January 1990 · phone …999" in text
    assert "<html" not in text


def test_new_keeps_what_was_typed_while_searching(staff, desk):
    answer = staff.post(new(desk), typed(q="nobody", search="1"))

    assert answer.status_code == 200
    assert "knocks twice" in answer.content.decode()
    assert 'role="alert"' not in answer.content.decode()


def test_new_books_the_patient_who_was_chosen(staff, desk):
    ada = patient()

    answer = staff.post(new(desk), typed(patient=str(ada.public_id)))

    visit = Appointment.objects.get()
    assert answer.url == address("appointment", visit)
    assert (visit.patient, visit.starts_at, visit.note, visit.booked_by) == (ada, NINE, "knocks twice", desk.by)


def test_new_adds_a_patient_with_a_name_and_one_contact(staff, desk):
    staff.post(new(desk), typed(**NEW))

    assert str(Appointment.objects.get().patient) == "Cleo Marsh"


def test_new_answers_a_second_copy_with_the_first_visit(staff, desk):
    body = typed(**NEW)

    first, second = staff.post(new(desk), body), staff.post(new(desk), body)

    assert first.url == second.url
    assert (Appointment.objects.count(), Patient.objects.count()) == (1, 1)


def test_new_shows_likely_duplicates_before_a_patient_is_added(staff, desk):
    patient("Cleo", "Marsh")

    answer = staff.post(new(desk), typed(**NEW))

    assert answer.status_code == 422
    assert "Is it one of these?" in answer.content.decode()
    assert Patient.objects.count() == 1


def test_new_adds_a_namesake_when_told_so(staff, desk):
    patient("Cleo", "Marsh")

    staff.post(new(desk), typed(**NEW, is_surely_new="on"))

    assert Patient.objects.count() == 2


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({}, "Choose a patient, or type the first and last name of a new one."),
        ({"given_name": "Cleo", "family_name": "Marsh"}, "Give a phone number or an e-mail address"),
        ({"patient": str(uuid.uuid4())}, "This patient is not on record any more. Search again."),
        ({"patient": "x"}, "Enter a valid UUID."),
        ({"key": "x"}, "Enter a valid UUID."),
    ],
)
def test_new_refuses_with_a_sentence(staff, desk, details, sentence):
    answer = staff.post(new(desk), typed() | details)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_new_answers_a_taken_time_with_409_the_note_and_three_alternatives_that_book(staff, desk):
    desk.book(NINE)
    ada = patient()

    answer = staff.post(new(desk), typed(patient=str(ada.public_id)))
    text = answer.content.decode()

    assert answer.status_code == 409
    assert 'role="alert"' in text
    assert "This time is no longer free." in text
    assert "knocks twice" in text
    assert len(answer.context["alternatives"]) == 3
    again = typed(answer.context["alternatives"][0], patient=str(ada.public_id))
    assert staff.post(new(desk), again).status_code == 302


def test_new_lets_a_soft_rule_be_allowed_anyway_with_a_reason(staff, desk):
    ada = patient()
    body = typed(LATE, patient=str(ada.public_id))

    refused = staff.post(new(desk, LATE), body)

    assert refused.status_code == 422
    assert "Allow anyway" in refused.content.decode()
    allowed = body | {
        "key": str(uuid.uuid4()),
        "allow": refused.context["allow"],
        "allow_at": LATE.isoformat(),
        "allow_reason": "opens late for her",
    }
    assert staff.post(new(desk, LATE), allowed).status_code == 302
    assert {row.reason for row in Appointment.objects.get().overrides.all()} == {"opens late for her"}


# -- Look, step, undo -------------------------------------------------------------------------------------------------


def test_appointment_shows_what_who_where_and_the_steps(staff, desk):
    visit = desk.book(NINE, patient("Ada", "Quill"))

    answer = staff.get(address("appointment", visit))
    text = answer.content.decode()

    assert "Ada Quill" in text
    assert "Tuesday 3 March 2026, 09:00–09:30" in text
    assert [action for action, _ in answer.context["steps"]] == ["check_in", "confirm", "enter_in_error"]


def test_appointment_unknown_is_not_found(staff):
    assert staff.get(reverse("appointment", args=[uuid.uuid4()])).status_code == 404


def test_status_takes_the_visit_forth_and_back(staff, desk):
    visit = desk.book(NINE)

    for action in ("check_in", "undo", "confirm"):
        visit.refresh_from_db()
        staff.post(address("appointment_status", visit), {"action": action, "version": visit.version})

    visit.refresh_from_db()
    assert visit.status == "confirmed"
    assert visit.changes.count() == 3


def test_status_of_an_old_page_is_refused_with_409(staff, desk):
    visit = desk.book(NINE)
    booking.check_in(visit, version=1, by=desk.by, now=NOW)

    answer = staff.post(address("appointment_status", visit), {"action": "confirm", "version": 1})

    assert answer.status_code == 409
    assert "Somebody else changed this visit in the meantime." in answer.content.decode()


@pytest.mark.parametrize("body", [{}, {"action": "delete", "version": 1}, {"action": "undo", "version": "x"}])
def test_status_refuses_what_is_no_step(staff, desk, body):
    assert staff.post(address("appointment_status", desk.book(NINE)), body).status_code == 422


def test_status_is_never_changed_by_looking(staff, desk):
    assert staff.get(address("appointment_status", desk.book(NINE))).status_code == 405


# -- Move -------------------------------------------------------------------------------------------------------------


def moved(start, **details):
    return {"key": str(uuid.uuid4()), "version": 1, "starts_at": start.isoformat(), "reason": "school run", **details}


def test_move_offers_free_times_from_the_day_of_the_visit(staff, desk):
    answer = staff.get(address("appointment_move", desk.book(NINE)))

    assert str(answer.context["days"][0][0]) == "2026-03-03"


def test_move_gives_the_visit_its_new_time(staff, desk):
    visit = desk.book(NINE)

    answer = staff.post(address("appointment_move", visit), moved(NINE + timedelta(hours=2)))

    visit.refresh_from_db()
    assert answer.url == address("appointment", visit)
    assert visit.starts_at == NINE + timedelta(hours=2)
    assert visit.changes.get().reason == "school run"


def test_move_says_that_a_time_is_free_and_offers_it(staff, desk):
    visit = desk.book(NINE)

    answer = staff.get(address("appointment_move", visit), {"ask_day": "2026-03-05", "ask_time": "14:30"})

    assert answer.context["answer"].reasons == []
    assert 'value="2026-03-05T14:30:00+00:00" form="choose"' in answer.content.decode()


def test_move_keeps_the_practitioner_unless_anyone_is_asked_for(staff, desk):
    practitioner(desk.location, "Dr Arden")
    visit = desk.book(NINE, practitioner=desk.practitioner)

    staff.post(address("appointment_move", visit), moved(NINE + timedelta(hours=2)))

    visit.refresh_from_db()
    assert visit.practitioner == desk.practitioner


def test_move_to_a_taken_time_keeps_the_reason(staff, desk):
    visit = desk.book(NINE)
    desk.book(NINE + timedelta(hours=2))

    answer = staff.post(address("appointment_move", visit), moved(NINE + timedelta(hours=2)))

    assert answer.status_code == 409
    assert "school run" in answer.content.decode()


def test_move_of_an_old_page_is_refused_with_409(staff, desk):
    visit = desk.book(NINE)
    booking.confirm(visit, version=1, by=desk.by, now=NOW)

    assert staff.post(address("appointment_move", visit), moved(NINE + timedelta(hours=2))).status_code == 409


def test_move_asks_for_a_time(staff, desk):
    answer = staff.post(address("appointment_move", desk.book(NINE)), moved(NINE, starts_at=""))

    assert answer.status_code == 422
    assert "Choose a time from the list" in answer.content.decode()


# -- Cancel -----------------------------------------------------------------------------------------------------------


def test_cancel_says_who_and_why(staff, desk):
    visit = desk.book(NINE)
    body = {"version": 1, "cancelled_by": "patient", "reason": "has a cold"}

    answer = staff.post(address("appointment_cancel", visit), body)

    visit.refresh_from_db()
    assert answer.url == address("appointment", visit)
    assert (visit.status, visit.cancelled_by, visit.cancel_reason) == ("cancelled", "patient", "has a cold")


def test_cancel_asks_for_the_reason(staff, desk):
    visit = desk.book(NINE)

    answer = staff.post(address("appointment_cancel", visit), {"version": 1, "cancelled_by": "patient"})

    assert answer.status_code == 422
    assert "This field is required." in answer.content.decode()


def test_cancel_of_an_old_page_is_refused_with_409_and_keeps_the_reason(staff, desk):
    visit = desk.book(NINE)
    booking.confirm(visit, version=1, by=desk.by, now=NOW)
    body = {"version": 1, "cancelled_by": "clinic", "reason": "has a cold"}

    answer = staff.post(address("appointment_cancel", visit), body)

    assert answer.status_code == 409
    assert "has a cold" in answer.content.decode()
