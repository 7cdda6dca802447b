"""Logins of staff: an invitation, roles, and the administrator who is always left."""

import threading

import pytest
from django.core import mail
from django.db import connection

from patients import staff
from patients.models import User
from patients.refusals import Refused
from patients.roles import ADMINISTRATOR, PRACTITIONER, RECEPTION
from tests.administration_forms import address, filled
from tests.patients import factories


@pytest.fixture
def administrator(client, db):
    client.user = factories.user(ADMINISTRATOR, name="Alex Marsh")
    client.force_login(client.user)
    return client


@pytest.fixture
def letters(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return lambda: mail.outbox


def test_a_new_login_has_roles_no_password_and_gets_a_mail(administrator, letters):
    typed = {"name": "Robin", "email": "robin@clinic.example", "roles": [RECEPTION], "is_active": "on"}

    administrator.post(address(User, "add"), typed)

    person = User.objects.get(email="robin@clinic.example")
    assert person.role_names == {RECEPTION}
    assert not person.has_usable_password()
    assert letters()[0].to == ["robin@clinic.example"]
    assert "/account/password/reset/" in letters()[0].body


@pytest.mark.parametrize(("wish", "is_told"), [("required", True), ("optional", False)])
def test_an_invitation_names_the_clinic_and_the_second_step_where_one_is_asked_for(settings, letters, wish, is_told):
    settings.STAFF_MFA = wish

    staff.invite(User(name="Robin Desk", email="robin@clinic.example"), clinic="Team Skin")

    (letter,) = letters()
    assert letter.subject == "Your sign-in at Team Skin"
    assert "Team Skin has made a sign-in for you." in letter.body
    assert "robin@clinic.example" in letter.body
    assert ("second step" in letter.body) is is_told


def test_roles_are_changed_by_their_boxes(administrator):
    person = factories.user(RECEPTION)
    path = address(User, "change", person.pk)

    administrator.post(path, filled(administrator.get(path)) | {"roles": [PRACTITIONER]})

    assert User.objects.get(pk=person.pk).role_names == {PRACTITIONER}


def test_what_changed_about_roles_stands_in_the_history(administrator):
    person = factories.user(RECEPTION)
    path = address(User, "change", person.pk)
    administrator.post(path, filled(administrator.get(path)) | {"roles": [PRACTITIONER]})

    history = administrator.get(address(User, "history", person.pk))

    assert history.context["changes"][0].lines == ["Roles: Reception → Practitioner"]


@pytest.mark.parametrize("change", ["roles", "is_active"])
def test_the_last_administrator_stays(administrator, change):
    path = address(User, "change", administrator.user.pk)
    typed = filled(administrator.get(path))
    typed.pop(change)

    answer = administrator.post(path, typed)

    person = User.objects.get(pk=administrator.user.pk)
    assert answer.status_code == 422
    assert "Nobody could administer the clinic any more." in answer.content.decode()
    assert person.is_active
    assert ADMINISTRATOR in person.role_names


def test_an_e_mail_that_somebody_else_signs_in_with_is_refused_beside_the_form(administrator):
    factories.user(email="taken@clinic.example")
    typed = {"name": "Robin", "email": "Taken@clinic.example", "roles": [RECEPTION], "is_active": "on"}

    answer = administrator.post(address(User, "add"), typed)

    assert "Somebody already signs in with this e-mail address." in answer.content.decode()


def test_no_page_of_a_login_shows_a_password(administrator):
    person = factories.user(RECEPTION, password="a-long-secret-of-Robin")

    text = administrator.get(address(User, "change", person.pk)).content.decode()

    assert person.password not in text
    assert 'type="password"' not in text


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_step_down_together_one_stays():
    both = [factories.user(ADMINISTRATOR), factories.user(ADMINISTRATOR)]
    ready, refusals = threading.Barrier(2), []

    def step_down(person):
        ready.wait()
        try:
            staff.change(person, roles=[])
        except Refused as refusal:
            refusals.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=step_down, args=[person]) for person in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refusals) == 1
    assert User.objects.filter(groups__name=ADMINISTRATOR).count() == 1
