import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Q

from patients.models import BodyArea, Condition, ConsentText, SubstanceTag
from tests.treatments.starter import edit
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


def test_load_writes_nothing_when_a_file_is_broken(db, folder):
    edit(folder, "protocols", "mn_acne_scar", service="waxing")

    with pytest.raises(BrokenStarter):
        catalogue.load(folder)

    assert (Source.objects.count(), Protocol.objects.count()) == (0, 0)


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
