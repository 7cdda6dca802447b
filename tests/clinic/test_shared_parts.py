"""Parts of pages that a process keeps for everybody: who sees what, and where they are, is never somebody else's."""

import re

import pytest
from django.urls import reverse

from patients import roles
from tests import sign_in
from tests.factories import NOW, location, user

HERE = re.compile(r'<a href="([^"]+)"[^>]* aria-current="page">')

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(client):
    """Show a page as one person after another."""
    location("Northgate")

    def show(person, name="diary"):
        client.force_login(person)
        return client.get(reverse(name)).content.decode()

    return show


def member(role):
    person = user(role)
    sign_in.with_app(person)
    return person


def test_the_menu_of_one_role_is_not_shown_to_another(pages):
    people = [member(role) for role in (roles.ADMINISTRATOR, roles.RECEPTION, roles.CLINICAL_LEAD, roles.ADMINISTRATOR)]

    shown = [pages(person) for person in people]

    assert [reverse("team") in page for page in shown] == [True, False, False, True]
    assert [reverse("admin:index") in page for page in shown] == [True, False, True, True]


def test_a_clinic_device_and_a_portal_of_ones_own_are_in_no_other_menu(pages, client):
    first, second = member(roles.RECEPTION), member(roles.RECEPTION)

    plain = pages(first)
    client.cookies["clinic_device"] = "front desk"
    on_device = pages(first)
    del client.cookies["clinic_device"]

    assert [reverse("switch_person") in page for page in (plain, on_device, pages(second))] == [False, True, False]


def test_every_page_marks_itself_in_the_list_of_pages(pages):
    person = member(roles.RECEPTION)

    assert [set(HERE.findall(pages(person, name))) for name in ("diary", "patients", "diary")] == [
        {reverse("diary")},
        {reverse("patients")},
        {reverse("diary")},
    ]


def test_what_was_typed_of_a_new_patient_is_shown_once(desk, client):
    client.force_login(desk.by)
    address = f"{reverse('appointment_new')}?service={desk.service.public_id}&start={NOW:%Y-%m-%dT%H:%MZ}"

    empty = client.get(address).content.decode()
    typed = client.post(address, {"starts_at": NOW.isoformat(), "given_name": "Zuleika", "email": "no address"})
    after = client.get(address).content.decode()

    assert [page.count('name="given_name"') for page in (empty, typed.content.decode(), after)] == [1, 1, 1]
    assert ["Zuleika" in page for page in (empty, typed.content.decode(), after)] == [False, True, False]
