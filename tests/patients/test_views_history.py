from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from patients import history
from patients.models import AccessLog, Allergy, Condition, HistoryReview, Measurement
from tests.patients import factories


def url(name, patient):
    return reverse(name, args=[patient.public_id])


def typed(patient, **answers):
    today = timezone.localdate().isoformat()
    return {
        "submission": factories.key(),
        "seen_revision": patient.safety_revision,
        "reviewed_on": today,
        **{name.replace("__", "-"): value for name, value in answers.items()},
    }


def given(patient, condition, answer="yes", **details):
    row = history.Given(condition, answer, **details)
    return history.record_review(patient, [row], on=date(2026, 1, 5), by=factories.user())


@pytest.fixture
def patient(db):
    return factories.patient()


def test_history_asks_active_questions_only(practitioner, patient):
    factories.condition("fever")
    factories.condition("minor", answered_by="birth_date")
    factories.condition("retired", is_active=False)

    page = practitioner.get(url("history", patient))

    assert [question.condition.key for question in page.context["form"].questions()] == ["fever"]
    assert b"Is there fever?" in page.content
    assert b"1 has no answer yet" in page.content


def test_history_asks_for_a_date_of_events_and_a_place_where_it_counts(practitioner, patient):
    factories.condition("fever", position=1)
    factories.condition("filler", kind="event", scope="treatment_area", position=2)

    fever, filler = practitioner.get(url("history", patient)).context["form"].questions()

    assert (fever.happened_on, fever.areas) == (None, None)
    assert (filler.happened_on.html_name, filler.areas.html_name) == ("filler-date", "filler-areas")


def test_history_is_prefilled_with_the_last_answers(practitioner, patient):
    filler = factories.condition("filler", kind="event", scope="treatment_area")
    given(patient, filler, happened_on=date(2025, 12, 1), areas=[factories.area()], note="1 ml")

    page = practitioner.get(url("history", patient))

    [question] = page.context["form"].questions()
    assert (question.answer.value(), question.happened_on.value(), question.areas.value(), question.note.value()) == (
        "yes",
        date(2025, 12, 1),
        ["cheek"],
        "1 ml",
    )
    assert b"on file: Yes, 5 January 2026" in page.content


def test_history_saves_one_review_and_says_what_follows(practitioner, patient):
    filler, fever = factories.condition("filler", kind="event", scope="treatment_area"), factories.condition("fever")
    factories.area()
    body = typed(patient, filler__answer="yes", filler__date="2026-01-05", filler__areas=["cheek"], fever__answer="no")

    page = practitioner.post(url("history", patient), body, follow=True)

    answers = history.current_answers(patient)
    assert HistoryReview.objects.get().reviewed_by == practitioner.user
    assert (answers[filler.pk].happened_on, [str(area) for area in answers[filler.pk].areas.all()]) == (
        date(2026, 1, 5),
        ["Cheek"],
    )
    assert answers[fever.pk].answer == "no"
    assert [str(message) for message in page.wsgi_request._messages] == [
        "The medical history was saved. Booked visits of this patient will be checked again."
    ]


def test_history_leaves_unanswered_questions_open(practitioner, patient):
    one, two = factories.condition("one"), factories.condition("two")

    practitioner.post(url("history", patient), typed(patient, one__answer="no"))

    answers = history.current_answers(patient)
    assert (set(answers), history.open_questions(answers)) == ({one.pk}, [two])


def test_history_answers_the_rest_with_no_when_asked(practitioner, patient):
    one, two = factories.condition("one"), factories.condition("two")

    practitioner.post(url("history", patient), typed(patient, one__answer="yes", rest_is_no="1"))

    assert {key: row.answer for key, row in history.current_answers(patient).items()} == {one.pk: "yes", two.pk: "no"}


def test_history_drops_date_and_place_with_the_yes_they_belonged_to(practitioner, patient):
    filler = factories.condition("filler", kind="event")

    practitioner.post(url("history", patient), typed(patient, filler__answer="no", filler__date="2026-01-05"))

    assert history.current_answers(patient)[filler.pk].happened_on is None


def test_history_keeps_what_was_typed_when_a_date_lies_ahead(practitioner, patient):
    factories.condition("filler", kind="event")
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()

    page = practitioner.post(url("history", patient), typed(patient, filler__answer="yes", filler__date=tomorrow))

    form = page.context["form"]
    assert page.status_code == 422
    assert form.errors["filler-date"] == ["This date is later than the day the question was asked."]
    assert (form["filler-answer"].value(), form["filler-date"].value()) == ("yes", tomorrow)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("filler-answer", "maybe", "Select a valid choice. maybe is not one of the available choices."),
        ("filler-date", "soon", "Enter a valid date."),
        ("filler-areas", "moon", "Select a valid choice. moon is not one of the available choices."),
        ("filler-note", "x" * 401, "Ensure this value has at most 400 characters (it has 401)."),
        ("reviewed_on", "2999-01-01", "This date is not in the past. Please check it."),
    ],
)
def test_history_refuses_what_cannot_be(practitioner, patient, field, value, message):
    factories.condition("filler", kind="event", scope="treatment_area")

    page = practitioner.post(url("history", patient), {**typed(patient, filler__answer="yes"), field: value})

    assert page.status_code == 422
    assert page.context["form"].errors[field] == [message]


def test_history_refuses_a_form_without_answers(practitioner, patient):
    factories.condition()

    page = practitioner.post(url("history", patient), typed(patient))

    assert page.context["form"].non_field_errors() == ["No question was answered yet."]


def test_history_keeps_answers_and_shows_what_is_on_file_when_somebody_else_saved(practitioner, patient):
    fever = factories.condition("fever")
    body = typed(patient, fever__answer="no")
    given(patient, fever, "yes")

    page = practitioner.post(url("history", patient), body)

    form = page.context["form"]
    assert page.status_code == 409
    assert form["fever-answer"].value() == "no"
    assert b"on file: Yes, 5 January 2026" in page.content
    again = {**body, "seen_revision": form["seen_revision"].value(), "submission": form["submission"].value()}
    assert practitioner.post(url("history", patient), again).status_code == 302


def test_history_saves_a_repeated_form_once(practitioner, patient):
    factories.condition("fever")
    body = typed(patient, fever__answer="no")

    pages = [practitioner.post(url("history", patient), body) for _ in range(2)]

    assert [page.status_code for page in pages] == [302, 302]
    assert HistoryReview.objects.count() == 1


def test_history_needs_the_same_queries_for_1_and_3_questions(practitioner, patient, queries_of):
    cheek = factories.area()
    given(patient, factories.condition("q1", scope="treatment_area"), areas=[cheek])
    for_one = queries_of(practitioner, url("history", patient))
    for key in ("q2", "q3"):
        given(patient, factories.condition(key, scope="treatment_area"), areas=[cheek])

    assert queries_of(practitioner, url("history", patient)) == for_one


@pytest.mark.parametrize("name", ["history", "allergies", "measurement_new"])
def test_clinical_pages_are_closed_to_reception(reception, patient, name):
    assert reception.get(url(name, patient)).status_code == 403
    assert not AccessLog.objects.exists()


@pytest.mark.parametrize("name", ["history", "allergies", "measurement_new"])
def test_clinical_pages_note_who_looked(practitioner, patient, name):
    practitioner.get(url(name, patient))

    row = AccessLog.objects.get()
    assert (row.user, row.patient, row.page) == (practitioner.user, patient, name)


def test_allergies_adds_one_and_says_what_follows(practitioner, patient):
    factories.tag("latex")
    body = {"submission": factories.key(), "tags": ["latex"], "criticality": "high", "verification": "confirmed"}

    page = practitioner.post(url("allergies", patient), body, follow=True)

    [row] = history.active_allergies(patient)
    assert ([str(tag) for tag in row.tags.all()], row.criticality, row.noted_by) == (
        ["Latex"],
        "high",
        practitioner.user,
    )
    assert b"The allergy was noted. Booked visits of this patient will be checked again." in page.content


def test_allergies_refuses_nothing_and_keeps_the_choices(practitioner, patient):
    body = {"submission": factories.key(), "criticality": "high", "verification": "confirmed"}

    page = practitioner.post(url("allergies", patient), body)

    form = page.context["form"]
    assert page.status_code == 422
    assert form.non_field_errors() == ["Choose a substance, or write what the patient said."]
    assert form["criticality"].value() == "high"


def test_allergies_does_not_take_ruled_out_as_a_new_one(practitioner, patient):
    body = {"submission": factories.key(), "substance": "x", "criticality": "low", "verification": "refuted"}

    practitioner.post(url("allergies", patient), body)

    assert not Allergy.objects.exists()


def test_allergies_needs_the_same_queries_for_1_and_3(practitioner, patient, queries_of):
    tag = factories.tag()
    history.add_allergy(patient, tags=[tag], by=practitioner.user, at=factories.NOW)
    for_one = queries_of(practitioner, url("allergies", patient))
    for _ in range(2):
        history.add_allergy(patient, tags=[tag], by=practitioner.user, at=factories.NOW)

    assert queries_of(practitioner, url("allergies", patient)) == for_one


def test_allergy_refute_rules_out_and_a_second_time_says_so(practitioner, patient):
    row = history.add_allergy(patient, tags=[factories.tag()], by=practitioner.user, at=factories.NOW)
    target = reverse("allergy_refute", args=[patient.public_id, row.public_id])

    first, second = (practitioner.post(target, follow=True) for _ in range(2))

    assert history.active_allergies(patient) == []
    assert b"The allergy was ruled out." in first.content
    assert b"This allergy has already been ruled out." in second.content


def test_allergy_refute_hides_the_allergy_of_somebody_else(practitioner, patient):
    row = history.add_allergy(factories.patient(), tags=[factories.tag()], by=practitioner.user, at=factories.NOW)

    assert practitioner.post(reverse("allergy_refute", args=[patient.public_id, row.public_id])).status_code == 404


def test_measurement_new_saves(practitioner, patient):
    body = {"submission": factories.key(), "kind": "weight_kg", "value": "71.5", "measured_on": "2026-01-05"}

    page = practitioner.post(url("measurement_new", patient), body)

    row = Measurement.objects.get()
    assert page.status_code == 302
    assert (str(row.value), row.measured_on, row.measured_by) == ("71.50", date(2026, 1, 5), practitioner.user)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("value", "10", "A weight is between 20 and 400 kg."),
        ("value", "NaN", "Enter a number."),
        ("measured_on", "2999-01-01", "This date is not in the past. Please check it."),
        ("kind", "height", "Select a valid choice. height is not one of the available choices."),
    ],
)
def test_measurement_new_refuses_what_cannot_be(practitioner, patient, field, value, message):
    body = {"submission": factories.key(), "kind": "weight_kg", "value": "71.5", "measured_on": "2026-01-05"}

    page = practitioner.post(url("measurement_new", patient), {**body, field: value})

    assert page.status_code == 422
    assert page.context["form"].errors[field] == [message]


def test_every_kind_of_question_can_be_shown(practitioner, patient):
    for kind in Condition.Kind.values:
        for scope in Condition.Scope.values:
            factories.condition(f"{kind}-{scope}", kind=kind, scope=scope)

    assert practitioner.get(url("history", patient)).status_code == 200
