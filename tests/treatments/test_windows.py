from datetime import date, timedelta

import pytest

from treatments.windows import PlannedSession, Window, course

FIRST = date(2026, 11, 2)


def day(offset):
    return FIRST + timedelta(days=offset)


def session(number, days=(14, 28, 42), **dates):
    return PlannedSession(number, *days, **dates)


def span(window):
    return tuple((each - FIRST).days for each in (window.earliest, window.ideal, window.latest))


def test_course_opens_on_the_first_possible_day():
    windows = course([session(1)], FIRST)

    assert windows == {1: Window(FIRST, FIRST, day(42))}


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ({}, (14, 28, 42)),
        ({"booked_on": day(3)}, (17, 31, 45)),
        ({"done_on": day(5)}, (19, 33, 47)),
        ({"booked_on": day(3), "done_on": day(5)}, (19, 33, 47)),
    ],
    ids=["ideal", "booked", "done", "done wins over booked"],
)
def test_course_counts_from_the_session_before(before, expected):
    windows = course([session(1, **before), session(2)], FIRST)

    assert span(windows[2]) == expected


def test_course_chains_over_sessions_that_are_only_planned():
    windows = course([session(number) for number in (1, 2, 3, 4)], FIRST)

    assert [span(windows[number]) for number in (2, 3, 4)] == [(14, 28, 42), (42, 56, 70), (70, 84, 98)]


def test_course_keeps_one_day_per_session_when_the_protocol_allows_no_slack():
    windows = course([session(number, (7, 7, 7)) for number in (1, 2, 3)], FIRST)

    assert [span(windows[number]) for number in (1, 2, 3)] == [(0, 0, 7), (7, 7, 7), (14, 14, 14)]


def test_course_moves_on_from_a_late_session_when_the_protocol_allows_no_slack():
    windows = course([session(1, (7, 7, 7), done_on=day(1)), session(2, (7, 7, 7)), session(3, (7, 7, 7))], FIRST)

    assert [span(windows[number]) for number in (2, 3)] == [(8, 8, 8), (15, 15, 15)]


def test_course_uses_the_interval_of_the_session_it_leads_to_where_a_phase_begins():
    weekly = [session(number, (7, 7, 7)) for number in (1, 2)]
    two_weekly = [session(number, (14, 14, 14)) for number in (3, 4)]
    four_weekly = [session(5, (28, 28, 28))]

    windows = course(weekly + two_weekly + four_weekly, FIRST)

    assert [span(windows[number])[1] for number in (1, 2, 3, 4, 5)] == [0, 7, 21, 35, 63]


def test_course_counts_maintenance_from_the_last_session_really_done():
    windows = course([session(1, done_on=day(0)), session(2, done_on=day(40)), session(3, (30, 60, 180))], FIRST)

    assert span(windows[3]) == (70, 100, 220)


def test_course_counts_from_the_last_session_that_was_not_skipped():
    windows = course([session(1, done_on=day(0)), session(3)], FIRST)

    assert span(windows[3]) == (14, 28, 42)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"not_before_on": day(13)}, (14, 28, 42)),
        ({"not_before_on": day(14)}, (14, 28, 42)),
        ({"not_before_on": day(15)}, (15, 28, 42)),
        ({"not_before_on": day(30)}, (30, 30, 42)),
        ({"not_before_on": day(43)}, (43, 43, 43)),
        ({"best_on": day(13)}, (14, 14, 42)),
        ({"best_on": day(14)}, (14, 14, 42)),
        ({"best_on": day(42)}, (14, 42, 42)),
        ({"best_on": day(43)}, (14, 43, 43)),
        ({"not_after_on": day(13)}, (14, 14, 14)),
        ({"not_after_on": day(27)}, (14, 27, 27)),
        ({"not_after_on": day(28)}, (14, 28, 28)),
        ({"not_after_on": day(60)}, (14, 28, 60)),
        ({"not_before_on": day(20), "best_on": day(25), "not_after_on": day(30)}, (20, 25, 30)),
    ],
)
def test_course_lets_the_practitioners_dates_win_but_never_before_the_minimum(own, expected):
    windows = course([session(1), session(2, **own)], FIRST)

    assert span(windows[2]) == expected


def test_course_never_opens_before_the_first_possible_day_whatever_the_practitioner_wishes():
    windows = course([session(1, best_on=day(-3), not_before_on=day(-5))], FIRST)

    assert span(windows[1]) == (0, 0, 42)


def test_course_passes_the_practitioners_best_day_on_to_the_next_session():
    windows = course([session(1, best_on=day(10)), session(2)], FIRST)

    assert span(windows[2]) == (24, 38, 52)


@pytest.mark.parametrize(("today", "expected"), [(-1, 28), (0, 28), (1, 29), (10, 38)])
def test_course_does_not_expect_an_open_session_in_the_past(today, expected):
    windows = course([session(1), session(2)], FIRST, today=day(today))

    assert (windows[1].ideal, span(windows[2])[1]) == (FIRST, expected)


def test_course_sorts_by_number():
    assert course([session(2), session(1)], FIRST) == course([session(1), session(2)], FIRST)


def test_course_of_no_sessions_is_empty():
    assert course([], FIRST) == {}


@pytest.mark.parametrize(("offset", "is_late"), [(41, False), (42, False), (43, True)])
def test_is_late_begins_the_day_after_the_latest(offset, is_late):
    assert course([session(1)], FIRST)[1].is_late(day(offset)) is is_late
