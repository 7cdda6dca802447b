"""A planned course comes into the diary: all visits or none, what changed meanwhile is planned anew and said."""

import uuid
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import booking, scheduling
from clinic.models import Appointment, Claim, Closure, Location, Reminder, RuleOverride, Task, Wishes
from clinic.refusals import Refused
from clinic.scheduling import Wish
from patients.submissions import Sent
from tests import factories, factories_treatments
from tests.clinic.treatment_desk import TODAY, TreatmentDesk, on_other_skin
from tests.factories import NOW
from treatments.models import TreatmentSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return TreatmentDesk()


def planned(series, wish=None, **details):
    return scheduling.plan(series, wish or Wish(), first=TODAY, now=NOW, **details)


def starts(plan):
    return {visit.number: visit.chosen.starts_at for visit in plan.visits if visit.chosen}


def book(desk, plan, **details):
    return booking.book_plan(plan, by=desk.by, now=NOW, **details)


def booked():
    return dict(Appointment.objects.live().values_list("session__number", "starts_at"))


def test_book_plan_books_every_visit_with_its_claims_messages_and_session(desk):
    series = desk.start()
    plan = planned(series)

    visits = book(desk, plan)

    assert [visit.starts_at for visit in visits] == [visit.chosen.starts_at for visit in plan.visits]
    assert set(series.sessions.values_list("state", flat=True)) == {"booked"}
    assert Claim.objects.filter(appointment__in=visits, live=True).count() == 6
    assert Reminder.objects.filter(appointment__in=visits, rule_key="visit_booked").count() == 3
    assert {visit.practitioner_id for visit in Appointment.objects.all()} == {desk.needler.pk}


def test_book_plan_keeps_the_wishes_and_replaces_earlier_ones(desk):
    series = desk.start()
    book(desk, planned(series, Wish(weekdays=frozenset({4}))), only={1})

    book(desk, planned(series), only={2}, wishes=Wish(latest=time(12)))

    row = Wishes.objects.get()
    assert (row.series, row.weekdays, row.latest_time) == (series, [], time(12))
    assert Wish.of(row) == Wish(latest=time(12))


def test_book_plan_books_those_that_are_ticked_alone(desk):
    plan = planned(desk.start())

    book(desk, plan, only={1, 2})

    assert set(booked()) == {1, 2}


def test_book_plan_refuses_nothing(desk):
    with pytest.raises(Refused, match="Choose at least one visit"):
        book(desk, planned(desk.start()), only=set())


def test_book_plan_refuses_a_day_that_is_too_early_without_the_visit_before_it(desk):
    series = desk.start()
    closed(desk, date(2026, 4, 1), date(2026, 4, 1))  # so the second is a day early, and the third follows it
    plan = planned(series, fixed={2: datetime(2026, 3, 30, 9, tzinfo=UTC), 3: datetime(2026, 4, 27, 9, tzinfo=UTC)})

    with pytest.raises(Refused, match="Too early: the earliest safe day for this session is Wednesday 29 April 2026"):
        book(desk, plan, only={1, 3})

    assert booked() == {}


def test_book_plan_notes_why_a_late_visit_is_late(desk):
    closed(desk, date(2026, 3, 30), date(2026, 4, 15))
    plan = planned(desk.start(), fixed={1: NOW + timedelta(hours=1)})

    visits = book(desk, plan)

    override = RuleOverride.objects.get()
    assert (override.appointment, override.rule, override.allowed_by) == (visits[1], "after_window", desk.by)


def test_book_plan_is_done_once_for_one_submission(desk):
    series = desk.start()
    sent = Sent(uuid.uuid4(), {"book": "1"})
    first = book(desk, planned(series), submission=sent)

    again = book(desk, planned(series), submission=sent)

    assert [visit.pk for visit in again] == [visit.pk for visit in first]


def test_book_plan_refuses_more_visits_than_are_kept_ahead(desk):
    Location.objects.update(visits_ahead=2)
    plan = planned(desk.start())

    with pytest.raises(Refused, match="leave out 3 for now"):
        book(desk, plan, only={1, 2, 3})
    book(desk, plan)

    assert set(booked()) == {1, 2}


def test_book_plan_asks_a_clinician_where_one_has_to_decide(desk):
    who = factories.patient()
    factories_treatments.answered(who, factories_treatments.condition("keloid", "clinician_review"), on=TODAY)
    plan = planned(desk.start(who))

    visits = book(desk, plan)

    assert [visit.needs_review for visit in visits] == [True] * 3
    assert Task.objects.filter(kind="clinician_review").count() == 3


def test_book_plan_refuses_a_day_that_safety_forbids_by_now(desk):
    who = factories.patient()
    plan = planned(desk.start(who))
    factories_treatments.answered(who, factories_treatments.condition("pregnancy"), on=TODAY)

    with pytest.raises(Refused, match="Not now"):
        book(desk, plan)

    assert booked() == {}


# -- Taken meanwhile --------------------------------------------------------------------------------------------------


def test_a_time_taken_meanwhile_books_nothing_and_plans_only_that_visit_anew(desk):
    series, rival = desk.start(), desk.start()
    plan = planned(series)
    before = starts(plan)
    desk.book_session(rival, 1, before[2])

    with pytest.raises(booking.PlanTaken) as refusal:
        book(desk, plan)

    assert Appointment.objects.filter(session__series=series).count() == 0
    assert refusal.value.messages == [
        "Session 2 cannot be kept as shown: its time has just been taken. Nothing is booked yet."
    ]
    assert refusal.value.changed == {2}
    assert starts(refusal.value.plan) == before | {2: before[2] + timedelta(minutes=45)}


def test_the_plan_that_is_offered_instead_can_be_booked(desk):
    series, rival = desk.start(), desk.start()
    plan = planned(series)
    desk.book_session(rival, 1, starts(plan)[1])
    with pytest.raises(booking.PlanTaken) as refusal:
        book(desk, plan)

    book(desk, refusal.value.plan)

    assert series.sessions.filter(state="booked").count() == 3


def test_a_visit_that_must_move_takes_with_it_only_those_that_cannot_stay(desk):
    series = desk.start()
    plan = planned(series)
    before = starts(plan)
    closed(desk, date(2026, 3, 25), date(2026, 4, 5))

    with pytest.raises(booking.PlanTaken) as refusal:
        book(desk, plan)

    after = starts(refusal.value.plan)
    assert refusal.value.changed == {2, 3}
    assert (after[1], after[2].date(), after[3].date()) == (before[1], date(2026, 4, 6), date(2026, 5, 6))


def test_a_chosen_start_that_was_gone_when_the_plan_was_made_counts_as_taken(desk):
    series, rival = desk.start(), desk.start()
    shown = starts(planned(series))
    desk.book_session(rival, 1, shown[1])
    plan = planned(series, fixed=shown)

    with pytest.raises(booking.PlanTaken) as refusal:
        book(desk, plan)

    assert refusal.value.changed == {1}


def test_another_room_is_taken_without_a_word_when_the_one_that_was_picked_is_gone(desk):
    room = factories.room(desk.location, "treatment")
    plan = planned(desk.start())
    picked = {take.resource_id for take in plan.visits[0].chosen.offer.takes} - {desk.needler.pk}
    (busy,) = picked
    visit = desk.book(NOW + timedelta(hours=9))
    start = plan.visits[0].chosen.starts_at
    Claim.objects.create(resource_id=busy, appointment=visit, starts_at=start, ends_at=start + timedelta(hours=1))

    first = book(desk, plan)[0]

    rooms = set(desk.location.resources.filter(room__kind="treatment").values_list("pk", flat=True))
    assert first.claims.filter(resource__in=rooms - picked).exists()
    assert room.pk in rooms


def test_a_session_booked_by_somebody_else_is_not_booked_again(desk):
    series = desk.start()
    plan = planned(series)
    desk.book_session(series, 1, NOW + timedelta(hours=5))

    with pytest.raises(booking.PlanTaken) as refusal:
        book(desk, plan)

    assert 1 in refusal.value.changed
    assert [visit.number for visit in refusal.value.plan.visits] == [2, 3]


def test_a_visit_of_another_course_that_is_too_near_by_now_plans_what_it_touches_anew(desk):
    who = factories.patient()
    series, other = desk.start(who), desk.start(who)
    plan = planned(series)
    before = starts(plan)
    begin_later(other, date(2026, 5, 1))
    desk.book_session(other, 1, before[3] + timedelta(days=27))  # the same area: 28 days apart

    with pytest.raises(booking.PlanTaken) as refusal:
        book(desk, plan)

    assert Appointment.objects.filter(session__series=series).count() == 0
    assert refusal.value.changed == {3}
    assert starts(refusal.value.plan)[3].date() == before[3].date() - timedelta(days=1)


def test_a_visit_of_another_course_on_other_skin_keeps_the_days_of_the_location(desk):
    Location.objects.update(apart_days=3)
    plan = planned(desk.start())
    two_days_before_the_second(desk, plan)

    with pytest.raises(booking.PlanTaken) as refusal:
        book(desk, plan)

    assert refusal.value.changed == {2}


def test_a_visit_of_another_course_on_other_skin_may_be_as_near_as_the_location_says(desk):
    Location.objects.update(apart_days=2)
    plan = planned(desk.start())
    two_days_before_the_second(desk, plan)

    assert len(book(desk, plan)) == 3


def test_a_visit_left_out_of_the_plan_may_be_too_near_to_another_course(desk):
    who = factories.patient()
    series, other = desk.start(who), desk.start(who)
    plan = planned(series)
    begin_later(other, date(2026, 5, 1))
    desk.book_session(other, 1, starts(plan)[3] + timedelta(days=3))

    book(desk, plan, only={1, 2})

    assert series.sessions.filter(state="booked").count() == 2


def test_book_plan_takes_as_many_statements_for_six_visits_as_for_two(desk):
    def counted(numbers):
        plan = planned(desk.start())
        with CaptureQueriesContext(connection) as seen:
            book(desk, plan, only=numbers)
        return len(seen)

    counted({1})

    assert counted({1, 2, 3}) == counted({1, 2}) <= 19


def test_a_session_that_was_skipped_meanwhile_is_not_booked(desk):
    series = desk.start()
    plan = planned(series)
    TreatmentSession.objects.filter(series=series, number=3).update(state="skipped", skip_reason="enough")

    with pytest.raises(booking.PlanTaken):
        book(desk, plan)

    assert booked() == {}


def two_days_before_the_second(desk, plan):
    """A visit of another course of the patient, on other skin."""
    other = on_other_skin(desk.start(plan.ground.series.patient))
    desk.book_session(other, 1, starts(plan)[2] - timedelta(days=2))


def begin_later(series, on):
    type(series).objects.filter(pk=series.pk).update(first_possible_on=on)


def closed(desk, first, last):
    begins, ends = (datetime.combine(day, time(0), tzinfo=desk.location.zone) for day in (first, last))
    Closure.objects.create(location=desk.location, starts_at=begins, ends_at=ends + timedelta(days=1), reason="x")
