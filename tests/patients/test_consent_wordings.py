"""Wordings of consents in the administration: drafted, brought into use, never edited after that."""

from datetime import timedelta

import pytest

from patients import consents
from patients.models import ConsentText
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD, PRACTITIONER
from tests.administration_forms import address, filled
from tests.patients import factories
from tests.patients.factories import NOW


@pytest.fixture
def lead(client, db):
    client.force_login(factories.user(CLINICAL_LEAD, name="Dr Voss"))
    return client


@pytest.fixture
def draft(db):
    return factories.consent_text(published_at=None)


@pytest.fixture
def in_use(db):
    return factories.consent_text()


def test_a_draft_is_edited_and_brought_into_use_by_its_button(lead, draft):
    path = address(ConsentText, "change", draft.pk)
    lead.post(path, filled(lead.get(path)) | {"body": "I agree to all of it."})

    lead.post(address(ConsentText, "publish", draft.pk))

    draft.refresh_from_db()
    assert draft.body == "I agree to all of it."
    assert draft.published_at is not None


def test_bringing_into_use_stands_in_the_history(lead, draft):
    lead.post(address(ConsentText, "publish", draft.pk))

    history = lead.get(address(ConsentText, "history", draft.pk))

    assert history.context["changes"][0].lines == ["Brought into use"]


def test_a_wording_in_use_is_shown_but_not_changed(lead, in_use):
    path = address(ConsentText, "change", in_use.pk)

    shown, answer = lead.get(path), lead.post(path, {"title": "Other", "body": "Other"})

    in_use.refresh_from_db()
    assert "You may read this page, but not change it." in shown.content.decode()
    assert answer.status_code == 403
    assert in_use.body == "I agree."


def test_a_new_version_follows_a_wording_in_use(lead, in_use):
    answer = lead.post(address(ConsentText, "next", in_use.pk))

    following = ConsentText.objects.get(number=2)
    assert answer.url == address(ConsentText, "change", following.pk)
    assert (following.body, following.published_at) == (in_use.body, None)


def test_a_second_new_version_is_the_draft_that_is_open_already(lead, in_use):
    lead.post(address(ConsentText, "next", in_use.pk))
    lead.post(address(ConsentText, "next", in_use.pk))

    assert ConsentText.objects.count() == 2


def test_a_wording_without_text_is_not_brought_into_use(lead, draft):
    ConsentText.objects.filter(pk=draft.pk).update(body=" ")

    answer = lead.post(address(ConsentText, "publish", draft.pk), follow=True)

    draft.refresh_from_db()
    assert draft.published_at is None
    assert "There is no text yet." in answer.content.decode()


def test_a_wording_in_use_keeps_the_moment_since_when(in_use):
    again = consents.publish(in_use, by=factories.user(CLINICAL_LEAD), at=NOW + timedelta(days=1))

    assert again.published_at == NOW


def test_only_a_clinical_lead_brings_a_wording_into_use(client, draft):
    client.force_login(factories.user(ADMINISTRATOR))

    answer = client.post(address(ConsentText, "publish", draft.pk), follow=True)

    draft.refresh_from_db()
    assert draft.published_at is None
    assert "Only a clinical lead puts a consent wording into use." in answer.content.decode()


def test_it_takes_a_button_and_a_role(client, db, draft):
    client.force_login(factories.user(CLINICAL_LEAD))
    assert client.get(address(ConsentText, "publish", draft.pk)).status_code == 405
    client.force_login(factories.user(PRACTITIONER))
    assert client.post(address(ConsentText, "publish", draft.pk)).status_code == 403


def test_a_wording_that_is_not_there_is_not_found(lead):
    assert lead.post(address(ConsentText, "publish", 987654)).status_code == 404
