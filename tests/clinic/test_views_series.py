"""A series at the desk: start it, see how far it is, book the next session inside its window."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import Appointment
from patients.models import AccessLog
from tests.clinic.treatment_desk import TODAY, TreatmentDesk
from tests.factories import patient, user
from treatments.models import TreatmentSeries

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
LATE = datetime(2026, 6, 30, 9, 0, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def staff(client, desk):
    client.force_login(desk.by)
    return client


def plan(desk, **details):
    return {
        "key": str(uuid.uuid4()),
        "protocol": str(desk.version.protocol.public_id),
        "areas": [desk.area.key],
        "sessions_planned": 3,
        "first_possible_on": TODAY.isoformat(),
        **details,
    }


def start_page(person):
    return reverse("series_new", args=[person.public_id])


def book_page(series):
    return reverse("session_book", args=[series.public_id])


def typed(start, **details):
    return {"key": str(uuid.uuid4()), "starts_at": start.isoformat(), "note": "brings a friend", **details}


# -- Start ------------------------------------------------------------------------------------------------------------


def test_start_offers_published_protocols(staff, desk):
    assert "Needling for scars" in staff.get(start_page(patient())).content.decode()


def test_start_fills_in_the_usual_plan_and_shows_the_safety_checks(staff, desk):
    protocol = str(desk.version.protocol.public_id)

    answer = staff.get(start_page(patient()), {"protocol": protocol})

    assert answer.context["form"]["areas"].value() == [desk.area.key]
    assert answer.context["form"]["sessions_planned"].value() == 3
    assert answer.context["checks"] != []


def test_start_saves_the_series_and_leads_to_its_first_booking(staff, desk):
    ada = patient()

    answer = staff.post(start_page(ada), plan(desk))

    series = TreatmentSeries.objects.get()
    assert answer.url == book_page(series)
    assert (series.patient, series.sessions.count(), series.created_by) == (ada, 3, desk.by)


def test_start_answers_a_second_copy_with_the_same_series(staff, desk):
    ada, body = patient(), plan(desk)

    assert staff.post(start_page(ada), body).url == staff.post(start_page(ada), body).url
    assert TreatmentSeries.objects.count() == 1


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({"sessions_planned": 9}, "The protocol allows between 2 and 4 sessions."),
        ({"areas": []}, "This field is required."),
        ({"first_possible_on": "2026-02-30"}, "Enter a valid date."),
        ({"areas": ["nose"]}, "Select a valid choice."),
        ({"protocol": "x"}, "Select a valid choice."),
    ],
)
def test_start_refuses_with_a_sentence(staff, desk, details, sentence):
    answer = staff.post(start_page(patient()), plan(desk, **details))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()


# -- Look -------------------------------------------------------------------------------------------------------------


def test_series_shows_every_session_in_words(staff, desk):
    series = desk.start()
    desk.book_session(series, 1, NINE)

    text = staff.get(reverse("series", args=[series.public_id])).content.decode()

    assert "Session 1 of 3" in text
    assert "booked for Tuesday 3 March, 09:00" in text
    assert "best between 31 March and 14 April 2026" in text


def test_series_marks_an_overdue_session(staff, desk, monkeypatch):
    series = desk.start()
    monkeypatch.setattr("django.utils.timezone.now", lambda: LATE)
    staff.force_login(desk.by)

    assert "Overdue" in staff.get(reverse("series", args=[series.public_id])).content.decode()


def test_series_unknown_is_not_found(staff):
    assert staff.get(reverse("series", args=[uuid.uuid4()])).status_code == 404


def test_series_is_noted_as_opened(staff, desk):
    series = desk.start()

    staff.get(reverse("series", args=[series.public_id]))

    assert AccessLog.objects.get().patient == series.patient


def test_series_hides_the_clinical_answer_from_reception(client, desk):
    series = desk.start(patient(birth_date=None))
    seen = {}
    for role in ("reception", "practitioner"):
        client.force_login(user(role))
        seen[role] = client.get(reverse("series", args=[series.public_id])).context["checks"]

    findings = {check.message for check in seen["practitioner"]}
    assert findings
    assert {check.severity for check in seen["reception"]} <= {check.severity for check in seen["practitioner"]}


# -- Book -------------------------------------------------------------------------------------------------------------


def test_book_offers_the_days_of_the_window(staff, desk):
    series = desk.start()
    desk.book_session(series, 1, NINE)

    answer = staff.get(book_page(series))

    assert answer.context["step"].session.number == 2
    assert str(answer.context["days"][0][0]) == "2026-03-31"


def test_book_books_the_session_with_its_note(staff, desk):
    series = desk.start()

    answer = staff.post(book_page(series), typed(NINE))

    visit = Appointment.objects.get()
    assert answer.url == reverse("appointment", args=[visit.public_id])
    assert (visit.session.number, visit.starts_at, visit.note) == (1, NINE, "brings a friend")


def test_book_answers_a_second_copy_with_the_first_visit(staff, desk):
    series, body = desk.start(), typed(NINE)

    assert staff.post(book_page(series), body).url == staff.post(book_page(series), body).url
    assert Appointment.objects.count() == 1


def test_book_answers_a_taken_time_with_409_keeping_the_note(staff, desk):
    desk.book_session(desk.start(), 1, NINE)

    answer = staff.post(book_page(desk.start()), typed(NINE))
    text = answer.content.decode()

    assert answer.status_code == 409
    assert 'role="alert"' in text
    assert "brings a friend" in text
    assert len(answer.context["alternatives"]) == 3


def test_book_before_the_window_is_refused_and_cannot_be_allowed(staff, desk):
    series = desk.start()
    desk.book_session(series, 1, NINE)

    answer = staff.post(book_page(series), typed(NINE + timedelta(days=7)))

    assert answer.status_code == 422
    assert "Too early" in answer.content.decode()
    assert "Allow anyway" not in answer.content.decode()


def test_book_after_the_window_is_allowed_with_a_reason(staff, desk):
    series = desk.start()

    refused = staff.post(book_page(series), typed(LATE))
    allow = {"allow": refused.context["allow"], "allow_at": LATE.isoformat(), "allow_reason": "travels until then"}

    assert refused.status_code == 422
    assert staff.post(book_page(series), typed(LATE, **allow)).status_code == 302
    assert [row.rule for row in Appointment.objects.get().overrides.all()] == ["after_window"]


def test_book_leads_to_the_series_when_nothing_is_left_to_book(staff, desk):
    series = desk.start()
    series.sessions.update(state="voided")

    assert staff.get(book_page(series)).url == reverse("series", args=[series.public_id])


def test_find_books_a_treatment_as_the_next_session_of_the_patient(staff, desk):
    series = desk.start()
    page = f"{reverse('appointment_new')}?service={desk.treatment.public_id}&start=2026-03-03T09:00Z"

    staff.post(page, typed(NINE, patient=str(series.patient.public_id)))

    assert Appointment.objects.get().session == series.sessions.get(number=1)


def test_find_refuses_a_treatment_without_a_series(staff, desk):
    page = f"{reverse('appointment_new')}?service={desk.treatment.public_id}&start=2026-03-03T09:00Z"

    answer = staff.post(page, typed(NINE, patient=str(patient().public_id)))

    assert answer.status_code == 422
    assert "has no open session" in answer.content.decode()


# -- The patient's page -----------------------------------------------------------------------------------------------


def patient_page(person):
    return reverse("patient", args=[person.public_id])


def test_patient_page_tells_who_it_is_and_what_comes_next(staff, desk):
    ada = patient("Ada", "Quill", phone="+442079460999")
    desk.start(ada)

    text = staff.get(patient_page(ada)).content.decode()

    assert "born 2 January 1990" in text
    assert "phone …999" in text
    assert "Session 1 of 3" in text
    assert "best between 2 March and 13 April 2026" in text
    assert "Book the next session" in text


def test_patient_page_lists_visits_to_come_and_past(staff, desk, monkeypatch):
    ada = patient()
    desk.book(NINE, ada)
    desk.book(NINE + timedelta(days=2), ada)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NINE + timedelta(days=1))
    staff.force_login(desk.by)

    answer = staff.get(patient_page(ada))

    assert [len(answer.context[name]) for name in ("upcoming", "past")] == [1, 1]


def test_patient_page_is_noted_as_opened(staff, desk):
    ada = patient()

    staff.get(patient_page(ada))

    assert AccessLog.objects.get().page == "patient"


def test_patient_page_links_the_chart_for_clinical_people_only(client, desk):
    ada = patient()
    seen = {}
    for role in ("reception", "practitioner"):
        client.force_login(user(role))
        seen[role] = reverse("history", args=[ada.public_id]) in client.get(patient_page(ada)).content.decode()

    assert seen == {"reception": False, "practitioner": True}


def test_patient_page_asks_as_often_for_three_visits_as_for_one(staff, desk):
    ada = patient()
    desk.start(ada)
    staff.get(patient_page(ada))
    counts = []
    for visits in (1, 3):
        while ada.appointments.count() < visits:
            desk.book(NINE + timedelta(days=ada.appointments.count()), ada)
        with CaptureQueriesContext(connection) as queries:
            staff.get(patient_page(ada))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_patient_page_of_somebody_unknown_is_not_found(staff):
    assert staff.get(reverse("patient", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize("value", ["", "x" * 5000, "\x00", "2026-02-30", "9999-12-31T23:59Z", "0001-01-01T00:00+14:00"])
def test_pages_answer_hostile_values_without_failing(staff, desk, value):
    series = desk.start()
    visit = desk.book(NINE, series.patient)
    fields = (
        *typed(NINE),
        "day",
        "practitioner",
        "protocol",
        "areas",
        "version",
        "late_starts_at",
        "ask_day",
        "ask_time",
        "room",
        "allow_at",
    )
    pages = [book_page(series), start_page(series.patient), patient_page(series.patient)]
    pages += [reverse(name, args=[visit.public_id]) for name in ("appointment_move", "appointment_cancel")]
    good = typed(NINE, version=1)

    answers = [staff.get(page, dict.fromkeys(fields, value)) for page in pages]
    answers += [staff.post(page, good | {field: value}) for page in pages for field in ("starts_at", "version")]

    assert {answer.status_code for answer in answers} <= {200, 302, 405, 409, 422}


def test_book_says_when_the_clinic_keeps_no_more_visits_of_a_course_ahead(staff, desk):
    series = desk.start()
    desk.book_session(series, 1, NINE)
    page = book_page(series)
    assert "visits of a course ahead" not in staff.get(page).content.decode()

    desk.location.visits_ahead = 2
    desk.location.save()
    assert "visits of a course ahead" not in staff.get(page).content.decode()

    desk.location.visits_ahead = 1
    desk.location.save()
    assert "visits of a course ahead: 1 is booked already." in staff.get(page).content.decode()
