"""Message wordings in the administration: only names that will be filled, and how they read."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from clinic import wordings
from clinic.admin.messages import EXAMPLE
from clinic.models import MessageTemplate
from patients.roles import ADMINISTRATOR
from tests.administration_forms import address, filled
from tests.factories import user


@pytest.fixture
def administrator(client, db):
    client.force_login(user(ADMINISTRATOR))
    return client


@pytest.fixture
def wording(db):
    wordings.ensure_templates()
    return MessageTemplate.objects.get(key="visit_booked")


def save(client, row, **typed):
    path = address(MessageTemplate, "change", row.pk)
    return client.post(path, filled(client.get(path)) | typed)


def test_a_wording_is_shown_with_its_names_filled(administrator, wording):
    text = administrator.get(address(MessageTemplate, "change", wording.pk)).content.decode()

    assert "Your visit is booked for Monday 2 March 2026 at 10:00." in text


def test_every_name_has_an_example():
    assert set(EXAMPLE) == set(wordings.NAMES)


def test_an_edited_wording_is_used(administrator, wording):
    save(administrator, wording, body="Hello {first_name}, see you on {day}.")

    assert wordings.wording("visit_booked", "en").body == "Hello {first_name}, see you on {day}."


@pytest.mark.parametrize(
    ("field", "text", "fault"),
    [
        ("body", "Hello {name}", "Nothing would be put in place of: {name}."),
        ("subject", "For {diagnosis}", "Nothing would be put in place of: {diagnosis}."),
        ("body", "Hello {first_name", "A curly bracket stands alone."),
        ("body", "Hello }", "A curly bracket stands alone."),
    ],
)
def test_a_name_that_nothing_fills_is_refused_beside_the_text(administrator, wording, field, text, fault):
    answer = save(administrator, wording, **{field: text})

    assert answer.context["adminform"].form.errors[field][0].startswith(fault)
    wording.refresh_from_db()
    assert getattr(wording, field) != text


def test_an_import_refuses_the_same(administrator, wording):
    text = "key,language,subject,body\nvisit_booked,en,Hello,Hello {name}\n"

    answer = administrator.post(
        address(MessageTemplate, "import"), {"file": SimpleUploadedFile("rows.csv", text.encode())}
    )

    assert answer.status_code == 422
    assert answer.context["problems"][0].startswith("Row 2: body: Nothing would be put in place of: {name}.")


def test_the_message_a_wording_belongs_to_stays(administrator, wording):
    save(administrator, wording, key="visit_moved", language="de")

    wording.refresh_from_db()
    assert (wording.key, wording.language) == ("visit_booked", "en")
