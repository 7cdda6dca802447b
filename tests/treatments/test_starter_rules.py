import pytest

from tests.treatments.starter import edit, faults

RULES = [
    ("areas", "cheek", {"source": ["rumour"]}, "names the unknown source 'rumour'"),
    ("areas", "cheek", {"source": []}, "names no source"),
    (
        *("areas", "cheek", {"source": ["proposed"], "confidence": "high"}),
        "has high confidence but is only proposed",
    ),
    ("areas", "palm", {"microneedling_block_reason": None}, "is blocked for microneedling without a reason"),
    ("areas", "breast", {"mesotherapy_block_reason": None}, "is blocked for mesotherapy without a reason"),
    (
        *("areas", "palm", {"microneedling_depth_max_mm": 1}),
        "has a needling depth although needling is blocked",
    ),
    (
        *("areas", "back", {"microneedling_depth_typical_mm": None}),
        "has no needling depth although needling is allowed",
    ),
    (
        *("areas", "back", {"microneedling_depth_hard_cap_mm": 2.6}),
        "has a cap of 2.6 mm, above hard_depth_limit_mm of 2.5 mm",
    ),
    ("techniques", "papule", {"depth_max_mm": 0.5}, "depth_min_mm, depth_max_mm do not rise"),
    ("ingredient_classes", "hormones", {"block_reason": None}, "is blocked without a reason"),
    ("indications", "vitiligo", {"block_reason": None}, "is blocked without a reason"),
    ("outcome_scales", "texture_pore_score", {"block_reason": None}, "is blocked without a reason"),
    ("ingredients", "glutathione", {"block_reason": None}, "is blocked without a reason"),
    ("ingredients", "biotin", {"category": "hormone"}, "names the unknown class 'hormone'"),
    ("ingredients", "biotin", {"allergen_tags": ["nuts"]}, "names the unknown substance 'nuts'"),
    ("ingredients", "biotin", {"incompatible_with": ["gold"]}, "is incompatible with the unknown ingredient 'gold'"),
    (
        *("ingredients", "lidocaine", {"interaction_warnings__0__with": "gold"}),
        "interacts with the unknown ingredient 'gold'",
    ),
    ("ingredients", "biotin", {"related_conditions": ["mood"]}, "names the unknown condition 'mood'"),
    (
        *("ingredients", "biotin", {"related_conditions": ["soy_allergy"]}),
        "names the condition 'soy_allergy', which is for other ingredients",
    ),
    ("ingredients", "biotin", {"typical_per_session": 11}, "typical_per_session, max_per_session do not rise"),
    (
        *("ingredients", "vitamin_e_oil", {"blocked_by_default": False}),
        "is oil based and not blocked",
    ),
    (
        *("ingredients", "dmae", {"clinician_must_set_max": False}),
        "has no maximum and does not ask a clinician to set one",
    ),
    ("conditions", "pregnancy", {"only_for_ingredients": ["tofu"]}, "is for the unknown ingredient 'tofu'"),
    ("conditions", "soy_allergy", {"applies_to": []}, "applies to no modality"),
    ("conditions", "filler_recent", {"washout_days": None}, "is a dated event without washout_days"),
    (
        *("conditions", "filler_recent", {"washout_days_min": 30}),
        "washout_days_min, washout_days, washout_days_max do not rise",
    ),
    ("outcome_scales", "gais", {"for_indications": ["joy"]}, "is for the unknown indication 'joy'"),
    ("outcome_scales", "gais", {"step": None}, "has no range and is not blocked"),
    ("outcome_scales", "lemperle", {"max": 0}, "min is not below max"),
    ("outcome_scales", "gais", {"labels": {"4-6": "Fair"}}, "grade '4-6' is outside its range"),
    ("outcome_scales", "gais", {"labels": {"-1": "Fair"}}, "grade '-1' is outside its range"),
    ("clinic_constants", "cooling_off_hours", {"value": 400}, "min, value, max do not rise"),
    ("services", "review", {"technique": "yoga"}, "names the unknown technique 'yoga'"),
    ("services", "mesotherapy_session", {"technique": "needling"}, "technique 'needling' is not for its modality"),
    ("services", "review", {"modality": "mesotherapy"}, "a treatment, and nothing else, names a modality"),
    ("services", "review", {"fulfils_days": 3}, "fulfils_days without fulfils"),
    ("services", "review", {"segments__1__base_minutes": 0}, "segment 2 takes no time"),
    ("services", "review", {"segments__0__kind": "recovery"}, "has no hands_on segment"),
    (
        *("services", "review", {"segments__0__holds_practitioner": False}),
        "segment 1 is hands_on without the practitioner",
    ),
]


@pytest.mark.parametrize(("file", "key", "changes", "what"), RULES, ids=[f"{row[1]} {row[3]}" for row in RULES])
def test_a_record_that_breaks_a_rule_is_refused(folder, file, key, changes, what):
    edit(folder, file, key, **changes)

    assert faults(folder) == [f"{file}.json: {key}: {what}"]


AFTERCARE = [
    ("steps", "spf30", {"offset_hours_end": 1}, "offset_hours_start, offset_hours_end do not rise"),
    ("steps", "spf30", {"applies_to": []}, "applies to no modality"),
    ("adverse_events", "ntm_infection", {"response_target_minutes": None}, "is urgent without response_target_minutes"),
    ("follow_ups", "outcome_12m", {"block_reason": None}, "is blocked without a reason"),
]


@pytest.mark.parametrize(("part", "key", "changes", "what"), AFTERCARE, ids=[row[3] for row in AFTERCARE])
def test_aftercare_that_breaks_a_rule_is_refused(folder, part, key, changes, what):
    edit(folder, "aftercare", key, part=part, **changes)

    assert faults(folder) == [f"aftercare.json: {key}: {what}"]
