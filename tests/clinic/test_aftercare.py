"""Advice by the hour, both sides of each hour."""

from datetime import UTC, datetime, timedelta

import pytest

from clinic.aftercare import by_the_hour
from treatments.models import VersionAftercare

ENDED = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
HOUR, MOMENT = timedelta(hours=1), timedelta(seconds=1)


def step(start, end, kind="avoid", title=""):
    return VersionAftercare(
        kind=kind, title=title or f"{kind} {start}-{end}", text="", starts_after_hours=start, ends_after_hours=end
    )


def titles(advice):
    return [each.title for each in advice]


@pytest.mark.parametrize(
    ("after", "where"),
    [(2 * HOUR - MOMENT, "soon"), (2 * HOUR, "now"), (24 * HOUR - MOMENT, "now"), (24 * HOUR, "over")],
)
def test_advice_counts_from_its_first_hour_until_its_last(after, where):
    hours = by_the_hour([step(2, 24)], ENDED, ENDED + after)

    assert {name: len(getattr(hours, name)) for name in ("soon", "now", "over")} == {
        "soon": 0, "now": 0, "over": 0, where: 1,
    }  # fmt: skip


def test_advice_ends_after_so_many_hours_even_when_the_clocks_change():
    saturday = datetime(2026, 3, 28, 10, 0, tzinfo=UTC)

    (advice,) = by_the_hour([step(0, 24)], saturday, saturday).now

    assert advice.ends_at == saturday + 24 * HOUR


@pytest.mark.parametrize("days", [0, 2, 400])
def test_signs_to_call_about_are_always_shown(days):
    hours = by_the_hour([step(24, 72, "escalate", "Call us")], ENDED, ENDED + timedelta(days=days))

    assert titles(hours.alarms) == ["Call us"]
    assert hours.now == hours.soon == hours.over == []


def test_what_to_avoid_comes_first_and_what_ends_first_before_it():
    steps = [step(0, 9, "expect"), step(0, 9, "do"), step(0, 9), step(0, 3)]

    assert titles(by_the_hour(steps, ENDED, ENDED).now) == ["avoid 0-3", "avoid 0-9", "do 0-9", "expect 0-9"]


@pytest.mark.parametrize(("kind", "asks"), [("avoid", True), ("do", True), ("expect", False)])
def test_only_what_is_to_be_done_or_avoided_asks_something(kind, asks):
    assert by_the_hour([step(0, 9, kind)], ENDED, ENDED).is_asking is asks
