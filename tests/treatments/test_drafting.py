import pytest
from django.apps import apps
from django.db import IntegrityError, models

from patients.refusals import Refused
from tests import factories
from tests.factories_treatments import area, clinical_lead, draft, indication, ingredient, published, treatment_service
from treatments import catalogue, contents, differences, drafting, protocols
from treatments.models import (
    CocktailLine,
    DepthStep,
    FollowUpRule,
    FollowUpRuleQuestion,
    Phase,
    PhotoPoint,
    Protocol,
    ProtocolVersion,
)

pytestmark = pytest.mark.django_db
FULL = "meso_face_custom_ha_vitc"


@pytest.fixture
def administrator():
    return factories.user("administrator")


def shipped(key=FULL):
    catalogue.load()
    return ProtocolVersion.objects.get(protocol__key=key)


def phased(*counts):
    version = draft(phases=tuple((count, 14, 28, 42) for count in counts))
    return version, list(version.phases.order_by("position"))


def places(version):
    return list(version.phases.order_by("position").values_list("position", "sessions"))


def test_new_draft_copies_every_row_of_the_version(administrator):
    version = shipped()
    protocols.publish(version, by=clinical_lead(), now=factories.NOW)

    copy = drafting.new_draft(version, by=administrator)

    assert differences.differences(contents.of(version), contents.of(copy)) == []
    assert (copy.number, copy.state, copy.checked_by, copy.published_at) == (2, "draft", None, None)
    assert copy.public_id != version.public_id


def test_new_draft_leaves_no_table_of_a_version_out():
    parts = {
        model
        for model in apps.get_app_config("treatments").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
        and field.related_model is ProtocolVersion
        and field.remote_field.on_delete is models.CASCADE
    }

    assert parts == set(drafting.PARTS)


def test_new_draft_copies_questions_in_their_order(administrator):
    version = shipped()
    protocols.publish(version, by=clinical_lead(), now=factories.NOW)

    copy = drafting.new_draft(version, by=administrator)

    asked = [list(of.follow_up_rules.values_list("key", "questions__text", "questions__position").order_by(
        "key", "questions__position")) for of in (version, copy)]  # fmt: skip
    assert asked[0] == asked[1]
    assert FollowUpRuleQuestion.objects.filter(rule__version=copy).count() > 3


def test_new_draft_takes_the_next_number_of_the_protocol(administrator):
    first = published()
    second = drafting.new_draft(first, by=administrator)
    protocols.publish(second, by=clinical_lead(), now=factories.NOW)

    assert drafting.new_draft(first, by=administrator).number == 3


def test_new_draft_is_refused_while_there_is_another(administrator):
    version = published()
    drafting.new_draft(version, by=administrator)

    with pytest.raises(Refused) as refusal:
        drafting.new_draft(version, by=administrator)

    assert refusal.value.messages == ["Version 2 is a draft already. Edit that one, or delete it first."]


@pytest.mark.parametrize("role", ["reception", "practitioner"])
def test_new_draft_is_refused_to_those_who_do_not_edit_protocols(role):
    with pytest.raises(Refused) as refusal:
        drafting.new_draft(published(), by=factories.user(role))

    assert refusal.value.messages == ["Only an administrator or a clinical lead edits protocols."]


def test_new_protocol_begins_with_an_empty_draft(administrator):
    version = drafting.new_protocol(
        name="Glow & go", modality="microneedling", indication=indication(), service=treatment_service(),
        by=administrator,
    )  # fmt: skip

    assert (version.number, version.state, version.protocol.key) == (1, "draft", "glow_go")
    assert [complaint.part for complaint in protocols.complaints(version)] == ["phases", "depth_steps", "segments"]


def test_new_protocol_finds_another_key_for_the_same_name(administrator):
    details = {"modality": "microneedling", "indication": indication(), "service": treatment_service()}
    for _each in range(2):
        drafting.new_protocol(name="Glow", by=administrator, **details)

    assert list(Protocol.objects.order_by("key").values_list("key", flat=True)) == ["glow", "glow_2"]


def test_delete_draft_removes_it_with_its_rows(administrator):
    version = draft()

    drafting.delete_draft(version, by=administrator)

    assert (ProtocolVersion.objects.count(), Phase.objects.count(), DepthStep.objects.count()) == (0, 0, 0)


def test_delete_draft_is_refused_for_what_was_published(administrator):
    with pytest.raises(Refused) as refusal:
        drafting.delete_draft(published(), by=administrator)

    assert refusal.value.messages == ["Only a draft can be deleted. What was published is kept for good."]


def test_write_gives_rows_the_places_of_their_order(administrator):
    version, (one, two, three) = phased(1, 2, 3)

    drafting.write(drafting.Draft(version, {Phase: [three, one, two]}), by=administrator)

    assert places(version) == [(1, 3), (2, 1), (3, 2)]


def test_write_swaps_two_rows_that_would_meet_on_the_way(administrator):
    version, (one, two) = phased(1, 2)

    drafting.write(drafting.Draft(version, {Phase: [two, one]}), by=administrator)

    assert places(version) == [(1, 2), (2, 1)]


def test_without_clearing_the_places_a_swap_is_refused_by_the_database():
    _version, (one, two) = phased(1, 2)
    one.position, two.position = 2, 1

    with pytest.raises(IntegrityError, match="phase_position_is_unique"):
        one.save()


def test_write_keeps_only_where_a_row_ends_up_in_its_history(administrator):
    version, (one, two) = phased(1, 2)
    events = apps.get_model("treatments", "PhaseEvent").objects.filter(pgh_label="update")

    drafting.write(drafting.Draft(version, {Phase: [two, one]}), by=administrator)

    assert sorted(events.values_list("pgh_obj_id", "position")) == [(one.pk, 2), (two.pk, 1)]


def test_write_adds_new_rows_and_removes_those_that_are_not_named(administrator):
    version, (_one, two) = phased(1, 2)
    new = Phase(name="New", sessions=5, interval_min_days=7, interval_ideal_days=7, interval_max_days=7)

    drafting.write(drafting.Draft(version, {Phase: [new, two]}), by=administrator)

    assert places(version) == [(1, 5), (2, 2)]


def test_write_swaps_the_areas_of_two_rows(administrator):
    version = draft(areas=(("cheek", "0.5", "1"), ("chin", "0.25", "0.5")))
    cheek, chin = version.depth_steps.order_by("pk")
    cheek.area, chin.area = area("chin"), area("cheek")

    drafting.write(drafting.Draft(version, {DepthStep: [cheek, chin]}), by=administrator)

    assert sorted((row.area.key, str(row.depth_max_mm)) for row in version.depth_steps.all()) == [
        ("cheek", "0.50"), ("chin", "1.00"),
    ]  # fmt: skip


def test_write_leaves_rows_that_are_the_same_alone(administrator):
    version, rows = phased(1, 2)

    drafting.write(drafting.Draft(version, {Phase: rows}), by=administrator)

    events = apps.get_model("treatments", "PhaseEvent").objects
    assert list(events.filter(pgh_obj_id__in=[row.pk for row in rows], pgh_label="update")) == []


def test_write_keeps_the_row_of_a_choice_that_was_made_before(administrator):
    version = draft()
    kept = PhotoPoint.objects.create(version=version, when="baseline")
    PhotoPoint.objects.create(version=version, when="final")
    wanted = [PhotoPoint(when="each_session"), PhotoPoint(when="baseline")]

    drafting.write(drafting.Draft(version, {PhotoPoint: wanted}), by=administrator)

    assert sorted(version.photo_points.values_list("when", flat=True)) == ["baseline", "each_session"]
    assert version.photo_points.get(when="baseline") == kept


@pytest.mark.parametrize("texts", [["A?", "C?", "B?"], ["B?"], [], ["A?", "B?", "C?", "D?"]])
def test_write_makes_the_questions_of_a_message_those_given(administrator, texts):
    version = draft()
    rule = FollowUpRule.objects.create(version=version, key="check", offset_hours=24, purpose="Check")
    for position, text in enumerate(["A?", "B?"], start=1):
        FollowUpRuleQuestion.objects.create(rule=rule, position=position, text=text)

    drafting.write(drafting.Draft(version, {FollowUpRule: [rule]}, [(rule, texts)]), by=administrator)

    assert [each.text for each in rule.questions.order_by("position")] == texts


def test_write_is_refused_for_what_is_published(administrator):
    version = published("mesotherapy")
    line = version.cocktail_lines.get()
    line.amount = 1

    with pytest.raises(Refused) as refusal:
        drafting.write(drafting.Draft(version, {CocktailLine: [line]}), by=administrator)

    assert refusal.value.messages == ["Only a draft can be changed. Make a new draft from this version."]
    assert version.cocktail_lines.get().amount == 20


def test_write_is_refused_to_the_desk():
    version, rows = phased(1)

    with pytest.raises(Refused):
        drafting.write(drafting.Draft(version, {Phase: rows}), by=factories.user("reception"))


@pytest.mark.parametrize(("title", "key"), [("Stay out of the sun!", "stay_out_of_the_sun"), ("…", "row")])
def test_a_key_is_made_of_a_title(title, key):
    assert drafting.free_key(title, []) == key
    assert drafting.free_key(title, [key, f"{key}_2"]) == f"{key}_3"


def test_a_mix_can_be_reordered(administrator):
    version = draft("mesotherapy", areas=(), mix=((ingredient(), "20", "2"), (ingredient("saline"), "1", "1")))
    first, second = version.cocktail_lines.order_by("position")

    drafting.write(drafting.Draft(version, {CocktailLine: [second, first]}), by=administrator)

    assert list(version.cocktail_lines.order_by("position")) == [second, first]
