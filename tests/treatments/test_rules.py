from datetime import date, timedelta
from decimal import Decimal

import pytest

from treatments import rules
from treatments.facts import Answer, Done, Line, Plan, Rule, Step, Subject, Substance, Tag, Treatment

DAY = date(2026, 3, 2)
EVERY_STAGE = frozenset({"plan", "book", "start"})
LIDOCAINE = Substance(7, "Lidocaine", max_per_kg=Decimal("4.5"), tags=(Tag("amide_anaesthetic", "Amides", True),))
FISHY = Substance(9, "Polynucleotide", tags=(Tag("fish", "Fish", True), Tag("sulfite", "Sulphite", False)))


def rule(action="block", **details):
    return Rule(
        **{"condition_id": 1, "code": "thing", "label": "Thing", "answered_by": "question", **details}, action=action
    )


def plan(*lines, **details):
    return Plan("mesotherapy", version_id=5, lines=lines, **details)


def treatment(*found, lines=(), area_ids=(3,), done=(), **details):
    numbing = details.pop("is_without_anaesthetic", False)
    return Treatment(plan(*lines, **details), found, frozenset(area_ids), done, is_without_anaesthetic=numbing)


def yes(**details):
    return answers(Answer(**{"key": "a", "answer": "yes", "reviewed_on": DAY, **details}))


def answers(*found):
    return Subject(answers={1: found})


def only(found):
    (finding,) = found
    return finding


def condition(subject, visit, on=DAY):
    return rules.conditions(subject, visit, on).get("thing")


@pytest.mark.parametrize(
    ("action", "severity", "blocks", "is_decidable"),
    [
        ("block", "stop", EVERY_STAGE, False),
        ("defer", "stop", EVERY_STAGE, False),
        ("block_unless_override", "stop", EVERY_STAGE, True),
        ("clinician_review", "warn", {"start"}, True),
        ("doctor_letter", "warn", {"start"}, True),
        ("no_anaesthetic", "warn", {"start"}, True),
        ("prophylaxis", "warn", {"start"}, True),
        ("avoid_spot", "warn", {"start"}, True),
        ("advise", "advise", set(), False),
    ],
)
def test_conditions_follow_the_table_of_actions(action, severity, blocks, is_decidable):
    finding = condition(yes(), treatment(rule(action)))

    assert (finding.severity, finding.blocks, finding.is_decidable) == (severity, blocks, is_decidable)


@pytest.mark.parametrize(
    ("found", "speaks"),
    [
        ([], False),
        (["no"], False),
        (["unknown"], False),
        (["yes"], True),
        (["unknown", "yes"], True),
        (["no", "yes"], False),
        (["yes", "no"], True),
    ],
)
def test_conditions_count_the_newest_answer_that_says_something(found, speaks):
    subject = answers(*(Answer(answer, answer, DAY) for answer in found))

    assert (condition(subject, treatment(rule())) is not None) is speaks


@pytest.mark.parametrize(
    ("is_bound", "where", "speaks"),
    [(True, {3}, True), (True, {3, 4}, True), (True, {4}, False), (True, set(), True), (False, {4}, True)],
)
def test_conditions_of_the_treated_area_count_where_it_is_treated(is_bound, where, speaks):
    visit = treatment(rule(is_bound_to_area=is_bound))

    assert (condition(yes(area_ids=frozenset(where)), visit) is not None) is speaks


@pytest.mark.parametrize("action", ["block", "defer", "clinician_review", "advise"])
@pytest.mark.parametrize(("days", "speaks"), [(0, True), (13, True), (14, False), (15, False)])
def test_conditions_with_a_wait_end_on_their_day(action, days, speaks):
    subject = yes(happened_on=DAY, reviewed_on=DAY + timedelta(days=5))

    finding = condition(subject, treatment(rule(action, washout_days=14)), DAY + timedelta(days=days))

    assert (finding.clears_on if finding else None) == (DAY + timedelta(days=14) if speaks else None)


@pytest.mark.parametrize(("days", "speaks"), [(13, True), (14, False)])
def test_conditions_with_a_wait_count_from_the_review_when_no_date_is_known(days, speaks):
    visit = treatment(rule("defer", washout_days=14))

    assert (condition(yes(), visit, DAY + timedelta(days=days)) is not None) is speaks


def test_conditions_tell_the_desk_when_but_never_why():
    finding = condition(yes(), treatment(rule("defer", washout_days=14)))

    assert (finding.message, finding.desk_message) == ("Thing", "Not before 16 March 2026.")
    assert finding.clears == "Wait until 16 March 2026."


@pytest.mark.parametrize(
    ("ingredient_id", "action", "speaks"),
    [(7, "block", True), (8, "block", False), (None, "block", True), (8, "no_anaesthetic", True)],
)
def test_conditions_of_an_ingredient_count_where_it_is_used(ingredient_id, action, speaks):
    visit = treatment(rule(action, ingredient_id=ingredient_id), lines=[Line(LIDOCAINE)])

    assert (condition(yes(), visit) is not None) is speaks


@pytest.mark.parametrize(
    ("lines", "is_without", "severity"),
    [
        ([], False, "warn"),
        ([Line(FISHY)], False, "warn"),
        ([Line(LIDOCAINE, is_anaesthetic=True)], False, "stop"),
        ([Line(LIDOCAINE, is_anaesthetic=True)], True, "warn"),
        ([Line(LIDOCAINE)], True, "stop"),
    ],
    ids=["none", "another", "held", "switched off", "in the mix"],
)
def test_no_anaesthetic_stops_a_visit_that_holds_it(lines, is_without, severity):
    visit = treatment(rule("no_anaesthetic", ingredient_id=7), lines=lines, is_without_anaesthetic=is_without)

    finding = condition(yes(), visit)

    assert (finding.severity, finding.blocks, finding.is_decidable) == (severity, {"start"}, severity == "warn")


@pytest.mark.parametrize("order", [1, -1])
def test_conditions_keep_the_strictest_of_several_rules(order):
    found = [rule("advise"), rule("block", ingredient_id=7), rule("clinician_review", ingredient_id=9)][::order]

    assert condition(yes(), treatment(*found, lines=[Line(LIDOCAINE), Line(FISHY)])).severity == "stop"


@pytest.mark.parametrize("order", [1, -1])
def test_conditions_keep_the_longest_of_several_waits(order):
    found = [rule("defer", washout_days=7, ingredient_id=7), rule("defer", washout_days=14)][::order]

    assert condition(yes(), treatment(*found, lines=[Line(LIDOCAINE)])).clears_on == DAY + timedelta(days=14)


@pytest.mark.parametrize(
    ("born", "speaks"),
    [(date(2008, 3, 2), False), (date(2008, 3, 3), True), (date(2015, 1, 1), True), (None, False)],
)
def test_age_counts_on_the_day_of_the_visit(born, speaks):
    visit = treatment(rule(answered_by="birth_date", age_below_years=18))

    finding = condition(Subject(birth_date=born), visit)

    assert (finding is not None) is speaks
    if speaks:
        assert finding.clears_on == date(born.year + 18, born.month, born.day)


def test_age_without_a_figure_says_nothing():
    assert condition(Subject(birth_date=DAY), treatment(rule(answered_by="birth_date"))) is None


def test_somebody_born_on_a_leap_day_comes_of_age_on_the_first_of_march():
    assert rules.reaches_age_on(date(2008, 2, 29), 18) == date(2026, 3, 1)
    assert rules.reaches_age_on(date(2008, 2, 29), 20) == date(2028, 2, 29)


@pytest.mark.parametrize(("born", "speaks"), [(date(2005, 3, 2), False), (date(2005, 3, 3), True), (None, False)])
def test_youngest_age_is_the_protocols_own(born, speaks):
    found = list(rules.youngest_age(Subject(birth_date=born), treatment(min_age_years=21), DAY))

    assert [finding.desk_message for finding in found] == (["Not before 3 March 2026."] if speaks else [])


def test_youngest_age_is_silent_outside_a_protocol():
    assert list(rules.youngest_age(Subject(birth_date=DAY), treatment(), DAY)) == []


@pytest.mark.parametrize(
    ("skin_type", "of_rule", "of_plan", "speaks"),
    [
        (3, 4, None, False),
        (4, 4, None, True),
        (6, 4, None, True),
        (3, 4, 3, True),
        (4, 4, 5, False),
        (None, 4, 4, False),
        (6, None, None, False),
    ],
)
def test_skin_type_counts_from_the_protocols_figure_else_the_rules(skin_type, of_rule, of_plan, speaks):
    visit = treatment(rule("advise", answered_by="skin_type", skin_type_from=of_rule), skin_caution_from=of_plan)

    assert (condition(Subject(skin_type=skin_type), visit) is not None) is speaks


def test_the_rule_about_allergies_is_left_to_the_comparison_of_substances():
    assert condition(yes(), treatment(rule(answered_by="allergies"))) is None


FISHY_MIX = (Line(FISHY),)


def allergies(found, *rows, lines=FISHY_MIX, subject=None, **details):
    subject = subject or Subject(allergies=found)
    return list(rules.allergies(subject, treatment(*rows, lines=lines, **details), DAY))


@pytest.mark.parametrize(("tag", "severity"), [("fish", "stop"), ("sulfite", "warn")])
def test_allergies_stop_a_certain_and_warn_of_a_possible_substance_at_every_stage(tag, severity):
    finding = only(allergies({tag: "x"}))

    assert (finding.code, finding.severity, finding.blocks) == (f"allergy_{tag}", severity, EVERY_STAGE)
    assert finding.is_decidable is (severity == "warn")


def test_allergies_are_silent_about_substances_that_are_not_used():
    assert allergies({"soy": "x"}) == []


@pytest.mark.parametrize(("is_without", "count"), [(False, 1), (True, 0)])
def test_allergies_look_at_the_anaesthetic_unless_it_is_switched_off(is_without, count):
    lines = [Line(LIDOCAINE, is_anaesthetic=True)]

    assert len(allergies({"amide_anaesthetic": "x"}, lines=lines, is_without_anaesthetic=is_without)) == count


@pytest.mark.parametrize(
    ("code", "ingredient_id", "answer", "is_silent"),
    [
        ("fish_allergy", 9, "yes", True),
        ("fish_allergy", 9, "no", False),
        ("fish_allergy", None, "yes", False),
        ("fish_allergy", 7, "yes", False),
        ("gallstones", 9, "yes", False),
        ("soy_allergy", 9, "yes", False),
    ],
)
def test_allergies_give_way_to_an_answered_rule_about_the_same_allergy_and_ingredient(
    code, ingredient_id, answer, is_silent
):
    row = rule("clinician_review", code=code, ingredient_id=ingredient_id)
    subject = Subject(allergies={"fish": "x"}, answers={1: (Answer("a", answer, DAY),)})

    assert (allergies({}, row, subject=subject) == []) is is_silent


@pytest.mark.parametrize(("lines", "count"), [((Line(FISHY),), 1), ((), 0)])
def test_allergies_in_words_ask_a_clinician_where_something_is_used(lines, count):
    found = allergies({}, subject=Subject(allergies_in_words=("x",)), lines=lines)

    assert [(each.code, each.severity, each.blocks) for each in found] == [
        ("allergy_in_words", "warn", {"start"})
    ] * count


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ([], None),
        ([Done(DAY - timedelta(days=14), 14)], None),
        ([Done(DAY - timedelta(days=13), 14)], 1),
        ([Done(DAY, 14)], 14),
        ([Done(DAY - timedelta(days=20), 30), Done(DAY - timedelta(days=1), 7)], 10),
        ([Done(DAY + timedelta(days=1), 14)], None),
    ],
    ids=["nothing before", "on the day", "a day early", "same day", "the longer wins", "later than the visit"],
)
def test_minimum_gap_ends_when_the_longest_wait_is_over(done, expected):
    found = list(rules.minimum_gap(treatment(done=done), DAY))

    clears = [] if expected is None else [DAY + timedelta(days=expected)]
    assert [finding.clears_on for finding in found] == clears


def test_minimum_gap_stops_at_every_stage_and_tells_the_desk_when():
    finding = only(rules.minimum_gap(treatment(done=[Done(DAY, 14)]), DAY))

    assert (finding.severity, finding.blocks) == ("stop", EVERY_STAGE)
    assert finding.desk_message == "The skin needs time after the last session: not before 16 March 2026."


def step(depth="1", limit="2", area_id=3, **details):
    return Step(area_id, "Cheek", Decimal("0.5"), Decimal(depth), Decimal("0.25"), limit and Decimal(limit), **details)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (step("2"), []),
        (step("2.01"), ["depth_over_limit"]),
        (step(block_reason="Never."), ["area_blocked"]),
        (step(limit=None), ["area_without_limit"]),
        (step("2.01", area_id=4), []),
    ],
    ids=["at the limit", "deeper", "blocked", "no limit", "another area"],
)
def test_live_limits_stop_at_what_the_catalogue_allows_today(where, expected):
    found = list(rules.live_limits(Subject(), treatment(steps=(where,))))

    assert [(each.code, each.severity, each.blocks) for each in found] == [
        (code, "stop", EVERY_STAGE) for code in expected
    ]


@pytest.mark.parametrize(("soft", "count"), [("1", 0), ("0.9", 1), (None, 0)])
def test_live_limits_advise_above_the_depth_at_which_a_clinician_is_asked(soft, count):
    soft = soft and Decimal(soft)

    found = list(rules.live_limits(Subject(), treatment(steps=(step(),), soft_max_depth_mm=soft)))

    assert [(each.severity, each.blocks) for each in found] == [("advise", frozenset())] * count


@pytest.mark.parametrize(("weight", "expected"), [(None, []), ("50", []), ("49", ["dose_for_weight"])])
def test_live_limits_keep_the_dose_for_the_body_weight(weight, expected):
    visit = treatment(lines=[Line(LIDOCAINE, Decimal(225)), Line(FISHY, Decimal(40))])

    found = rules.live_limits(Subject(weight_kg=weight and Decimal(weight)), visit)

    assert [finding.code for finding in found] == expected


def test_live_limits_add_up_an_ingredient_that_stands_in_two_lines():
    strong = Substance(1, "Strong", max_per_session=Decimal(10))
    visit = treatment(lines=[Line(strong, Decimal(6)), Line(strong, Decimal(5))])

    assert only(rules.live_limits(Subject(), visit)).message == "Strong: 11 mg is more than the maximum of 10 mg."


@pytest.mark.parametrize(
    "changed",
    [
        {"answer_key": "b"},
        {"area_ids": (3, 4)},
        {"version_id": 6},
        {"action": "doctor_letter"},
        {"washout_days": 10},
    ],
)
def test_the_basis_of_a_decision_changes_with_answer_area_version_and_rule(changed):
    def basis(answer_key="a", area_ids=(3,), version_id=5, action="clinician_review", washout_days=20):
        visit = Treatment(
            Plan("mesotherapy", version_id=version_id), (rule(action, washout_days=washout_days),), frozenset(area_ids)
        )
        return condition(yes(key=answer_key), visit).basis

    assert (len(basis()), basis() == basis(), basis() == basis(**changed)) == (64, True, False)
