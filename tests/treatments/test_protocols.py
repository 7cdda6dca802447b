from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from patients.refusals import Refused
from tests import factories
from tests.factories_treatments import NOW, area, clinical_lead, draft, indication, ingredient, published, technique
from treatments import protocols
from treatments.models import (
    AreaLimit,
    CatalogueRevision,
    CocktailLine,
    DepthStep,
    IncompatiblePair,
    Phase,
    ProtocolVersion,
    VersionAftercare,
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


def test_publish_is_refused_for_mesotherapy_without_a_mix():
    assert refusal_of(mixed()) == {"cocktail_lines": ["A mix needs at least one ingredient."]}


def test_publish_is_refused_without_phases():
    assert refusal_of(draft(phases=(), sessions_typical=1)) == {
        "phases": ["A protocol needs at least one phase."],
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


# -- Pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def as_lead(client):
    client.force_login(clinical_lead())
    return client


@pytest.fixture
def at_desk(client):
    client.force_login(factories.user("reception"))
    return client


def page(version):
    return reverse("protocol", args=[version.protocol.public_id])


def publish_page(version):
    return reverse("protocol_publish", args=[version.protocol.public_id])


def tick(version, **details):
    return {"version": str(version.public_id), "is_checked": "on", **details}


def test_protocols_lists_them_with_their_state(at_desk):
    published()
    draft("mesotherapy")

    text = at_desk.get(reverse("protocols")).content.decode()

    assert ("In use" in text, "Draft, not checked yet" in text, "promise no results" in text) == (True, True, True)


def test_protocols_says_what_to_do_when_there_are_none(at_desk):
    assert "No protocols yet" in at_desk.get(reverse("protocols")).content.decode()


def test_protocols_lists_one_without_a_version(at_desk):
    version = draft()
    name = version.protocol.name
    for rows in (version.phases, version.depth_steps):
        rows.all().delete()
    version.delete()

    assert name in at_desk.get(reverse("protocols")).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_protocols_asks_the_same_queries_however_many(at_desk, count, django_assert_max_num_queries):
    for _each in range(count):
        draft()

    with django_assert_max_num_queries(6):
        at_desk.get(reverse("protocols"))


def test_protocol_shows_figures_next_to_their_limits(at_desk):
    version = draft("mesotherapy", areas=(("cheek", "1", "2"),), mix=((ingredient(), "20", "2"),), max_total_ml="5")
    VersionAftercare.objects.create(
        version=version, key="care", kind="do", title="Keep it clean", text="Wash your hands.",
        starts_after_hours=0, ends_after_hours=72, send_after_hours=0,
    )  # fmt: skip

    text = at_desk.get(page(version)).content.decode()

    for words in (
        "1–2 mm",
        "20 mg",
        "64 mg",
        "5 ml",
        "best 28 days after the session before, between 14 and 42 days",
        "right after the session until after 3 days",
        "promise no results",
    ):
        assert words in text


def test_protocol_shows_the_usual_range_and_the_cap_of_an_area(at_desk):
    text = at_desk.get(page(draft())).content.decode()

    assert ("0.5–1 mm" in text, "0.25–1.5 mm" in text, "2 mm" in text) == (True, True, True)


def test_protocol_shows_an_area_without_a_limit(at_desk):
    version = draft()
    AreaLimit.objects.all().delete()

    assert "Cheek" in at_desk.get(page(version)).content.decode()


def test_protocol_says_one_exact_interval_in_plain_words(at_desk):
    text = at_desk.get(page(draft(phases=((2, 7, 7, 7),)))).content.decode()

    assert "exactly 7 days after the session before" in text


def test_protocol_says_that_the_lines_own_amount_counts_without_a_maximum(at_desk):
    unlimited = ingredient("caffeine", most=None, clinician_must_set_max=True)

    text = at_desk.get(page(mixed((unlimited, "500", "2")))).content.decode()

    assert "500 mg, until a clinician sets a maximum" in text


def test_protocol_shows_the_version_in_use_first_and_another_by_number(at_desk):
    older = published()
    draft(protocol=older.protocol, endpoint="even redness")

    first = at_desk.get(page(older)).content.decode()
    second = at_desk.get(page(older), {"version": "2"}).content.decode()

    assert ("even redness" in first, "even redness" in second) == (False, True)


@pytest.mark.parametrize("number", ["9", "-1", "x", "1'--", "٣"])
def test_protocol_of_an_unknown_version_is_not_found(at_desk, number):
    assert at_desk.get(page(draft()), {"version": number}).status_code == 404


def test_protocol_that_is_unknown_is_not_found(at_desk):
    assert at_desk.get(reverse("protocol", args=[draft().public_id])).status_code == 404


def test_protocol_offers_the_clinical_lead_to_publish_a_draft(as_lead):
    text = as_lead.get(page(draft())).content.decode()

    assert "I have checked every value" in text


def test_protocol_does_not_offer_reception_to_publish(at_desk):
    assert "I have checked every value" not in at_desk.get(page(draft())).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_protocol_asks_the_same_queries_however_many_areas(at_desk, count, django_assert_max_num_queries):
    names = ("cheek", "nose", "chin")[:count]
    version = draft(areas=tuple((name, "0.5", "1") for name in names))

    with django_assert_max_num_queries(19):
        at_desk.get(page(version))


def test_protocol_publish_puts_the_version_into_use(as_lead):
    version = draft()

    answer = as_lead.post(publish_page(version), tick(version))

    version.refresh_from_db()
    assert (answer.status_code, answer.url, version.state) == (302, page(version), "published")


def test_protocol_publish_wants_the_tick(as_lead):
    version = draft()

    answer = as_lead.post(publish_page(version), {"version": str(version.public_id)})

    version.refresh_from_db()
    assert (answer.status_code, version.state) == (422, "draft")
    assert "Check every value first, then tick the box." in answer.content.decode()


def test_protocol_publish_shows_why_it_was_refused(as_lead):
    version = draft(sessions_typical=5)

    answer = as_lead.post(publish_page(version), tick(version))

    assert answer.status_code == 422
    assert "do not add up to the usual number of sessions" in answer.content.decode()


def test_protocol_publish_is_closed_to_reception(at_desk):
    version = draft()

    assert at_desk.post(publish_page(version), tick(version)).status_code == 403


def test_protocol_publish_acts_on_post_only(as_lead):
    assert as_lead.get(publish_page(draft())).status_code == 405


def test_protocol_publish_of_another_protocols_version_is_not_found(as_lead):
    assert as_lead.post(publish_page(draft()), tick(draft())).status_code == 404


def test_protocol_publish_with_a_broken_version_shows_the_one_in_use(as_lead):
    version = draft()

    assert as_lead.post(publish_page(version), {"version": "nonsense", "is_checked": "on"}).status_code == 422


def test_protocol_publish_without_any_version_is_not_found(as_lead):
    version = draft()
    ProtocolVersion.objects.filter(pk=version.pk).delete()

    assert as_lead.post(publish_page(version), {"version": "nonsense"}).status_code == 404


def test_an_amount_reads_without_trailing_zeros():
    assert [protocols.plain(Decimal(text)) for text in ("0.50", "2.000", "10", "0.075", "100")] == [
        "0.5",
        "2",
        "10",
        "0.075",
        "100",
    ]
