"""Several visits get new times in one transaction: all or none, and what one takes is not given to another."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import booking
from clinic.booking import Moved, Placed
from clinic.models import (
    Absence,
    Appointment,
    AppointmentChange,
    Claim,
    Closure,
    Hold,
    Location,
    Proposal,
    Reminder,
    RuleOverride,
)
from clinic.refusals import Refused, Taken
from patients.refusals import Conflict
from patients.submissions import Sent
from tests import factories
from tests.clinic.treatment_desk import TreatmentDesk, on_other_skin
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return TreatmentDesk()


def at(month, day, hour=9, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def course(desk):
    """Sessions on 3 March, 2 April and 4 May 2026; 28 to 42 days between them."""
    series = desk.start(factories.patient(email="ada@post.example"))
    starts = (at(3, 3), at(4, 2, 8), at(5, 4, 8))
    return [desk.book_session(series, number, start) for number, start in enumerate(starts, start=1)]


def move(desk, *moves, **details):
    return booking.move_together(moves, by=desk.by, now=NOW, **details)


def starts():
    return list(Appointment.objects.live().order_by("session__number").values_list("starts_at", flat=True))


def told(rule_key):
    """The patient has these messages."""
    rows = Reminder.objects.filter(rule_key=rule_key, state="scheduled")
    keys = list(rows.values_list("pk", flat=True))
    rows.update(state="claimed", lease_until=NOW)
    Reminder.objects.filter(pk__in=keys).update(state="sent", sent_at=NOW)


def live_claims():
    return set(Claim.objects.filter(live=True).values_list("resource_id", "starts_at", "appointment_id"))


def test_all_visits_are_moved_with_claims_changes_and_versions(desk, course):
    moved = move(desk, Moved(course[1], at(4, 9, 8)), Moved(course[2], at(5, 11, 8)))

    assert starts() == [at(3, 3), at(4, 9, 8), at(5, 11, 8)]
    assert [visit.version for visit in moved] == [2, 2]
    assert [visit.plan_version for visit in moved] == [2, 2]
    assert AppointmentChange.objects.filter(kind="moved").count() == 2
    assert {(start, visit) for _resource, start, visit in live_claims()} == {
        (at(3, 3), course[0].pk), (at(4, 9, 8), course[1].pk), (at(5, 11, 8), course[2].pk),
    }  # fmt: skip


def test_a_course_is_judged_with_all_new_days_in_place(desk, course):
    with pytest.raises(Refused, match="too soon after this one"):
        move(desk, Moved(course[1], at(4, 13, 8)))

    move(desk, Moved(course[1], at(4, 13, 8)), Moved(course[2], at(5, 13, 8)))

    assert starts()[1:] == [at(4, 13, 8), at(5, 13, 8)]


@pytest.fixture
def two_with_a_tight_room(desk):
    """A short and a long visit for two rooms on 10 March: one is free from nine on, the other is not from ten on.

    A visit at nine fits best right at the beginning of the first, which is the only one for whatever lasts until ten.
    """
    short = factories.service("consultation", 45, "laser", name="Short")
    long = factories.service("consultation", 60, "laser", name="Long")
    from_nine, till_ten = (factories.room(desk.location, "laser") for _number in range(2))
    other = factories.practitioner(desk.location, "Dr Other")
    visits = [
        desk.book(at(3, 3, 12), service=short, practitioner=desk.practitioner),
        desk.book(at(3, 3, 15), service=long, practitioner=other),
    ]
    for room, first, last in ((from_nine, 7, 9), (till_ten, 10, 18)):
        hours = {"starts_at": at(3, 10, first), "ends_at": at(3, 10, last)}
        Absence.objects.create(resource=room.resource, reason="Repair", **hours)
    return visits


def test_the_visit_that_finds_no_room_left_has_the_first_choice_in_another_try(desk, two_with_a_tight_room):
    short, long = two_with_a_tight_room

    moved = move(desk, Moved(short, at(3, 10, 9)), Moved(long, at(3, 10, 9, 30)))

    assert [visit.starts_at for visit in moved] == [at(3, 10, 9), at(3, 10, 9, 30)]
    rooms = Claim.objects.filter(live=True, resource__type="room", appointment__in=moved)
    assert len(set(rooms.values_list("resource", flat=True))) == 2


def test_two_that_need_the_same_room_are_not_moved_however_they_are_tried(desk, two_with_a_tight_room):
    short, long = two_with_a_tight_room

    with pytest.raises(Taken):
        move(desk, Moved(short, at(3, 10, 10)), Moved(long, at(3, 10, 10, 15)))

    assert set(Appointment.objects.values_list("starts_at", flat=True)) == {at(3, 3, 12), at(3, 3, 15)}


def test_nothing_is_moved_when_one_time_is_taken_and_it_is_named(desk, course):
    Closure.objects.create(location=desk.location, starts_at=at(5, 13), ends_at=at(5, 14), reason="Works")
    before = live_claims()

    with pytest.raises(Taken, match="Wed 13 May 2026, 10:00") as refusal:
        move(desk, Moved(course[1], at(4, 13, 8)), Moved(course[2], at(5, 13, 9)))

    assert (refusal.value.keys, refusal.value.status_code) == ({course[2].pk}, 409)
    assert starts() == [at(3, 3), at(4, 2, 8), at(5, 4, 8)]
    assert live_claims() == before


def test_what_a_rule_forbids_is_refused_and_named(desk, course):
    with pytest.raises(booking.SomeRefused, match="Too early") as refusal:
        move(desk, Moved(course[1], at(3, 20, 9)))

    assert refusal.value.keys == {course[1].pk}


@pytest.fixture
def other(desk, course):
    """The first visit of another course of the patient on the same area, on 5 June: 32 days after the last of this."""
    series = desk.start(course[0].patient)
    type(series).objects.filter(pk=series.pk).update(first_possible_on=at(6, 1).date())
    return desk.book_session(series, 1, at(6, 5, 8))


def test_a_visit_does_not_come_too_near_to_another_course(desk, course, other):
    with pytest.raises(Refused, match="Too close to a visit of another course on Fri 5 June 2026"):
        move(desk, Moved(course[2], at(5, 11, 8)))

    assert starts()[-1] == at(5, 4, 8)


def test_two_courses_that_move_together_keep_their_distance_as_they_will_be(desk, course, other):
    move(desk, Moved(course[2], at(5, 11, 8)), Moved(other, at(6, 8, 8)))

    assert {visit.starts_at for visit in Appointment.objects.live()} >= {at(5, 11, 8), at(6, 8, 8)}


def test_on_its_own_day_a_visit_may_move_however_near_another_course_is(desk, course, other):
    Appointment.objects.filter(pk=other.pk).update(starts_at=at(5, 20, 8), ends_at=at(5, 20, 9))

    (moved,) = move(desk, Moved(course[2], at(5, 4, 10)))

    assert moved.starts_at == at(5, 4, 10)


def test_a_visit_may_come_to_where_another_of_the_patient_was(desk, course):
    move(
        desk,
        Moved(
            course[1],
            at(
                4,
                2,
                8,
            ),
        ),
        Moved(course[2], at(5, 4, 8, 15)),
    )
    first, second = Appointment.objects.filter(session__number__in=(1, 2)).order_by("session__number")

    move(desk, Moved(first, at(3, 5)), Moved(second, at(4, 2, 8, 15)))

    assert starts() == [at(3, 5), at(4, 2, 8, 15), at(5, 4, 8, 15)]


def test_the_place_that_one_leaves_is_free_for_another(desk, course):
    other = desk.start(factories.patient("Bo", "Reed"))
    theirs = desk.book_session(other, 1, at(3, 3, 11))

    move(desk, Moved(course[0], at(3, 3, 11)), Moved(theirs, at(3, 3, 9)))

    found = dict(Appointment.objects.filter(session__number=1).values_list("patient__given_name", "starts_at"))
    assert found == {"Ada": at(3, 3, 11), "Bo": at(3, 3, 9)}


def test_two_visits_in_one_call_do_not_get_the_same_room(desk, course):
    factories.practitioner(desk.location, "Dr Pin", techniques=[desk.technique])
    theirs = desk.book_session(desk.start(factories.patient("Bo", "Reed")), 1, at(3, 3, 11))
    rooms = desk.location.resources.filter(type="room", room__kind="treatment").count()
    assert rooms == 1

    with pytest.raises(Taken) as refusal:
        move(desk, Moved(course[0], at(3, 3, 14)), Moved(theirs, at(3, 3, 14)))
    assert len(refusal.value.keys) == 1

    factories.room(desk.location, "treatment")
    move(desk, Moved(course[0], at(3, 3, 14)), Moved(theirs, at(3, 3, 14)))

    taken = Claim.objects.filter(live=True, starts_at=at(3, 3, 14)).values_list("resource_id", flat=True)
    assert len(set(taken)) == len(taken) == 4


def test_two_visits_of_one_patient_do_not_overlap(desk, course):
    other = on_other_skin(desk.start(course[0].patient))
    Location.objects.update(apart_days=0)
    factories.practitioner(desk.location, "Dr Pin", techniques=[desk.technique])
    factories.room(desk.location, "treatment")
    theirs = desk.book_session(other, 1, at(3, 5, 11))

    with pytest.raises(Taken):
        move(desk, Moved(course[0], at(3, 4, 14)), Moved(theirs, at(3, 4, 14, 15)))


def test_the_same_time_with_somebody_else(desk, course):
    pin = factories.practitioner(desk.location, "Dr Pin", techniques=[desk.technique])
    Absence.objects.create(resource_id=desk.needler.pk, starts_at=at(3, 3, 0), ends_at=at(3, 4, 0), reason="ill")

    (visit,) = move(desk, Moved(course[0], course[0].starts_at))

    assert (visit.practitioner_id, visit.starts_at) == (pin.pk, at(3, 3))


def test_a_session_that_waits_is_booked_with_the_others(desk, course):
    booking.cancel(course[1], version=1, cancelled_by="patient", reason="ill", by=desk.by, now=NOW)
    session = course[1].session
    session.refresh_from_db()

    visits = move(desk, Placed(session, at(4, 9, 8), None, desk.location), Moved(course[2], at(5, 11, 8)))

    session.refresh_from_db()
    assert (session.state, visits[0].session) == ("booked", session)
    assert starts() == [at(3, 3), at(4, 9, 8), at(5, 11, 8)]


def test_later_than_planned_is_allowed_and_noted(desk, course):
    visits = move(desk, Moved(course[2], at(6, 20, 8) - timedelta(days=1)), reason="holidays")

    override = RuleOverride.objects.get()
    assert (override.appointment, override.rule, override.reason) == (visits[0], "after_window", "holidays")


def test_somebody_else_was_quicker(desk, course):
    with pytest.raises(Conflict):
        move(desk, Moved(course[1], at(4, 9, 8), version=7))


def test_only_what_waits_is_moved(desk, course):
    booking.cancel(course[2], version=1, cancelled_by="patient", reason="ill", by=desk.by, now=NOW)

    with pytest.raises(Refused, match="Only a booked visit"):
        move(desk, Moved(course[2], at(5, 11, 8)))


def test_once_for_one_submission(desk, course):
    sent = Sent(uuid.uuid4(), {"x": "1"})
    first = move(desk, Moved(course[2], at(5, 11, 8)), submission=sent)

    again = move(desk, Moved(course[2], at(5, 11, 8)), submission=sent)

    assert [visit.pk for visit in again] == [visit.pk for visit in first]
    assert AppointmentChange.objects.count() == 1


def test_one_message_for_several_visits_of_one_patient(desk, course):
    told("visit_booked")

    move(desk, Moved(course[1], at(4, 9, 8)), Moved(course[2], at(5, 11, 8)))

    news = Reminder.objects.filter(state="scheduled", rule_key__in=("visit_moved", "visits_moved_together"))
    assert [row.rule_key for row in news] == ["visits_moved_together"]
    proposal = Proposal.objects.get()
    assert (proposal.state, news[0].proposal) == ("accepted", proposal)
    times = [(row.was_at, row.starts_at) for row in proposal.visits.all()]
    assert times == [(at(4, 2, 8), at(4, 9, 8)), (at(5, 4, 8), at(5, 11, 8))]
    assert not Hold.objects.filter(ended_at=None).exists()


def test_one_visit_is_told_of_as_ever_and_one_moved_back_is_told_again(desk, course):
    told("visit_booked")
    move(desk, Moved(course[1], at(4, 9, 8)), Moved(course[2], at(5, 11, 8)))
    told("visits_moved_together")

    move(desk, Moved(course[2], at(5, 12, 8)))
    assert Reminder.objects.filter(rule_key="visit_moved", state="scheduled").count() == 1

    move(desk, Moved(course[2], at(5, 11, 8)))
    assert Reminder.objects.filter(rule_key="visit_moved", state="scheduled").count() == 0


def test_a_visit_that_keeps_its_time_with_somebody_else_is_told_of(desk, course):
    told("visit_booked")
    other = desk.colleague("Dr Cole")

    move(desk, Moved(course[2], course[2].starts_at, practitioner=other))

    (row,) = Reminder.objects.filter(state="scheduled", rule_key__in=("visit_moved", "visit_with_another"))
    assert (row.rule_key, row.practitioner) == ("visit_with_another", other)


def test_of_several_that_were_told_of_together_each_is_known_with_its_person(desk, course):
    told("visit_booked")
    other = desk.colleague("Dr Cole")
    move(desk, *[Moved(each, each.starts_at, practitioner=other) for each in course[1:]])
    told("visits_moved_together")

    move(desk, Moved(course[1], course[1].starts_at, practitioner=other))
    assert not Reminder.objects.filter(state="scheduled", rule_key="visit_with_another").exists()
    move(desk, Moved(course[1], course[1].starts_at, practitioner=desk.needler))
    assert Reminder.objects.filter(state="scheduled", rule_key="visit_with_another").count() == 1


def test_statements_do_not_grow_with_the_visits_but_by_few(desk):
    def statements(count, hour):
        visits = []
        for number in range(count):
            who = factories.patient(f"P{hour}{number}", "Many")
            visits.append(desk.book(at(3, 3 + number, hour), who, now=NOW))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            move(desk, *(Moved(visit, visit.starts_at + timedelta(hours=1)) for visit in visits))
        return len(queries)

    two = statements(2, 9)
    four = statements(4, 14)
    assert (four - two) / 2 <= 8
