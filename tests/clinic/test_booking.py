"""The verbs of the diary: what each does, and one test per refusal."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import InternalError

from clinic import booking
from clinic.models import Appointment, AppointmentChange, Claim, Hold, RuleOverride
from clinic.refusals import Busy, Refused, Taken
from patients.refusals import Conflict
from patients.submissions import DifferentBody, Sent
from tests.factories import NOW, Desk, patient, room, service

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)


def free(desk):
    return not Claim.objects.filter(live=True).exists()


def test_book_writes_the_visit_and_claims_practitioner_and_room(desk):
    visit = desk.book(NINE)

    assert (visit.starts_at, visit.ends_at, visit.status) == (NINE, NINE + HALF, "booked")
    assert visit.practitioner == desk.practitioner
    assert set(visit.claims.values_list("resource_id", "starts_at", "ends_at", "live")) == {
        (desk.practitioner.pk, NINE, NINE + HALF, True),
        (desk.room.pk, NINE, NINE + HALF, True),
    }


def test_book_is_refused_with_three_free_alternatives_when_the_time_is_taken(desk):
    desk.book(NINE)

    with pytest.raises(Taken) as refusal:
        desk.book(NINE)

    assert len(refusal.value.alternatives) == 3
    for start in refusal.value.alternatives:
        visit = desk.book(start)
        assert visit.starts_at == start
        booking.cancel(visit, cancelled_by="clinic", reason="next try", version=1, by=desk.by, now=NOW)


def test_book_takes_another_room_when_one_is_occupied(desk):
    second = room(desk.location, "consultation")
    quick = service(name="Room only")
    quick.segments.update(holds_practitioner=True)
    desk.book(NINE)

    with pytest.raises(Taken):
        desk.book(NINE)

    assert not second.resource.claims.exists()


def test_book_is_refused_for_a_patient_who_is_elsewhere(desk):
    ada = patient()
    desk.book(NINE, ada)
    other = Desk()

    with pytest.raises(Taken):
        other.book(NINE, ada)


def test_book_outside_hours_is_refused_until_a_reason_allows_it(desk):
    night = NINE.replace(hour=20)

    with pytest.raises(Refused):
        desk.book(night)
    visit = desk.book(night, overrides={"closed": "VIP", "outside_hours": "VIP"})

    assert set(RuleOverride.objects.values_list("appointment", "rule", "reason")) == {
        (visit.pk, "closed", "VIP"),
        (visit.pk, "outside_hours", "VIP"),
    }


def test_book_in_the_past_is_entered_later_and_sends_nothing(desk):
    visit = desk.book(NINE, now=NINE + timedelta(days=2), overrides={"past": "written down late"})

    assert visit.is_entered_later
    assert not visit.reminders.exists()


def test_book_answers_a_repeated_submission_with_the_first_visit(desk):
    ada, sent = patient(), Sent(uuid.uuid4(), {"start": "09:00"})

    first = desk.book(NINE, ada, submission=sent)
    again = desk.book(NINE, ada, submission=sent)

    assert again == first
    assert Appointment.objects.count() == 1


def test_book_refuses_a_submission_key_with_another_body(desk):
    ada, key = patient(), uuid.uuid4()
    desk.book(NINE, ada, submission=Sent(key, {"start": "09:00"}))

    with pytest.raises(DifferentBody):
        desk.book(NINE + HALF, ada, submission=Sent(key, {"start": "09:30"}))


def test_book_ignores_a_hold_that_has_run_out(desk):
    hold = Hold.objects.create(
        service=desk.service, location=desk.location, starts_at=NINE, ends_at=NINE + HALF, kept_until=NOW
    )
    Claim.objects.create(hold=hold, resource=desk.practitioner.resource, starts_at=NINE, ends_at=NINE + HALF)

    assert desk.book(NINE).starts_at == NINE


def test_move_frees_the_old_place_and_takes_the_new_one(desk):
    visit = desk.book(NINE)

    moved = booking.move(visit, starts_at=NINE + HALF, version=visit.version, by=desk.by, now=NOW)

    assert (moved.starts_at, moved.version, moved.ical_sequence) == (NINE + HALF, 2, 1)
    assert set(Claim.objects.filter(live=True).values_list("starts_at", flat=True)) == {NINE + HALF}
    assert AppointmentChange.objects.get().starts_at == NINE


def test_move_ignores_the_visits_own_place(desk):
    visit = desk.book(NINE)

    moved = booking.move(visit, starts_at=NINE + timedelta(minutes=15), version=visit.version, by=desk.by, now=NOW)

    assert moved.starts_at == NINE + timedelta(minutes=15)


def test_move_is_refused_when_somebody_else_saved_first(desk):
    visit = desk.book(NINE)
    booking.confirm(visit, version=visit.version, by=desk.by, now=NOW)

    with pytest.raises(Conflict):
        booking.move(visit, starts_at=NINE + HALF, version=visit.version, by=desk.by, now=NOW)

    assert Appointment.objects.get().starts_at == NINE


def test_cancel_needs_a_reason(desk):
    visit = desk.book(NINE)

    with pytest.raises(Refused, match="Say why"):
        booking.cancel(visit, cancelled_by="patient", reason=" ", version=1, by=desk.by, now=NOW)


@pytest.mark.parametrize(("hours", "late"), [(24, False), (23, True)])
def test_cancel_frees_the_time_and_counts_as_late_within_the_free_hours(desk, hours, late):
    visit = desk.book(NINE)

    gone = booking.cancel(
        visit, cancelled_by="patient", reason="ill", version=1, by=desk.by, now=NINE - timedelta(hours=hours)
    )

    assert (gone.status, gone.is_late_cancellation) == ("cancelled", late)
    assert free(desk)


def test_undo_of_a_cancellation_takes_the_place_again(desk):
    visit = desk.book(NINE)
    gone = booking.cancel(visit, cancelled_by="patient", reason="ill", version=1, by=desk.by, now=NOW)

    back = booking.undo(gone, version=gone.version, by=desk.by, now=NOW)

    assert (back.status, back.cancel_reason) == ("booked", "")
    assert back.claims.filter(live=True).count() == 2


def test_undo_of_a_cancellation_is_refused_when_the_place_is_gone(desk):
    visit = desk.book(NINE)
    gone = booking.cancel(visit, cancelled_by="patient", reason="ill", version=1, by=desk.by, now=NOW)
    desk.book(NINE)

    with pytest.raises(Taken):
        booking.undo(gone, version=gone.version, by=desk.by, now=NOW)


def test_check_in_start_and_complete_keep_the_real_times(desk):
    visit = desk.book(NINE)

    visit = booking.check_in(visit, version=visit.version, by=desk.by, now=NINE)
    visit = booking.start(visit, version=visit.version, by=desk.by, now=NINE + HALF)
    visit = booking.complete(visit, version=visit.version, by=desk.by, now=NINE + 2 * HALF)

    assert (visit.status, visit.arrived_at, visit.started_at, visit.finished_at) == (
        "completed",
        NINE,
        NINE + HALF,
        NINE + 2 * HALF,
    )


def test_a_step_forward_never_takes_the_visit_back(desk):
    visit = booking.check_in(desk.book(NINE), version=1, by=desk.by, now=NINE)
    visit = booking.start(visit, version=visit.version, by=desk.by, now=NINE)

    with pytest.raises(Refused, match="cannot become"):
        booking.check_in(visit, version=visit.version, by=desk.by, now=NINE)
    visit = booking.complete(visit, version=visit.version, by=desk.by, now=NINE + HALF)
    with pytest.raises(Refused, match="cannot become"):
        booking.start(visit, version=visit.version, by=desk.by, now=NINE + HALF)


def test_complete_is_refused_for_a_visit_that_has_not_started(desk):
    visit = desk.book(NINE)

    with pytest.raises(Refused, match="Booked"):
        booking.complete(visit, version=1, by=desk.by, now=NINE)


def test_no_show_is_refused_before_the_visit(desk):
    visit = desk.book(NINE)

    with pytest.raises(Refused, match="not begun"):
        booking.no_show(visit, version=1, by=desk.by, now=NINE - HALF)


def test_no_show_frees_the_place(desk):
    visit = booking.no_show(desk.book(NINE), version=1, by=desk.by, now=NINE + HALF)

    assert visit.status == "no_show"
    assert free(desk)


def test_enter_in_error_frees_the_place_from_any_status(desk):
    visit = booking.check_in(desk.book(NINE), version=1, by=desk.by, now=NINE)

    visit = booking.enter_in_error(visit, version=visit.version, by=desk.by, now=NINE)

    assert visit.status == "entered_in_error"
    assert free(desk)


def test_a_busy_lock_is_reported_as_busy_and_writes_nothing(transactional_db):
    desk = Desk()
    held = connection.copy()
    with held.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [desk.room.pk])

        with pytest.raises(Busy):
            desk.book(NINE)
    held.close()

    assert not Appointment.objects.exists()


def test_of_two_at_once_one_gets_the_time(transactional_db):
    desk, barrier = Desk(), Barrier(2)
    patients = [patient(), patient()]

    def attempt(who):
        barrier.wait()
        try:
            return desk.book(NINE, who).starts_at
        except Taken as taken:
            return len(taken.alternatives)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(attempt, patients))

    assert sorted(map(str, answers)) == sorted([str(NINE), "3"])


# -- What the database itself refuses, whatever path forgot to ask ----------------------------------------------------


def raw(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


COPY_VISIT = (
    "INSERT INTO clinic_appointment (public_id, patient_id, service_id, location_id, starts_at, ends_at, status,"
    " cancelled_by, cancel_reason, uses_session_reason, is_late_cancellation, is_entered_later, needs_review, note,"
    " version, plan_version, ical_sequence, assessed_safety_revision, assessed_catalogue_revision, booked_at)"
    " SELECT gen_random_uuid(), patient_id, service_id, location_id, starts_at + %s, ends_at + %s, status,"
    " cancelled_by, cancel_reason, '', false, false, false, '', 1, 1, 0, 0, 0, booked_at FROM clinic_appointment"
)
COPY_CLAIM = (
    "INSERT INTO clinic_claim (resource_id, appointment_id, starts_at, ends_at, live)"
    " SELECT resource_id, appointment_id, starts_at + %s, ends_at + %s, true FROM clinic_claim"
)


@pytest.mark.parametrize("statement", [COPY_VISIT, COPY_CLAIM])
def test_raw_sql_cannot_overlap_a_patient_or_a_claim(desk, statement):
    desk.book(NINE)

    with pytest.raises(IntegrityError, match=r"appointment_patient_is_in_one_place|claim_resource_is_taken_once"):
        raw(statement, HALF / 2, HALF / 2)
    raw(statement, HALF, HALF)


def test_raw_sql_cannot_make_a_claim_longer_than_twelve_hours(desk):
    desk.book(NINE)

    with pytest.raises(IntegrityError, match="claim_is_at_most_12_hours"):
        raw("UPDATE clinic_claim SET ends_at = starts_at + interval '12 hours 1 second'")


def test_raw_sql_cannot_skip_a_status(desk):
    desk.book(NINE)

    with pytest.raises(InternalError, match="status"):
        raw("UPDATE clinic_appointment SET status = 'completed'")


def test_raw_sql_cannot_delete_a_visit(desk):
    desk.book(NINE)

    with pytest.raises(InternalError, match="delete"):
        raw("DELETE FROM clinic_appointment")
