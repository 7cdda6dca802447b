"""A clinician's decision on a booked visit, end to end through the verbs."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.urls import reverse

from clinic import booking, reviews
from clinic.models import Task
from clinic.refusals import Busy, Refused
from patients import history
from patients.models import Condition, HistoryAnswer
from tests.clinic.treatment_desk import TODAY, TreatmentDesk
from tests.factories import NOW, user
from treatments.models import ClinicianDecision, Contraindication

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def lead(db):
    return user("clinical lead", name="Dr Lead")


@pytest.fixture
def visit(desk):
    """A visit of somebody with heart disease, for which a doctor's letter is asked."""
    condition = Condition.objects.create(
        key="cardiac_test", label="Heart disease", question="Heart disease?", kind="status", scope="anywhere"
    )
    Contraindication.objects.create(
        condition=condition,
        modality="microneedling",
        severity="relative",
        action="doctor_letter",
        confidence="proposed",
    )
    series = desk.start()
    yes = HistoryAnswer.Answer.YES
    history.record_review(series.patient, [history.Given(condition=condition, answer=yes)], on=TODAY, by=desk.by)
    return desk.book_session(series, 1, NINE)


def test_book_marks_the_visit_and_opens_a_task_when_a_clinician_has_to_decide(visit):
    task = Task.objects.get()

    assert visit.needs_review
    assert (task.appointment, task.kind, task.due_at, task.done_at) == (visit, "clinician_review", NINE, None)


def test_decide_yes_settles_the_visit_and_its_task(visit, lead):
    (question,) = reviews.open_questions(visit)

    settled = reviews.decide(visit, question.code, allows=True, reason="letter seen", by=lead, now=NOW)

    assert not settled.needs_review
    assert reviews.open_questions(settled) == []
    assert Task.objects.get().done_at == NOW
    assert ClinicianDecision.objects.get().reason == "letter seen"


def test_decide_no_stops_the_visit_and_asks_reception_to_call(visit, lead, desk):
    (question,) = reviews.open_questions(visit)

    reviews.decide(visit, question.code, allows=False, reason="too risky", by=lead, now=NOW)

    assert Task.objects.get(done_at=None).kind == "call"
    with pytest.raises(Refused, match="Not now"):
        booking.move(visit, starts_at=NINE.replace(hour=11), version=visit.version, by=desk.by, now=NOW)


def test_decide_is_for_the_clinical_lead(visit, desk):
    (question,) = reviews.open_questions(visit)

    with pytest.raises(Refused, match="Only a clinical lead can decide this"):
        reviews.decide(visit, question.code, allows=True, reason="fine", by=desk.by, now=NOW)


def test_decide_needs_a_reason(visit, lead):
    (question,) = reviews.open_questions(visit)

    with pytest.raises(Refused, match="Say why"):
        reviews.decide(visit, question.code, allows=True, reason=" ", by=lead, now=NOW)


def test_decide_is_refused_for_a_question_that_is_not_open(visit, lead):
    with pytest.raises(Refused, match="decided already"):
        reviews.decide(visit, "nothing", allows=True, reason="fine", by=lead, now=NOW)


def test_the_page_keeps_the_decision(client, visit, lead):
    client.force_login(lead)
    path = reverse("appointment_decide", args=[visit.public_id])
    (question,) = reviews.open_questions(visit)

    refused = client.post(path, {"code": question.code, "answer": "yes", "reason": ""})
    kept = client.post(path, {"code": question.code, "answer": "yes", "reason": "letter seen"})

    assert refused.status_code == 422
    assert kept.status_code == 302
    assert "Nothing waits" in client.get(path).content.decode()


def test_the_page_is_closed_to_reception(client, visit):
    client.force_login(user("reception"))

    assert client.get(reverse("appointment_decide", args=[visit.public_id])).status_code == 403


def test_the_page_says_when_a_question_was_decided_already(client, visit, lead):
    client.force_login(lead)
    path = reverse("appointment_decide", args=[visit.public_id])
    (question,) = reviews.open_questions(visit)
    reviews.decide(visit, question.code, allows=True, reason="letter seen", by=lead, now=NOW)

    again = client.post(path, {"code": question.code, "answer": "no", "reason": "no letter"})

    assert again.status_code == 422
    assert "decided already" in again.content.decode()


def pregnant_now(visit, by):
    """A history review that stops the treatment."""
    condition = Condition.objects.create(
        key="pregnancy_test", label="Pregnancy", question="Pregnant?", kind="status", scope="anywhere"
    )
    Contraindication.objects.create(
        condition=condition, modality="microneedling", severity="absolute", action="block", confidence="proposed"
    )
    yes = HistoryAnswer.Answer.YES
    history.record_review(visit.patient, [history.Given(condition=condition, answer=yes)], on=TODAY, by=by)


def test_reassess_tells_reception_when_a_new_answer_stops_a_booked_visit(visit, desk):
    pregnant_now(visit, desk.by)

    assert reviews.reassess(NOW) == 1
    task = Task.objects.get(kind="safety_changed")
    assert (task.appointment, task.for_role, task.due_at) == (visit, "reception", NINE)


def test_reassess_looks_at_a_visit_once_per_change(visit, desk):
    pregnant_now(visit, desk.by)
    reviews.reassess(NOW)

    assert reviews.reassess(NOW) == 0


def test_reassess_finds_visits_when_a_rule_of_the_catalogue_changes(visit):
    assert not reviews.stale(NOW).exists()

    Contraindication.objects.update(action="block")

    assert list(reviews.stale(NOW)) == [visit]


def test_reassess_leaves_past_and_cancelled_visits_alone(visit, desk):
    booking.cancel(visit, cancelled_by="patient", reason="ill", version=visit.version, by=desk.by, now=NOW)
    pregnant_now(visit, desk.by)

    assert reviews.reassess(NOW) == 0


def test_check_in_checks_safety_again_and_tells_the_desk(visit, desk):
    Contraindication.objects.update(action="block", severity="absolute")

    arrived = booking.check_in(visit, version=visit.version, by=desk.by, now=NINE)

    assert arrived.status == "arrived"
    assert not arrived.needs_review
    assert list(Task.objects.filter(done_at=None).values_list("kind", flat=True)) == ["safety_changed"]


def test_decide_says_busy_while_somebody_else_writes_about_the_patient(transactional_db):
    desk = TreatmentDesk()
    visit = desk.book(NINE)
    held = connection.copy()
    with held.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [2**62 + visit.patient_id])

        with pytest.raises(Busy):
            reviews.decide(visit, "any", allows=True, reason="letter seen", by=desk.by, now=NOW)
    held.close()
