"""Somebody is ill: their visits get new times together, all or none, or are offered to the patients."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import booking, bulk_moves, bulk_plans, placing
from clinic.booking import together_look
from clinic.models import Absence, Appointment, BulkMove, BulkMoveVisit, Claim, Location, Proposal, Wishes
from clinic.refusals import Refused
from patients.refusals import Conflict
from patients.submissions import Sent
from tests import factories, factories_treatments
from tests.factories import NOW

TODAY_AT_TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)
TEN = datetime(2026, 3, 5, 10, tzinfo=UTC)
HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)
Outcome = BulkMoveVisit.Outcome


def sent(**body):
    return Sent(uuid.uuid4(), body)


def begin(desk, *, starts_at=TEN, ends_at=TEN + 8 * HOUR, who=None, submission=None):
    return bulk_moves.begin(
        who or desk.practitioner, starts_at=starts_at, ends_at=ends_at, reason="Flu", by=desk.by, now=NOW,
        submission=submission or sent(),
    )  # fmt: skip


def worked_out(desk, **details):
    bulk = begin(desk, **details)
    return work_out(bulk)


def work_out(bulk):
    for _look in range(500):
        bulk_plans.go_on(bulk, now=NOW, is_enough=lambda: False)
        if bulk.state != "planning":
            return bulk
    raise AssertionError(bulk.state)


def move_all(desk, bulk, rows=None, **details):
    ticked = {row.pk for row in (bulk.visits.all() if rows is None else rows)}
    details = {"by": desk.by, "now": NOW, "version": bulk.version, "submission": sent(), **details}
    return bulk_moves.move_all(bulk, ticked, **details)


def colleague(desk, **details):
    factories.room(desk.location, "consultation")
    return factories.practitioner(desk.location, "Dr Cole", **details)


def starts(bulk):
    return [row.starts_at for row in bulk.visits.all()]


# -- Beginning --------------------------------------------------------------------------------------------------------


def test_begin_enters_the_absence_and_notes_the_visits_in_it(desk):
    inside, _outside = desk.book(TEN), desk.book(TEN - HOUR)

    bulk = begin(desk)

    assert list(Absence.objects.values_list("resource", "starts_at", "reason")) == [(desk.practitioner.pk, TEN, "Flu")]
    assert [row.appointment for row in bulk.visits.all()] == [inside]
    assert bulk.state == "planning"


def test_begin_puts_visits_of_today_and_tomorrow_on_the_call_list(desk):
    soon, later = desk.book(TODAY_AT_TEN), desk.book(TODAY_AT_TEN + timedelta(days=2))

    bulk = begin(desk, starts_at=NOW, ends_at=TEN)

    assert {row.appointment: row.is_to_call for row in bulk.visits.all()} == {soon: True, later: False}


def test_begin_sent_twice_makes_one_plan_and_one_absence(desk):
    form = sent(reason="Flu")

    plans = {begin(desk, submission=form).pk for _ in range(2)}

    assert len(plans) == 1
    assert Absence.objects.count() == 1


def test_begin_is_refused_for_a_time_that_is_over(desk):
    with pytest.raises(Refused, match="not over yet"):
        begin(desk, starts_at=NOW - HOUR, ends_at=NOW)


def test_a_plan_without_visits_is_ready_at_once(desk):
    assert worked_out(desk).state == "ready"


# -- Working out ------------------------------------------------------------------------------------------------------


def test_the_same_time_with_somebody_else_comes_first(desk):
    other = colleague(desk)
    desk.book(TEN)
    bulk = worked_out(desk)

    row = bulk.visits.get()
    assert (row.starts_at, row.ends_at, row.practitioner) == (TEN, TEN + HALF, other)
    assert (bulk.shift_minutes, bulk.one_by_one_minutes, bulk.least_minutes) == (0, 0, 0)


def test_the_same_person_at_another_time_when_there_is_nobody_else(desk):
    desk.book(TEN + 15 * timedelta(minutes=1))

    bulk = worked_out(desk)

    assert starts(bulk) == [TEN - HALF]
    assert bulk.shift_minutes == 45


def test_two_visits_never_get_the_same_time_and_room(desk):
    patients = [factories.patient("Ada", f"Quill {number}") for number in range(4)]
    for number, who in enumerate(patients):
        desk.book(TEN + number * HALF, who)

    bulk = worked_out(desk)

    assert len(set(starts(bulk))) == 4
    assert bulk.least_minutes <= bulk.shift_minutes <= bulk.one_by_one_minutes


def test_a_patient_who_wants_this_person_alone_keeps_them(desk):
    technique = factories_treatments.technique()
    person = factories.practitioner(desk.location, "Dr Needle", techniques=[technique])
    factories.practitioner(desk.location, "Dr Other", techniques=[technique])
    for _ in range(2):
        factories.room(desk.location, "treatment")
    series = factories_treatments.series()
    service = series.protocol_version.protocol.service
    desk.book(TEN, series.patient, service=service, session=series.sessions.get(number=1), practitioner=person)
    Wishes.objects.create(series=series, who="same", practitioner=person)

    bulk = worked_out(desk, who=person, ends_at=TEN + HOUR)

    row = bulk.visits.get()
    assert row.practitioner == person
    assert row.starts_at in (TEN - HALF, TEN + HOUR)


def test_a_visit_stays_within_the_days_of_its_course(desk):
    technique = factories_treatments.technique()
    person = factories.practitioner(desk.location, "Dr Needle", techniques=[technique])
    factories.room(desk.location, "treatment")
    series = factories_treatments.series()
    service = series.protocol_version.protocol.service
    first = desk.book(TEN, series.patient, service=service, session=series.sessions.get(number=1), practitioner=person)
    second_at = TEN + timedelta(days=14)
    desk.book(second_at, series.patient, service=service, session=series.sessions.get(number=2), practitioner=person)

    bulk = worked_out(desk, who=person, starts_at=second_at - 2 * HOUR, ends_at=second_at + 10 * HOUR)

    row = bulk.visits.get()
    assert row.starts_at.date() > second_at.date()
    assert row.starts_at.date() - first.starts_at.date() >= timedelta(days=14)


def test_a_visit_keeps_its_distance_to_another_course_of_the_patient(desk):
    technique = factories_treatments.technique()
    person = factories.practitioner(desk.location, "Dr Needle", techniques=[technique])
    factories.room(desk.location, "treatment")
    series = factories_treatments.series()
    other = factories_treatments.series(series.patient, version=series.protocol_version)
    service = series.protocol_version.protocol.service
    for course, at in ((series, TEN), (other, TEN + timedelta(days=15))):  # at least 14 days apart
        desk.book(at, course.patient, service=service, session=course.sessions.get(number=1), practitioner=person)

    bulk = worked_out(desk, who=person, starts_at=TEN - 8 * HOUR, ends_at=TEN + 24 * HOUR)

    assert bulk.visits.get().starts_at.date() < TEN.date()


def test_sessions_of_one_course_that_move_together_keep_their_distance(desk):
    technique = factories_treatments.technique()
    person = factories.practitioner(desk.location, "Dr Needle", techniques=[technique])
    factories.room(desk.location, "treatment")
    version = factories_treatments.published(phases=((4, 7, 7, 7),))
    series = factories_treatments.series(version=version)
    service = series.protocol_version.protocol.service
    for number in (1, 2):
        desk.book(
            TEN + timedelta(days=7 * number - 7), series.patient, service=service,
            session=series.sessions.get(number=number), practitioner=person,
        )  # fmt: skip

    bulk = worked_out(desk, who=person, starts_at=TEN - HOUR, ends_at=TEN + timedelta(days=8))

    first, second = bulk.visits.order_by("appointment__session__number")
    assert (second.starts_at.date() - first.starts_at.date()).days >= 7
    assert move_all(desk, bulk) == 2


def test_one_patient_is_never_in_two_places(desk):
    colleague(desk)
    other = factories.service("consultation")
    ada = factories.patient()
    desk.book(TEN, ada)
    desk.book(TEN + HALF, ada, service=other)

    bulk = worked_out(desk)

    one, two = bulk.visits.all()
    assert one.ends_at <= two.starts_at or two.ends_at <= one.starts_at
    assert move_all(desk, bulk) == 2


def test_a_visit_that_fits_nowhere_says_why_and_is_left(desk):
    Location.objects.update(horizon_days=1)
    visit = desk.book(TEN, overrides={"beyond_horizon": "Test"})

    bulk = worked_out(desk, starts_at=NOW, ends_at=TEN + HOUR)

    row = bulk.visits.get()
    assert (row.starts_at, row.why) == (None, "Nothing is free in the six weeks before and after it.")
    with pytest.raises(Refused, match="Tick at least one visit"):
        move_all(desk, bulk)
    visit.refresh_from_db()
    assert visit.starts_at == TEN


def test_each_look_does_a_part_and_says_how_far_it_is(desk):
    for number in range(3):
        desk.book(TEN + number * HOUR, factories.patient("Ada", f"Quill {number}"))
    bulk = begin(desk)

    seen = []
    for _look in range(10):
        bulk_plans.go_on(bulk, now=NOW, is_enough=lambda: True)
        seen.append((bulk.visits.filter(is_looked_at=True).count(), bulk.state))
        if bulk.state == "ready":
            break

    assert seen[:3] == [(1, "planning"), (2, "planning"), (3, "planning")]
    assert seen[-1] == (3, "ready")


def test_pauses_change_nothing_of_the_plan(desk):
    for number in range(6):
        desk.book(TEN + number * HALF, factories.patient("Ada", f"Quill {number}"))
    bulk = begin(desk)
    for _look in range(100):
        bulk_plans.go_on(bulk, now=NOW, is_enough=lambda: True)
    in_parts = starts(bulk)
    BulkMove.objects.filter(pk=bulk.pk).update(state="planning")
    bulk.visits.update(is_looked_at=False, starts_at=None, ends_at=None, practitioner=None)

    work_out(bulk)

    assert starts(bulk) == in_parts


def test_what_is_lost_from_the_cache_is_looked_at_again(desk):
    for number in range(3):
        desk.book(TEN + number * HOUR, factories.patient("Ada", f"Quill {number}"))
    bulk = begin(desk)
    bulk_plans.go_on(bulk, now=NOW, is_enough=lambda: True)
    cache.clear()

    work_out(bulk)

    assert None not in starts(bulk)


@pytest.mark.django_db(transaction=True)
def test_a_look_while_another_works_does_nothing():
    desk = factories.Desk()
    desk.book(TEN)
    bulk, other = begin(desk), connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM clinic_bulkmove WHERE id = %s FOR UPDATE", [bulk.pk])

        bulk_plans.go_on(bulk, now=NOW, is_enough=lambda: False)

        cursor.execute("ROLLBACK")
    other.close()
    assert bulk.state == "planning"
    assert not bulk.visits.get().is_looked_at


def test_working_out_asks_as_often_for_six_visits_as_for_two(desk):
    counts = []
    for day, number in ((0, 2), (1, 6)):
        at = TEN + timedelta(days=day)
        for each in range(number):
            desk.book(at + each * HOUR, factories.patient("Ada", f"Quill {day}{each}"))
        bulk = begin(desk, starts_at=at, ends_at=at + 8 * HOUR)
        with CaptureQueriesContext(connection) as queries:
            bulk_plans.go_on(bulk, now=NOW, is_enough=lambda: False)
        assert bulk.state == "ready"
        counts.append(len(queries))

    assert counts[0] == counts[1]


# -- Moving all -------------------------------------------------------------------------------------------------------


def test_move_all_moves_what_is_ticked_and_leaves_the_rest(desk):
    moved, left = desk.book(TEN, factories.patient()), desk.book(TEN + HOUR, factories.patient("Bo", "Marsh"))
    bulk = worked_out(desk)
    row = bulk.visits.get(appointment=moved)

    assert move_all(desk, bulk, [row]) == 1

    moved.refresh_from_db()
    left.refresh_from_db()
    bulk.refresh_from_db()
    assert (moved.starts_at, left.starts_at) == (row.starts_at, TEN + HOUR)
    assert list(bulk.visits.values_list("outcome", flat=True)) == ["moved", "left"]
    assert bulk.state == "applied"


@pytest.fixture
def short_and_long(desk):
    """Two visits one after the other, the rooms overlap: the short one is cleaned up while the long one has begun.

    One room is free from ten on, the other is not from eleven on: the short one fits both, the long one only the first.
    """
    kind = {"kind": "consultation", "room_kind": "laser"}
    short = factories.service(minutes=45, turnaround=15, **kind)
    long = factories.service(minutes=60, **kind)
    till_eleven, from_ten = (factories.room(desk.location, "laser") for _number in range(2))
    for room, first, last in ((from_ten, TEN - HOUR, TEN), (till_eleven, TEN + HOUR, TEN + 8 * HOUR)):
        Absence.objects.create(resource=room.resource, starts_at=first, ends_at=last, reason="Repair")
    at = TEN + timedelta(minutes=45)
    desk.book(at, factories.patient("Bo", "Marsh"), service=long)
    desk.book(TEN, service=short)
    return desk


def test_move_all_gives_each_visit_what_the_plan_gave_it(short_and_long, monkeypatch):
    """The short one fits best at the beginning of the room that the long one needs: who is given it first would."""
    monkeypatch.setattr(together_look, "MOST_TRIES", 1)
    desk = short_and_long
    other = factories.practitioner(desk.location, "Dr Cole")
    bulk = worked_out(desk)
    planned = {row.appointment_id: set(row.takes) for row in bulk.visits.all()}
    assert [row.starts_at - row.was_at for row in bulk.visits.all()] == [timedelta(0)] * 2

    assert move_all(desk, bulk) == 2

    assert planned == {visit: taken_by(visit) for visit in planned}
    assert all(other.pk in taken for taken in planned.values())


def taken_by(visit):
    return set(Claim.objects.filter(appointment=visit, live=True).values_list("resource", flat=True))


def test_a_visit_whose_planned_room_is_gone_gets_another_only_with_its_lock(desk, monkeypatch):
    desk.book(TEN)
    colleague(desk)
    bulk = worked_out(desk)
    [row] = bulk.visits.all()
    rooms = set(desk.location.resources.filter(type="room").values_list("pk", flat=True))
    [planned] = rooms & set(row.takes)
    hours = {"starts_at": TEN, "ends_at": TEN + HOUR}
    Claim.objects.filter(resource=planned, live=True).delete()
    Absence.objects.create(resource_id=planned, reason="Repair", **hours)
    locked, lock = [], placing.lock
    monkeypatch.setattr(
        placing, "lock", lambda resources, *args: (locked.append(set(resources)), lock(resources, *args))
    )

    assert move_all(desk, bulk) == 1

    assert planned not in taken_by(row.appointment_id)
    assert taken_by(row.appointment_id) <= locked[-1]
    assert not taken_by(row.appointment_id) <= locked[0]


def test_move_all_moves_none_when_one_time_is_gone_and_works_that_one_out_anew(desk):
    colleague(desk)
    ada, bo = desk.book(TEN, factories.patient()), desk.book(TEN + HOUR, factories.patient("Bo", "Marsh"))
    bulk = worked_out(desk)
    row = bulk.visits.get(appointment=bo)
    desk.book(row.starts_at, factories.patient("Cy", "Thorne"), practitioner=row.practitioner)

    with pytest.raises(bulk_moves.Touched, match="cannot be had any more"):
        move_all(desk, bulk)

    ada.refresh_from_db()
    bo.refresh_from_db()
    bulk.refresh_from_db()
    assert (ada.practitioner, bo.practitioner) == (desk.practitioner, desk.practitioner)
    assert bulk.state == "planning"
    work_out(bulk)
    assert bulk.visits.get(appointment=ada).starts_at == TEN
    assert bulk.visits.get(appointment=bo).starts_at != TEN + HOUR
    assert move_all(desk, bulk) == 2


def test_move_all_moves_none_when_a_visit_was_changed_meanwhile(desk):
    colleague(desk)
    ada, bo = desk.book(TEN, factories.patient()), desk.book(TEN + HOUR, factories.patient("Bo", "Marsh"))
    bulk = worked_out(desk)
    Appointment.objects.filter(pk=bo.pk).update(status="confirmed")
    bo.refresh_from_db()
    booking.cancel(bo, cancelled_by="patient", reason="Away", version=bo.version, by=desk.by, now=NOW)

    with pytest.raises(bulk_moves.Touched):
        move_all(desk, bulk)

    ada.refresh_from_db()
    assert ada.practitioner == desk.practitioner
    bulk.refresh_from_db()
    work_out(bulk)
    assert bulk.visits.get(appointment=bo).outcome == "left"
    assert move_all(desk, bulk) == 1


def test_move_all_sent_twice_is_answered_once(desk):
    desk.book(TEN)
    bulk, form = worked_out(desk), sent(move="all")
    version = bulk.version

    answers = {move_all(desk, bulk, submission=form, version=version) for _ in range(2)}

    assert answers == {1}


def test_move_all_is_refused_to_whoever_saw_an_older_plan(desk):
    desk.book(TEN)
    bulk = worked_out(desk)

    with pytest.raises(Conflict, match="Somebody else has worked on this"):
        move_all(desk, bulk, version=bulk.version - 1)


def test_nothing_can_be_moved_while_it_is_worked_out(desk):
    desk.book(TEN)
    bulk = begin(desk)

    with pytest.raises(Conflict):
        move_all(desk, bulk)


# -- Proposing --------------------------------------------------------------------------------------------------------


def propose(desk, bulk, **details):
    ticked = set(bulk.visits.values_list("pk", flat=True))
    details = {"kept_until": NOW + 48 * HOUR, "by": desk.by, "now": NOW, "version": bulk.version, **details}
    return bulk_moves.propose_all(bulk, ticked, submission=details.pop("submission", None) or sent(), **details)


def test_propose_all_keeps_the_times_of_each_patient_and_moves_nothing(desk):
    visits = [desk.book(TEN + number * HOUR, factories.patient("Ada", f"Quill {number}")) for number in range(2)]
    bulk = worked_out(desk)

    assert propose(desk, bulk) == 2

    assert Proposal.objects.filter(bulk_move=bulk, cause="away", state="open").count() == 2
    for visit in visits:
        before = visit.starts_at
        visit.refresh_from_db()
        assert visit.starts_at == before
    bulk.refresh_from_db()
    assert bulk.state == "applied"
    assert set(bulk.visits.values_list("outcome", flat=True)) == {"proposed"}


def test_propose_all_leaves_visits_to_be_called_for_the_phone(desk):
    soon, later = desk.book(TODAY_AT_TEN), desk.book(TEN, factories.patient("Bo", "Marsh"))
    bulk = worked_out(desk, starts_at=NOW, ends_at=TEN + HOUR)

    assert propose(desk, bulk) == 1

    bulk.refresh_from_db()
    assert bulk.state == "ready"
    assert bulk.visits.get(appointment=soon).outcome == "waiting"
    assert bulk.visits.get(appointment=later).outcome == "proposed"
    assert move_all(desk, bulk) == 1


def test_propose_all_works_out_anew_what_is_gone_and_offers_the_rest(desk):
    colleague(desk)
    ada, bo = desk.book(TEN, factories.patient()), desk.book(TEN + HOUR, factories.patient("Bo", "Marsh"))
    bulk = worked_out(desk)
    row = bulk.visits.get(appointment=bo)
    desk.book(row.starts_at, factories.patient("Cy", "Thorne"), practitioner=row.practitioner)

    with pytest.raises(bulk_moves.Touched):
        propose(desk, bulk)

    bulk.refresh_from_db()
    assert bulk.state == "planning"
    assert bulk.visits.get(appointment=ada).outcome == "proposed"
    assert bulk.visits.get(appointment=bo).outcome == "waiting"


def test_propose_all_sent_twice_proposes_once(desk):
    desk.book(TEN)
    bulk, form = worked_out(desk), sent(propose="all")

    assert [propose(desk, bulk, submission=form) for _ in range(2)] == [1, 1]
    assert Proposal.objects.count() == 1


# -- Giving up, and calling -------------------------------------------------------------------------------------------


def test_give_up_leaves_everything_as_it_is(desk):
    visit = desk.book(TEN)
    bulk = worked_out(desk)

    bulk_moves.give_up(bulk, now=NOW, version=bulk.version)

    bulk.refresh_from_db()
    visit.refresh_from_db()
    assert (bulk.state, visit.starts_at) == ("dropped", TEN)
    assert bulk_moves.give_up(bulk, now=NOW, version=bulk.version).state == "dropped"


def test_give_up_is_refused_once_the_visits_are_moved(desk):
    desk.book(TEN)
    bulk = worked_out(desk)
    move_all(desk, bulk)
    bulk.refresh_from_db()

    with pytest.raises(Conflict):
        bulk_moves.give_up(bulk, now=NOW, version=bulk.version)


def test_note_call_keeps_who_reached_the_patient_and_when(desk):
    desk.book(TODAY_AT_TEN)
    row = begin(desk, starts_at=NOW, ends_at=TEN).visits.get()

    bulk_moves.note_call(row, "message", by=desk.by, now=NOW)
    bulk_moves.note_call(row, "reached", by=desk.by, now=NOW + HOUR)

    row.refresh_from_db()
    assert (row.call, row.called_by, row.called_at) == ("reached", desk.by, NOW + HOUR)
    bulk_moves.note_call(row, "", by=desk.by, now=NOW)
    row.refresh_from_db()
    assert (row.call, row.called_by, row.called_at) == ("", None, None)


def test_note_call_is_refused_for_other_words_and_other_visits(desk):
    desk.book(TEN)
    row = begin(desk).visits.get()

    with pytest.raises(Refused, match="reached or a message"):
        bulk_moves.note_call(row, "shouted", by=desk.by, now=NOW)
    with pytest.raises(Refused, match="not on the call list"):
        bulk_moves.note_call(row, "reached", by=desk.by, now=NOW)
