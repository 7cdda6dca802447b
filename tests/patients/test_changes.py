"""The history of a row in words: from the recorded events where there are some, newest first, never encrypted text."""

from datetime import timedelta

import pghistory
import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from patients import changes, consents
from patients.models import Allergy, BodyArea, Consent, HistoryAnswer, HistoryReview, Patient
from tests.patients import factories
from tests.patients.factories import NOW, TODAY


@pytest.fixture
def who(db):
    return factories.user("reception", name="Rowan Reid")


def renamed(patient, name, by):
    with pghistory.context(user=by.pk):
        patient.family_name = name
        patient.save()


def review(patient, by):
    return HistoryReview.objects.create(patient=patient, reviewed_on=TODAY, reviewed_by=by)


def test_a_change_says_who_when_and_old_and_new(who):
    patient = factories.patient(family_name="Quill")
    renamed(patient, "Moss", who)

    change = changes.newest(patient, limit=1)[0]

    assert (change.who, change.title) == ("Rowan Reid", "Changed")
    assert "Last name: Quill → Moss" in change.lines


def test_what_no_person_did_was_done_by_the_software(db):
    patient = factories.patient()

    change = changes.newest(patient, limit=1)[0]

    assert (change.who, change.title) == ("the software", "Added")


def test_the_newest_comes_first_and_the_pages_follow_each_other(who):
    patient = factories.patient(family_name="A")
    for name in "BCD":
        renamed(patient, name, who)

    first, second = changes.newest(patient, limit=2), changes.newest(patient, limit=2, offset=2)

    said = [line for change in (*first, *second) for line in change.lines if line.startswith("Last name")]
    assert said == ["Last name: C → D", "Last name: B → C", "Last name: A → B", "Last name: A"]


def test_a_choice_a_date_and_a_row_are_said_by_their_names(who):
    patient, text = factories.patient(), factories.consent_text()
    consent = consents.sign(patient, text, method=Consent.Method.PAPER, at=NOW, by=who)
    consents.withdraw(consent, at=NOW + timedelta(days=1))

    withdrawn, signed = changes.newest(consent, limit=2)

    assert withdrawn.lines == ["Withdrawn: nothing → 3 March 2026, 09:00"]
    assert "How: signed on paper" in signed.lines
    assert "Text: Mesotherapy (1)" in signed.lines


def test_a_row_that_is_gone_is_said_to_be_gone():
    column = Consent._meta.get_field("text")

    assert changes.value_in_words(column, 7, {}) == "a row that is gone"


def test_encrypted_text_is_never_shown(who):
    patient = factories.patient()
    allergy = Allergy.objects.create(patient=patient, substance="Secret substance", noted_by=who)
    allergy.substance = "Other secret"
    allergy.save()

    found = changes.newest(allergy, limit=5)

    assert "ecret" not in str(found)


def test_parts_stand_in_the_history_of_their_row(who):
    patient = factories.patient()
    held = review(patient, who)
    HistoryAnswer.objects.create(review=held, condition=factories.condition(), answer="no")

    titles = {change.title for change in changes.newest(held, [(HistoryAnswer, "review")], limit=5)}

    assert titles == {"Answer: added", "Added"}


def test_what_events_do_not_record_comes_from_the_log(who):
    patient = factories.patient()
    LogEntry.objects.create(
        user=who, content_type=ContentType.objects.get_for_model(Patient), object_id=str(patient.pk),
        object_repr="x", action_flag=CHANGE, change_message="Something deleted: it",
    )  # fmt: skip

    assert ["Something deleted: it"] in [change.lines for change in changes.newest(patient, limit=5)]


def test_the_number_of_queries_does_not_grow_with_the_changes(who, django_assert_num_queries):
    patient = factories.patient(family_name="A")
    renamed(patient, "B", who)
    changes.newest(patient, limit=20)
    with django_assert_num_queries(4):
        changes.newest(patient, limit=20)
    for name in "CDE":
        renamed(patient, name, who)

    with django_assert_num_queries(4):
        changes.newest(patient, limit=20)


def test_tables_without_recorded_events_are_known():
    assert changes.event_model(BodyArea) is None
    assert changes.event_model(Patient) is not None


def test_a_long_text_is_cut():
    assert changes.plain_in_words("x" * 200) == f"“{'x' * 120}…”"
