"""The planner on random small calendars, against every combination tried by hand; the proof does many more."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clinic import compared_courses


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(15))
def test_the_plan_is_the_cheapest_of_all_combinations(seed):
    seen = compared_courses.compare(seed)

    assert seen["placed"] + seen["impossible"] == seen["sessions"]


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 11), rng=st.randoms())
def test_the_plan_is_the_cheapest_of_all_combinations_that_hypothesis_thinks_of(number, rng):
    seen = compared_courses.compare(number, rng)

    assert seen["placed"] + seen["impossible"] == seen["sessions"]
