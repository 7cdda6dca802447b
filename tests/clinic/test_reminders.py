"""What is planned, moved and taken back when a visit is booked, moved, cancelled or done."""

from datetime import time, timedelta

import pytest

from clinic import reminders
from clinic.models import Appointment, LocationReminderRule, Reminder
from tests import factories
from tests.clinic.messages import DAY, HOUR, NOW, course, planned, visit

WAIT = timedelta(seconds=180)
FAR = NOW + 10 * DAY


@pytest.fixture
def place(db):
    place = factories.location()
    for key, minutes in (("three-days", 3 * 1440), ("one-day", 1440)):
        LocationReminderRule.objects.create(location=place, key=key, minutes_before=minutes)
    return place


def changed(appointment, **details):
    """What booking does to the row before it calls."""
    Appointment.objects.filter(pk=appointment.pk).update(plan_version=appointment.plan_version + 1, **details)
    appointment.refresh_from_db()
    return appointment


def send(appointment, rule_key):
    row = appointment.reminders.get(rule_key=rule_key, state="scheduled")
    Reminder.objects.filter(pk=row.pk).update(state="claimed", lease_until=NOW + HOUR)
    Reminder.objects.filter(pk=row.pk).update(state="sent", sent_at=row.due_at)


def test_plan_confirms_after_the_wait_and_reminds_by_the_rules_of_the_location(place):
    booked = visit(place, FAR)

    reminders.plan([booked], NOW)

    assert planned(booked) == {
        "visit_booked": NOW + WAIT,
        "visit_reminder-one-day": FAR - DAY,
        "visit_reminder-three-days": FAR - 3 * DAY,
    }
    assert set(booked.reminders.values_list("expires_at", flat=True)) == {FAR}


def test_plan_leaves_out_what_is_already_past(place):
    booked = visit(place, NOW + 2 * DAY)

    reminders.plan([booked], NOW)

    assert list(planned(booked)) == ["visit_booked", "visit_reminder-one-day"]


@pytest.mark.parametrize("details", [{"email": ""}, {"wants_messages": False}])
def test_plan_writes_nothing_for_a_patient_who_cannot_or_will_not_be_written_to(place, details):
    first, *_ = course(who=factories.patient(**details))
    booked = visit(place, FAR, session=first)

    reminders.plan([booked], NOW)

    assert not Reminder.objects.exists()


def test_plan_writes_nothing_for_a_visit_entered_later(place):
    first, *_ = course()
    booked = visit(place, NOW - DAY, session=first, is_entered_later=True)

    reminders.plan([booked], NOW)

    assert not Reminder.objects.exists()


def test_plan_waits_for_the_end_of_the_quiet_hours_unless_the_visit_comes_first(place):
    place.quiet_from, place.quiet_until = time(8, 30), time(10)
    place.save()
    later, sooner = visit(place, FAR), visit(place, NOW + HOUR)

    reminders.plan([later, sooner], NOW)

    assert planned(later)["visit_booked"] == NOW + HOUR
    assert planned(sooner)["visit_booked"] == NOW + WAIT


def test_plan_needs_as_many_queries_for_six_visits_as_for_two(place, django_assert_num_queries):
    one, two = course(sessions=2), course(sessions=6)
    few = [visit(place, FAR + n * 28 * DAY, session=session) for n, session in enumerate(one)]
    many = [visit(place, FAR + n * 28 * DAY, session=session) for n, session in enumerate(two)]

    for visits in (few, many):
        with django_assert_num_queries(6):
            reminders.plan(visits, NOW)


def test_follow_ups_count_from_the_planned_end_and_the_last_session(place):
    first, second = course(sessions=2)
    early, last = visit(place, FAR, session=first), visit(place, FAR + 28 * DAY, session=second)

    reminders.plan([early], NOW)
    reminders.plan([last], NOW)

    ends_at = FAR + HOUR
    assert {key: due for key, due in planned(early).items() if not key.startswith("visit_")} == {
        "check_24h": ends_at + DAY,
        "check_7d": ends_at + 7 * DAY,
    }
    outcome = first.series.reminders.get(state="scheduled")
    assert (outcome.rule_key, outcome.due_at) == ("outcome_6m", last.ends_at + 180 * DAY)
    assert outcome.expires_at == outcome.due_at + 48 * HOUR


def test_rebook_waits_until_a_later_session_is_booked(place):
    first, second, _ = course()
    early = visit(place, FAR, session=first)
    reminders.plan([early], NOW)
    assert planned(early)["rebook_window"] == FAR + 2 * HOUR

    later = visit(place, FAR + 28 * DAY, session=second)
    reminders.plan([later], NOW)

    assert "rebook_window" not in planned(early)
    assert early.reminders.get(rule_key="rebook_window").state == "void"
    assert "rebook_window" in planned(later)


def test_a_later_visit_supersedes_check_ins_that_are_due_after_it_and_gives_them_back_when_cancelled(place):
    first, second, _ = course()
    early = visit(place, FAR, session=first)
    reminders.plan([early], NOW)
    week = planned(early)["check_7d"]
    later = visit(place, FAR + 3 * DAY, session=second)

    reminders.plan([later], NOW)
    assert [key for key in planned(early) if key.startswith("check")] == ["check_24h"]

    later = changed(later, status="cancelled", cancelled_by="patient", cancel_reason="ill")
    reminders.cancelled(later, NOW)
    assert planned(early)["check_7d"] == week


def test_replan_before_the_confirmation_went_out_confirms_the_new_time_only(place):
    booked = visit(place, FAR)
    reminders.plan([booked], NOW)

    reminders.replan(changed(booked, starts_at=FAR + DAY, ends_at=FAR + DAY + HOUR), NOW + HOUR)

    assert planned(booked) == {
        "visit_booked": NOW + HOUR + WAIT,
        "visit_reminder-one-day": FAR,
        "visit_reminder-three-days": FAR - 2 * DAY,
    }
    assert booked.reminders.filter(state="void").count() == 3


def test_replan_after_the_confirmation_went_out_tells_of_the_move(place):
    booked = visit(place, FAR)
    reminders.plan([booked], NOW)
    send(booked, "visit_booked")

    reminders.replan(changed(booked, starts_at=FAR + DAY, ends_at=FAR + DAY + HOUR), NOW + HOUR)

    assert planned(booked)["visit_moved"] == NOW + HOUR + WAIT
    assert booked.reminders.get(rule_key="visit_moved", state="scheduled").was_at == FAR


def test_two_moves_before_the_message_goes_out_are_told_from_the_time_that_the_patient_knows(place):
    booked = visit(place, FAR)
    reminders.plan([booked], NOW)
    send(booked, "visit_booked")
    for days in (1, 2):
        start = FAR + days * DAY
        reminders.replan(changed(booked, starts_at=start, ends_at=start + HOUR), NOW + HOUR)

    assert booked.reminders.get(rule_key="visit_moved", state="scheduled").was_at == FAR


# -- The same time with somebody else ---------------------------------------------------------------------------------


@pytest.fixture
def people(place):
    return [factories.practitioner(place, name) for name in ("Dr Bell", "Dr Cole")]


@pytest.fixture
def with_bell(place, people):
    """A visit that was confirmed to its patient."""
    booked = changed(visit(place, FAR), practitioner=people[0])
    reminders.plan([booked], NOW)
    send(booked, "visit_booked")
    return booked


def waiting(booked):
    """The news that waits to be sent."""
    return sorted(key for key in planned(booked) if not key.startswith("visit_reminder"))


def test_the_same_time_with_somebody_else_is_told(people, with_bell):
    reminders.replan(changed(with_bell, practitioner=people[1]), NOW + HOUR)

    assert waiting(with_bell) == ["visit_with_another"]
    assert planned(with_bell)["visit_with_another"] == NOW + HOUR + WAIT


def test_somebody_else_is_told_once_and_the_first_one_again_as_somebody_else(people, with_bell):
    reminders.replan(changed(with_bell, practitioner=people[1]), NOW + HOUR)
    send(with_bell, "visit_with_another")

    reminders.replan(changed(with_bell, practitioner=people[1]), NOW + 2 * HOUR)
    assert waiting(with_bell) == []
    reminders.replan(changed(with_bell, practitioner=people[0]), NOW + 2 * HOUR)
    assert waiting(with_bell) == ["visit_with_another"]


def test_what_is_taken_back_before_it_was_told_is_not_told(people, with_bell):
    reminders.replan(changed(with_bell, practitioner=people[1]), NOW + HOUR)
    reminders.replan(changed(with_bell, practitioner=people[0]), NOW + HOUR)

    assert waiting(with_bell) == []


def test_another_time_with_somebody_else_is_one_message(people, with_bell):
    start = FAR + DAY
    reminders.replan(changed(with_bell, practitioner=people[1], starts_at=start, ends_at=start + HOUR), NOW + HOUR)

    assert waiting(with_bell) == ["visit_moved"]


@pytest.mark.parametrize("before", ["unknown", "nobody"])
def test_nothing_is_said_where_it_is_not_known_or_nobody_leads(people, with_bell, before):
    if before == "unknown":
        with_bell.reminders.update(practitioner=None)
    reminders.replan(changed(with_bell, practitioner=people[1] if before == "unknown" else None), NOW + HOUR)

    assert waiting(with_bell) == []


def test_a_time_that_the_patient_never_heard_of_is_not_told_as_the_old_one(place):
    booked = visit(place, FAR)
    reminders.plan([booked], NOW)

    reminders.replan(changed(booked, starts_at=FAR + DAY, ends_at=FAR + DAY + HOUR), NOW)

    assert booked.reminders.get(rule_key="visit_booked", state="scheduled").was_at is None


def test_replan_of_a_move_that_is_undone_within_the_wait_sends_nothing(place):
    booked = visit(place, FAR)
    reminders.plan([booked], NOW)
    send(booked, "visit_booked")
    reminders.replan(changed(booked, starts_at=FAR + DAY, ends_at=FAR + DAY + HOUR), NOW + HOUR)

    reminders.replan(changed(booked, starts_at=FAR, ends_at=FAR + HOUR), NOW + HOUR)

    assert list(planned(booked)) == ["visit_reminder-one-day", "visit_reminder-three-days"]


def test_nothing_is_said_of_a_visit_that_begins_before_the_wait_is_over(place):
    booked = visit(place, NOW + WAIT)

    reminders.plan([booked], NOW)

    assert planned(booked) == {}


def test_replan_of_a_visit_that_is_over_plans_nothing_before_it(place):
    booked = visit(place, FAR)

    reminders.replan(booked, FAR + HOUR)

    assert planned(booked) == {}


def test_cancelled_before_anything_went_out_sends_nothing(place):
    booked = visit(place, FAR)
    reminders.plan([booked], NOW)

    reminders.cancelled(changed(booked, status="cancelled", cancelled_by="patient", cancel_reason="ill"), NOW)

    assert planned(booked) == {}


@pytest.mark.parametrize("is_sent", [True, False])
def test_cancelled_tells_those_who_were_told_or_were_due_to_be(place, is_sent):
    booked = visit(place, FAR)
    reminders.plan([booked], NOW)
    if is_sent:
        send(booked, "visit_booked")

    cancelled = changed(booked, status="cancelled", cancelled_by="clinic", cancel_reason="closed")
    reminders.cancelled(cancelled, NOW + HOUR)

    assert planned(booked) == {"visit_cancelled": NOW + HOUR + WAIT}


def test_cancelled_and_taken_back_later_confirms_again(place):
    booked = visit(place, FAR)
    reminders.plan([booked], NOW)
    send(booked, "visit_booked")
    reminders.cancelled(changed(booked, status="cancelled", cancelled_by="clinic", cancel_reason="closed"), NOW)
    send(booked, "visit_cancelled")

    reminders.replan(changed(booked, status="booked", cancelled_by="", cancel_reason=""), NOW + HOUR)

    assert planned(booked)["visit_booked"] == NOW + HOUR + WAIT


def test_completed_counts_follow_ups_from_the_real_end_and_repeats_nothing_that_was_sent(place):
    first, *_ = course()
    done = visit(place, FAR, session=first)
    reminders.plan([done], NOW)
    send(done, "rebook_window")
    finished_at = FAR + 3 * HOUR
    for step in ({"status": "arrived", "arrived_at": FAR}, {"status": "in_treatment"}, {"status": "completed"}):
        Appointment.objects.filter(pk=done.pk).update(finished_at=finished_at, **step)

    reminders.completed(done, finished_at)

    assert {key: due for key, due in planned(done).items() if not key.startswith("visit_")} == {
        "check_24h": finished_at + DAY,
        "check_7d": finished_at + 7 * DAY,
    }


def test_void_takes_everything_back_and_says_nothing(place):
    first, *_ = course()
    missed = visit(place, FAR, session=first)
    reminders.plan([missed], NOW)
    send(missed, "visit_booked")

    reminders.void(changed(missed, status="no_show"), FAR + HOUR)

    assert planned(missed) == {}
    assert set(missed.reminders.values_list("state", flat=True)) == {"sent", "void"}


def test_course_changed_ends_rebook_when_the_series_is_stopped(place):
    first, *_ = course()
    booked = visit(place, FAR, session=first)
    reminders.plan([booked], NOW)
    first.series.state, first.series.state_reason = "stopped", "moved away"
    first.series.save()

    reminders.course_changed(first.series, NOW)

    assert "rebook_window" not in planned(booked)
    assert "check_24h" in planned(booked)
