"""A second copy of a form gets the answer of the first, whatever the first has changed."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from clinic.models import Appointment, DatedHours
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import NOW, patient
from treatments.models import TreatmentSession


@pytest.fixture
def desk(client, db, stopped_clock):
    made = TreatmentDesk()
    client.force_login(made.by)
    return made


def with_one_session_left(desk, who):
    series = desk.start(who)
    TreatmentSession.objects.filter(series=series, number__gt=1).update(state="skipped", skip_reason="not needed")
    return series


def time_of(desk):
    return (NOW + timedelta(days=3)).replace(hour=10, minute=0).isoformat()


def test_the_last_session_of_a_series_is_booked_once_and_answered_twice(client, desk):
    series = with_one_session_left(desk, patient())
    typed = {"starts_at": time_of(desk), "key": str(uuid.uuid4())}

    first, second = (client.post(reverse("session_book", args=[series.public_id]), typed) for _again in range(2))

    assert (second.status_code, second.url) == (302, first.url)
    assert Appointment.objects.count() == 1


def test_the_last_session_is_booked_once_and_answered_twice_from_a_free_time(client, desk):
    who = patient()
    with_one_session_left(desk, who)
    address = {"service": desk.treatment.public_id, "location": desk.location.public_id, "start": time_of(desk)}
    typed = {"starts_at": time_of(desk), "key": str(uuid.uuid4()), "patient": str(who.public_id)}
    url = reverse("appointment_new", query=address)

    first, second = (client.post(url, typed) for _again in range(2))

    assert (first.status_code, second.status_code) == (302, 302)
    assert second.url == first.url


def test_the_last_session_is_booked_once_and_answered_twice_right_after_a_visit(client, desk):
    who = patient()
    with_one_session_left(desk, who)
    before = desk.book((NOW + timedelta(days=3)).replace(hour=10, minute=0), who, now=NOW)
    typed = {"service": str(desk.treatment.public_id), "key": str(uuid.uuid4())}
    url = reverse("appointment_another", args=[before.public_id])

    first, second = (client.post(url, typed) for _again in range(2))

    assert (first.status_code, second.status_code) == (302, 302)
    assert second.url == first.url


def test_a_swap_sent_twice_swaps_once(client, desk):
    desk.needler.working_hours.update(starts="12:00")
    people = {"first": desk.practitioner.resource.public_id, "second": desk.needler.resource.public_id}
    typed = {"on": (NOW + timedelta(days=3)).date().isoformat(), "reason": "", **people}
    shown = client.get(reverse("swap_day"), typed)
    typed["key"] = shown.context["key"]

    answers = [client.post(reverse("swap_day"), typed) for _again in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert DatedHours.objects.get(practitioner=desk.practitioner).starts.hour == 12
