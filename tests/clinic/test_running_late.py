"""The delay of later visits, from planned and real times."""

from datetime import UTC, datetime, timedelta

import pytest

from clinic.running_late import Planned, delays

NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def at(minutes):
    return NINE + timedelta(minutes=minutes)


def planned(key, begins, **real):
    return Planned(key, at(begins), at(begins + 30), **real)


@pytest.mark.parametrize(
    ("first", "now", "late"),
    [
        ({}, 40, {}),
        ({"is_here": True, "started_at": at(0)}, 29, {}),
        ({"is_here": True, "started_at": at(0)}, 34, {}),
        ({"is_here": True, "started_at": at(0)}, 35, {2: 5}),
        ({"is_here": True, "started_at": at(12)}, 15, {2: 12}),
        ({"is_here": True, "started_at": at(12), "finished_at": at(31)}, 31, {}),
        ({"is_here": True, "started_at": at(0), "finished_at": at(50)}, 51, {2: 20}),
        ({"is_here": True}, 10, {1: 10, 2: 10}),
    ],
)
def test_delay_of_the_next_visit(first, now, late):
    assert delays([planned(1, 0, **first), planned(2, 30)], at(now)) == late


def test_a_break_takes_the_delay_away():
    visits = [planned(1, 0, is_here=True, started_at=at(10)), planned(2, 30), planned(3, 75)]

    assert delays(visits, at(20)) == {2: 10}


def test_a_delay_goes_on_from_visit_to_visit():
    visits = [planned(1, 0, is_here=True, started_at=at(10)), planned(2, 30), planned(3, 60)]

    assert delays(reversed(visits), at(20)) == {2: 10, 3: 10}


def test_nobody_is_late_without_visits():
    assert delays([], NINE) == {}
