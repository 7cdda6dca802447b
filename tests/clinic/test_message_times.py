"""When a message is due, on both sides of the quiet hours and of the clock change (29 March 2026 in London)."""

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic import message_times

LONDON = ZoneInfo("Europe/London")


def place(quiet_from=None, quiet_until=None, zone=LONDON):
    return SimpleNamespace(zone=zone, quiet_from=quiet_from, quiet_until=quiet_until)


def local(day, hour, minute=0):
    return datetime(2026, 3, day, hour, minute, tzinfo=LONDON).astimezone(UTC)


NIGHT = place(time(21), time(8))


@pytest.mark.parametrize(
    ("starts_at", "minutes", "due_at"),
    [
        (local(30, 10), 1440, local(29, 10)),
        (local(30, 10), 3 * 1440, local(27, 10)),
        (local(29, 10), 1440, local(28, 10)),
        (local(20, 10), 120, local(20, 8)),
        (local(29, 3), 120, local(29, 0)),  # two hours that pass, one of which the clock skips
        (local(30, 1, 30), 1440, local(29, 2)),  # 01:30 does not exist on that day
    ],
)
def test_before_counts_whole_days_by_the_calendar(starts_at, minutes, due_at):
    assert message_times.before(starts_at, minutes, place()) == due_at


@pytest.mark.parametrize(
    ("ends_at", "hours", "due_at"),
    [
        (local(28, 10), 24, local(29, 10)),
        (local(20, 10), 0, local(20, 10)),
        (local(20, 10), 1, local(20, 11)),
        (local(20, 10), 168, local(27, 10)),
    ],
)
def test_after_counts_whole_days_by_the_calendar(ends_at, hours, due_at):
    assert message_times.after(ends_at, hours, place()) == due_at


@pytest.mark.parametrize(
    ("due_at", "before", "after"),
    [
        (local(10, 20, 59), local(10, 20, 59), local(10, 20, 59)),
        (local(10, 21), local(10, 20, 59), local(11, 8)),
        (local(10, 23, 30), local(10, 20, 59), local(11, 8)),
        (local(11, 7, 59), local(10, 20, 59), local(11, 8)),
        (local(11, 8), local(11, 8), local(11, 8)),
    ],
)
def test_quiet_hours_over_midnight_move_backwards_before_and_forwards_after(due_at, before, after):
    assert message_times.before(due_at + timedelta(minutes=1), 1, NIGHT) == before
    assert message_times.after(due_at, 0, NIGHT) == after


def test_quiet_hours_within_one_day_move_the_same_way():
    siesta = place(time(13), time(16))

    assert message_times.before(local(10, 16), 60, siesta) == local(10, 12, 59)
    assert message_times.after(local(10, 14), 1, siesta) == local(10, 16)


def test_quiet_hours_of_equal_ends_are_none():
    assert not message_times.is_quiet(local(10, 3), place(time(3), time(3)))


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 (Hypothesis adds the zone)
    quiet=st.tuples(st.times(), st.times()),
    zone=st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_out_of_quiet_never_ends_in_quiet_hours(at, quiet, zone):
    spot = place(quiet[0].replace(second=0, microsecond=0), quiet[1].replace(second=0, microsecond=0), ZoneInfo(zone))

    moved = message_times.out_of_quiet(at, spot)

    assert at <= moved <= at + timedelta(hours=26)
    assert not message_times.is_quiet(moved, spot)
