"""How many statements the commonest actions of the desk cost over HTTP: session, rights and transaction included."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import Appointment
from tests import sign_in
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import NOW, patient

MOST = 20

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.fixture
def desk(db, settings, client):
    settings.STAFF_MFA = "optional"
    desk = TreatmentDesk()
    sign_in.with_app(desk.by)
    client.force_login(desk.by)
    return desk


def book(client, service, start, person):
    address = f"{reverse('appointment_new')}?service={service.public_id}&start={start:%Y-%m-%dT%H:%MZ}"
    fields = {"key": uuid.uuid4(), "starts_at": start.isoformat(), "patient": person.public_id, "note": ""}
    return client.post(address, fields)


def counted(act):
    with CaptureQueriesContext(connection) as seen:
        answer = act()
    assert answer.status_code == 302, answer.content
    return len(seen)


def test_a_booking_takes_twenty_statements_at_most(client, desk):
    person = patient()

    assert counted(lambda: book(client, desk.service, NOW + timedelta(hours=3), person)) <= MOST


def test_a_booking_of_a_session_asks_for_other_courses_twice_besides_once_its_protocol_is_known(client, desk):
    first, second = desk.start(), desk.start()
    book(client, desk.treatment, NOW + timedelta(hours=1), first.patient)

    assert counted(lambda: book(client, desk.treatment, NOW + timedelta(hours=3), second.patient)) <= MOST + 2


def test_a_booking_takes_as_many_statements_in_a_full_diary(client, desk):
    empty = counted(lambda: book(client, desk.service, NOW + timedelta(hours=1), patient()))
    for hours in (2, 3, 4):
        book(client, desk.service, NOW + timedelta(hours=hours), patient())

    assert counted(lambda: book(client, desk.service, NOW + timedelta(hours=5), patient())) == empty


def test_a_move_takes_thirty_statements_at_most(client, desk):
    visit = desk.book(NOW + timedelta(hours=1))
    fields = {"key": uuid.uuid4(), "starts_at": (NOW + timedelta(hours=4)).isoformat(), "version": visit.version}

    assert counted(lambda: client.post(reverse("appointment_move", args=[visit.public_id]), fields)) <= MOST + 10
    assert Appointment.objects.get().starts_at == NOW + timedelta(hours=4)


def test_free_starts_take_five_statements_however_long_the_stretch(client, desk):
    def starts(until):
        address = f"{reverse('find_starts')}?service={desk.service.public_id}&from=2026-03-02&until={until}"
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    assert (starts("2026-03-02"), starts("2026-04-20")) == (5, 5)
