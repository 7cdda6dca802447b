from datetime import date, timedelta

import pytest

from patients.refusals import Refused
from tests import factories
from tests.factories_treatments import (
    FIRST,
    NOW,
    answered,
    area,
    clinical_lead,
    condition,
    decision,
    draft,
    published,
    series,
)
from treatments import protocols, safety
from treatments import series as courses_of
from treatments.models import TreatmentSession

pytestmark = pytest.mark.django_db
PHASED = ((2, 7, 7, 7), (1, 14, 14, 14))


def states(course):
    return list(course.sessions.values_list("state", flat=True))


def booked(session):
    return courses_of.mark_booked(session)


def test_start_plans_every_session_and_pins_the_version():
    version = published()

    course = series(version=version, areas=("cheek",), sessions_planned=4)

    assert (course.state, course.protocol_version, course.sessions_planned) == ("active", version, 4)
    assert states(course) == ["planned"] * 4
    assert [each.area.key for each in course.series_areas.all()] == ["cheek"]


@pytest.mark.parametrize(("count", "expected"), [(1, [7]), (2, [7, 7]), (3, [7, 7, 14]), (5, [7, 7, 14, 14, 14])])
def test_start_spreads_the_sessions_over_the_phases_and_stretches_the_last(count, expected):
    course = series(version=published(phases=PHASED), sessions_planned=count)

    assert list(course.sessions.values_list("phase__interval_min_days", flat=True)) == expected


def test_start_begins_today_where_the_day_is_given():
    assert series(today=date(2026, 2, 27)).started_on == date(2026, 2, 27)


def test_start_begins_on_the_first_possible_day_where_no_day_is_given():
    assert series().started_on == FIRST


def test_start_keeps_the_note_encrypted_but_readable():
    assert series(note=" Prefers mornings. ").note == "Prefers mornings."


def test_start_waits_for_clearance_while_a_clinician_has_to_decide():
    person = factories.patient()
    answered(person, condition("cardiac_disease", "doctor_letter"))

    assert series(person).state == "awaiting_clearance"


def test_start_is_refused_with_words_for_the_desk_when_planning_is_blocked():
    person = factories.patient()
    answered(person, condition("pregnancy", "block"))

    with pytest.raises(Refused) as refusal:
        series(person)

    assert refusal.value.messages == ["A clinician can explain why."]
    assert person.series.count() == 0


def test_start_is_refused_for_a_draft():
    with pytest.raises(Refused) as refusal:
        series(version=draft())

    assert refusal.value.messages == ["This protocol is not in use: choose a published one."]


def test_start_is_refused_for_a_protocol_that_is_no_longer_offered():
    version = published()
    type(version.protocol).objects.update(is_retired=True)

    with pytest.raises(Refused) as refusal:
        series(version=version)

    assert refusal.value.messages == ["This protocol is not in use: choose a published one."]


@pytest.mark.parametrize("count", [2, 7])
def test_start_is_refused_outside_the_number_of_sessions_of_the_protocol(count):
    version = published(sessions_min=3, sessions_max=6)

    with pytest.raises(Refused) as refusal:
        series(version=version, sessions_planned=count)

    assert refusal.value.message_dict == {"sessions_planned": ["The protocol allows between 3 and 6 sessions."]}


@pytest.mark.parametrize("count", [3, 6])
def test_start_takes_the_first_and_the_last_number_of_sessions_of_the_protocol(count):
    version = published(sessions_min=3, sessions_max=6)

    assert series(version=version, sessions_planned=count).sessions.count() == count


def test_start_is_refused_without_areas():
    with pytest.raises(Refused) as refusal:
        series(areas=())

    assert refusal.value.message_dict == {"areas": ["Choose at least one area."]}


def test_start_is_refused_for_areas_that_the_protocol_does_not_treat():
    with pytest.raises(Refused) as refusal:
        series(areas=("cheek", "nose"))

    assert refusal.value.message_dict == {"areas": ["The protocol does not treat: Nose."]}


def test_clear_lets_the_series_begin_once_the_clinician_has_decided():
    person = factories.patient()
    answered(person, condition("cardiac_disease", "doctor_letter"))
    course = series(person)
    (finding,) = [each for each in safety.assess_series(course, FIRST) if each.needs_clinician]
    decision(person, finding)

    assert courses_of.clear(course, on=FIRST).state == "active"


def test_clear_is_refused_while_the_clinician_has_not_decided():
    person = factories.patient()
    answered(person, condition("cardiac_disease", "doctor_letter"))

    with pytest.raises(Refused) as refusal:
        courses_of.clear(series(person), on=FIRST)

    assert refusal.value.messages == ["A clinician decides before the treatment starts."]


def test_clear_is_refused_for_a_series_that_already_runs():
    with pytest.raises(Refused) as refusal:
        courses_of.clear(series(), on=FIRST)

    assert refusal.value.messages == ["This series is not waiting for a clinician."]


def test_next_session_is_the_first_that_is_not_over():
    course = series(sessions_planned=4)
    first, second, third, _fourth = course.sessions.all()
    courses_of.mark_done(booked(first), on=FIRST)
    TreatmentSession.objects.filter(pk=second.pk).update(state="skipped", skip_reason="Away")

    assert courses_of.next_session(course) == third


def test_next_session_is_none_when_all_are_over():
    course = series(sessions_planned=1)
    courses_of.mark_done(booked(course.sessions.get()), on=FIRST)

    assert courses_of.next_session(course) is None


def test_mark_booked_and_planned_go_back_and_forth():
    session = series().sessions.first()

    assert booked(session).state == "booked"
    assert courses_of.mark_planned(session).state == "planned"
    session.refresh_from_db()
    assert (session.state, session.version) == ("planned", 3)


def test_mark_missed_is_taken_back_by_booking_or_planning_again():
    session = booked(series().sessions.first())

    courses_of.mark_missed(session)
    assert booked(session).state == "booked"
    courses_of.mark_missed(session)
    assert courses_of.mark_planned(session).state == "planned"


def test_mark_done_keeps_the_real_day():
    session = booked(series().sessions.first())

    courses_of.mark_done(session, on=date(2026, 3, 4))

    session.refresh_from_db()
    assert (session.state, session.done_on, session.series.state) == ("done", date(2026, 3, 4), "active")


def test_mark_done_completes_the_course_with_its_last_session():
    course = series(sessions_planned=1)

    courses_of.mark_done(booked(course.sessions.get()), on=FIRST)

    course.refresh_from_db()
    assert course.state == "completed"


def test_mark_done_ends_the_waiting_for_clearance():
    person = factories.patient()
    answered(person, condition("cardiac_disease", "doctor_letter"))
    course = series(person)

    courses_of.mark_done(booked(course.sessions.first()), on=FIRST)

    course.refresh_from_db()
    assert course.state == "active"


def test_undo_done_takes_the_day_back_and_lets_a_complete_course_run_again():
    course = series(sessions_planned=1)
    session = courses_of.mark_done(booked(course.sessions.get()), on=FIRST)

    courses_of.undo_done(session)

    session.refresh_from_db()
    course.refresh_from_db()
    assert (session.state, session.done_on, course.state) == ("booked", None, "active")


def test_undo_done_leaves_a_running_course_running():
    course = series(sessions_planned=2)
    session = courses_of.mark_done(booked(course.sessions.first()), on=FIRST)

    courses_of.undo_done(session)

    course.refresh_from_db()
    assert course.state == "active"


def test_mark_planned_takes_a_session_back_that_was_done_by_mistake():
    session = courses_of.mark_done(booked(series().sessions.first()), on=FIRST)

    courses_of.mark_planned(session)

    session.refresh_from_db()
    assert (session.state, session.done_on) == ("planned", None)


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        (lambda session: courses_of.mark_done(session, on=FIRST), "planned"),
        (courses_of.mark_missed, "planned"),
        (courses_of.mark_planned, "planned"),
        (courses_of.undo_done, "planned"),
    ],
    ids=["done", "missed", "planned", "undo"],
)
def test_a_session_that_is_not_in_the_diary_is_refused(verb, state):
    session = series().sessions.first()

    with pytest.raises(Refused) as refusal:
        verb(session)

    assert refusal.value.messages == [f"Session 1 cannot be changed like this: it is {state}."]


def test_mark_booked_is_refused_for_the_second_of_two():
    session = series().sessions.first()
    stale = TreatmentSession.objects.get(pk=session.pk)
    booked(session)

    with pytest.raises(Refused):
        booked(stale)

    assert stale.state == "booked"


def test_windows_count_from_done_then_booked_then_ideal_days():
    course = series(version=published(phases=((4, 14, 28, 42),)))
    first, second, *_rest = course.sessions.all()
    courses_of.mark_done(booked(first), on=FIRST + timedelta(days=1))
    booked(second)

    windows = courses_of.windows(course, booked={2: FIRST + timedelta(days=31)})

    days = {number: (window.ideal - FIRST).days for number, window in windows.items()}
    assert days == {1: 0, 2: 29, 3: 59, 4: 87}


def test_windows_ignore_a_day_in_the_diary_of_a_session_that_is_no_longer_booked():
    course = series(sessions_planned=2)

    windows = courses_of.windows(course, booked={1: FIRST + timedelta(days=10)})

    assert (windows[2].ideal - FIRST).days == 28


def test_windows_leave_skipped_sessions_out():
    course = series(sessions_planned=3)
    course.sessions.filter(number=2).update(state="skipped", skip_reason="Away")

    windows = courses_of.windows(course)

    assert {number: (window.ideal - FIRST).days for number, window in windows.items()} == {1: 0, 3: 28}


def test_windows_of_a_running_series_keep_the_days_of_its_own_version():
    lead = clinical_lead()
    version = published(by=lead)
    course = series(version=version, sessions_planned=2)
    newer = draft(protocol=version.protocol, phases=((4, 30, 40, 50),))
    protocols.publish(newer, by=lead, now=NOW)

    assert (courses_of.windows(course)[2].earliest - FIRST).days == 14


@pytest.mark.parametrize("count", [1, 6])
def test_windows_ask_two_queries_however_many_sessions(count, django_assert_num_queries):
    course = series(sessions_planned=count)

    with django_assert_num_queries(2):
        courses_of.windows(course)


def test_windows_ask_nothing_when_the_sessions_are_fetched(django_assert_num_queries):
    course = series()
    fetched = type(course).objects.prefetch_related("sessions__phase").get(pk=course.pk)

    with django_assert_num_queries(0):
        courses_of.windows(fetched)


def test_start_uses_the_areas_that_were_chosen_only():
    version = published(areas=(("cheek", "0.5", "1"), ("nose", "0.25", "0.5")))

    course = series(version=version, areas=("nose",))

    assert [each.area for each in course.series_areas.all()] == [area("nose")]


# -- Begun before -----------------------------------------------------------------------------------------------------


def before(days, where="", *areas):
    return courses_of.Earlier(FIRST - timedelta(days=days), where, tuple(area(key) for key in areas))


def test_start_part_way_counts_what_was_done_before_among_the_sessions():
    course = series(sessions_planned=4, earlier=[before(60, " Dr Bloom, Leeds ", "cheek"), before(30)])

    first, second, *rest = course.sessions.all()
    assert states(course) == ["done", "done", "planned", "planned"]
    assert (first.done_on, first.done_where, first.is_done_elsewhere) == (
        FIRST - timedelta(days=60), "Dr Bloom, Leeds", True,
    )  # fmt: skip
    assert ([each.key for each in first.done_areas.all()], list(second.done_areas.all())) == (["cheek"], [])
    assert courses_of.next_session(course) == rest[0]


def test_start_part_way_counts_the_next_window_from_the_last_day_that_was_done():
    course = series(sessions_planned=3, earlier=[before(10)])

    assert (courses_of.windows(course)[2].earliest - FIRST).days == 4  # 14 days after it


def test_start_part_way_goes_on_from_the_first_possible_day_where_the_window_is_over():
    course = series(sessions_planned=3, earlier=[before(300)])

    window = courses_of.windows(course)[2]
    assert [(day - FIRST).days for day in (window.earliest, window.ideal, window.latest)] == [0, 0, 14]
    assert course.sessions.get(number=2).window_reason == "The series goes on here from that day."


def test_start_part_way_takes_the_sessions_in_the_order_of_their_days():
    course = series(sessions_planned=4, earlier=[before(20), before(50)])

    days = [(FIRST - day).days for day in course.sessions.exclude(done_on=None).values_list("done_on", flat=True)]
    assert days == [50, 20]


@pytest.mark.parametrize(
    ("earlier", "sentence"),
    [
        ([20, 40, 60, 80], "At least one visit must be left to do: raise the number of visits."),
        ([20, 20], "Two visits that were done before are on the same day."),
        ([-1], "A visit that was done before cannot be in the future."),
    ],
    ids=["none left", "same day", "future"],
)
def test_start_part_way_is_refused_when_the_days_make_no_sense(earlier, sentence):
    with pytest.raises(Refused) as refusal:
        series(sessions_planned=4, earlier=[before(days) for days in earlier])

    assert refusal.value.message_dict == {"earlier": [sentence]}


def test_start_part_way_is_refused_for_areas_that_the_protocol_does_not_treat():
    with pytest.raises(Refused) as refusal:
        series(sessions_planned=4, earlier=[before(20, "", "nose")])

    assert refusal.value.message_dict == {"areas": ["The protocol does not treat: Nose."]}


def test_a_session_done_before_keeps_the_least_days_for_the_next(counted):
    course = series(sessions_planned=3, earlier=[before(3)])

    findings = safety.assess_series(course, FIRST)

    assert [finding.clears_on for finding in findings if finding.code == "minimum_gap"] == [FIRST + timedelta(days=11)]


def test_start_is_refused_when_it_expires_before_it_can_begin():
    with pytest.raises(Refused) as refusal:
        series(expires_on=FIRST - timedelta(days=1))

    assert refusal.value.message_dict == {"expires_on": ["The series must be usable on its first possible day."]}


# -- What the diary knows ---------------------------------------------------------------------------------------------


def test_windows_end_on_the_last_day_of_use():
    course = series(sessions_planned=3, expires_on=FIRST + timedelta(days=30))

    windows = courses_of.windows(course)

    assert [(windows[number].latest - FIRST).days for number in (1, 2, 3)] == [30, 30, 42]
    assert not windows[2].is_late(FIRST + timedelta(days=30))
    assert windows[3].is_late(FIRST + timedelta(days=42))  # not earlier, and still after the last day


def test_windows_and_the_next_session_leave_out_what_is_used_up():
    course = series(sessions_planned=3)

    windows = courses_of.windows(course, used_up={1})

    assert {number: (window.ideal - FIRST).days for number, window in windows.items()} == {2: 0, 3: 28}
    assert courses_of.next_session(course, used_up={1}).number == 2


def test_mark_done_completes_the_course_when_the_rest_is_used_up():
    course = series(sessions_planned=3)

    courses_of.mark_done(booked(course.sessions.get(number=1)), on=FIRST, used_up={2, 3})

    course.refresh_from_db()
    assert course.state == "completed"


@pytest.mark.parametrize("state", ["paused", "stopped"])
def test_mark_booked_is_refused_while_the_series_does_not_run(state):
    course = series()
    type(course).objects.filter(pk=course.pk).update(state=state, state_reason="On holiday")

    with pytest.raises(Refused) as refusal:
        booked(course.sessions.first())

    assert refusal.value.messages == [f"This series is {state}. Let it go on before you book its sessions."]


def test_mark_booked_lets_a_course_run_again_that_was_complete_without_the_session():
    course = series(sessions_planned=2)
    courses_of.mark_done(booked(course.sessions.get(number=1)), on=FIRST, used_up={2})

    assert booked(course.sessions.get(number=2)).state == "booked"
    course.refresh_from_db()
    assert course.state == "active"


def test_settle_end_completes_the_course_and_lets_it_run_again():
    course = series(sessions_planned=2)
    courses_of.mark_done(booked(course.sessions.get(number=1)), on=FIRST)
    found = []
    for used_up in ({2}, set()):
        courses_of.settle_end(course, used_up=used_up)
        course.refresh_from_db()
        found.append(course.state)

    assert found == ["completed", "active"]
