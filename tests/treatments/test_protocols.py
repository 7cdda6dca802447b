from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from patients.refusals import Refused
from tests import factories
from tests.factories_treatments import NOW, area, clinical_lead, draft, indication, ingredient, published, technique
from treatments import catalogue, protocols
from treatments.models import (
    AreaLimit,
    CatalogueRevision,
    CocktailLine,
    DepthStep,
    IncompatiblePair,
    Phase,
    ProtocolVersion,
    VersionSegment,
)

pytestmark = pytest.mark.django_db
MIX = {"modality": "mesotherapy", "areas": (("cheek", "1", "2"),)}


def refusal_of(version, by=None):
    with pytest.raises(Refused) as refusal:
        protocols.publish(version, by=by or clinical_lead(), now=NOW)
    version.refresh_from_db()
    assert version.state == "draft"
    return refusal.value.message_dict


def mixed(*lines, **details):
    return draft(**{**MIX, "mix": lines, **details})


def test_publish_says_who_checked_and_when():
    lead = clinical_lead()

    version = protocols.publish(draft(), by=lead, now=NOW)

    version.refresh_from_db()
    assert (version.state, version.checked_by, version.checked_at, version.published_at) == (
        "published",
        lead,
        NOW,
        NOW,
    )


def test_publish_names_another_clinical_lead_as_the_one_who_checked():
    by, checker = clinical_lead(), clinical_lead()

    assert protocols.publish(draft(), by=by, checked_by=checker, now=NOW).checked_by == checker


def test_publish_takes_a_mix_that_keeps_every_limit():
    other = ingredient("ascorbic_acid", most="200")

    version = mixed((ingredient(), "20", "2"), (other, "100", "0.5"), max_total_ml="5", max_mg="100")

    assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"


def test_publish_retires_the_version_before_it():
    lead, older = clinical_lead(), published()
    newer = draft(protocol=older.protocol)

    protocols.publish(newer, by=lead, now=NOW)

    older.refresh_from_db()
    assert (older.state, older.retired_at) == ("retired", NOW)
    assert older.protocol.versions.published().get() == newer


def test_publish_makes_assessed_visits_stale():
    version = draft()
    before = CatalogueRevision.objects.get().number

    protocols.publish(version, by=clinical_lead(), now=NOW)

    assert CatalogueRevision.objects.get().number > before


@pytest.mark.parametrize("role", ["reception", "practitioner", "administrator"])
def test_publish_is_refused_to_everybody_but_the_clinical_lead(role):
    with pytest.raises(Refused) as refusal:
        protocols.publish(draft(), by=factories.user(role), now=NOW)

    assert refusal.value.messages == ["Only a clinical lead publishes a protocol."]


def test_publish_is_refused_when_the_one_who_checked_is_no_clinical_lead():
    with pytest.raises(Refused) as refusal:
        protocols.publish(draft(), by=clinical_lead(), checked_by=factories.user("reception"), now=NOW)

    assert refusal.value.messages == ["Only a clinical lead publishes a protocol."]


def test_publish_is_refused_for_a_version_that_is_published_already():
    with pytest.raises(Refused) as refusal:
        protocols.publish(published(), by=clinical_lead(), now=NOW)

    assert refusal.value.messages == ["Only a draft can be published."]


@pytest.mark.parametrize(("depth", "is_refused"), [("2.00", False), ("2.01", True)])
def test_publish_keeps_the_depth_cap_of_the_area(depth, is_refused):
    version = draft(areas=(("cheek", "0.5", depth),))
    version.depth_steps.update(reason="Scars.")

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        assert refusal_of(version) == {"depth_steps": ["Cheek: 2.01 mm is deeper than the limit of 2 mm."]}


@pytest.mark.parametrize(("depth", "reason", "is_refused"), [("1.5", "", 0), ("1.6", "", 1), ("1.6", "Scars.", 0)])
def test_publish_asks_why_a_depth_is_above_the_usual_range(depth, reason, is_refused):
    version = draft(areas=(("cheek", "0.5", depth),))
    version.depth_steps.update(reason=reason)

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        assert refusal_of(version) == {"depth_steps": ["Cheek: say why it goes deeper than usual for this area."]}


@pytest.mark.parametrize(("least", "is_refused"), [("0.25", False), ("0.24", True)])
def test_publish_keeps_the_least_depth_of_the_area(least, is_refused):
    version = draft(areas=(("cheek", least, "1"),))

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        assert refusal_of(version) == {"depth_steps": ["Cheek: it begins above the least depth that is known for it."]}


@pytest.mark.parametrize(("limit", "is_refused"), [("1.0", False), ("0.9", True)])
def test_publish_keeps_the_protocols_own_depth_limit(limit, is_refused):
    version = draft(max_depth_mm=limit)

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        assert refusal_of(version) == {"depth_steps": ["Cheek: 1 mm is deeper than the protocol's own limit."]}


@pytest.mark.parametrize(("least", "most", "is_refused"), [("1", "2", 0), ("0.9", "2", 1), ("1", "2.1", 1)])
def test_publish_keeps_mesotherapy_inside_the_depth_of_its_technique(least, most, is_refused):
    version = mixed((ingredient(), "20", "2"), areas=(("cheek", least, most),))

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        assert list(refusal_of(version)) == ["depth_steps"]


def test_publish_is_refused_for_a_technique_of_the_other_kind_of_treatment():
    version = draft()
    version.depth_steps.update(technique=technique("papule"), depth_min_mm=1)

    assert refusal_of(version) == {
        "depth_steps": ["Cheek: Papule does not belong to this kind of treatment."],
    }


def test_publish_is_refused_for_a_blocked_area():
    version = draft(areas=(("eyelid", "0.25", "0.5"),))
    AreaLimit.objects.filter(area=area("eyelid")).update(is_blocked=True, block_reason="Never here.")

    assert refusal_of(version) == {"depth_steps": ["Eyelid is not treated: Never here."]}


def test_publish_is_refused_for_an_area_without_a_known_limit():
    version = draft()
    AreaLimit.objects.all().delete()

    assert refusal_of(version) == {
        "depth_steps": ["Cheek has no depth limit in the catalogue, so it is not treated."],
    }


def test_publish_is_refused_without_areas():
    assert refusal_of(draft(areas=())) == {"depth_steps": ["A protocol needs at least one area."]}


@pytest.mark.parametrize(("points", "is_refused"), [(40, False), (41, True)])
def test_publish_keeps_the_protocols_own_number_of_points(points, is_refused):
    version = mixed((ingredient(), "20", "2"), max_points=40)
    version.depth_steps.update(points_max=points)

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        assert refusal_of(version) == {"depth_steps": ["Cheek: more points than the protocol allows."]}


@pytest.mark.parametrize(("amount", "is_refused"), [("64", False), ("64.001", True)])
def test_publish_keeps_the_maximum_of_the_ingredient(amount, is_refused):
    version = mixed((ingredient(), amount, "2"))

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        message = "hyaluronic acid: 64.001 mg is more than the maximum of 64 mg."
        assert refusal_of(version) == {"cocktail_lines": [message]}


def test_publish_takes_the_lines_own_amount_where_the_ingredient_has_no_maximum():
    unlimited = ingredient("caffeine", most=None, clinician_must_set_max=True)

    assert protocols.publish(mixed((unlimited, "500", "2")), by=clinical_lead(), now=NOW).state == "published"


@pytest.mark.parametrize(("most", "is_refused"), [("20", False), ("19.9", True)])
def test_publish_keeps_the_protocols_own_greatest_dose(most, is_refused):
    version = mixed((ingredient(), "20", "2"), max_mg=most)

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        message = "hyaluronic acid: more than the protocol's own greatest dose."
        assert refusal_of(version) == {"cocktail_lines": [message]}


def test_publish_is_refused_for_a_line_in_another_unit():
    version = mixed((ingredient(), "20", "2"))
    version.cocktail_lines.update(unit="ml")

    assert refusal_of(version) == {"cocktail_lines": ["hyaluronic acid is measured in mg."]}


def test_publish_is_refused_for_a_blocked_ingredient():
    version = mixed((ingredient("glutathione", is_blocked=True, block_reason="Not approved."), "20", "2"))

    assert refusal_of(version) == {"cocktail_lines": ["glutathione is not used: Not approved."]}


def test_publish_is_refused_for_an_ingredient_of_a_blocked_class():
    hormone = ingredient("oestrogen")
    type(hormone.ingredient_class).objects.update(is_blocked=True, block_reason="Hormones are not used.")

    assert refusal_of(mixed((hormone, "20", "2"))) == {
        "cocktail_lines": ["oestrogen is not used: Hormones are not used."],
    }


def test_publish_is_refused_for_a_blocked_indication():
    version = draft()
    type(indication()).objects.update(is_blocked=True, block_reason="No source.")

    assert refusal_of(version) == {"indication": ["No source."]}


def test_publish_is_refused_for_two_ingredients_that_do_not_go_together():
    first, second = ingredient(), ingredient("hyaluronidase")
    IncompatiblePair.objects.create(first=first, second=second, reason="It dissolves it.")

    assert refusal_of(mixed((first, "20", "2"), (second, "20", "1"))) == {
        "cocktail_lines": ["hyaluronic acid and hyaluronidase must not be mixed. It dissolves it."],
    }


@pytest.mark.parametrize("order", [1, -1])
def test_publish_is_refused_for_a_mix_with_an_ingredient_that_is_used_alone(order):
    lines = [(ingredient("deoxycholic_acid", use_alone=True), "20", "2"), (ingredient(), "20", "1")][::order]

    assert refusal_of(mixed(*lines)) == {"cocktail_lines": ["deoxycholic acid is used alone."]}


@pytest.mark.parametrize(("volume", "is_refused"), [("3", False), ("3.01", True), ("2.99", True)])
def test_publish_adds_the_volumes_up(volume, is_refused):
    other = ingredient("saline")
    version = mixed((ingredient(), "20", "2"), (other, "1", "1"), total_volume_ml=volume)

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        message = f"The volumes add up to 3 ml, not to {volume} ml."
        assert refusal_of(version) == {"total_volume_ml": [message]}


def test_publish_takes_a_mix_without_a_total():
    version = mixed((ingredient(), "20", "2"), total_volume_ml=None)

    assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"


def test_a_mix_above_its_greatest_volume_is_refused_by_the_database():
    with pytest.raises(IntegrityError, match="protocolversion_volume_is_within_its_maximum"):
        mixed((ingredient(), "20", "2"), max_total_ml="1.9")


@pytest.mark.parametrize(("most", "is_refused"), [("2", False), ("1.9", True)])
def test_publish_keeps_the_greatest_volume_where_no_total_is_given(most, is_refused):
    version = mixed((ingredient(), "20", "2"), total_volume_ml=None, max_total_ml=most)

    if not is_refused:
        assert protocols.publish(version, by=clinical_lead(), now=NOW).state == "published"
    else:
        assert refusal_of(version) == {"total_volume_ml": ["The mix is more than the greatest volume of 1.9 ml."]}


def test_publish_is_refused_for_mesotherapy_without_a_mix():
    assert refusal_of(mixed()) == {"cocktail_lines": ["A mix needs at least one ingredient."]}


def test_publish_is_refused_without_phases():
    assert refusal_of(draft(phases=(), sessions_typical=1)) == {
        "phases": ["A protocol needs at least one phase."],
    }


def test_publish_is_refused_without_a_part_of_the_visit_that_holds_the_practitioner():
    version = draft(has_visit=False)
    VersionSegment.objects.create(version=version, position=1, kind="numbing", base_minutes=20)

    assert refusal_of(version) == {
        "segments": ["A visit needs at least one part with the practitioner, or it cannot be booked."],
    }


def test_publish_is_refused_when_maintenance_is_the_only_phase():
    version = draft()
    version.phases.update(is_maintenance=True)

    assert refusal_of(version) == {"phases": ["A protocol needs at least one phase."]}


def test_publish_is_refused_when_the_phases_do_not_add_up():
    assert refusal_of(draft(sessions_typical=5)) == {
        "phases": ["The sessions of the phases do not add up to the usual number of sessions."],
    }


@pytest.mark.parametrize("days", [(28, 14, 42), (14, 42, 28), (0, 0, 0)])
def test_days_between_sessions_that_do_not_rise_are_refused_by_the_database(days):
    with pytest.raises(IntegrityError, match="phase_intervals_rise"), transaction.atomic():
        draft(phases=((4, *days),))


def test_publish_names_everything_that_is_wrong_at_once():
    version = mixed((ingredient(), "100", "2"), areas=(("cheek", "1", "3"),), sessions_typical=2)

    assert sorted(refusal_of(version)) == ["cocktail_lines", "depth_steps", "phases"]


@pytest.mark.parametrize("rows", [Phase, DepthStep, CocktailLine])
def test_a_published_version_refuses_changes_of_its_parts(rows):
    version = published("mesotherapy")

    with pytest.raises(IntegrityError, match="cannot be changed"), transaction.atomic():
        rows.objects.filter(version=version).delete()


def test_retire_takes_the_version_out_of_use():
    version = published()

    protocols.retire(version, by=clinical_lead(), now=NOW)

    version.refresh_from_db()
    assert (version.state, version.retired_at) == ("retired", NOW)


def test_retire_is_refused_to_everybody_but_the_clinical_lead():
    with pytest.raises(Refused) as refusal:
        protocols.retire(published(), by=factories.user("reception"), now=NOW)

    assert refusal.value.messages == ["Only a clinical lead retires a protocol."]


def test_retire_is_refused_for_a_draft():
    with pytest.raises(Refused) as refusal:
        protocols.retire(draft(), by=clinical_lead(), now=NOW)

    assert refusal.value.messages == ["Only a published version can be retired."]


def test_an_amount_reads_without_trailing_zeros():
    assert [protocols.plain(Decimal(text)) for text in ("0.50", "2.000", "10", "0.075", "100")] == [
        "0.5",
        "2",
        "10",
        "0.075",
        "100",
    ]


def test_every_shipped_protocol_can_be_published_as_it_is():
    catalogue.load()

    wrong = {str(version): protocols.complaints(version) for version in ProtocolVersion.objects.all()}

    assert (len(wrong), {name: found for name, found in wrong.items() if found}) == (12, {})
