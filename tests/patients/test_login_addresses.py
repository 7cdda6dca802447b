"""The address somebody signs in with: the clinic's to change, one at a time, however it is typed."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from patients import portal_access, staff
from patients.models import User
from patients.roles import ADMINISTRATOR, RECEPTION
from tests.factories import patient, user
from tests.sign_in import PASSWORD, by_password, signed_in_as

DOOR = "/portal/sign-in/"
ASKING = {DOOR: "email", "/account/login/code/": "email", "/account/password/reset/": "email"}


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _administrator(db):
    """The last one may not be lost by a change."""
    user(ADMINISTRATOR)


@pytest.mark.parametrize("kind", ["patient", "staff", "stranger"])
def test_nobody_changes_the_address_of_their_own_login(client, kind):
    person = user(*([RECEPTION] if kind == "staff" else []), email="ada@mail.example")
    if kind != "stranger":
        client.force_login(person)

    answers = [
        client.post("/account/email/", {"email": "eve@mail.example", "action_add": ""}),
        client.get("/account/email/"),
        client.get("/account/confirm-email/abc/"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert not EmailAddress.objects.exists()
    assert mail.outbox == []


@pytest.mark.parametrize("path", ASKING)
def test_no_code_goes_to_an_address_that_was_changed(client, path):
    person = user(email="old@mail.example", password=PASSWORD)
    EmailAddress.objects.create(user=person, email="old@mail.example", verified=True, primary=True)
    person.email = "new@mail.example"

    staff.change(person, roles=())
    client.post(path, {"email": "old@mail.example"})

    assert mail.outbox == []


def test_the_old_address_opens_nothing_with_the_password_either(client):
    person = user(email="old@mail.example", password=PASSWORD)
    EmailAddress.objects.create(user=person, email="old@mail.example", verified=True, primary=True)
    person.email = "new@mail.example"

    staff.change(person, roles=())

    by_password(client, User(email="old@mail.example"))
    assert signed_in_as(client) is None
    by_password(client, person)
    assert signed_in_as(client) == person.pk


def test_an_address_with_capitals_gets_its_code_however_it_is_typed():
    access = portal_access.grant(patient(), email="Ada.Byron@Mail.Example", by=user(RECEPTION), now=timezone.now())

    for typed in ("ada.byron@mail.example", "Ada.Byron@Mail.Example"):
        Client().post(DOOR, {"email": typed})

    assert [one.to for one in mail.outbox] == [["ada.byron@mail.example"]] * 2
    assert access.user.email == "ada.byron@mail.example"


def test_staff_whose_address_was_typed_with_capitals_sign_in(client):
    person = staff.add(User(name="Robin", email="Robin.Day@Clinic.Example"), roles=[RECEPTION])
    person.set_password(PASSWORD)
    person.save()

    by_password(client, User(email="Robin.Day@Clinic.Example"))

    assert signed_in_as(client) == person.pk


@pytest.mark.parametrize("change", ["becomes staff", "is closed and opened again", "gets another address"])
def test_a_session_from_before_does_not_outlive(client, change):
    person = user(email="ada@mail.example", password=PASSWORD)
    portal_access.grant(patient(), email=person.email, by=user(RECEPTION), now=timezone.now())
    client.force_login(person)
    before = client.get("/portal/", follow=True).status_code

    if change == "becomes staff":
        staff.change(person, roles=[RECEPTION])
    elif change == "gets another address":
        person.email = "new@mail.example"
        staff.change(person, roles=())
    else:
        for is_active in (False, True):
            person.is_active = is_active
            staff.change(person, roles=())

    assert (before, signed_in_as(client) is None or client.get("/portal/").status_code) == (200, 302)
