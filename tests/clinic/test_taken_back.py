"""Visits that are taken back, marked as a mistake, or allowed against a rule: what else they must leave in order."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from clinic import booking, todo
from clinic.models import Appointment, RuleOverride
from clinic.refusals import Busy, Refused
from patients.models import Patient
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import NOW, Desk, patient, service

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
HALF, DAY = timedelta(minutes=30), timedelta(days=1)


def fresh(visit):
    return Appointment.objects.get(pk=visit.pk)


def cancelled(desk, visit):
    details = {"cancelled_by": "patient", "reason": "ill", "version": visit.version}
    return booking.cancel(visit, **details, by=desk.by, now=NOW)


def test_undo_of_a_cancellation_ends_the_visit_when_its_people_are_free_again(desk):
    visit = cancelled(desk, desk.book(NINE))
    desk.service.segments.update(base_minutes=60)

    booking.undo(visit, version=visit.version, by=desk.by, now=NOW)

    assert fresh(visit).ends_at == max(visit.claims.filter(live=True).values_list("ends_at", flat=True))


@pytest.mark.django_db
def test_enter_in_error_of_a_cancelled_visit_leaves_its_session_to_the_new_visit():
    desk = TreatmentDesk()
    series = desk.start()
    old = cancelled(desk, desk.book_session(series, 1, NINE))
    new = desk.book_session(series, 1, NINE + DAY)

    booking.enter_in_error(fresh(old), version=old.version, by=desk.by, now=NOW)

    assert fresh(new).session.state == "booked"


@pytest.mark.django_db
def test_enter_in_error_of_a_missed_visit_leaves_its_session_to_the_new_visit():
    desk = TreatmentDesk()
    series = desk.start()
    old = booking.no_show(desk.book_session(series, 1, NINE), version=1, by=desk.by, now=NINE + HALF)
    new = desk.book_session(series, 1, NINE + DAY)

    booking.enter_in_error(fresh(old), version=old.version, by=desk.by, now=NINE + HALF)

    assert fresh(new).session.state == "booked"


@pytest.mark.django_db
def test_enter_in_error_works_for_a_cancelled_visit_of_a_series():
    desk = TreatmentDesk()
    old = cancelled(desk, desk.book_session(desk.start(), 1, NINE))

    wrong = booking.enter_in_error(fresh(old), version=old.version, by=desk.by, now=NOW)

    assert (wrong.status, fresh(old).session.state) == ("entered_in_error", "planned")


def test_an_override_of_a_rule_that_does_not_exist_is_not_written_down(desk):
    visit = desk.book(NINE, overrides={"x" * 100: "because", "busy": "because"})

    assert not RuleOverride.objects.filter(appointment=visit).exists()


def test_a_visit_longer_than_twelve_hours_is_refused(desk):
    desk.location.opening_hours.all().delete()

    with pytest.raises(Refused, match="12 hours"):
        desk.book(NINE, service=service(minutes=800))


def test_a_booking_waits_for_the_lock_of_the_record_that_its_patient_was_merged_into(transactional_db):
    desk, survivor = Desk(), patient()
    merged = patient()
    visit = desk.book(NINE, merged)
    Patient.objects.filter(pk=merged.pk).update(merged_into=survivor)
    held = connection.copy()
    with held.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [2**62 + survivor.pk])

        with pytest.raises(Busy):
            booking.move(fresh(visit), starts_at=NINE + DAY, version=1, by=desk.by, now=NOW)
    held.close()


def test_no_show_closes_what_was_to_be_done_before_the_visit(desk):
    visit = desk.book(NINE)
    task = todo.open_review(visit, NOW)

    booking.no_show(visit, version=1, by=desk.by, now=NINE + HALF)

    task.refresh_from_db()
    assert task.done_at == NINE + HALF
