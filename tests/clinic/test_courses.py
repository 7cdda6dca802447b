"""The diary and a series: windows are held on both sides of a visit, whatever path books it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from clinic import booking, courses
from clinic.refusals import Refused
from tests.clinic.treatment_desk import TreatmentDesk
from tests.factories import NOW

FIRST = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
EARLIEST_SECOND = date(2026, 3, 31)


@pytest.fixture
def desk(db):
    return TreatmentDesk()


@pytest.fixture
def series(desk):
    return desk.start()


def at(day):
    return datetime(day.year, day.month, day.day, 9, 0, tzinfo=UTC)


def test_windows_count_from_the_booked_day(desk, series):
    desk.book_session(series, 1, FIRST)

    assert courses.windows(series)[2].earliest == EARLIEST_SECOND


def test_windows_count_from_the_local_day_across_midnight(desk, series):
    late = TreatmentDesk(time_zone="Pacific/Auckland")
    visit = late.book_session(late.start(), 1, datetime(2026, 3, 2, 20, 0, tzinfo=UTC))

    assert courses.windows(visit.session.series)[2].earliest == date(2026, 3, 31)


def test_book_is_refused_one_day_before_the_earliest(desk, series):
    desk.book_session(series, 1, FIRST)

    with pytest.raises(Refused, match=r"Too early: the earliest safe day for this session is Tuesday 31 March 2026\."):
        desk.book_session(series, 2, at(EARLIEST_SECOND - timedelta(days=1)))
    assert desk.book_session(series, 2, at(EARLIEST_SECOND)).session.number == 2


def test_book_after_the_window_needs_a_reason(desk, series):
    desk.book_session(series, 1, FIRST)
    late = at(date(2026, 4, 15))

    with pytest.raises(Refused, match="Later than planned"):
        desk.book_session(series, 2, late)
    session = series.sessions.get(number=2)
    visit = desk.book(
        late, series.patient, service=desk.treatment, session=session, overrides={"after_window": "on holiday"}
    )

    assert visit.overrides.get().reason == "on holiday"


def test_move_is_refused_when_it_comes_too_close_to_the_next_session(desk, series):
    first = desk.book_session(series, 1, FIRST)
    desk.book_session(series, 2, at(EARLIEST_SECOND))

    with pytest.raises(Refused, match="Session 2 is booked on Tuesday 31 March 2026, which would be too soon"):
        booking.move(first, starts_at=FIRST + timedelta(days=1), version=first.version, by=desk.by, now=NOW)


def test_cancel_and_no_show_free_the_session_for_a_new_visit(desk, series):
    visit = desk.book_session(series, 1, FIRST)
    booking.no_show(visit, version=visit.version, by=desk.by, now=FIRST + timedelta(hours=1))

    again = desk.book_session(series, 1, at(date(2026, 3, 5)))

    assert again.session.state == "booked"
