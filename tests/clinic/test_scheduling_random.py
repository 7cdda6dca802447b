"""The planner on random small calendars, against every combination tried by hand; the proof does many more."""

import pytest

from tests.clinic import compared_courses


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(15))
def test_the_plan_is_the_cheapest_of_all_combinations(seed):
    seen = compared_courses.compare(seed)

    assert seen["placed"] + seen["impossible"] == seen["sessions"]
