"""Masks of minutes, against lists of minutes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.minutes import Ruler, bits, room_for

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN, PLAIN = date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 10)


def ruler(day=PLAIN):
    return Ruler(BERLIN, day, day)


@pytest.mark.parametrize(("day", "hours"), [(PLAIN, 72), (SPRING, 71), (AUTUMN, 73)])
def test_ruler_has_a_day_on_either_side(day, hours):
    assert ruler(day).length == hours * 60
    assert ruler(day).span.end - ruler(day).span.start == timedelta(hours=hours)


def test_minute_and_moment_are_inverse_and_round_down_or_up():
    line = ruler()
    moment = datetime(2026, 6, 10, 9, 30, tzinfo=UTC)

    assert line.moment(line.minute(moment)) == moment
    assert line.minute(moment + timedelta(seconds=59)) == line.minute(moment)
    assert line.minute_up(moment) == line.minute(moment)
    assert line.minute_up(moment + timedelta(microseconds=1)) == line.minute(moment) + 1


def test_midnight_of_other_dates_is_an_end_of_the_ruler():
    line = ruler()

    assert line.midnight(date(2026, 6, 1)) == 0
    assert line.midnight(date(2026, 6, 10)) == 1440
    assert line.midnight(date(2026, 7, 1)) == line.length


@pytest.mark.parametrize(
    ("day", "starts", "ends", "minutes"),
    [
        (PLAIN, 540, 1020, 480),
        (PLAIN, 540, 1440, 900),
        (SPRING, 60, 240, 120),
        (AUTUMN, 60, 240, 240),
        (SPRING, 60, 1440, 1320),
        (SPRING, 120, 150, 0),
        (SPRING, 1440, 1440, 0),
    ],
)
def test_wall_minutes_are_those_of_the_clock_on_the_wall(day, starts, ends, minutes):
    start, end = ruler(day).wall_minutes(day, starts, ends)

    assert end - start == minutes


@pytest.mark.parametrize(
    ("day", "step", "count"), [(PLAIN, 15, 96), (PLAIN, 50, 29), (SPRING, 15, 92), (AUTUMN, 60, 25)]
)
def test_grid_has_the_steps_of_the_day_alone(day, step, count):
    line = ruler(day)
    steps = list(bits(line.grid(step)))

    assert len(steps) == count
    assert {line.moment(minute).astimezone(BERLIN).date() for minute in steps} == {day}


spans = st.lists(st.tuples(st.integers(-200, 4600), st.integers(0, 300)).map(lambda pair: (pair[0], sum(pair))))


@given(spans=spans)
def test_mask_and_bits_are_the_minutes_of_the_spans(spans):
    line = ruler()
    minutes = {minute for start, end in spans for minute in range(start, end)}

    assert list(bits(line.mask(spans))) == sorted(minutes & set(range(line.length)))


@given(start=st.integers(-100, 4500), length=st.integers(-5, 400))
def test_between_is_one_span_cut_to_the_ruler(start, length):
    line = ruler()

    assert line.between(start, start + length) == line.mask([(start, start + length)])


@given(free=st.integers(0, 2**40), start=st.integers(0, 9), length=st.integers(0, 20))
def test_room_for_is_every_minute_of_the_stretch_free(free, start, length):
    found = room_for(free, start, start + length)

    for minute in range(45):
        is_free = all(free >> minute + start + n & 1 for n in range(length))
        assert bool(found >> minute & 1) is is_free
