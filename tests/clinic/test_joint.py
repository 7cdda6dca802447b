"""New times for many visits at once: the engine by itself, and against every combination."""

from unittest.mock import patch

import pytest

from clinic.scheduling import joint, joint_bound
from clinic.scheduling.joint import Apart, Candidate, Item
from tests.clinic import joint_by_hand
from tests.clinic.joint_cases import bonds_of, items_of, plan_of, solved

NINE, HALF = 9 * 60, 30


def item(key, was_at, *starts, person=1, minutes=HALF, either=()):
    """A visit with these starts, each with one person, or (start, person)."""
    pairs = [each if isinstance(each, tuple) else (each, person) for each in starts]
    found = [
        Candidate(start, abs(start - was_at), who, ((who, start, start + minutes),), either, start // 1440)
        for start, who in pairs
    ]
    return Item(key, was_at, tuple(sorted(found, key=lambda each: (each.cost, each.start))))


def starts(found):
    return {key: chosen.start for key, chosen in found.chosen.items()}


def test_a_visit_alone_takes_its_nearest_time():
    assert starts(joint.solve([item(1, NINE, NINE + HALF, NINE - 15)])) == {1: NINE - 15}


def test_the_first_gives_way_where_that_is_less_in_all():
    # One by one the first takes 10:00 and the second, whose only other time is far, pays for it.
    first, second = item(1, NINE, NINE + 60, NINE + 90), item(2, NINE + 60, NINE + 60, NINE + 600)

    found = joint.solve([first, second])

    assert starts(found) == {1: NINE + 90, 2: NINE + 60}
    assert (found.cost, found.one_by_one, found.left) == (90, 60 + 540, ())


def test_a_visit_without_any_time_is_left_and_the_others_are_placed():
    found = joint.solve([item(1, NINE), item(2, NINE, NINE + HALF)])

    assert (starts(found), found.left) == ({2: NINE + HALF}, (1,))


def test_of_two_that_want_the_only_time_one_is_left():
    found = joint.solve([item(1, NINE, NINE + 60), item(2, NINE + HALF, NINE + 60)])

    assert len(found.chosen) == len(found.left) == 1


def test_placing_more_counts_more_than_any_shift():
    found = joint.solve([item(1, NINE, NINE + HALF, NINE + 10**6), item(2, NINE, NINE + HALF)])

    assert found.left == ()
    assert starts(found) == {1: NINE + 10**6, 2: NINE + HALF}


def test_touching_visits_do_not_meet_and_overlapping_ones_do():
    touching = joint.solve([item(1, NINE, NINE), item(2, NINE, NINE + HALF)])
    overlapping = joint.solve([item(1, NINE, NINE), item(2, NINE, NINE + HALF - 1)])

    assert (len(touching.left), len(overlapping.left)) == (0, 1)


def test_each_of_two_at_once_gets_a_room_of_its_own():
    rooms = ((((101, NINE, NINE + HALF),), ((102, NINE, NINE + HALF),)),)

    found = joint.solve([item(1, NINE, (NINE, 1), either=rooms), item(2, NINE, (NINE, 2), either=rooms)])

    taken = [{what for what, *_ in takes if what > 100} for takes in found.takes.values()]
    assert sorted(map(sorted, taken)) == [[101], [102]]


def test_one_room_serves_one_of_two():
    room = ((((101, NINE, NINE + HALF),),),)

    found = joint.solve([item(1, NINE, (NINE, 1), either=room), item(2, NINE, (NINE, 2), either=room)])

    assert len(found.left) == 1


@pytest.mark.parametrize(("days", "left"), [(1, 0), (2, 1)])
def test_the_later_of_a_course_stays_days_after_the_earlier(days, left):
    earlier, later = item(1, NINE, (NINE, 1)), item(2, NINE + 1440, (NINE + 1440, 2))

    assert len(joint.solve([earlier, later], [Apart(1, 2, days)]).left) == left


def test_the_order_in_which_visits_come_does_not_matter():
    case = joint_by_hand.random_case(7)
    items = items_of(case)

    one, other = joint.solve(items, bonds_of(case)), joint.solve(items[::-1], bonds_of(case))

    assert one == other


def test_pauses_do_not_matter():
    case = joint_by_hand.random_case(11)
    work = joint.begin(items_of(case), bonds_of(case))
    while not work.is_done:
        joint.go_on(work, lambda: True)

    assert joint.found(work) == solved(case)


def test_those_that_keep_their_time_are_placed_first():
    kept, new = item(2, NINE + 60, NINE + 60), item(1, NINE, NINE + 60, NINE + 90)

    work = joint.begin([new, kept], first=[2])

    assert {key: placed[0].start for key, placed in work.placed.items()} == {2: NINE + 60, 1: NINE + 90}


@pytest.mark.parametrize("number", range(60))
def test_random_cases_are_feasible_and_the_best_there_is(number):
    case = joint_by_hand.random_case(number)

    found = solved(case)

    plan = plan_of(case, found)
    assert case.clashes(plan) == []
    assert case.cost(plan) == joint_by_hand.best(case) == (len(found.left), found.cost)
    assert found.least <= found.cost


@pytest.mark.parametrize("number", range(40))
def test_visits_of_one_length_on_one_diary_are_exact(number):
    case = joint_by_hand.alike_case(number)

    with patch.object(joint, "SMALL", 1):  # so that it is the order alone that is trusted
        found = solved(case)

    assert case.cost(plan_of(case, found)) == joint_by_hand.best(case)


def test_large_groups_are_never_worse_than_one_by_one_and_often_better():
    better = 0
    with patch.object(joint, "SMALL", 1):
        for number in range(80):
            case = joint_by_hand.random_case(number)
            plan = plan_of(case, solved(case))
            assert case.clashes(plan) == []
            assert joint_by_hand.best(case) <= case.cost(plan) <= joint_by_hand.one_by_one(case)
            better += case.cost(plan) < joint_by_hand.one_by_one(case)

    assert better > 20


def test_the_bound_sees_that_two_cannot_have_the_same_time():
    items = [item(1, NINE, NINE, NINE + HALF), item(2, NINE, NINE, NINE + HALF)]

    assert joint_bound.least(items, upper=HALF) == HALF


def test_many_visits_take_seconds_at_most():
    people, days = range(1, 9), range(20)
    free = [(day * 1440 + 480 + 30 * slot, who) for day in days for slot in range(0, 20, 2) for who in people]
    visits = [item(n, was_at := (n % 10) * 1440 + 480 + 30 * (n % 17), *sorted(
        free, key=lambda each, at=was_at: (abs(each[0] - at), each))[:60]) for n in range(150)]  # fmt: skip

    found = joint.solve(visits)

    assert found.left == ()
    assert found.least <= found.cost <= found.one_by_one
