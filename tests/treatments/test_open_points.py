from datetime import date, timedelta
from decimal import Decimal

import pytest

from treatments.facts import Answer, Line, Plan, Rule, Subject, Substance, Treatment
from treatments.open_points import open_points

DAY = date(2026, 3, 2)
ASKED = Rule(1, "thing", "Thing", "question", "block")
AGE = Rule(2, "under_18", "Under 18", "birth_date", "block", age_below_years=18)
SKIN = Rule(3, "fitzpatrick_4_6", "Skin", "skin_type", "advise", skin_type_from=4)


def said(answer="no", reviewed_on=DAY):
    return {1: (Answer("a", answer, reviewed_on),)}


def points(subject=None, *rules, fulfilled=None, lines=(), **plan):
    treatment = Treatment(Plan("mesotherapy", lines=tuple(lines), **plan), rules, frozenset({3}))
    return list(open_points(subject or Subject(), treatment, DAY, fulfilled or {}))


def codes(*args, **details):
    return [point.code for point in points(*args, **details)]


def test_open_points_warn_and_hold_up_the_start_only():
    (point,) = points(Subject(), ASKED)

    assert (point.severity, point.blocks, point.is_open_point) == ("warn", {"start"}, True)
    assert (point.needs_clinician, point.headline) == (False, "Before the treatment starts")


def test_open_points_are_none_when_nothing_has_to_be_known():
    assert codes() == []


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, ["history"]),
        ({9: (Answer("x", "no", DAY),)}, ["history"]),
        (said("unknown"), ["history"]),
        (said("yes"), []),
        (said(reviewed_on=DAY - timedelta(days=365)), []),
        (said(reviewed_on=DAY - timedelta(days=366)), ["history_old"]),
    ],
    ids=["never reviewed", "not asked", "not known", "answered", "a year old", "older"],
)
def test_history_is_open_until_every_relevant_question_is_answered_within_a_year(answers, expected):
    assert codes(Subject(answers=answers), ASKED) == expected


def test_history_names_what_is_missing():
    (point,) = points(Subject(answers={9: (Answer("x", "no", DAY),)}), ASKED)

    assert point.message == "1 question of the medical history has no answer: Thing"


def test_history_names_at_most_four_questions():
    rules = [Rule(number, f"q{number}", f"Q{number}", "question", "block") for number in range(10, 16)]

    (point,) = points(Subject(answers=said()), *rules)

    assert point.message == "6 questions of the medical history have no answer: Q10, Q11, Q12, Q13, …"


def test_history_says_what_is_old():
    (point,) = points(Subject(answers=said(reviewed_on=date(2024, 1, 1))), ASKED)

    assert point.message == "1 answer of the medical history is older than 12 months: Thing"


def test_history_leaves_out_questions_that_are_no_longer_asked():
    assert codes(Subject(), Rule(1, "thing", "Thing", "question", "block", is_asked=False)) == []


def test_history_leaves_out_questions_about_ingredients_that_are_not_used():
    assert codes(Subject(), Rule(1, "thing", "Thing", "question", "block", ingredient_id=7)) == []


@pytest.mark.parametrize(
    ("born", "rules", "plan", "expected"),
    [
        (None, [AGE], {}, ["birth_date"]),
        (None, [], {"min_age_years": 18}, ["birth_date"]),
        (None, [], {}, []),
        (DAY, [AGE], {}, []),
    ],
)
def test_birth_date_is_open_where_an_age_counts(born, rules, plan, expected):
    assert codes(Subject(birth_date=born), *rules, **plan) == expected


@pytest.mark.parametrize(
    ("skin_type", "rules", "expected"), [(None, [SKIN], ["skin_type"]), (None, [], []), (2, [SKIN], [])]
)
def test_skin_type_is_open_where_it_counts(skin_type, rules, expected):
    assert codes(Subject(skin_type=skin_type), *rules) == expected


@pytest.mark.parametrize(("weight", "per_kg", "expected"), [(None, 7, ["weight"]), (None, None, []), (60, 7, [])])
def test_weight_is_open_where_the_dose_depends_on_it(weight, per_kg, expected):
    line = Line(Substance(1, "Procaine", max_per_kg=per_kg and Decimal(per_kg)), Decimal(20))

    assert codes(Subject(weight_kg=weight), lines=[line]) == expected


@pytest.mark.parametrize(
    ("scope", "signed", "expected"),
    [("peel", set(), ["consent"]), ("peel", {"other"}, ["consent"]), ("peel", {"peel"}, []), ("", set(), [])],
)
def test_consent_is_open_until_the_one_of_this_treatment_is_signed(scope, signed, expected):
    assert codes(Subject(consents=frozenset(signed)), consent_scope=scope) == expected


@pytest.mark.parametrize(
    ("needed", "fulfilled", "expected"),
    [
        (True, {}, ["consultation"]),
        (True, {"patch_test": DAY}, ["consultation"]),
        (True, {"consultation": DAY}, []),
        (True, {"consultation": DAY + timedelta(days=1)}, ["consultation"]),
        (False, {}, []),
    ],
)
def test_consultation_is_open_until_it_took_place(needed, fulfilled, expected):
    assert codes(requires_consultation=needed, fulfilled=fulfilled) == expected
