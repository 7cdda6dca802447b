"""Wall time and UTC: both sides of each clock change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic import timespans
from clinic.timespans import Span

LONDON = ZoneInfo("Europe/London")
BERLIN = ZoneInfo("Europe/Berlin")
BEIRUT = ZoneInfo("Asia/Beirut")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
APIA = ZoneInfo("Pacific/Apia")


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "expected"),
    [
        (LONDON, date(2026, 1, 5), time(9), utc(2026, 1, 5, 9)),
        (LONDON, date(2026, 7, 6), time(9), utc(2026, 7, 6, 8)),
        (BERLIN, date(2026, 3, 29), time(1, 59), utc(2026, 3, 29, 0, 59)),
        (BERLIN, date(2026, 3, 29), time(2), utc(2026, 3, 29, 1)),
        (BERLIN, date(2026, 3, 29), time(2, 30), utc(2026, 3, 29, 1)),
        (BERLIN, date(2026, 3, 29), time(3), utc(2026, 3, 29, 1)),
        (BERLIN, date(2026, 10, 25), time(2, 30), utc(2026, 10, 25, 0, 30)),
        (BERLIN, date(2026, 10, 25), time(3), utc(2026, 10, 25, 2)),
        (BEIRUT, date(2026, 3, 29), time(0), utc(2026, 3, 28, 22)),
        (LORD_HOWE, date(2026, 10, 4), time(2, 10, 30), utc(2026, 10, 3, 15, 30)),
    ],
)
def test_at_is_the_first_valid_moment(zone, day, wall, expected):
    assert timespans.at(zone, day, wall) == expected


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 28), 24),
        (BERLIN, date(2026, 3, 29), 23),
        (BERLIN, date(2026, 10, 25), 25),
        (BEIRUT, date(2026, 3, 29), 23),
        (LORD_HOWE, date(2026, 10, 4), 23.5),
        (APIA, date(2011, 12, 30), 0),
    ],
)
def test_local_day_has_the_hours_of_its_calendar(zone, day, hours):
    span = timespans.local_day(zone, day)

    assert span.end - span.start == timedelta(hours=hours)


def test_wall_span_ends_at_the_end_of_the_day_when_it_ends_at_midnight():
    assert timespans.wall_span(LONDON, date(2026, 1, 5), time(20), time(0)) == Span(
        utc(2026, 1, 5, 20), utc(2026, 1, 6)
    )


def test_wall_span_is_none_when_the_clocks_skip_it():
    assert timespans.wall_span(BERLIN, date(2026, 3, 29), time(2), time(2, 45)) is None


def test_wall_span_keeps_the_local_hour_across_a_change():
    assert timespans.wall_span(BERLIN, date(2026, 10, 25), time(1), time(4)) == Span(
        utc(2026, 10, 24, 23), utc(2026, 10, 25, 3)
    )


def test_date_of_is_the_local_date():
    assert timespans.date_of(BERLIN, utc(2026, 7, 1, 22)) == date(2026, 7, 2)
    assert timespans.date_of(BERLIN, utc(2026, 7, 1, 21, 59)) == date(2026, 7, 1)


def test_dates_include_both_ends():
    assert timespans.dates(date(2026, 2, 28), date(2026, 3, 1)) == [date(2026, 2, 28), date(2026, 3, 1)]
    assert timespans.dates(date(2026, 3, 1), date(2026, 2, 28)) == []


def test_spans_that_touch_do_not_overlap():
    early, late = Span(utc(2026, 1, 1, 9), utc(2026, 1, 1, 10)), Span(utc(2026, 1, 1, 10), utc(2026, 1, 1, 11))

    assert not early.overlaps(late)
    assert not late.overlaps(early)
    assert early.overlaps(Span(utc(2026, 1, 1, 9, 59), utc(2026, 1, 1, 10)))
    assert early.contains(early)
    assert not early.contains(Span(utc(2026, 1, 1, 9), utc(2026, 1, 1, 10, 1)))


@pytest.mark.parametrize(
    ("moment", "step", "expected"),
    [
        (utc(2026, 7, 1, 8, 15), 15, True),
        (utc(2026, 7, 1, 8, 20), 15, False),
        (utc(2026, 7, 1, 8, 15, 1), 15, False),
        (utc(2026, 7, 1, 8, 15, 0, 1), 15, False),
        (utc(2026, 7, 1, 7, 20), 50, True),
    ],
)
def test_is_on_grid_counts_from_local_midnight(moment, step, expected):
    assert timespans.is_on_grid(moment, LONDON, step) is expected


@given(
    day=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    wall=st.times(),
    zone=st.sampled_from([LONDON, BERLIN, BEIRUT, LORD_HOWE]),
)
def test_at_gives_back_the_wall_time_or_the_end_of_the_gap(day, wall, zone):
    moment = datetime.combine(day, wall)

    found = timespans.at(zone, day, wall)
    shown = found.astimezone(zone).replace(tzinfo=None)

    before = (found - timedelta(seconds=1)).astimezone(zone)
    assert shown == moment or (shown > moment > before.replace(tzinfo=None))
