"""What every page of the administration shares: roles, crossed saves, refusals beside the form, history."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from patients.administration import CHANGES_PER_PAGE
from patients.models import BodyArea, PortalAccess, SubstanceTag
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD
from tests.administration_forms import address, filled
from tests.patients import factories


@pytest.fixture
def administrator(client, db):
    client.user = factories.user(ADMINISTRATOR, name="Alex Marsh")
    client.force_login(client.user)
    return client


@pytest.fixture
def nickel(db):
    return SubstanceTag.objects.create(key="nickel", label="Nickel")


def save(client, row, **typed):
    path = address(type(row), "change", row.pk)
    return client.post(path, {**filled(client.get(path)), **typed})


def test_a_row_is_saved_and_its_history_says_what_was_different(administrator, nickel):
    answer = save(administrator, nickel, label="Nickel and alloys")

    history = administrator.get(address(SubstanceTag, "history", nickel.pk))
    change = history.context["changes"][0]
    assert answer.status_code == 302
    assert (change.who, change.title, change.lines) == ("Alex Marsh", "Changed", ["Name: Nickel → Nickel and alloys"])


def test_a_crossed_save_is_refused_with_all_that_was_typed_and_says_who_was_faster(administrator, nickel):
    path = address(SubstanceTag, "change", nickel.pk)
    opened = filled(administrator.get(path))
    save(administrator, nickel, label="Theirs")

    answer = administrator.post(path, {**opened, "label": "Mine"})

    nickel.refresh_from_db()
    assert answer.status_code == 409
    assert nickel.label == "Theirs"
    assert 'value="Mine"' in answer.content.decode()
    assert "Alex Marsh" in answer.content.decode()
    assert "Name: Nickel → Theirs" in answer.content.decode()


def test_saving_again_after_a_crossed_save_replaces_theirs_knowingly(administrator, nickel):
    path = address(SubstanceTag, "change", nickel.pk)
    opened = filled(administrator.get(path))
    save(administrator, nickel, label="Theirs")
    refused = administrator.post(path, {**opened, "label": "Mine"})

    answer = administrator.post(path, filled(refused))

    nickel.refresh_from_db()
    assert answer.status_code == 302
    assert nickel.label == "Mine"


def test_a_save_without_what_was_seen_is_refused(administrator, nickel):
    answer = administrator.post(address(SubstanceTag, "change", nickel.pk), {"label": "Mine"})

    assert answer.status_code == 409


def test_a_rule_of_the_data_is_said_as_a_sentence_and_nothing_is_lost(administrator):
    typed = {"label": "Cheek", "key": "cheek", "group": "face", "epidermis_um": "0", "position": "1"}

    answer = administrator.post(address(BodyArea, "add"), typed)

    errors = answer.context["adminform"].form.non_field_errors()
    assert answer.status_code == 200
    assert errors == ["This breaks a rule: body area epidermis is positive."]
    assert 'value="Cheek"' in answer.content.decode()


def test_what_only_the_database_refuses_becomes_an_error_of_the_form(administrator, nickel, monkeypatch):
    page = admin.site._registry[SubstanceTag]
    monkeypatch.setattr(page, "save_model", lambda *ignored: SubstanceTag.objects.create(key="nickel", label="Twice"))

    answer = save(administrator, nickel, label="Mine")

    assert answer.status_code == 422
    assert 'value="Mine"' in answer.content.decode()
    assert SubstanceTag.objects.count() == 1


def test_the_history_comes_in_pages_with_the_newest_first(administrator, nickel):
    LogEntry.objects.bulk_create(
        LogEntry(
            user=administrator.user, content_type_id=_kind(), object_id=str(nickel.pk), object_repr="Nickel",
            action_flag=2, change_message=f"Change {number}",
        )
        for number in range(CHANGES_PER_PAGE + 1)
    )  # fmt: skip
    path = address(SubstanceTag, "history", nickel.pk)

    first, second = administrator.get(path), administrator.get(path, {"page": "2"})

    assert len(first.context["changes"]) == CHANGES_PER_PAGE
    assert [change.lines for change in second.context["changes"]] == [["Change 0"]]
    assert second.context["newer"] == 1


def test_a_row_without_history_says_so(administrator, nickel):
    answer = administrator.get(address(SubstanceTag, "history", nickel.pk))

    assert "Nothing has been changed here yet" in answer.content.decode()


def test_a_text_that_was_not_touched_has_not_changed(administrator):
    area = BodyArea.objects.create(key="cheek", label="Cheek", group="face", epidermis_note="One\nTwo")

    save(administrator, area, label="Cheeks", epidermis_note="One\r\nTwo")

    history = administrator.get(address(BodyArea, "history", area.pk))
    area.refresh_from_db()
    assert history.context["changes"][0].lines == ["Name: Cheek → Cheeks"]
    assert area.epidermis_note == "One\nTwo"


def test_line_ends_alone_are_no_change_in_the_history(administrator):
    area = BodyArea.objects.create(key="cheek", label="Cheek", group="face", epidermis_note="One\r\nTwo")

    save(administrator, area, label="Cheeks")

    history = administrator.get(address(BodyArea, "history", area.pk))
    assert history.context["changes"][0].lines == ["Name: Cheek → Cheeks"]


def test_whoever_may_only_read_gets_yes_and_no_in_words(administrator):
    access = PortalAccess.objects.create(user=factories.user(), patient=factories.patient())

    text = administrator.get(address(PortalAccess, "change", access.pk)).content.decode()

    assert "True" not in text
    assert "yes" in text


def test_the_key_of_a_row_cannot_be_changed(administrator, nickel):
    save(administrator, nickel, key="cobalt", label="Nickel")

    nickel.refresh_from_db()
    assert nickel.key == "nickel"


@pytest.mark.parametrize("roles", [(ADMINISTRATOR,), (CLINICAL_LEAD,)])
def test_administrators_and_clinical_leads_come_in(client, db, roles):
    client.force_login(factories.user(*roles))

    assert client.get(reverse("admin:index")).status_code == 200


def test_django_flags_alone_open_nothing(client, db):
    person = factories.user()
    person.is_staff = person.is_superuser = True
    person.save()
    client.force_login(person)

    assert client.get(reverse("admin:index")).status_code == 404


def test_an_inactive_administrator_is_sent_to_sign_in(client, db):
    person = factories.user(ADMINISTRATOR)
    client.force_login(person)
    person.is_active = False
    person.save()

    assert client.get(reverse("admin:index")).url.startswith(reverse("account_login"))


def test_a_signed_out_person_signs_in_on_the_products_own_page(client, db):
    answer = client.get(reverse("admin:index"))

    assert answer.url == f"{reverse('account_login')}?next=/admin/"
    assert client.get("/admin/login/").status_code == 404


def _kind():
    return ContentType.objects.get_for_model(SubstanceTag).pk
