"""The transaction round every verb: what the database refuses becomes a sentence, or another try."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, connection

from clinic import booking, placing
from clinic.models import Appointment, Claim
from clinic.placing import PickGone
from clinic.refusals import Busy, Refused, Taken
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import NOW, Desk, patient

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)

pytestmark = pytest.mark.django_db


def failing(code, times):
    """Work that the database refuses so often with this code, then lets through."""
    tries = []

    def work():
        tries.append(1)
        if len(tries) <= times:
            with connection.cursor() as cursor:
                cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'made' USING ERRCODE = '{code}'; END $$")
        return len(tries)

    return work


@pytest.mark.parametrize("times", [0, 1, 2])
def test_settled_tries_again_at_most_twice_after_a_deadlock(times):
    assert placing.settled(failing("40P01", times)) == times + 1


@pytest.mark.parametrize(("code", "times"), [("40P01", 3), ("55P03", 1)])
def test_settled_says_busy_when_the_rows_stay_locked(code, times):
    with pytest.raises(Busy):
        placing.settled(failing(code, times))


def test_settled_lets_other_faults_through():
    with pytest.raises(DataError):
        placing.settled(failing("22003", 1))


@pytest.mark.parametrize("lost", [1, 2])
def test_settled_picks_again_when_the_picked_room_went_to_somebody_else(lost):
    tries = []

    def work():
        tries.append(1)
        if len(tries) <= lost:
            raise PickGone
        return "booked"

    assert placing.settled(work) == "booked"


def test_settled_says_busy_when_every_pick_was_lost():
    def work():
        raise PickGone

    with pytest.raises(Busy):
        placing.settled(work)


def test_settled_turns_the_net_under_a_forgotten_path_into_taken():
    desk = Desk()
    visit = desk.book(NINE)

    with pytest.raises(Taken, match="This time has just been taken"):
        placing.settled(
            lambda: Claim.objects.create(
                resource=desk.room.resource, appointment=visit, starts_at=NINE, ends_at=NINE + HALF
            )
        )


def test_alternatives_of_a_session_stay_inside_its_window():
    desk = TreatmentDesk()
    other, series = desk.start(), desk.start()
    desk.book_session(series, 1, NINE)
    first_day = datetime(2026, 3, 31, 8, 0, tzinfo=UTC)
    desk.book(
        first_day, patient(), service=desk.treatment, session=other.sessions.get(number=1),
        overrides={"after_window": "holiday"},
    )  # fmt: skip

    with pytest.raises(Taken) as refusal:
        desk.book_session(series, 2, first_day)

    assert len(refusal.value.alternatives) == 3
    assert min(refusal.value.alternatives).date() >= first_day.date()


def test_move_is_refused_for_a_visit_that_has_begun():
    desk = Desk()
    visit = booking.check_in(desk.book(NINE), version=1, by=desk.by, now=NINE)

    with pytest.raises(Refused, match="Only a booked visit can be moved; this one is: Arrived"):
        booking.move(visit, starts_at=NINE + HALF, version=visit.version, by=desk.by, now=NOW)


def test_undo_has_nothing_to_take_back_on_a_booked_visit():
    desk = Desk()

    with pytest.raises(Refused, match="nothing to take back"):
        booking.undo(desk.book(NINE), version=1, by=desk.by, now=NOW)


def test_undo_of_a_no_show_takes_the_session_back_into_the_diary():
    desk = TreatmentDesk()
    visit = desk.book_session(desk.start(), 1, NINE)
    missed = booking.no_show(visit, version=1, by=desk.by, now=NINE + HALF)

    back = booking.undo(missed, version=missed.version, by=desk.by, now=NINE + HALF)

    assert Appointment.objects.get(pk=back.pk).session.state == "booked"
