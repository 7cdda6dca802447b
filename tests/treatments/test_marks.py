from datetime import date

import pytest

from treatments.marks import CountedDays, Dates, Mark, in_full, in_short, sentence, state_words

FIRST, BEST, LAST = date(2026, 11, 12), date(2026, 11, 19), date(2026, 11, 26)
BETWEEN = {"earliest": FIRST, "ideal": BEST, "latest": LAST}


def mark(state="planned", **days):
    return Mark(3, "Session 3", state, **days)


@pytest.mark.parametrize(
    ("shown", "full", "short"),
    [
        (mark("done", on=BEST, **BETWEEN), "Session 3: done on 19 Nov", "3 · 19 Nov"),
        (mark("done", **BETWEEN), "Session 3: done", "3 · 12 Nov – 26 Nov"),
        (mark("booked", on=BEST, **BETWEEN), "Session 3: booked for 19 Nov", "3 · 19 Nov"),
        (mark("booked"), "Session 3: booked", "3"),
        (mark(**BETWEEN), "Session 3: best between 12 Nov and 26 Nov", "3 · 12 Nov – 26 Nov"),
        (mark(earliest=BEST, ideal=BEST, latest=BEST), "Session 3: best on 19 Nov", "3 · 19 Nov"),
        (mark(earliest=BEST), "Session 3", "3"),
        (mark("late", **BETWEEN), "Session 3: overdue, was best until 26 Nov", "3 · 12 Nov – 26 Nov"),
        (mark("late"), "Session 3: overdue", "3"),
        (
            mark("missed", **BETWEEN),
            "Session 3: did not come, best between 12 Nov and 26 Nov",
            "3 · 12 Nov – 26 Nov",
        ),
        (mark("missed"), "Session 3: did not come", "3"),
        (mark("off", **BETWEEN), "Session 3: left out", "3 · left out"),
    ],
)
def test_a_session_is_said_on_one_line(shown, full, short):
    assert (in_full(shown, Dates()), in_short(shown, Dates())) == (full, short)


def test_days_are_counted_where_no_date_is_real():
    dates = CountedDays(date(2026, 11, 2))
    start = mark(earliest=dates.start, ideal=dates.start, latest=dates.start)

    said = [in_full(start, dates), in_full(mark(**BETWEEN), dates), in_short(mark(**BETWEEN), dates)]

    assert said == ["Session 3: day 0", "Session 3: best between day 10 and day 24", "3 · days 10–24"]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (None, LAST, ""),
        (FIRST, None, ""),
        (FIRST, FIRST, "12 November 2026"),
        (FIRST, LAST, "12 November and 26 November 2026"),
        (date(2026, 12, 20), date(2027, 1, 10), "20 December 2026 and 10 January 2027"),
    ],
)
def test_the_column_of_best_days_says_the_year_once(first, last, words):
    assert Dates().between(first, last) == words


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [(None, LAST, ""), (FIRST, None, ""), (FIRST, FIRST, "day 0"), (FIRST, LAST, "day 0 and day 14")],
)
def test_the_column_of_best_days_counts(first, last, words):
    assert CountedDays(FIRST).between(first, last) == words


def test_a_day_that_is_not_known_is_not_said():
    assert (Dates().day(None), CountedDays(FIRST).day(None)) == ("", "")


def test_the_whole_course_is_said_in_a_sentence():
    marks = [mark("done", on=FIRST), mark("done", on=BEST), mark("planned", latest=LAST)]

    assert sentence(marks, Dates()) == "3 sessions from 12 November 2026 to 26 November 2026. Done: 2, To be booked: 1."
    assert sentence(marks, CountedDays(FIRST)) == "3 sessions from day 0 to day 14."
    assert sentence([mark()], Dates()) == "1 session, without days yet."


def test_a_state_that_does_not_exist_is_refused():
    with pytest.raises(KeyError):
        state_words("held")
