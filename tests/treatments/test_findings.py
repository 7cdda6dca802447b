from datetime import date, timedelta

import pytest

from treatments.findings import Decision, Finding, blocking, decided, in_order

DAY = date(2026, 3, 2)


def finding(code="thing", severity="warn", blocks=("start",), **details):
    details = {"is_decidable": True, "basis": "b", **details}
    return Finding(code, severity, frozenset(blocks), "Message", "Desk", **details)


def word(*, allows=True, **details):
    return Decision(**{"code": "thing", "basis": "b", "allows": allows, "by": "Dr Bell", **details})


@pytest.mark.parametrize(("stage", "count"), [("plan", 1), ("book", 1), ("start", 2), ("record", 0)])
def test_blocking_picks_the_findings_of_a_stage(stage, count):
    assert len(blocking([finding(), finding("stop", "stop", ("plan", "book", "start"))], stage)) == count


def test_in_order_puts_stops_first_and_open_points_after_what_a_clinician_decides():
    found = [finding("c", "advise"), finding("a", is_open_point=True), finding("b"), finding("d", "stop")]

    assert [each.code for each in in_order(found)] == ["d", "b", "a", "c"]


@pytest.mark.parametrize(
    ("severity", "words"), [("stop", "Not now"), ("warn", "A clinician decides"), ("advise", "Good to know")]
)
def test_headline_uses_the_words_of_the_trade(severity, words):
    assert finding(severity=severity).headline == words


@pytest.mark.parametrize("severity", ["stop", "warn"])
def test_a_decision_that_allows_it_leaves_a_note_that_blocks_nothing(severity):
    (found,) = decided([finding(severity=severity)], [word()], DAY)

    assert (found.severity, found.blocks, found.decided_by) == ("advise", frozenset(), "Dr Bell")
    assert (found.clears, found.needs_clinician) == ("Allowed by Dr Bell.", False)


def test_a_decision_against_it_stops_everything():
    (found,) = decided([finding()], [word(allows=False)], DAY)

    assert (found.severity, found.blocks) == ("stop", {"plan", "book", "start"})
    assert found.clears == "Dr Bell decided against it."


@pytest.mark.parametrize(
    "decision",
    [word(code="other"), word(basis="c"), word(valid_until=DAY - timedelta(days=1))],
    ids=["other finding", "other basis", "expired"],
)
def test_a_decision_about_something_else_changes_nothing(decision):
    assert decided([finding()], [decision], DAY) == [finding()]


def test_a_decision_holds_on_its_last_day():
    (found,) = decided([finding()], [word(valid_until=DAY)], DAY)

    assert found.severity == "advise"


def test_a_decision_never_lifts_a_stop_that_is_not_decidable():
    stop = finding(severity="stop", is_decidable=False)

    assert decided([stop], [word()], DAY) == [stop]


def test_the_newest_of_two_decisions_wins():
    (found,) = decided([finding()], [word(allows=False), word()], DAY)

    assert found.severity == "stop"
