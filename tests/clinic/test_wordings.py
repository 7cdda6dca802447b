"""The words of messages, and what a wording may reach."""

import pytest

from clinic import wordings
from clinic.models import MessageTemplate

VALUES = dict.fromkeys(wordings.NAMES, "x")


@pytest.mark.parametrize("key", wordings.DEFAULTS)
def test_every_default_is_filled_by_the_known_names(key):
    wording = wordings.wording_default(key)

    assert wordings.unknown_names(wording.subject + wording.body) == []
    assert "{" not in wordings.fill(wording.body, VALUES)
    assert key in wordings.LABELS


@pytest.mark.parametrize(
    "text", ["{patient.email}", "{0}", "{first_name!r}", "{first_name.__class__}", "{}", "{% now %}"]
)
def test_fill_knows_nothing_but_its_list_of_names(text):
    with pytest.raises(wordings.UnknownName):
        wordings.fill(text, VALUES)
    assert wordings.unknown_names(text)


def test_fill_leaves_out_a_paragraph_that_ends_up_empty_and_does_not_fill_twice():
    text = wordings.fill("Hello {first_name}\n\n{questions}\n\nBye", {"first_name": "{phone}", "questions": ""})

    assert text == "Hello {phone}\n\nBye"


def test_ensure_templates_adds_what_is_missing_and_keeps_what_was_edited(db):
    MessageTemplate.objects.all().delete()
    MessageTemplate.objects.create(key="visit_booked", subject="Ours", body="Ours")

    assert wordings.ensure_templates() == len(wordings.DEFAULTS) - 1
    assert wordings.ensure_templates() == 0
    assert wordings.wording("visit_booked", "en").subject == "Ours"


def test_wording_is_in_the_language_of_the_patient_else_english_else_the_default(db):
    MessageTemplate.objects.all().delete()
    assert wordings.wording("visit_booked", "pl").subject == "Your visit on {day}"

    MessageTemplate.objects.create(key="visit_booked", subject="English", body="-")
    assert wordings.wording("visit_booked", "pl").subject == "English"

    MessageTemplate.objects.create(key="visit_booked", language="pl", subject="Po polsku", body="-")
    assert wordings.wording("visit_booked", "pl").subject == "Po polsku"
