"""Changes of a course and the diary: what pauses, stops or moves, and what becomes of visits and messages."""

from datetime import UTC, date, datetime, timedelta

import pytest

from clinic import booking, course_changes, reminders
from clinic.booking import Wanted
from clinic.models import Appointment, Claim, Reminder
from patients.refusals import Conflict, Refused
from tests.clinic import messages
from tests.clinic.treatment_desk import TODAY, TreatmentDesk, on_other_skin
from tests.factories import NOW, location, user
from treatments.models import VersionSegment

FIRST = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


class NumbingDesk(TreatmentDesk):
    """Its protocol numbs before it treats."""

    def add_segments(self, version):
        VersionSegment.objects.create(
            version=version, position=2, kind="numbing", base_minutes=20, room_kind="treatment"
        )
        super().add_segments(version)


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def series(desk):
    return desk.start()


@pytest.fixture
def booked(desk, series):
    return [desk.book_session(series, number, FIRST + timedelta(days=30 * (number - 1))) for number in (1, 2, 3)]


def again(row):
    return type(row).objects.get(pk=row.pk)


def statuses(visits):
    return [again(visit).status for visit in visits]


def pause(desk, series, **details):
    details = {"reason": "Pregnant", "version": again(series).version, "by": desk.by, "now": NOW, **details}
    return course_changes.pause(series, **details)


def stop(desk, series, visits, **details):
    details = {"reason": "Moves away", "version": again(series).version, "by": desk.by, "now": NOW, **details}
    return course_changes.stop(series, seen=[visit.public_id for visit in visits], **details)


# -- Stop -------------------------------------------------------------------------------------------------------------


def test_stop_cancels_every_visit_to_come_and_tells_the_patient(desk, series, booked):
    told = Reminder.objects.filter(rule_key="visit_booked")
    told.update(state="claimed", lease_until=NOW)
    told.update(state="sent", sent_at=NOW)

    stop(desk, series, booked)

    assert (again(series).state, statuses(booked)) == ("stopped", ["cancelled"] * 3)
    assert {again(visit).cancel_reason for visit in booked} == {"The series was stopped: Moves away"}
    assert not Claim.objects.filter(live=True).exists()
    assert Reminder.objects.filter(rule_key="visit_cancelled", state="scheduled").count() == 3
    assert set(series.sessions.values_list("state", flat=True)) == {"planned"}


def test_stop_leaves_what_is_done_or_under_way(desk, series, booked):
    here = booking.check_in(booked[0], version=booked[0].version, by=desk.by, now=FIRST)

    stop(desk, series, booked[1:])

    assert statuses(booked) == ["arrived", "cancelled", "cancelled"]
    assert again(here).status == "arrived"


def test_stop_is_refused_when_a_visit_was_booked_that_nobody_saw(desk, series, booked):
    with pytest.raises(Conflict, match="The visits of this series have changed in the meantime"):
        stop(desk, series, booked[:2])

    assert (again(series).state, statuses(booked)) == ("active", ["booked"] * 3)


def test_stop_cancels_nothing_when_one_visit_cannot_be(db):
    """All or nothing: a visit that another one relies on keeps the whole series as it is."""
    desk = NumbingDesk()
    series = desk.start()
    other = on_other_skin(desk.start(series.patient))
    wanted = [Wanted(desk.treatment, course.sessions.get(number=1)) for course in (series, other)]
    first, _relies = booking.book_several(
        patient=series.patient, wanted=wanted, location=desk.location, starts_at=FIRST, by=desk.by, now=NOW
    )
    later = desk.book_session(series, 2, FIRST + timedelta(days=30))

    with pytest.raises(Refused, match="The visit right after this one needs its numbing"):
        stop(desk, series, [first, later])

    assert (again(series).state, statuses([first, later])) == ("active", ["booked"] * 2)
    assert Claim.objects.filter(appointment=later, live=True).exists()


def test_stop_says_who_wanted_it(desk, series, booked):
    stop(desk, series, booked, cancelled_by="patient")

    assert {again(visit).cancelled_by for visit in booked} == {"patient"}


def test_a_stopped_series_takes_no_visits_until_it_goes_on(desk, series, booked):
    stop(desk, series, booked)

    with pytest.raises(Refused, match="This series is stopped"):
        desk.book_session(series, 1, FIRST)
    with pytest.raises(Refused, match="This series is stopped"):
        booking.undo(again(booked[0]), version=again(booked[0]).version, by=desk.by, now=NOW)

    course_changes.resume(series, on=TODAY, version=again(series).version, now=NOW)
    assert desk.book_session(series, 1, FIRST).status == "booked"


# -- Pause ------------------------------------------------------------------------------------------------------------


def test_pause_keeps_the_visits_that_are_not_named_and_cancels_the_others(desk, series, booked):
    pause(desk, series, cancelling=[booked[2].public_id])

    assert (again(series).state, again(series).state_reason) == ("paused", "Pregnant")
    assert statuses(booked) == ["booked", "booked", "cancelled"]
    assert again(booked[2]).cancel_reason == "The series pauses: Pregnant"


def test_pause_is_refused_when_a_named_visit_is_gone(desk, series, booked):
    booking.cancel(booked[2], cancelled_by="patient", reason="ill", version=booked[2].version, by=desk.by, now=NOW)

    with pytest.raises(Conflict, match="The visits of this series have changed in the meantime"):
        pause(desk, series, cancelling=[booked[2].public_id])

    assert again(series).state == "active"


def test_pause_does_not_touch_the_visits_of_another_series(desk, series, booked):
    other = on_other_skin(desk.start(series.patient))
    visit = desk.book_session(other, 1, FIRST + timedelta(days=1))

    with pytest.raises(Conflict):
        pause(desk, series, cancelling=[visit.public_id])

    assert again(visit).status == "booked"


def test_a_kept_visit_of_a_paused_series_can_be_done(desk, series, booked):
    pause(desk, series)
    Appointment.objects.filter(pk=booked[0].pk).update(status="arrived", arrived_at=FIRST)
    Appointment.objects.filter(pk=booked[0].pk).update(status="in_treatment", started_at=FIRST)
    visit = again(booked[0])

    booking.complete(visit, version=visit.version, by=desk.by, now=visit.ends_at)

    assert (again(series).state, series.sessions.get(number=1).state) == ("paused", "done")


def test_resume_counts_from_booked_days_where_a_visit_was_kept(desk, series, booked):
    pause(desk, series, cancelling=[booked[1].public_id, booked[2].public_id])

    course_changes.resume(series, on=date(2026, 3, 20), version=again(series).version, now=NOW)

    second = series.sessions.get(number=2)
    assert (second.state, second.not_before_on) == ("planned", None)  # best 30 days after the booked first one


def test_resume_begins_the_next_session_anew_when_its_best_day_is_over(desk, series, booked):
    pause(desk, series, cancelling=[booked[1].public_id, booked[2].public_id])

    course_changes.resume(series, on=date(2026, 6, 1), version=again(series).version, now=NOW)

    second = series.sessions.get(number=2)
    assert (second.not_before_on, second.best_on, second.not_after_on) == (
        date(2026, 6, 1), date(2026, 6, 1), date(2026, 6, 13),
    )  # fmt: skip


# -- The rest ---------------------------------------------------------------------------------------------------------


def test_a_visit_that_was_added_is_booked_like_the_others(desk, series, booked):
    session = course_changes.add_visit(series, version=again(series).version, now=NOW)

    visit = desk.book_session(series, session.number, FIRST + timedelta(days=90))

    assert (visit.session.number, again(series).sessions_planned) == (4, 4)


def test_a_used_up_session_is_made_up_for_by_one_more_visit(desk, series):
    visit = desk.book_session(series, 1, FIRST)
    visit = booking.no_show(visit, version=visit.version, by=desk.by, now=FIRST + timedelta(hours=1))
    booking.count_session(visit, uses_up=True, reason="third time", version=visit.version, by=desk.by, now=NOW)

    course_changes.add_visit(series, version=again(series).version, now=NOW)

    assert again(series).sessions_planned == 4
    with pytest.raises(Refused, match="not open any more"):
        desk.book_session(series, 1, FIRST + timedelta(days=1))


def test_own_dates_bind_every_booking(desk, series):
    desk.book_session(series, 1, FIRST)
    session = series.sessions.get(number=2)
    course_changes.set_dates(
        session, not_before_on=date(2026, 4, 10), best_on=None, not_after_on=date(2026, 4, 12), reason="Red",
        version=session.version, by=user("practitioner"), now=NOW,
    )  # fmt: skip

    with pytest.raises(Refused, match="Too early: the earliest safe day for this session is Friday 10 April 2026"):
        desk.book_session(series, 2, datetime(2026, 4, 9, 8, 0, tzinfo=UTC))
    with pytest.raises(Refused, match="Later than planned: this session is best by Sunday 12 April 2026"):
        desk.book_session(series, 2, datetime(2026, 4, 13, 8, 0, tzinfo=UTC))
    assert desk.book_session(series, 2, datetime(2026, 4, 11, 8, 0, tzinfo=UTC)).session.number == 2


def test_own_dates_are_refused_before_the_earliest_day_of_the_course(desk, series):
    desk.book_session(series, 1, FIRST)
    session = series.sessions.get(number=2)

    with pytest.raises(Refused, match="The earliest safe day for this session is later than all of these dates"):
        course_changes.set_dates(
            session, not_before_on=None, best_on=None, not_after_on=date(2026, 3, 30), reason="Red",
            version=session.version, by=user("practitioner"), now=NOW,
        )  # fmt: skip


def test_after_the_last_day_of_use_a_booking_needs_a_reason(desk, series):
    series = course_changes.set_expiry(series, expires_on=date(2026, 3, 10), version=series.version, now=NOW)
    late = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)

    with pytest.raises(Refused, match="Later than planned: this session is best by Tuesday 10 March 2026"):
        desk.book_session(series, 1, late)
    visit = desk.book(
        late, series.patient, service=desk.treatment, session=series.sessions.get(number=1),
        overrides={"after_window": "was ill"},
    )  # fmt: skip

    assert [row.rule for row in visit.overrides.all()] == ["after_window"]


def test_done_elsewhere_moves_the_earliest_day_of_the_next_booking(desk, series):
    session = series.sessions.get(number=1)
    course_changes.done_elsewhere(
        session, on=TODAY, where="Leeds", areas=[], today=TODAY, version=session.version, now=NOW
    )

    with pytest.raises(Refused, match="Too early: the earliest safe day for this session is Monday 30 March 2026"):
        desk.book_session(series, 2, datetime(2026, 3, 29, 8, 0, tzinfo=UTC))
    back = course_changes.take_back_elsewhere(again(session), version=again(session).version, now=NOW)
    assert back.state == "planned"


def test_hold_and_drop_take_a_session_out_of_the_diary_pages(desk, series):
    held = series.sessions.get(number=1)
    course_changes.hold(held, version=held.version, now=NOW)
    with pytest.raises(Refused, match="Session 1 cannot be changed like this: it is on hold"):
        desk.book_session(series, 1, FIRST)
    course_changes.end_hold(again(held), version=again(held).version, now=NOW)

    dropped = course_changes.drop_visit(series, reason="Heals well", version=again(series).version, now=NOW)

    with pytest.raises(Refused, match="Session 3 is not open any more: it is used up or left out"):
        desk.book_session(series, dropped.number, FIRST + timedelta(days=90))


def test_maintenance_is_refused_where_the_protocol_has_none(desk, series):
    with pytest.raises(Refused, match="The protocol has no maintenance"):
        course_changes.add_maintenance(series, version=series.version, now=NOW)


def test_the_lower_verbs_have_one_caller(settings):
    """What pauses, stops or changes a course enters where diary and messages follow."""
    pages = [path for app in ("clinic", "treatments") for path in (settings.BASE_DIR / app).rglob("*.py")]
    callers = [
        str(path.relative_to(settings.BASE_DIR))
        for path in pages
        if "from treatments import course_changes" in path.read_text()
        or "from treatments.course_changes" in path.read_text()
    ]

    assert callers == ["clinic/course_changes.py"]


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["pause", "drop"])
def test_a_changed_course_takes_back_the_wish_to_book_again(change):
    place = location()
    first, *rest = messages.course()
    course = first.series
    booked = messages.visit(place, NOW + timedelta(days=10), session=first)
    reminders.plan([booked], NOW)
    assert "rebook_window" in messages.planned(booked)

    if change == "pause":
        details = {"reason": "Away", "version": course.version, "by": user("reception"), "now": NOW}
        course_changes.pause(course, **details)
    else:
        for session in rest:
            course_changes.hold(session, version=session.version, now=NOW)
            course_changes.drop_visit(course, reason="Enough", version=again(course).version, session=session, now=NOW)

    assert "rebook_window" not in messages.planned(booked)
    assert "check_24h" in messages.planned(booked)
