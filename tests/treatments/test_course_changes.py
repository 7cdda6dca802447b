"""Changes of a course under way: more or fewer visits, own dates, done elsewhere, pause and stop."""

from datetime import timedelta

import pytest

from patients.refusals import Conflict, Refused
from tests import factories
from tests.factories_treatments import FIRST, area, clinical_lead, draft, published, series
from treatments import course_changes, protocols, safety
from treatments import series as courses_of
from treatments.models import Phase, TreatmentSession

pytestmark = pytest.mark.django_db


def day(number):
    return FIRST + timedelta(days=number)


def states(course):
    return list(course.sessions.values_list("state", flat=True))


def current(course):
    return type(course).objects.get(pk=course.pk)


def done(course, number, on=FIRST):
    return courses_of.mark_done(courses_of.mark_booked(course.sessions.get(number=number)), on=on)


def add(course, **details):
    return course_changes.add_visit(course, **{"version": current(course).version, **details})


def drop(course, **details):
    details = {"reason": "Heals well", "version": current(course).version, **details}
    return course_changes.drop_visit(course, **details)


def dates(session, *offsets, by=None, **details):
    days = [None if offset is None else day(offset) for offset in offsets]
    named = dict(zip(("not_before_on", "best_on", "not_after_on"), days, strict=True))
    details = {"reason": "Skin was red", "earliest": None, "version": session.version, **details}
    return course_changes.set_dates(session, **named, by=by or factories.user("practitioner"), **details)


def maintained(**details):
    """A published version with a course of two and maintenance every 90 days."""
    version = draft(phases=((2, 14, 28, 42),), sessions_min=1, **details)
    Phase.objects.create(
        version=version, position=2, name="Keep", sessions=1, is_maintenance=True,
        interval_min_days=60, interval_ideal_days=90, interval_max_days=120,
    )  # fmt: skip
    return protocols.publish(version, by=clinical_lead(), now=factories.NOW)


# -- More visits ------------------------------------------------------------------------------------------------------


def test_add_visit_comes_last_and_stretches_the_last_phase():
    course = series(version=published(phases=((1, 7, 7, 7), (1, 14, 14, 14))))

    session = add(course)

    assert (session.number, session.phase.interval_min_days, session.state) == (3, 14, "planned")
    assert current(course).sessions_planned == 3


def test_add_visit_lets_a_complete_course_run_again():
    course = series(sessions_planned=1)
    done(course, 1)

    add(course)

    assert (current(course).state, states(course)) == ("active", ["done", "planned"])


def test_add_visit_is_refused_above_the_most_of_the_protocol():
    course = series(version=published(sessions_max=4), sessions_planned=4)

    with pytest.raises(Refused) as refusal:
        add(course)

    assert refusal.value.messages == ["The protocol allows between 1 and 4 sessions."]
    assert course.sessions.count() == 4


def test_add_visit_takes_the_most_of_the_protocol():
    course = series(version=published(sessions_max=4), sessions_planned=3)

    assert add(course).number == 4


def test_add_visit_is_refused_when_somebody_changed_the_series_meanwhile():
    course = series()
    seen = course.version
    add(course)

    with pytest.raises(Conflict) as refusal:
        add(course, version=seen)

    assert refusal.value.messages == [
        "Somebody else changed this series in the meantime. Look at it again before you change it."
    ]


def test_add_visit_is_refused_for_a_stopped_series():
    course = series()
    course_changes.stop(course, reason="Moves away", version=course.version)

    with pytest.raises(Refused) as refusal:
        add(course)

    assert refusal.value.messages == ["This series is stopped: it cannot be changed like this."]


def test_add_maintenance_comes_after_the_course_and_is_not_counted():
    course = series(version=maintained())

    session = course_changes.add_maintenance(course, version=course.version)

    assert (session.number, session.phase.is_maintenance, session.in_words) == (3, True, "maintenance visit")
    assert current(course).sessions_planned == 2
    assert (courses_of.windows(course)[3].ideal - FIRST).days == 28 + 90


def test_add_maintenance_is_refused_while_one_is_to_come():
    course = series(version=maintained())
    course_changes.add_maintenance(course, version=course.version)

    with pytest.raises(Refused) as refusal:
        course_changes.add_maintenance(course, version=current(course).version)

    assert refusal.value.messages == ["A maintenance visit is planned already."]


def test_add_maintenance_is_refused_where_the_protocol_has_none():
    course = series()

    with pytest.raises(Refused) as refusal:
        course_changes.add_maintenance(course, version=course.version)

    assert refusal.value.messages == ["The protocol has no maintenance."]


def test_add_maintenance_again_after_the_last_was_done():
    course = series(version=maintained(), sessions_planned=1)
    done(course, 1)
    course_changes.add_maintenance(course, version=current(course).version)
    done(course, 2, on=day(90))

    session = course_changes.add_maintenance(course, version=current(course).version)

    assert (session.number, current(course).state, current(course).sessions_planned) == (3, "active", 1)


def test_add_visit_is_refused_once_the_course_is_in_maintenance():
    course = series(version=maintained())
    course_changes.add_maintenance(course, version=course.version)

    with pytest.raises(Refused) as refusal:
        add(course)

    assert refusal.value.messages == ["The course is in maintenance: add a maintenance visit instead."]


# -- A visit that was left out ----------------------------------------------------------------------------------------


def put_back(session, **details):
    session.refresh_from_db()
    return course_changes.put_back(session, **{"reason": "It came back", "version": session.version, **details})


def test_put_back_lets_the_visit_be_booked_in_its_place_and_keeps_both_reasons():
    course = series(sessions_planned=4)
    left_out = drop(course)

    session = put_back(left_out)

    assert (states(course), current(course).sessions_planned) == (["planned"] * 4, 4)
    assert session.skip_reason == "Put back: It came back · left out before: Heals well"
    assert courses_of.mark_booked(session).state == "booked"


def test_put_back_lets_a_complete_course_run_again():
    course = series(sessions_planned=2)
    done(course, 1)
    left_out = drop(course)

    put_back(left_out)

    assert (current(course).state, states(course)) == ("active", ["done", "planned"])


def test_put_back_follows_the_version_that_the_series_has_by_now():
    course = series(sessions_planned=4)
    left_out = drop(course, session=course.sessions.get(number=2))
    newer = published()
    type(course).objects.filter(pk=course.pk).update(protocol_version=newer)
    left_out.series.refresh_from_db()

    assert put_back(left_out).phase.version == newer


def test_put_back_is_refused_once_a_later_session_is_done():
    course = series(sessions_planned=4)
    left_out = drop(course, session=course.sessions.get(number=1))
    done(course, 2)

    with pytest.raises(Refused) as refusal:
        put_back(left_out)

    assert refusal.value.messages == ["The course has passed session 1: add a visit at its end instead."]
    assert states(course) == ["skipped", "done", "planned", "planned"]


def test_put_back_is_refused_once_a_later_session_is_used_up():
    course = series(sessions_planned=4)
    left_out = drop(course, session=course.sessions.get(number=1))

    with pytest.raises(Refused, match="The course has passed session 1"):
        put_back(left_out, used_up={2})


def test_put_back_is_refused_beyond_the_most_of_the_protocol():
    course = series(version=published(sessions_max=4), sessions_planned=4)
    left_out = drop(course, session=course.sessions.get(number=2))
    add(course)

    with pytest.raises(Refused, match="between"):
        put_back(left_out)


def test_put_back_is_refused_for_a_session_that_was_not_left_out():
    with pytest.raises(Refused, match="Session 1 cannot be changed like this: it is planned"):
        put_back(series(sessions_planned=2, version=published(sessions_max=9)).sessions.get(number=1))


def test_put_back_is_refused_without_a_reason():
    left_out = drop(series(sessions_planned=4))

    with pytest.raises(Refused, match="Say why the visit is put back"):
        put_back(left_out, reason=" ")


def test_put_back_is_refused_in_a_stopped_series():
    course = series(sessions_planned=4)
    left_out = drop(course)
    course_changes.stop(course, reason="Moves away", version=current(course).version)

    with pytest.raises(Refused, match="it cannot be changed like this"):
        put_back(left_out)


def test_put_back_is_a_conflict_when_somebody_else_was_first():
    left_out = drop(series(sessions_planned=4))

    with pytest.raises(Conflict):
        put_back(left_out, version=left_out.version - 1)


def test_put_back_of_maintenance_is_refused_while_another_waits():
    course = series(version=maintained(), sessions_planned=2)
    first = course_changes.add_maintenance(course, version=current(course).version)
    left_out = drop(course, session=first)
    second = course_changes.add_maintenance(course, version=current(course).version)

    with pytest.raises(Refused, match="A maintenance visit is planned already"):
        put_back(left_out)
    drop(course, session=second)

    assert put_back(left_out).state == "planned"


# -- Fewer visits -----------------------------------------------------------------------------------------------------


def test_drop_visit_leaves_the_last_one_out_with_its_reason():
    course = series(sessions_planned=4)

    session = drop(course, reason=" Heals well ")

    assert (session.number, session.state, session.skip_reason) == (4, "skipped", "Heals well")
    assert current(course).sessions_planned == 3


def test_drop_visit_leaves_a_chosen_one_out_and_keeps_the_numbers():
    course = series(sessions_planned=4)

    drop(course, session=course.sessions.get(number=2))

    assert (states(course), current(course).sessions_planned) == (["planned", "skipped", "planned", "planned"], 4)


def test_drop_visit_takes_a_missed_one():
    course = series(sessions_planned=2)
    missed = courses_of.mark_missed(courses_of.mark_booked(course.sessions.get(number=1)))

    assert drop(course, session=missed).state == "skipped"


def test_drop_visit_completes_a_course_whose_other_sessions_are_done():
    course = series(sessions_planned=2)
    done(course, 1)

    drop(course)

    assert current(course).state == "completed"


def test_drop_visit_is_refused_below_the_fewest_of_the_protocol():
    course = series(version=published(sessions_min=3), sessions_planned=3)

    with pytest.raises(Refused) as refusal:
        drop(course)

    assert refusal.value.messages == ["The protocol allows between 3 and 10 sessions."]
    assert states(course) == ["planned"] * 3


def test_drop_visit_is_refused_for_one_in_the_diary():
    course = series()
    session = courses_of.mark_booked(course.sessions.get(number=2))

    with pytest.raises(Refused) as refusal:
        drop(course, session=session)

    assert refusal.value.messages == ["Session 2 is in the diary. Cancel its visit first."]


def test_drop_visit_is_refused_without_a_reason():
    with pytest.raises(Refused) as refusal:
        drop(series(), reason="  ")

    assert refusal.value.message_dict == {"reason": ["Say why the visit is left out."]}


def test_drop_visit_is_refused_when_nothing_is_left():
    course = series(sessions_planned=2)
    courses_of.mark_booked(course.sessions.get(number=1))

    with pytest.raises(Refused) as refusal:
        drop(course, used_up={2})

    assert refusal.value.messages == ["No visit is left that could be left out."]


# -- One session ------------------------------------------------------------------------------------------------------


def test_hold_takes_a_session_out_of_what_is_booked_until_it_ends():
    course = series()
    session = course_changes.hold(course.sessions.first(), version=1)

    with pytest.raises(Refused):
        courses_of.mark_booked(session)
    assert course_changes.end_hold(session, version=session.version).state == "planned"


def test_hold_takes_a_missed_session():
    session = courses_of.mark_missed(courses_of.mark_booked(series().sessions.first()))

    assert course_changes.hold(session, version=session.version).state == "on_hold"


def test_hold_is_refused_for_a_session_in_the_diary():
    session = courses_of.mark_booked(series().sessions.first())

    with pytest.raises(Refused) as refusal:
        course_changes.hold(session, version=session.version)

    assert refusal.value.messages == ["Session 1 cannot be changed like this: it is booked."]


def test_set_dates_narrows_the_window_and_says_why():
    course = series()

    session = dates(course.sessions.get(number=2), 30, 33, 36)

    window = courses_of.windows(course)[2]
    assert [(each - FIRST).days for each in (window.earliest, window.ideal, window.latest)] == [30, 33, 36]
    assert session.window_reason == "Skin was red"


def test_set_dates_are_taken_away_again_without_a_reason():
    session = dates(series().sessions.get(number=2), 30, None, None)

    session = dates(session, None, None, None, reason="")

    assert (session.not_before_on, session.window_reason) == (None, "")


@pytest.mark.parametrize(
    ("offsets", "details", "sentence"),
    [
        ((30, 20, None), {}, "The dates must follow one another: not before, best on, not after."),
        ((30, None, 20), {}, "The dates must follow one another: not before, best on, not after."),
        ((30, None, None), {"reason": " "}, "Say why the dates of this session are set."),
        (
            (5, None, 13),
            {"earliest": day(14)},
            "The earliest safe day for this session is later than all of these dates.",
        ),
    ],
)
def test_set_dates_is_refused(offsets, details, sentence):
    with pytest.raises(Refused) as refusal:
        dates(series().sessions.get(number=2), *offsets, **details)

    assert refusal.value.messages == [sentence]


@pytest.mark.parametrize("role", ["reception", "administrator"])
def test_set_dates_is_for_clinicians(role):
    with pytest.raises(Refused) as refusal:
        dates(series().sessions.get(number=2), 30, None, None, by=factories.user(role))

    assert refusal.value.messages == ["Only a practitioner or a clinical lead sets the dates of a session."]


def test_set_dates_is_for_the_clinical_lead_too():
    assert dates(series().sessions.get(number=2), 30, None, None, by=clinical_lead()).not_before_on == day(30)


def test_set_dates_is_refused_for_a_session_that_is_over():
    session = done(series(), 1)

    with pytest.raises(Refused) as refusal:
        dates(session, 30, None, None)

    assert refusal.value.messages == ["Session 1 is over: its dates cannot be set any more."]


def test_set_dates_is_refused_when_somebody_changed_the_session_meanwhile():
    session = series().sessions.get(number=2)
    dates(TreatmentSession.objects.get(pk=session.pk), 30, None, None)

    with pytest.raises(Conflict):
        dates(session, 40, None, None, version=1)


def elsewhere(session, on, **details):
    details = {"where": "Leeds", "areas": [], "today": day(40), "version": session.version, **details}
    return course_changes.done_elsewhere(session, on=on, **details)


def test_done_elsewhere_counts_for_the_days_and_for_what_is_left():
    course = series(sessions_planned=2)

    session = elsewhere(course.sessions.get(number=1), day(3), areas=[area("cheek")])

    assert (session.state, session.done_where, [each.key for each in session.done_areas.all()]) == (
        "done", "Leeds", ["cheek"],
    )  # fmt: skip
    assert (courses_of.windows(course)[2].earliest - FIRST).days == 17


def test_done_elsewhere_completes_the_course_with_the_last_one():
    course = series(sessions_planned=1)

    elsewhere(course.sessions.get(), FIRST)

    assert current(course).state == "completed"


@pytest.mark.parametrize(
    ("number", "on", "sentence"),
    [
        (2, 41, "A visit that was done before cannot be in the future."),
        (2, 10, "The sessions must have been done in their order: look at the days of the others."),
    ],
)
def test_done_elsewhere_is_refused_on_days_that_make_no_sense(number, on, sentence):
    course = series()
    done(course, 1, on=day(10))

    with pytest.raises(Refused) as refusal:
        elsewhere(course.sessions.get(number=number), day(on))

    assert refusal.value.messages == [sentence]


def test_done_elsewhere_is_refused_for_a_session_in_the_diary():
    session = courses_of.mark_booked(series().sessions.first())

    with pytest.raises(Refused) as refusal:
        elsewhere(session, FIRST)

    assert refusal.value.messages == ["Session 1 cannot be changed like this: it is booked."]


def test_take_back_elsewhere_makes_the_session_one_to_book_again():
    course = series(sessions_planned=1)
    session = elsewhere(course.sessions.get(), FIRST, areas=[area("cheek")])

    session = course_changes.take_back_elsewhere(session, version=session.version)

    session.refresh_from_db()
    assert (session.state, session.done_on, session.done_where, session.is_done_elsewhere) == (
        "planned",
        None,
        "",
        False,
    )
    assert (list(session.done_areas.all()), current(course).state) == ([], "active")


def test_take_back_elsewhere_is_refused_for_what_was_done_here():
    session = done(series(), 1)

    with pytest.raises(Refused) as refusal:
        course_changes.take_back_elsewhere(session, version=session.version)

    assert refusal.value.messages == ["This session was done here: take it back on the page of its visit."]


# -- Pause, go on, stop -----------------------------------------------------------------------------------------------


def test_pause_keeps_the_reason_and_going_on_forgets_it():
    course = series()

    paused = course_changes.pause(course, reason=" Pregnant ", version=course.version)
    assert (paused.state, paused.state_reason) == ("paused", "Pregnant")
    going = course_changes.resume(course, on=FIRST, version=paused.version)
    assert (going.state, going.state_reason) == ("active", "")


def test_pause_is_refused_without_a_reason():
    course = series()

    with pytest.raises(Refused) as refusal:
        course_changes.pause(course, reason="", version=course.version)

    assert refusal.value.message_dict == {"reason": ["Say why the series pauses."]}


def test_pause_is_refused_for_a_series_that_does_not_run():
    course = series()
    course_changes.stop(course, reason="Moves away", version=course.version)

    with pytest.raises(Refused) as refusal:
        course_changes.pause(course, reason="Away", version=current(course).version)

    assert refusal.value.messages == ["Only a running series can pause; this one is stopped."]


def paused_after_one(on):
    course = series(sessions_planned=3)
    done(course, 1, on=on)
    return course_changes.pause(current(course), reason="Away", version=current(course).version)


def test_resume_counts_the_windows_from_its_day_when_they_are_over():
    course = paused_after_one(FIRST)

    course_changes.resume(course, on=day(100), version=course.version)

    windows = courses_of.windows(current(course))
    spans = {n: [(each - FIRST).days for each in (w.earliest, w.ideal, w.latest)] for n, w in windows.items() if n > 1}
    assert spans == {2: [100, 100, 114], 3: [114, 128, 142]}
    assert course.sessions.get(number=2).window_reason == "The series goes on after a pause."


def test_resume_leaves_windows_alone_that_are_still_to_come():
    course = paused_after_one(FIRST)

    course_changes.resume(course, on=day(28), version=course.version)

    assert course.sessions.get(number=2).window_reason == ""
    assert (courses_of.windows(current(course))[2].ideal - FIRST).days == 28


def test_resume_keeps_the_reason_of_the_dates_that_a_clinician_set():
    course = paused_after_one(FIRST)
    dates(course.sessions.get(number=2), 40, None, 50)

    course_changes.resume(course, on=day(60), version=course.version)

    session = course.sessions.get(number=2)
    assert (session.not_before_on, session.window_reason) == (
        day(60), "Skin was red · The series goes on after a pause.",
    )  # fmt: skip


def test_resume_of_a_course_that_has_not_begun_moves_its_first_day():
    course = series()
    course = course_changes.pause(course, reason="Away", version=course.version)

    course_changes.resume(course, on=day(50), version=course.version)

    assert current(course).first_possible_on == day(50)


def test_resume_is_refused_for_a_series_that_runs():
    course = series()

    with pytest.raises(Refused) as refusal:
        course_changes.resume(course, on=FIRST, version=course.version)

    assert refusal.value.messages == ["Only a series that pauses or was stopped can go on; this one is active."]


def test_stop_ends_a_series_and_it_can_go_on_again():
    course = series()

    stopped = course_changes.stop(course, reason="Moves away", version=course.version)
    assert (stopped.state, stopped.state_reason, states(course)) == ("stopped", "Moves away", ["planned"] * 4)
    assert course_changes.resume(course, on=FIRST, version=stopped.version).state == "active"


def test_stop_is_refused_for_a_series_that_is_over():
    course = series(sessions_planned=1)
    done(course, 1)

    with pytest.raises(Refused) as refusal:
        course_changes.stop(course, reason="Enough", version=current(course).version)

    assert refusal.value.messages == ["This series is over already: it is completed."]


def test_set_expiry_ends_the_windows_and_is_taken_away_again():
    course = series()

    course = course_changes.set_expiry(course, expires_on=day(30), version=course.version)
    assert (courses_of.windows(course)[2].latest - FIRST).days == 30
    course = course_changes.set_expiry(course, expires_on=None, version=course.version)
    assert (courses_of.windows(course)[2].latest - FIRST).days == 42


def test_set_expiry_is_refused_before_the_series_began():
    course = series()

    with pytest.raises(Refused) as refusal:
        course_changes.set_expiry(course, expires_on=FIRST - timedelta(days=1), version=course.version)

    assert refusal.value.messages == ["The series began after that day."]


@pytest.mark.parametrize(("where", "gaps"), [("cheek", [day(17)]), ("nose", [])])
def test_done_elsewhere_keeps_its_distance_on_the_areas_that_were_done(where, gaps):
    """Of another series on the same skin: a session that was done on some areas counts there alone."""
    version = published(areas=(("cheek", "0.5", "1"), ("nose", "0.25", "0.5")))
    first = series(version=version, areas=("cheek", "nose"))
    elsewhere(first.sessions.get(number=1), day(3), areas=[area("cheek")])
    other = series(first.patient, version, areas=(where,), first_possible_on=day(20), today=day(5))

    found = safety.assess_series(other, day(5))

    assert [finding.clears_on for finding in found if finding.code == "minimum_gap"] == gaps
