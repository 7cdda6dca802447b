"""What uses up a session: by the clinic's rule, or as somebody decided; and that a used one is not offered again."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import availability, booking, counting, courses, diary_rows
from clinic.models import Appointment, Location
from clinic.refusals import Refused
from clinic.views import cards
from patients.refusals import Conflict
from tests.clinic.treatment_desk import TODAY, TreatmentDesk
from tests.factories import NOW
from treatments.models import TreatmentSeries

FIRST = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
LATER = FIRST + timedelta(days=30)


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def series(desk):
    return desk.start()


def rule(desk, **counts):
    Location.objects.filter(pk=desk.location.pk).update(**counts)
    desk.location.refresh_from_db()


def missed(desk, series, number=1, at=FIRST):
    visit = desk.book_session(series, number, at)
    return booking.no_show(visit, version=visit.version, by=desk.by, now=at + timedelta(hours=1))


def cancelled(desk, series, *, hours_before=2, cancelled_by="patient"):
    visit = desk.book_session(series, 1, FIRST)
    when = FIRST - timedelta(hours=hours_before)
    return booking.cancel(visit, cancelled_by=cancelled_by, reason="ill", version=visit.version, by=desk.by, now=when)


def by_hand(desk, visit, uses_up, reason="agreed on the phone", **details):
    details = {"version": visit.version, "by": desk.by, "now": FIRST + timedelta(hours=2), **details}
    return booking.count_session(visit, uses_up=uses_up, reason=reason, **details)


def card_of(series):
    (card,) = cards.cards(TreatmentSeries.objects.filter(pk=series.pk), TODAY)
    return card


def used(series):
    return counting.used_up([series.pk])[series.pk]


# -- By the clinic's rule ---------------------------------------------------------------------------------------------


def test_a_missed_visit_leaves_its_session_to_be_booked_by_default(desk, series):
    missed(desk, series)

    assert used(series) == set()
    assert card_of(series).to_book.session.number == 1


def test_a_missed_visit_uses_its_session_up_where_the_clinic_says_so(desk, series):
    rule(desk, no_show_counts=True)
    missed(desk, series)

    card = card_of(series)
    assert used(series) == {1}
    assert (card.count.in_words, card.to_book.session.number) == (
        "1 of 3 used (1 without a treatment), 2 left", 2,
    )  # fmt: skip
    assert (card.steps[0].state, card.headline) == ("used up", "Session 2 of 3")


@pytest.mark.parametrize(
    ("details", "numbers"),
    [({}, {1}), ({"hours_before": 30}, set()), ({"cancelled_by": "clinic"}, set())],
    ids=["late", "in time", "by the clinic"],
)
def test_a_late_cancellation_by_the_patient_uses_the_session_up_where_the_clinic_says_so(
    desk, series, details, numbers
):
    rule(desk, late_cancel_counts=True)
    cancelled(desk, series, **details)

    assert used(series) == numbers


def test_a_session_that_was_booked_again_counts_by_its_new_visit(desk, series):
    missed(desk, series)
    desk.book_session(series, 1, FIRST + timedelta(days=2))
    rule(desk, no_show_counts=True)

    assert used(series) == set()
    assert card_of(series).count.in_words == "0 of 3 used, 3 left"


def test_undoing_a_no_show_gives_the_session_back(desk, series):
    rule(desk, no_show_counts=True)
    visit = missed(desk, series)

    booking.undo(visit, version=visit.version, by=desk.by, now=NOW)

    assert used(series) == set()
    assert card_of(series).steps[0].session.state == "booked"


def test_the_windows_after_a_used_up_session_do_not_count_from_it(desk, series):
    rule(desk, no_show_counts=True)
    missed(desk, series)

    windows = courses.windows(series)

    assert set(windows) == {2, 3}
    assert windows[2].earliest == TODAY


def test_a_used_up_session_is_never_offered_and_cannot_be_booked(desk, series):
    rule(desk, no_show_counts=True)
    missed(desk, series)
    session = series.sessions.get(number=1)
    asked = availability.request_for(
        location=desk.location, service=desk.treatment, session=session, patient=series.patient
    )

    assert availability.free_starts(asked, TODAY, TODAY + timedelta(days=20), NOW) == []
    assert "not_open" in [reason.code for reason in availability.explain(asked, LATER, NOW)]
    with pytest.raises(Refused, match="Session 1 is not open any more: it is used up or left out"):
        desk.book_session(series, 1, LATER)
    assert desk.book_session(series, 2, LATER).session.number == 2


def test_the_course_is_complete_when_the_rest_is_used_up(desk, series):
    rule(desk, no_show_counts=True)
    missed(desk, series, 1)
    missed(desk, series, 2, FIRST + timedelta(days=1))
    last = desk.book_session(series, 3, FIRST + timedelta(days=2))
    at = last.starts_at
    for step, moment in ((booking.check_in, at), (booking.start, at), (booking.complete, last.ends_at)):
        last = ready(desk, step, last, moment)

    series.refresh_from_db()
    assert (series.state, card_of(series).count.in_words) == (
        "completed", "3 of 3 used (2 without a treatment), 0 left",
    )  # fmt: skip


def ready(desk, step, visit, moment):
    """Take the step though consents and answers are missing: what stops a start is not asked here."""
    if step is booking.start:
        Appointment.objects.filter(pk=visit.pk).update(status="in_treatment", started_at=moment)
        visit.refresh_from_db()
        return visit
    return step(visit, version=visit.version, by=desk.by, now=moment)


def complete_but_for_two(desk, series):
    """The first session is done, the second and the third were missed and are used up."""
    rule(desk, no_show_counts=True)
    first = desk.book_session(series, 1, FIRST)
    for step, moment in ((booking.check_in, FIRST), (booking.start, FIRST), (booking.complete, first.ends_at)):
        first = ready(desk, step, first, moment)
    visits = [missed(desk, series, number, FIRST + timedelta(days=28 + number)) for number in (2, 3)]
    series.refresh_from_db()
    assert series.state == "completed"
    return visits


@pytest.mark.parametrize("how", ["undo", "by hand", "by mistake"])
def test_a_complete_course_runs_again_when_a_lost_session_is_given_back(desk, series, how):
    visit, _other = complete_but_for_two(desk, series)
    details = {"version": visit.version, "by": desk.by, "now": FIRST + timedelta(days=40)}

    if how == "undo":
        booking.undo(visit, **details)
    elif how == "by hand":
        by_hand(desk, visit, uses_up=False, now=details["now"])
    else:
        booking.enter_in_error(visit, **details)

    series.refresh_from_db()
    assert (series.state, used(series)) == ("active", {3})


def test_the_course_is_complete_when_its_last_session_is_lost(desk, series):
    rule(desk, no_show_counts=True, late_cancel_counts=True)
    first = desk.book_session(series, 1, FIRST)
    for step, moment in ((booking.check_in, FIRST), (booking.start, FIRST), (booking.complete, first.ends_at)):
        first = ready(desk, step, first, moment)
    missed(desk, series, 2, FIRST + timedelta(days=30))
    last = desk.book_session(series, 3, FIRST + timedelta(days=31))
    booking.cancel(
        last, cancelled_by="patient", reason="ill", version=last.version, by=desk.by,
        now=last.starts_at - timedelta(hours=1),
    )  # fmt: skip

    series.refresh_from_db()
    assert series.state == "completed"


CASES = [
    {"status": status, "is_late_cancellation": late, "cancelled_by": who, "uses_session": hand}
    for status, late, who, hand in product(
        ("cancelled", "no_show"), (True, False), ("patient", "clinic"), (True, False, None)
    )
]


@pytest.mark.parametrize("counts", list(product((True, False), repeat=2)))
def test_every_path_counts_by_the_same_rule(desk, series, counted, counts):
    """The list of sessions that bookings are checked against states the rule in SQL: it says what the count says."""
    late, no_show = counts
    rule(desk, late_cancel_counts=late, no_show_counts=no_show)
    visit = missed(desk, series)
    expected = {}
    for case in CASES:
        values = {**case, "cancel_reason": "ill", "uses_session_reason": "agreed"}
        Appointment.objects.filter(pk=visit.pk).update(status="booked")
        Appointment.objects.filter(pk=visit.pk).update(**values)
        by_rule = no_show if case["status"] == "no_show" else (
            late and case["is_late_cancellation"] and case["cancelled_by"] == "patient"
        )  # fmt: skip
        is_used = by_rule if case["uses_session"] is None else case["uses_session"]
        expected[str(case)] = is_used
        listed = {each.number for each in diary_rows.sessions(series.pk, None)[0]}
        assert (1 in used(series), 1 not in listed, bool(card_of(series).steps[0].lost)) == (is_used,) * 3, case

    counted(f"Uses up a session: {len(CASES) * 4} cases, the same by the count, the card and the diary")
    assert set(expected.values()) == {True, False}


# -- By hand ----------------------------------------------------------------------------------------------------------


def test_by_hand_a_missed_visit_is_counted_and_the_history_says_why(desk, series):
    visit = by_hand(desk, missed(desk, series), uses_up=True)

    assert used(series) == {1}
    change = visit.changes.first()
    assert (change.reason, change.by) == ("Uses up a session: agreed on the phone", desk.by)


def test_by_hand_a_visit_that_the_rule_counts_is_let_off_and_counted_again(desk, series):
    rule(desk, no_show_counts=True)
    visit = by_hand(desk, missed(desk, series), uses_up=False)
    assert used(series) == set()

    visit = by_hand(desk, visit, uses_up=None, reason="back to the rule")

    assert (used(series), visit.uses_session_reason) == ({1}, "")


def test_by_hand_needs_a_reason(desk, series):
    visit = missed(desk, series)

    with pytest.raises(Refused, match="Say why this visit uses up a session, or why it does not"):
        by_hand(desk, visit, uses_up=True, reason="  ")


def test_by_hand_is_refused_for_a_visit_that_takes_place(desk, series):
    with pytest.raises(Refused, match="Only a visit of a series that was cancelled or missed"):
        by_hand(desk, desk.book_session(series, 1, FIRST), uses_up=True)


def test_by_hand_is_refused_for_a_visit_outside_a_series(desk):
    visit = desk.book(FIRST)
    visit = booking.no_show(visit, version=visit.version, by=desk.by, now=FIRST + timedelta(hours=1))

    with pytest.raises(Refused, match="Only a visit of a series that was cancelled or missed"):
        by_hand(desk, visit, uses_up=True)


def test_by_hand_is_refused_once_the_session_was_booked_again(desk, series):
    visit = missed(desk, series)
    desk.book_session(series, 1, FIRST + timedelta(days=2))

    with pytest.raises(Refused, match="Session 1 has been booked again, so it counts by its new visit"):
        by_hand(desk, visit, uses_up=True)


def test_by_hand_is_refused_when_somebody_changed_the_visit_meanwhile(desk, series):
    visit = missed(desk, series)
    by_hand(desk, visit, uses_up=True)

    with pytest.raises(Conflict):
        by_hand(desk, visit, uses_up=False, version=visit.version)


# -- Queries ----------------------------------------------------------------------------------------------------------


def test_the_cards_ask_as_often_for_three_series_with_lost_visits_as_for_one(desk):
    rule(desk, no_show_counts=True)
    asked = []
    for count in (1, 3):
        while TreatmentSeries.objects.count() < count:
            missed(desk, desk.start(), at=FIRST + timedelta(hours=TreatmentSeries.objects.count()))
        with CaptureQueriesContext(connection) as queries:
            found = cards.cards(TreatmentSeries.objects.all(), TODAY)
            said = [card.count.in_words for card in found]
        asked.append(len(queries))
        assert said == ["1 of 3 used (1 without a treatment), 2 left"] * count

    assert asked[0] == asked[1]


def test_used_up_asks_once_for_many(desk, django_assert_num_queries):
    keys = [desk.start().pk for _each in range(3)]

    with django_assert_num_queries(1):
        assert counting.used_up(keys) == {key: set() for key in keys}
