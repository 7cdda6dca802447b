"""The desk opens a patient's pages for an address, and closes them."""

import uuid

import pytest
from django.core import mail
from django.urls import reverse

from patients.models import PortalAccess
from tests import factories
from tests.clinic import portal_world as world

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def ada(db):
    return world.patient(place=factories.location("Cadence London"))


@pytest.fixture
def desk_client(client, ada):
    client.force_login(factories.user("reception"))
    return client


def url(name, person):
    return reverse(name, args=[person.public_id])


def give(person, **typed):
    return {"submission": str(uuid.uuid4()), "email": "ada@mail.example", **typed}


def test_giving_access_opens_the_pages_and_writes_to_the_address(desk_client, ada):
    answer = desk_client.post(url("patient_portal", ada), give(ada))

    assert answer.url == url("patient", ada)
    assert PortalAccess.objects.get().user.email == "ada@mail.example"
    assert [message.subject for message in mail.outbox] == ["Your pages at Cadence London"]
    assert "ada@mail.example" in desk_client.get(url("patient", ada)).content.decode()


def test_giving_access_prefills_the_address_on_file(desk_client, ada):
    assert f'value="{ada.email}"' in desk_client.get(url("patient_portal", ada)).content.decode()


def test_giving_access_refuses_what_is_no_address_and_keeps_it(desk_client, ada):
    answer = desk_client.post(url("patient_portal", ada), give(ada, email="ada at home"))

    assert answer.status_code == 422
    assert 'value="ada at home"' in answer.content.decode()
    assert not PortalAccess.objects.exists()


def test_giving_access_sent_twice_writes_once(desk_client, ada):
    body = give(ada)

    assert (
        desk_client.post(url("patient_portal", ada), body).url == desk_client.post(url("patient_portal", ada), body).url
    )
    assert len(mail.outbox) == 1


def test_ending_access_shuts_the_pages_at_once(desk_client, ada):
    user = world.login(ada)

    desk_client.post(reverse("patient_portal_end", args=[ada.public_id, user.public_id]))

    desk_client.force_login(user)
    assert desk_client.get(url("portal_person", ada)).status_code == 404


@pytest.mark.parametrize("login", [uuid.uuid4(), None])
def test_ending_access_of_a_login_without_it_is_not_found(desk_client, ada, login):
    login = login or factories.user().public_id

    assert desk_client.post(reverse("patient_portal_end", args=[ada.public_id, login])).status_code == 404
