"""The demo command: made through the verbs, the same every time, and never where it must not be."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from clinic import demo
from clinic.models import Appointment, Claim, Device, Installation, Location, Practitioner, Reminder, Room
from patients.models import Patient, PortalAccess, User
from treatments.models import ProtocolVersion, TreatmentSeries

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
# Midnight in Berlin but not in London, a Sunday, and the night in which the clocks go back.
MOMENTS = [NOON, datetime(2026, 10, 24, 23, 10, tzinfo=UTC)]


@pytest.fixture
def catalogue():
    call_command("load_catalogue", stdout=StringIO())


def what_there_is():
    rows = Appointment.objects.order_by("pk").values_list(
        "patient__email", "service__key", "location__name", "practitioner__resource__name", "starts_at", "status"
    )
    return list(rows)


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("now", MOMENTS)
def test_fill_makes_a_clinic_around_now(now):
    made = demo.fill(now, patients=14, visits=70)

    assert (made.patients, made.visits) == (14, Appointment.objects.count())
    assert 60 <= made.visits <= 75
    assert [model.objects.count() for model in (Location, Practitioner, Room, Device, Patient)] == [2, 8, 7, 8, 14]
    assert Location.objects.values("time_zone").distinct().count() == 2
    assert Installation.objects.get().is_demo
    assert not ProtocolVersion.objects.exclude(state="published").exists()
    assert Appointment.objects.filter(status="completed", ends_at__lte=now).count() > 10
    assert Appointment.objects.filter(status__in=["booked", "confirmed"], starts_at__gt=now).count() > 20
    assert not Appointment.objects.filter(booked_at__gt=now).exists()
    assert not Appointment.objects.filter(is_entered_later=True).exists()
    assert not Appointment.objects.filter(status="booked", starts_at__lt=now).exists()
    assert Claim.objects.filter(live=True).exists()


@pytest.mark.usefixtures("catalogue")
def test_fill_leaves_no_message_that_was_due_before():
    demo.fill(NOON, patients=8, visits=30)

    assert not Reminder.objects.unsent().filter(due_at__lte=NOON).exists()
    assert Reminder.objects.filter(state="expired").exists()
    assert Reminder.objects.filter(state="scheduled", due_at__gt=NOON).exists()


@pytest.mark.usefixtures("catalogue")
def test_fill_lets_a_clinician_decide_for_some():
    demo.fill(NOON, patients=8, visits=30)

    assert TreatmentSeries.objects.filter(state="awaiting_clearance").count() == 1
    assert Appointment.objects.filter(needs_review=True).exists()


@pytest.mark.usefixtures("catalogue")
def test_fill_makes_the_same_every_time_and_only_once():
    with transaction.atomic():
        demo.fill(NOON, patients=5, visits=20)
        first = what_there_is()
        transaction.set_rollback(True)

    demo.fill(NOON + timedelta(seconds=40), patients=5, visits=20)

    assert what_there_is() == first
    assert demo.fill(NOON, patients=5, visits=20) is None
    assert what_there_is() == first


def test_demo_does_nothing_where_there_is_a_location():
    Location.objects.create(name="Ours", time_zone="Europe/London")
    out = StringIO()

    call_command("demo", stdout=out)

    assert out.getvalue() == "This clinic is not empty: the demo was not made.\n"
    assert not Patient.objects.exists()


def test_demo_prints_the_logins_and_writes_nothing():
    out = StringIO()

    call_command("demo", logins=True, stdout=out)

    assert [line.split()[0] for line in out.getvalue().splitlines()] == [
        "reception@cadence.example",
        "practitioner@cadence.example",
        "lead@cadence.example",
        "admin@cadence.example",
        "password",
    ]
    assert not User.objects.exists()


@pytest.mark.usefixtures("catalogue")
def test_the_portal_logins_see_somebody_to_look_after_and_somebody_due_and_are_printed():
    demo.fill(NOON, patients=9, visits=40)
    out = StringIO()

    call_command("demo", logins=True, stdout=out)

    seen = [access.patient for access in PortalAccess.objects.select_related("patient")]
    states = [set(Appointment.objects.filter(patient=one).values_list("status", flat=True)) for one in seen]
    assert len(seen) == 3
    assert any("completed" in each for each in states)
    assert any("cancelled" in each and not each & {"booked", "confirmed"} for each in states)
    assert out.getvalue().count(": /portal/sign-in/, with the code from the mail\n") == len(demo.portal_logins()) == 3
    assert out.getvalue().splitlines()[-1] == f"password  {demo.PASSWORD}"


@pytest.mark.usefixtures("catalogue")
def test_the_portal_logins_of_a_clinic_are_not_printed():
    demo.fill(NOON, patients=4, visits=10)
    Installation.objects.update(is_demo=False)

    assert demo.portal_logins() == []


def test_demo_is_refused_in_production(settings):
    settings.IS_PRODUCTION = True

    with pytest.raises(CommandError, match="The demo is not for production"):
        call_command("demo")

    assert not Location.objects.exists()


@pytest.mark.usefixtures("catalogue")
def test_the_logins_work_with_the_password(client):
    demo.fill(NOON, patients=1, visits=1)

    assert all(client.login(email=email, password=demo.PASSWORD) for email, _name, _roles in demo.LOGINS)
    assert User.objects.filter(is_staff=True).get().email == "admin@cadence.example"
