"""Every page of the administration, found through its registry: a new one is tested without being named here."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.roles import ADMINISTRATOR, CLINICAL_LEAD, PRACTITIONER, RECEPTION
from tests import administration_rows
from tests.administration_forms import address
from tests.factories import user

# Tables without a list, and why.
UNLISTED = {"treatments.ProtocolVersion": "opened from its protocol"}
PAGES = sorted(
    (model for model in admin.site._registry if model._meta.label not in UNLISTED),
    key=lambda model: model._meta.label,
)
WRITTEN = [model for model in PAGES if admin.site._registry[model].changed_by]
EVERY = pytest.mark.parametrize("model", PAGES, ids=[model._meta.label for model in PAGES])
HOSTILE = ["\x00", "x" * 3000, "9" * 40, "٣"]


@pytest.fixture
def administrator(client, db):
    client.user = user(ADMINISTRATOR, CLINICAL_LEAD)
    client.force_login(client.user)
    return client


def queries(client, path):
    with CaptureQueriesContext(connection) as found:
        answer = client.get(path)
    assert answer.status_code == 200
    return len(found)


@EVERY
def test_a_list_takes_as_many_queries_for_three_rows_as_for_one(administrator, model):
    administration_rows.one(model)
    administrator.get(address(model, "changelist"))

    for_one = queries(administrator, address(model, "changelist"))
    administration_rows.one(model)
    administration_rows.one(model)

    assert model._base_manager.count() >= 3
    assert queries(administrator, address(model, "changelist")) == for_one


@EVERY
def test_every_page_of_a_row_opens(administrator, model):
    row = administration_rows.one(model)
    page = admin.site._registry[model]

    assert administrator.get(address(model, "change", row.pk)).status_code == 200
    assert administrator.get(address(model, "history", row.pk)).status_code == 200
    adding = administrator.get(address(model, "add"))
    assert adding.status_code == (200 if page.changed_by else 403)
    if page.may_delete:
        assert administrator.get(address(model, "delete", row.pk)).status_code == 200


@EVERY
def test_every_list_says_what_it_is_for(model):
    assert str(admin.site._registry[model].purpose)


@EVERY
def test_hostile_addresses_and_values_get_a_clear_answer(administrator, model):
    administration_rows.one(model)
    administrator.raise_request_exception = False

    answers = {}
    for value in HOSTILE:
        for name in ("q", "o", "_to_field", "id__exact"):
            answers[f"list {name}={value[:20]!r}"] = administrator.get(address(model, "changelist"), {name: value})
        for act in ("change", "history"):
            answers[f"{act} {value[:20]!r}"] = administrator.get(address(model, act, value))
        answers[f"save {value[:20]!r}"] = administrator.post(address(model, "change", value), {"_seen": value})

    assert {what: answer.status_code for what, answer in answers.items() if answer.status_code >= 500} == {}


@pytest.mark.parametrize("model", WRITTEN, ids=[model._meta.label for model in WRITTEN])
def test_an_empty_form_is_refused_beside_its_fields_and_saves_nothing(administrator, model):
    before = model._base_manager.count()

    answer = administrator.post(address(model, "add"), {})

    assert answer.status_code in (200, 422)
    assert answer.context["errors"]
    assert model._base_manager.count() == before


@pytest.mark.django_db
@EVERY
@pytest.mark.parametrize("role", [RECEPTION, PRACTITIONER])
def test_other_roles_are_told_who_may(client, model, role):
    client.force_login(user(role))

    answer = client.get(address(model, "changelist"))

    assert answer.status_code == 403


@pytest.mark.django_db
@EVERY
def test_a_clinical_lead_never_writes_what_is_the_administrators(client, model):
    client.force_login(user(CLINICAL_LEAD))
    page = admin.site._registry[model]

    answer = client.post(address(model, "add"), {})

    assert answer.status_code == (200 if CLINICAL_LEAD in page.changed_by else 403)
