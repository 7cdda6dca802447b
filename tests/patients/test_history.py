from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from patients import history
from patients.history import Given
from patients.models import HistoryReview
from patients.refusals import Conflict, Refused
from tests.patients import factories
from tests.patients.factories import NOW, TODAY

pytestmark = pytest.mark.django_db


def review(patient, *answers, on=TODAY, **details):
    return history.record_review(patient, answers, on=on, by=factories.user(), **details)


def allergy(patient, *tags, **details):
    return history.add_allergy(patient, tags=tags, by=factories.user(), at=NOW, **details)


def measure(patient, value, kind="weight_kg", on=TODAY):
    return history.add_measurement(patient, kind=kind, value=Decimal(value), on=on, by=factories.user())


def revision(patient):
    patient.refresh_from_db()
    return patient.safety_revision


def test_record_review_keeps_answers_with_date_place_and_note():
    patient, cheek = factories.patient(), factories.area()
    filler = factories.condition("filler", kind="event", scope="treatment_area")

    review(patient, Given(filler, "yes", date(2026, 1, 5), [cheek], "1 ml"))

    answer = history.current_answers(patient)[filler.pk]
    assert (answer.answer, answer.happened_on, list(answer.areas.all()), answer.note) == (
        "yes",
        date(2026, 1, 5),
        [cheek],
        "1 ml",
    )


def test_record_review_appends_and_the_latest_answer_counts():
    patient, one, two = factories.patient(), factories.condition("one"), factories.condition("two")

    review(patient, Given(one, "yes"), Given(two, "no"))
    review(patient, Given(one, "no"))

    current = history.current_answers(patient)
    assert HistoryReview.objects.count() == 2
    assert {key: row.answer for key, row in current.items()} == {one.pk: "no", two.pk: "no"}


def test_current_answers_follow_the_day_of_asking_not_of_typing():
    patient, one = factories.patient(), factories.condition("one")

    review(patient, Given(one, "yes"), on=TODAY)
    review(patient, Given(one, "no"), on=TODAY - timedelta(days=30))

    assert history.current_answers(patient)[one.pk].answer == "yes"
    assert history.latest_review(patient).reviewed_on == TODAY


def test_record_review_has_booked_visits_checked_again():
    patient = factories.patient()

    review(patient, Given(factories.condition(), "no"))

    assert (patient.safety_revision, revision(patient)) == (2, 2)


def test_record_review_is_refused_when_the_history_changed_since_it_was_shown():
    patient, one = factories.patient(), factories.condition()
    review(patient, Given(one, "yes"), seen_revision=1)

    with pytest.raises(Conflict) as refusal:
        review(patient, Given(one, "no"), seen_revision=1)

    assert refusal.value.messages == [
        "Somebody else changed this history while you were typing. Nothing was saved yet."
    ]
    assert history.current_answers(patient)[one.pk].answer == "yes"


@pytest.mark.parametrize(
    ("answer", "details", "message"),
    [
        ("maybe", {}, "Filler: the answer is yes, no or not known."),
        ("no", {"happened_on": TODAY}, "Filler: a date or a place needs a yes."),
        ("yes", {"happened_on": TODAY + timedelta(days=1)}, "Filler: the date lies in the future."),
    ],
)
def test_record_review_refuses_an_answer_that_cannot_be(answer, details, message):
    patient, filler = factories.patient(), factories.condition("filler")

    with pytest.raises(ValidationError) as refusal:
        review(patient, Given(filler, answer, **details))

    assert refusal.value.messages == [message]
    assert revision(patient) == 1


def test_record_review_refuses_no_answers_and_two_to_one_question():
    patient, one = factories.patient(), factories.condition()

    with pytest.raises(ValidationError, match="No question was answered yet"):
        review(patient)
    with pytest.raises(ValidationError, match="A question was answered twice"):
        review(patient, Given(one, "no"), Given(one, "yes"))


def test_open_questions_are_those_asked_and_unanswered():
    patient, one, two = factories.patient(), factories.condition("one"), factories.condition("two")
    factories.condition("retired", is_active=False)
    factories.condition("minor", answered_by="birth_date")
    review(patient, Given(one, "no"))

    assert history.open_questions(history.current_answers(patient)) == [two]


@pytest.mark.parametrize("number", [1, 3])
def test_current_answers_need_two_queries(number, django_assert_num_queries):
    patient, places = factories.patient(), [factories.area()]
    review(patient, *(Given(factories.condition(f"q{n}"), "yes", areas=places) for n in range(number)))

    with django_assert_num_queries(2):
        assert len([list(row.areas.all()) for row in history.current_answers(patient).values()]) == number


def test_merged_records_are_read_together():
    survivor = factories.patient()
    merged = factories.patient(merged_into=survivor)
    one = factories.condition()

    review(merged, Given(one, "yes"))
    allergy(merged, factories.tag())
    measure(merged, "70")

    assert history.current_answers(survivor)[one.pk].answer == "yes"
    assert len(history.active_allergies(survivor)) == 1
    assert history.latest_measurements(survivor)["weight_kg"].value == 70
    assert (revision(survivor), revision(merged)) == (4, 4)


def test_add_allergy_keeps_tags_words_and_severity():
    patient, latex = factories.patient(), factories.tag("latex")

    row = allergy(patient, latex, substance=" gloves ", criticality="high")

    [known] = history.active_allergies(patient)
    assert (known, list(known.tags.all()), known.substance, known.criticality) == (row, [latex], "gloves", "high")
    assert revision(patient) == 2


def test_add_allergy_refuses_nothing_at_all():
    with pytest.raises(ValidationError, match="Choose a substance, or write what the patient said"):
        allergy(factories.patient(), substance="  ")


def test_refute_allergy_keeps_the_row_but_it_no_longer_counts():
    patient = factories.patient()
    row = allergy(patient, factories.tag())

    refuted = history.refute_allergy(row, by=factories.user())

    assert history.active_allergies(patient) == []
    assert [event.verification for event in refuted.events.order_by("pgh_id")] == ["unconfirmed", "refuted"]
    assert revision(patient) == 3


def test_refute_allergy_is_refused_twice():
    row = allergy(factories.patient(), factories.tag())
    history.refute_allergy(row, by=factories.user())

    with pytest.raises(Refused, match="This allergy has already been ruled out"):
        history.refute_allergy(row, by=factories.user())


@pytest.mark.parametrize("number", [1, 3])
def test_active_allergies_need_two_queries(number, django_assert_num_queries):
    patient, tag = factories.patient(), factories.tag()
    for _ in range(number):
        allergy(patient, tag)

    with django_assert_num_queries(2):
        assert len([list(row.tags.all()) for row in history.active_allergies(patient)]) == number


def test_latest_measurements_are_the_newest_of_each_kind():
    patient = factories.patient()
    measure(patient, "70", on=TODAY)
    measure(patient, "80", on=TODAY - timedelta(days=1))
    measure(patient, "4", kind="skin_type")

    latest = history.latest_measurements(patient)

    assert {kind: row.value for kind, row in latest.items()} == {"weight_kg": 70, "skin_type": 4}
    assert revision(patient) == 4


@pytest.mark.parametrize(
    ("kind", "value"), [("weight_kg", "20"), ("weight_kg", "400"), ("skin_type", "1"), ("skin_type", "6")]
)
def test_add_measurement_takes_the_bounds(kind, value):
    assert measure(factories.patient(), value, kind=kind).value == Decimal(value)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("weight_kg", "19.99", "A weight is between 20 and 400 kg."),
        ("weight_kg", "400.01", "A weight is between 20 and 400 kg."),
        ("skin_type", "0", "A skin type is a whole number from 1 to 6."),
        ("skin_type", "2.5", "A skin type is a whole number from 1 to 6."),
        ("skin_type", "7", "A skin type is a whole number from 1 to 6."),
    ],
)
def test_add_measurement_refuses_what_cannot_be(kind, value, message):
    with pytest.raises(ValidationError) as refusal:
        measure(factories.patient(), value, kind=kind)

    assert refusal.value.message_dict == {"value": [message]}


def test_add_medication_keeps_name_and_time():
    patient = factories.patient()

    row = history.add_medication(patient, name=" Warfarin ", since=date(2025, 1, 1), by=factories.user())

    assert (row.name, row.since, row.until, revision(patient)) == ("Warfarin", date(2025, 1, 1), None, 2)


def test_add_medication_refuses_no_name_and_an_end_before_the_start():
    patient, by = factories.patient(), factories.user()

    with pytest.raises(ValidationError, match="Please type the medicine"):
        history.add_medication(patient, name=" ", by=by)
    with pytest.raises(ValidationError, match="The medicine cannot end before it began"):
        history.add_medication(patient, name="x", since=TODAY, until=TODAY - timedelta(days=1), by=by)
