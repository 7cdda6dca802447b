"""Segments become minutes and needs."""

from dataclasses import dataclass

import pytest

from clinic.visits import Need, VisitShape, shape_of


@dataclass
class Row:
    position: int
    kind: str
    base_minutes: int
    minutes_per_area: int = 0
    holds_practitioner: bool = False
    needs_assistant: bool = False
    room_kind: str = ""
    device_kind: str = ""


NUMBING = Row(1, "numbing", 30, room_kind="treatment")
HANDS_ON = Row(2, "hands_on", 20, 5, holds_practitioner=True, room_kind="treatment", device_kind="pen")
RECOVERY = Row(3, "recovery", 10, room_kind="treatment")
CLEANING = Row(4, "turnaround", 15, room_kind="treatment", device_kind="pen")


def test_shape_of_lets_segments_hold_what_they_need():
    assert shape_of([NUMBING, HANDS_ON, RECOVERY], 2) == VisitShape(
        70,
        (
            Need("device", "pen", 30, 60),
            Need("practitioner", "", 30, 60),
            Need("room", "treatment", 0, 70),
        ),
    )


def test_shape_of_adds_minutes_for_every_area():
    assert [shape_of([HANDS_ON], areas).minutes for areas in (0, 1, 4)] == [20, 25, 40]


def test_shape_of_claims_turnaround_after_the_patient_left():
    shape = shape_of([HANDS_ON, CLEANING], 0)

    assert shape.minutes == 20
    assert shape.needs == (
        Need("device", "pen", 0, 35, turnaround_minutes=15),
        Need("practitioner", "", 0, 20),
        Need("room", "treatment", 0, 35, turnaround_minutes=15),
    )
    assert [need.in_use_until for need in shape.needs] == [20, 20, 20]


def test_shape_of_frees_the_practitioner_while_the_numbing_works():
    apply = Row(0, "numbing", 5, holds_practitioner=True, room_kind="treatment")

    needs = shape_of([apply, NUMBING, HANDS_ON], 0).needs

    assert [need for need in needs if need.what == "practitioner"] == [
        Need("practitioner", "", 0, 5),
        Need("practitioner", "", 35, 55),
    ]


def test_shape_of_keeps_kinds_apart():
    numbing = Row(1, "numbing", 30, room_kind="numbing")

    assert [need for need in shape_of([numbing, HANDS_ON], 0).needs if need.what == "room"] == [
        Need("room", "numbing", 0, 30),
        Need("room", "treatment", 30, 50),
    ]


def test_shape_of_needs_the_assistant_only_where_a_segment_says_so():
    helped = Row(2, "hands_on", 20, holds_practitioner=True, needs_assistant=True)

    assert shape_of([NUMBING, helped], 0).needs[0] == Need("assistant", "", 30, 50)


def test_shape_of_goes_by_position():
    assert shape_of([CLEANING, HANDS_ON, NUMBING], 1) == shape_of([NUMBING, HANDS_ON, CLEANING], 1)


def test_shape_of_adds_up_turnarounds_and_forgets_one_in_the_middle():
    more = Row(5, "turnaround", 5, room_kind="treatment")

    assert shape_of([HANDS_ON, CLEANING, more], 0).needs[-1] == Need("room", "treatment", 0, 40, 20)
    assert shape_of([Row(0, "turnaround", 5, room_kind="treatment"), HANDS_ON], 0).needs[-1] == Need(
        "room", "treatment", 0, 25, 0
    )


@pytest.mark.parametrize("rows", [[], [Row(1, "hands_on", 0, holds_practitioner=True)]])
def test_shape_of_nothing_is_empty(rows):
    assert shape_of(rows, 1) == VisitShape(0, ())
