"""Pages of the catalogue: where a figure comes from, pairs in either order, and the revision that rises with a rule."""

import pytest

from patients.models import Condition
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD
from tests import administration_rows as rows
from tests.administration_forms import address, filled
from tests.patients.factories import user
from treatments.models import (
    AreaLimit,
    CatalogueRevision,
    IncompatiblePair,
    Ingredient,
    IngredientTag,
    Service,
    Source,
    Technique,
)


@pytest.fixture
def lead(client, db):
    client.force_login(user(CLINICAL_LEAD, name="Dr Voss"))
    return client


@pytest.fixture
def sourced(db):
    technique = rows.technique()
    technique.confidence = "high"
    technique.depth_max_mm = "1.5"
    technique.save()
    technique.sources.add(Source.objects.create(key="paper", title="A paper", kind="paper"))
    return technique


def save(client, row, **typed):
    path = address(type(row), "change", row.pk)
    return client.post(path, filled(client.get(path)) | typed)


def a_substance(tag):
    part = "ingredient_tags"
    return {f"{part}-TOTAL_FORMS": "1", f"{part}-0-tag": tag.pk, f"{part}-0-certainty": "possible"}


def revision():
    return CatalogueRevision.objects.get().number


def test_a_changed_figure_does_not_silently_claim_the_old_source(lead, sourced):
    answer = save(lead, sourced, depth_max_mm="2")

    sourced.refresh_from_db()
    assert answer.status_code == 200
    assert "Say where the new value comes from" in answer.content.decode()
    assert str(sourced.depth_max_mm) == "1.50"


@pytest.mark.parametrize("answered", [{"keeps_sources": "on"}, {"confidence": "proposed"}])
def test_a_changed_figure_is_saved_once_its_source_is_answered(lead, sourced, answered):
    answer = save(lead, sourced, depth_max_mm="2", **answered)

    sourced.refresh_from_db()
    assert answer.status_code == 302
    assert str(sourced.depth_max_mm) == "2.00"


def test_a_figure_without_a_source_is_changed_without_a_question(lead, db):
    technique = rows.technique()

    assert save(lead, technique, depth_max_mm="2").status_code == 302


def test_a_changed_source_alone_needs_no_answer(lead, sourced):
    assert save(lead, sourced, confidence="low").status_code == 302


def test_a_pair_is_stored_in_order_whichever_was_chosen_first(lead, db):
    older, younger = rows.ingredient(), rows.ingredient()

    lead.post(address(IncompatiblePair, "add"), {"first": younger.pk, "second": older.pk, "reason": "Clouds"})

    pair = IncompatiblePair.objects.get()
    assert (pair.first, pair.second) == (older, younger)


def test_a_pair_needs_two_ingredients(lead, db):
    one = rows.ingredient()

    answer = lead.post(address(IncompatiblePair, "add"), {"first": one.pk, "second": one.pk})

    assert answer.context["adminform"].form.errors["second"] == ["Choose another ingredient than the first."]


def test_a_deleted_pair_is_gone(lead, db):
    pair = rows.pair()

    lead.post(address(IncompatiblePair, "delete", pair.pk), {"post": "yes"})

    assert not IncompatiblePair.objects.exists()


def test_a_rule_with_words_of_its_own_is_said_in_them(lead, db):
    answer = save(lead, rows.ingredient(), vehicle="oil")

    assert "An oil-based product must stay blocked." in answer.content.decode()


def test_a_rule_is_never_named_by_a_word_of_the_code(lead, db):
    service = Service.objects.create(key="x", name="X", kind="review")

    answer = save(lead, service, kind="treatment")

    assert answer.context["adminform"].form.non_field_errors() == [
        "This breaks a rule: service treatment names its kind of treatment."
    ]


def test_an_ingredient_gets_a_substance_on_its_own_page(lead, db):
    ingredient, tag = rows.ingredient(), rows.SubstanceTag.objects.create(key="nickel", label="Nickel")

    save(lead, ingredient, **a_substance(tag))

    assert IngredientTag.objects.get().ingredient == ingredient


def test_what_was_added_to_a_row_stands_in_its_history(lead, db):
    ingredient, tag = rows.ingredient(), rows.SubstanceTag.objects.create(key="nickel", label="Nickel")
    save(lead, ingredient, **a_substance(tag))

    history = lead.get(address(Ingredient, "history", ingredient.pk))

    assert history.context["changes"][0].lines == [f"Substance of an ingredient added: {ingredient}: Nickel"]


@pytest.mark.parametrize("typed", [{"label": "Expecting"}, {"position": "7"}])
def test_an_edited_question_raises_the_revision_of_the_catalogue(lead, db, typed):
    question = rows.condition()
    before = revision()

    save(lead, question, **typed)

    assert revision() > before


def test_an_edited_limit_raises_the_revision_of_the_catalogue(lead, db):
    limit = AreaLimit.objects.create(area=rows.area(), technique=rows.technique())
    before = revision()

    save(lead, limit, depth_cap_mm="1")

    assert revision() > before


def test_an_added_and_a_deleted_question_raise_the_revision(db):
    first = revision() if CatalogueRevision.objects.exists() else 0
    question = rows.condition()
    second = revision()
    Condition.objects.filter(pk=question.pk).delete()

    assert first < second < revision()


def test_an_administrator_may_edit_the_catalogue_too(client, db):
    client.force_login(user(ADMINISTRATOR))

    assert save(client, rows.technique(), label="Stamping").status_code == 302
    assert Technique.objects.get().label == "Stamping"
