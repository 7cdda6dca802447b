import json
import shutil
import time
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Q

from patients.models import BodyArea, Condition, ConsentText, SubstanceTag
from treatments import catalogue
from treatments.models import (
    AdverseEventKind,
    AftercareAdvice,
    AnaestheticLine,
    AreaLimit,
    CatalogueRevision,
    CocktailLine,
    Contraindication,
    DepthStep,
    ExternalInteraction,
    FollowUp,
    FollowUpRule,
    IncompatiblePair,
    Indication,
    Ingredient,
    IngredientClass,
    IngredientInteraction,
    IngredientTag,
    OutcomeScale,
    Phase,
    Protocol,
    ProtocolVersion,
    ReferenceFigure,
    Service,
    ServiceSegment,
    Source,
    Technique,
    VersionAftercare,
    VersionCheck,
    VersionScale,
    VersionSegment,
)
from treatments.starter_files import STARTER, BrokenStarter


@pytest.fixture
def loaded(db):
    return {count.table: count for count in catalogue.load()}


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(STARTER, tmp_path / "starter")


def edit(folder, file, key, /, *, part=None, **changes):
    """Change one record of a starter file; the name of a nested value is written as `limits__max_mg`."""
    path = folder / f"{file}.json"
    content = json.loads(path.read_text())
    record = next(row for row in (content[part] if part else content) if row["key"] == key)
    for name, value in changes.items():
        *outer, last = name.split("__")
        place = record
        for step in outer:
            place = place[int(step) if step.isdigit() else step]
        place[int(last) if isinstance(place, list) else last] = value
    path.write_text(json.dumps(content))


def faults(folder):
    with pytest.raises(BrokenStarter) as caught:
        catalogue.checked(folder)
    return str(caught.value).splitlines()


# -- What is loaded ---------------------------------------------------------------------------------------------------


def test_load_counts_every_record(loaded):
    assert {table: count.shipped for table, count in loaded.items()} == {
        "sources": 226,
        "areas": 29,
        "techniques": 10,
        "ingredient_classes": 19,
        "indications": 8,
        "substances": 34,
        "ingredients": 36,
        "conditions": 82,
        "outcome_scales": 18,
        "aftercare.steps": 30,
        "aftercare.adverse_events": 19,
        "aftercare.follow_ups": 10,
        "clinic_constants": 31,
        "services": 6,
        "protocols": 12,
        "consent_texts": 4,
    }


def test_load_counts_what_is_blocked(loaded):
    assert {table: count.blocked for table, count in loaded.items() if count.blocked} == {
        "ingredient_classes": 1,
        "indications": 2,
        "ingredients": 6,
        "outcome_scales": 1,
        "aftercare.follow_ups": 1,
    }


ROWS = {
    Source: 226,
    BodyArea: 29,
    Technique: 10,
    AreaLimit: 290,
    IngredientClass: 19,
    Indication: 8,
    SubstanceTag: 34,
    Ingredient: 36,
    IngredientTag: 43,
    IncompatiblePair: 5,
    ExternalInteraction: 4,
    IngredientInteraction: 2,
    Condition: 82,
    Contraindication: 133,
    OutcomeScale: 18,
    AftercareAdvice: 30,
    AdverseEventKind: 19,
    FollowUp: 10,
    ReferenceFigure: 31,
    Service: 6,
    Protocol: 12,
    ProtocolVersion: 12,
    Phase: 18,
    DepthStep: 40,
    CocktailLine: 14,
    AnaestheticLine: 10,
    VersionSegment: 34,
    VersionAftercare: 174,
    FollowUpRule: 76,
    VersionScale: 55,
    VersionCheck: 12,
    ConsentText: 4,
}


def test_load_writes_every_row(loaded):
    assert {model: model.objects.count() for model in ROWS} == ROWS


def test_load_adds_nothing_the_second_time(loaded):
    again = catalogue.load()

    assert {count.added for count in again} == {0}


def test_load_does_not_touch_the_revision_the_second_time(loaded):
    before = CatalogueRevision.objects.get().number

    catalogue.load()

    assert CatalogueRevision.objects.get().number == before


def test_load_takes_less_than_a_second_the_second_time(loaded):
    began = time.perf_counter()

    catalogue.load()

    assert time.perf_counter() - began < 1


def test_load_asks_as_many_queries_as_there_are_tables_the_second_time(loaded, django_assert_max_num_queries):
    with django_assert_max_num_queries(18):
        catalogue.load()


def test_load_keeps_what_the_clinic_has_edited(loaded):
    Ingredient.objects.filter(key="lidocaine").update(max_per_session=200, note="Our own limit")
    Contraindication.objects.filter(condition__key="pregnancy").update(action="block_unless_override")
    AreaLimit.objects.filter(area__key="cheek", technique__key="needling").update(depth_cap_mm=1.6)
    IngredientTag.objects.filter(ingredient__key="minoxidil").delete()
    ServiceSegment.objects.filter(service__key="review", kind="hands_on").update(base_minutes=25)

    catalogue.load()

    assert Ingredient.objects.get(key="lidocaine").max_per_session == 200
    assert set(Contraindication.objects.filter(condition__key="pregnancy").values_list("action", flat=True)) == {
        "block_unless_override"
    }
    assert AreaLimit.objects.get(area__key="cheek", technique__key="needling").depth_cap_mm == Decimal("1.6")
    assert not IngredientTag.objects.filter(ingredient__key="minoxidil").exists()
    assert set(ServiceSegment.objects.filter(service__key="review").values_list("base_minutes", flat=True)) == {25, 5}


def test_load_brings_a_missing_record_with_all_its_parts(loaded):
    ingredient = Ingredient.objects.get(key="minoxidil")
    IngredientTag.objects.filter(ingredient=ingredient).delete()
    ingredient.sources.clear()
    ingredient.delete()

    counts = {count.table: count.added for count in catalogue.load() if count.added}

    assert counts == {"ingredients": 1}
    assert set(IngredientTag.objects.filter(ingredient__key="minoxidil").values_list("tag__key", "certainty")) == {
        ("minoxidil", "certain"),
        ("propylene_glycol", "possible"),
    }
    assert Ingredient.objects.get(key="minoxidil").sources.count() == 2


def test_load_leaves_protocols_as_drafts_nobody_has_checked(loaded):
    assert set(ProtocolVersion.objects.values_list("number", "state", "checked_by")) == {(1, "draft", None)}


def test_load_leaves_consent_texts_out_of_use(loaded):
    assert set(ConsentText.objects.values_list("number", "published_at")) == {(1, None)}


def test_load_says_why_what_is_added_without_a_source_is_blocked(loaded):
    added = [
        IngredientClass.objects.get(key="hormones"),
        Indication.objects.get(key="vitiligo"),
        Indication.objects.get(key="hypertrophic_scar"),
        OutcomeScale.objects.get(key="texture_pore_score"),
        FollowUp.objects.get(key="outcome_12m"),
    ]

    assert [(row.is_blocked, row.block_reason.startswith("No source was found")) for row in added] == [(True, True)] * 5


def test_load_puts_the_figures_of_the_maximum_into_columns(loaded):
    figures = Ingredient.objects.filter(Q(max_per_kg__isnull=False) | Q(max_per_cm2__isnull=False))

    assert set(figures.values_list("key", "max_per_session", "max_per_kg", "max_per_cm2")) == {
        ("lidocaine", 300, Decimal("4.5"), None),
        ("procaine", 600, 7, None),
        ("deoxycholic_acid", 100, None, 2),
    }


def test_load_binds_needling_to_the_area_and_injections_to_the_technique(loaded):
    needling = AreaLimit.objects.get(area__key="cheek", technique__key="needling")
    papule = AreaLimit.objects.get(area__key="cheek", technique__key="papule")

    assert (needling.depth_min_mm, needling.depth_typical_mm, needling.depth_max_mm, needling.depth_cap_mm) == (
        Decimal("0.5"),
        Decimal("1.0"),
        Decimal("1.5"),
        Decimal("2.0"),
    )
    assert (papule.is_blocked, papule.depth_max_mm, papule.technique.depth_max_mm) == (False, None, Decimal("2.0"))


def test_load_blocks_the_areas_that_are_never_treated(loaded):
    blocked = AreaLimit.objects.filter(is_blocked=True)

    assert set(blocked.filter(technique__key="needling").values_list("area__key", flat=True)) == {
        *("eyelid", "lip_vermilion", "palm", "sole"),
    }
    assert set(blocked.filter(technique__key="papule").values_list("area__key", flat=True)) == {
        *("eyelid", "lip_vermilion", "palm", "sole", "breast"),
    }
    assert not blocked.filter(block_reason="").exists()


def test_load_gives_a_reason_where_a_depth_is_above_the_usual_range(loaded):
    steps = DepthStep.objects.exclude(reason="")

    assert set(steps.values_list("version__protocol__key", "area__key", "depth_max_mm")) == {
        ("mn_acne_scar", "cheek", 2),
        ("mn_acne_scar", "chin", Decimal("1.5")),
    }


def test_load_answers_some_questions_from_elsewhere(loaded):
    others = Condition.objects.exclude(answered_by="question")

    assert dict(others.values_list("key", "answered_by")) == {
        "under_18": "birth_date",
        "under_22_us_device": "birth_date",
        "fitzpatrick_4_6": "skin_type",
        "any_ingredient_allergy": "allergies",
    }


def test_load_asks_the_patient_whole_questions(loaded):
    asked = Condition.objects.filter(answered_by="question")

    assert [row.key for row in asked if not row.question.endswith(("?", "."))] == []


def test_load_makes_each_visit_as_long_as_published(loaded):
    published = {row["key"]: row for row in json.loads((STARTER / "protocols.json").read_text())}

    minutes = {
        version.protocol.key: sum(part.minutes(version.depth_steps.count()) for part in version.segments.all())
        for version in ProtocolVersion.objects.select_related("protocol").prefetch_related("segments", "depth_steps")
    }

    assert minutes == {key: row["room_occupancy_minutes"] for key, row in published.items()}


def test_load_copies_the_questions_of_a_follow_up(loaded):
    rule = FollowUpRule.objects.get(version__protocol__key="meso_melasma_txa", key="check_28d")

    assert [(row.position, row.text) for row in rule.questions.all()] == [
        (1, "Any new lump or sore in the treated area?")
    ]


def test_load_sends_outcome_messages_after_the_last_session_only(loaded):
    assert set(FollowUp.objects.filter(is_after_last_only=True).values_list("key", flat=True)) == {
        *("review_30d_mn", "outcome_6m", "outcome_12m"),
    }


def test_every_row_of_the_catalogue_names_its_sources(loaded):
    models = (AreaLimit, Contraindication, Ingredient, Technique, AftercareAdvice, FollowUp, ReferenceFigure, Service)

    assert [model.__name__ for model in models if model.objects.filter(sources=None).exists()] == []


# -- What is refused --------------------------------------------------------------------------------------------------


def test_load_writes_nothing_when_a_file_is_broken(db, folder):
    edit(folder, "protocols", "mn_acne_scar", service="waxing")

    with pytest.raises(BrokenStarter):
        catalogue.load(folder)

    assert (Source.objects.count(), Protocol.objects.count()) == (0, 0)


def test_load_names_every_fault_at_once(folder):
    edit(folder, "areas", "cheek", microneedling_depth_hard_cap_mm=1)
    edit(folder, "ingredients", "zinc_sulfate", category="metals")

    assert faults(folder) == [
        "areas.json: cheek: microneedling_depth_min_mm, microneedling_depth_typical_mm, "
        "microneedling_depth_max_mm, microneedling_depth_hard_cap_mm do not rise",
        "ingredients.json: zinc_sulfate: names the unknown class 'metals'",
    ]


def test_a_missing_file_is_refused(folder):
    (folder / "techniques.json").unlink()

    assert faults(folder) == ["techniques.json: file: is missing"]


def test_a_file_that_is_not_json_is_refused(folder):
    (folder / "areas.json").write_text("[{]")

    assert faults(folder) == [
        "areas.json: file: is not JSON: Expecting property name enclosed in double quotes: line 1 column 3 (char 2)"
    ]


def test_a_field_that_stands_twice_is_refused(folder):
    (folder / "areas.json").write_text('[{"key": "cheek", "key": "nose"}]')

    assert faults(folder) == ["areas.json: file: 'key' stands twice in one record"]


@pytest.mark.parametrize("content", ['{"key": "cheek"}', '["cheek"]'])
def test_a_file_that_is_no_list_of_records_is_refused(folder, content):
    (folder / "areas.json").write_text(content)

    assert faults(folder) == ["areas.json: file: is not a list of records"]


def test_a_part_of_aftercare_that_is_missing_is_refused(folder):
    (folder / "aftercare.json").write_text('{"steps": []}')

    assert faults(folder) == ["aftercare.json: file: is not a list of records"] * 2


def test_a_missing_field_is_refused(folder):
    path = folder / "substances.json"
    path.write_text(path.read_text().replace('"label_basis"', '"basis"', 1))

    assert faults(folder) == [
        "substances.json: amide_anaesthetic: basis is not a known field",
        "substances.json: amide_anaesthetic: label_basis is missing",
    ]


def test_a_key_that_stands_twice_is_refused(folder):
    edit(folder, "techniques", "papule", key="nappage")
    edit(folder, "protocols", "meso_melasma_txa", areas__0__technique="nappage")

    assert faults(folder) == ["techniques.json: nappage: stands twice"]


def test_a_consent_text_that_stands_twice_is_refused(folder):
    path = folder / "consent_texts.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:1] * 2))

    assert faults(folder) == ["consent_texts.json: series_consent_microneedling: stands twice"]


SHAPE = [
    ("areas", "cheek", {"key": "Cheek!"}, "Cheek!: key is not a key"),
    ("areas", "cheek", {"label": " "}, "label is not a text"),
    ("areas", "cheek", {"bony": "no"}, "bony is not true or false"),
    ("areas", "cheek", {"group": "arm"}, "group is 'arm', not one of face, neck, scalp, trunk, limb"),
    ("areas", "cheek", {"epidermis_um": 1.5}, "epidermis_um is not a whole number"),
    ("areas", "cheek", {"epidermis_um": -1}, "epidermis_um is below zero"),
    ("areas", "cheek", {"microneedling_depth_max_mm": "deep"}, "microneedling_depth_max_mm is not a number"),
    ("areas", "cheek", {"source": "proposed"}, "source is not a list of keys"),
    ("ingredients", "biotin", {"unit": "g"}, "unit is 'g', not one of mg, ml, mcg, IU"),
    ("ingredients", "biotin", {"incompatible_external": [""]}, "incompatible_external is not a list of texts"),
    ("ingredients", "biotin", {"interaction_warnings": [3]}, "interaction_warnings is not a list of records"),
    (
        *("conditions", "pregnancy", {"applies_to": ["laser"]}),
        "applies_to is not a list of microneedling, mesotherapy",
    ),
    ("outcome_scales", "gais", {"labels": {"one": "Good"}}, "labels is not texts by value"),
    ("protocols", "mn_striae", {"limits__depth": 3}, "limits depth is not a known field"),
    ("protocols", "mn_striae", {"anaesthetic": []}, "anaesthetic is not a record"),
    ("protocols", "mn_striae", {"phases__0__sessions": "3"}, "phases 1 sessions is not a number"),
    ("protocols", "mn_striae", {"areas__1__technique": "papule"}, "areas 2 technique is not a known field"),
]


@pytest.mark.parametrize(("file", "key", "changes", "what"), SHAPE, ids=[row[3] for row in SHAPE])
def test_a_misshapen_record_is_refused(folder, file, key, changes, what):
    edit(folder, file, key, **changes)

    named = what if ": " in what else f"{key}: {what}"
    assert faults(folder) == [f"{file}.json: {named}"]


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


def test_the_command_prints_counts(db, capsys):
    call_command("load_catalogue")

    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "  29 areas, 29 new"
    assert lines[6] == "  36 ingredients, 6 of them blocked, 36 new"
    assert len(lines) == 16


def test_the_command_refuses_with_one_line_for_each_fault(folder):
    edit(folder, "areas", "palm", microneedling_block_reason=None, mesotherapy_block_reason=None)

    with pytest.raises(CommandError) as caught:
        call_command("load_catalogue", folder=folder)

    assert str(caught.value).splitlines() == [
        "The catalogue was refused and nothing was written.",
        "areas.json: palm: is blocked for microneedling without a reason",
        "areas.json: palm: is blocked for mesotherapy without a reason",
    ]
