"""The cheapest course on bare numbers: prices, ties, what is booked around it, and what cannot be placed."""

from datetime import date, timedelta

from clinic.scheduling.search import Found, Option, Prices, Step, best
from treatments.windows import PlannedSession

DAY_ONE = date(2026, 6, 1)
PRICES = Prices(change=2, late=5, each_late_day=1)
NOON = 12 * 60


def at(day, minute=NOON, person=1, cost=0, place=1):
    """An option on that day of the course, counted from 0."""
    return Option(day * 1440 + minute, place, person, cost)


def open_one(number, *options, least=7, ideal=7, most=10, **dates):
    days = {}
    for option in options:
        days.setdefault(DAY_ONE.toordinal() + option.start // 1440, []).append(option)
    return Step(PlannedSession(number, least, ideal, most, **dates), days=days)


def fixed(number, day, person=None, least=7, ideal=7, most=10):
    on = DAY_ONE + timedelta(days=day)
    return Step(PlannedSession(number, least, ideal, most, booked_on=on), person)


def found(*steps, prices=PRICES, today=0):
    return best(steps, DAY_ONE, prices, (DAY_ONE + timedelta(days=today)).toordinal())


def test_no_sessions_cost_nothing():
    assert found() == Found({}, 0)


def test_the_best_day_is_taken_though_an_earlier_one_is_free():
    assert found(open_one(1, at(0)), open_one(2, at(7), at(8))) == Found({1: at(0), 2: at(7)}, 0)


def test_a_first_visit_gives_way_for_a_better_course():
    first = open_one(1, at(0, person=1), at(1, person=2))
    second = open_one(2, at(8, person=2), at(20, person=1))

    assert found(first, second) == Found({1: at(1, person=2), 2: at(8, person=2)}, 1)


def test_a_change_of_person_costs_only_between_people_who_are_known():
    assert found(open_one(1, at(0, person=1)), open_one(2, at(7, person=2))).cost == 2
    assert found(open_one(1, at(0, person=None)), open_one(2, at(7, person=2))).cost == 0
    assert found(fixed(1, 0, person=3), open_one(2, at(7, person=2))).cost == 2
    assert found(fixed(1, 0), open_one(2, at(7, person=2))).cost == 0


def test_a_session_that_waits_is_not_expected_in_the_past():
    waits = Step(PlannedSession(1, 7, 7, 10))

    assert found(waits, open_one(2, at(7), at(12), least=5)).options == {2: at(7)}
    assert found(waits, open_one(2, at(7), at(12), least=5), today=5) == Found({2: at(12)}, 0)
    assert found(waits, open_one(2, at(7), least=5), today=5) == Found({}, 0)


def test_lateness_costs_once_and_by_the_day():
    assert found(open_one(1, at(0)), open_one(2, at(10))).cost == 3
    assert found(open_one(1, at(0)), open_one(2, at(12))).cost == 5 + 5 + 2


def test_after_the_last_day_of_the_series_a_visit_is_late():
    steps = open_one(1, at(0)), open_one(2, at(7), expires_on=DAY_ONE + timedelta(days=5))

    assert found(*steps).cost == 5 + 2


def test_of_equal_plans_the_earlier_start_then_the_lower_keys_win():
    assert found(open_one(1, at(0, 600), at(0, 540, person=2))).options == {1: at(0, 540, person=2)}
    assert found(open_one(1, at(0, person=5), at(0, person=4))).options == {1: at(0, person=4)}
    assert found(open_one(1, at(0, place=2, person=1), at(0, place=1, person=9))).options == {1: at(0, person=9)}


def test_a_dear_plan_is_found_however_far_away_it_is():
    assert found(open_one(1, at(200))).cost == 200 + 5 + 190


def test_as_many_as_possible_are_placed_before_the_cost_counts():
    steps = open_one(1, at(0), at(9)), open_one(2, at(16)), open_one(3, at(23))

    assert found(*steps) == Found({1: at(9), 2: at(16), 3: at(23)}, 9)


def test_after_a_session_that_cannot_be_placed_none_is():
    assert found(open_one(1, at(0)), open_one(2, at(3)), open_one(3, at(14))) == Found({1: at(0)}, 0)


def test_a_booked_session_is_never_left_too_close():
    steps = open_one(1, at(0), at(3)), fixed(2, 9)

    assert found(*steps) == Found({1: at(0)}, 2)
    assert found(open_one(1, at(3)), fixed(2, 8)) == Found({}, 0)


def test_a_booked_session_counts_with_what_the_one_before_it_makes_of_it():
    assert found(open_one(1, at(0)), fixed(2, 12, person=1)).cost == 5 + 5 + 2
    assert found(open_one(1, at(0)), fixed(2, 7, person=2)).cost == 2


def test_a_session_on_hold_is_passed_on_its_best_day():
    on_hold = Step(PlannedSession(2, 7, 7, 10))

    assert found(open_one(1, at(0)), on_hold, open_one(3, at(14))) == Found({1: at(0), 3: at(14)}, 0)


def test_a_done_session_does_not_stand_in_the_way_of_one_before_it():
    done = Step(PlannedSession(2, 7, 7, 10, done_on=DAY_ONE), person=1)

    assert found(open_one(1, at(0)), done, open_one(3, at(7))) == Found({1: at(0), 3: at(7)}, 0)
