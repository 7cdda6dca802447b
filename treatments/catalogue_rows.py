"""Builds the unsaved rows of the catalogue from the records of the starter files."""

from collections.abc import Iterator

from django.db import models

from patients.models import BodyArea, Condition, ConsentText, SubstanceTag
from treatments.models import (
    AdverseEventKind,
    AftercareAdvice,
    AftercareAdviceGroup,
    AreaLimit,
    Contraindication,
    ExternalInteraction,
    FollowUp,
    FollowUpQuestion,
    IncompatiblePair,
    Indication,
    Ingredient,
    IngredientClass,
    IngredientInteraction,
    IngredientTag,
    Modality,
    OutcomeScale,
    OutcomeScaleGrade,
    ReferenceFigure,
    Service,
    ServiceSegment,
    Source,
    Technique,
)
from treatments.shelf import Shelf
from treatments.starter_files import Record
from treatments.starter_protocols import are_incompatible
from treatments.starter_rules import grade_of, substance

NEEDLING = "needling"
DEPTHS = ("depth_min_mm", "depth_typical_mm", "depth_max_mm")


def sourced(record: Record) -> Record:
    """The provenance columns; what sources disagree on is part of the note."""
    remarks = [record.get("note"), record.get("disagreement")]
    return {"confidence": record["confidence"], "note": " ".join(remark for remark in remarks if remark)}


def modalities(record: Record) -> dict[str, bool]:
    """The two columns that say after what a text is given."""
    return {f"is_for_{modality}": modality in record["applies_to"] for modality in Modality.values}


def source(record: Record, place: int, shelf: Shelf) -> Source:
    """A source."""
    return Source(**record)


def area(record: Record, place: int, shelf: Shelf) -> BodyArea:
    """A body area, without its limits."""
    return BodyArea(
        key=record["key"],
        label=record["label"],
        group=record["group"],
        skin_class=record["skin_class"],
        epidermis_um=record["epidermis_um"],
        epidermis_note=record["epidermis_note"] or "",
        is_bony=record["bony"],
        position=place,
    )


def technique(record: Record, place: int, shelf: Shelf) -> Technique:
    """A technique."""
    figures = {
        name: record[name]
        for ends in ("depth_{}_mm", "spacing_{}_mm", "volume_per_point_{}_ml")
        for name in (ends.format("min"), ends.format("max"))
    }
    return Technique(
        key=record["key"],
        label=record["label"],
        modality=record["modality"],
        needle_angle=record["needle_angle_deg"] or "",
        **figures,
        **sourced(record),
    )


def ingredient_class(record: Record, place: int, shelf: Shelf) -> IngredientClass:
    """A class of ingredients."""
    return IngredientClass(key=record["key"], label=record["label"], **_blockable(record), **sourced(record))


def indication(record: Record, place: int, shelf: Shelf) -> Indication:
    """An indication."""
    return Indication(key=record["key"], label=record["label"], **_blockable(record), **sourced(record))


def _blockable(record: Record) -> Record:
    return {"is_blocked": record["blocked"], "block_reason": record["block_reason"] or ""}


def substance_tag(record: Record, place: int, shelf: Shelf) -> SubstanceTag:
    """A substance."""
    return SubstanceTag(key=record["key"], label=record["label"])


def ingredient(record: Record, place: int, shelf: Shelf) -> Ingredient:
    """An ingredient, without its tags and interactions."""
    figures = ("typical_per_session", "max_per_session", "max_per_kg", "max_per_cm2")
    return Ingredient(
        key=record["key"],
        name=record["name"],
        ingredient_class=shelf.get(IngredientClass, record["category"]),
        unit=record["unit"],
        typical_concentration=record["typical_concentration"] or "",
        max_rule=record["max_rule"] or "",
        dose_basis=record["dose_basis"],
        pregnancy_flag=record["pregnancy_flag"],
        vehicle=record["vehicle"],
        is_prescription_only=record["prescription_only"],
        use_alone="*" in record["incompatible_with"],
        clinician_must_set_max=record["clinician_must_set_max"],
        is_anaesthetic=record["category"] == "anaesthetic",
        is_blocked=record["blocked_by_default"],
        block_reason=record["block_reason"] or "",
        **{name: record[name] for name in figures},
        **sourced(record),
    )


def condition(record: Record, place: int, shelf: Shelf) -> Condition:
    """A question of the medical history."""
    names = ("key", "label", "question", "kind", "scope", "answered_by")
    return Condition(position=place, **{name: record[name] for name in names})


def adverse_event(record: Record, place: int, shelf: Shelf) -> AdverseEventKind:
    """A kind of adverse event."""
    names = ("key", "label", "onset_hours_min", "onset_hours_max", "severity")
    return AdverseEventKind(
        resolves_within_hours=record["expected_resolution_hours_max"],
        response_target_minutes=record["response_target_minutes"],
        signs=record["signs"],
        action=record["action"],
        **{name: record[name] for name in names},
        **modalities(record),
        **sourced(record),
    )


def outcome_scale(record: Record, place: int, shelf: Shelf) -> OutcomeScale:
    """An outcome scale, without its grades."""
    return OutcomeScale(
        key=record["key"],
        name=record["name"],
        kind=record["kind"],
        min_value=record["min"],
        max_value=record["max"],
        step=record["step"],
        unit=record["unit"] or "",
        direction=record["direction"],
        formula=record["formula"] or "",
        is_taken_at_baseline="baseline" in record["record_when"],
        is_taken_each_session="each_session" in record["record_when"],
        is_taken_at_final="final" in record["record_when"],
        is_taken_at_follow_up="follow_up" in record["record_when"],
        **_blockable(record),
        **sourced(record),
    )


def advice(record: Record, place: int, shelf: Shelf) -> AftercareAdvice:
    """A piece of aftercare advice."""
    return AftercareAdvice(
        key=record["key"],
        kind=record["kind"],
        starts_after_hours=record["offset_hours_start"],
        ends_after_hours=record["offset_hours_end"],
        title=record["title"],
        text=record["text"],
        **modalities(record),
        **sourced(record),
    )


def follow_up(record: Record, place: int, shelf: Shelf) -> FollowUp:
    """A follow-up, without its questions."""
    return FollowUp(
        key=record["key"],
        offset_hours=record["offset_hours"],
        purpose=record["purpose"],
        asks_photo=record["asks_photo"],
        is_after_last_only=record["after_last_only"],
        **modalities(record),
        **_blockable(record),
        **sourced(record),
    )


def figure(record: Record, place: int, shelf: Shelf) -> ReferenceFigure:
    """A reference figure."""
    return ReferenceFigure(
        key=record["key"],
        label=record["label"],
        value=record["value"],
        unit=record["unit"],
        min_value=record["min"],
        max_value=record["max"],
        **sourced(record),
    )


def service(record: Record, place: int, shelf: Shelf) -> Service:
    """A service, without its segments."""
    return Service(
        key=record["key"],
        name=record["name"],
        kind=record["kind"],
        modality=record["modality"] or "",
        is_online=record["online"],
        is_desk=record["desk"],
        technique=shelf.get(Technique, record["technique"]) if record["technique"] else None,
        fulfils=record["fulfils"] or "",
        fulfils_days=record["fulfils_days"],
        **sourced(record),
    )


def consent_text(record: Record) -> ConsentText:
    """The first version of a consent text; it is in use only once somebody publishes it."""
    return ConsentText(number=1, **record)


def segments(records: list[Record], **owner: models.Model) -> Iterator[Record]:
    """The columns of the segments of a visit, in order."""
    for position, record in enumerate(records, start=1):
        kinds = {name: record[name] or "" for name in ("room_kind", "device_kind")}
        yield {**record, **kinds, "position": position, **owner}


def area_limit(record: Record, of: Technique, shelf: Shelf) -> AreaLimit:
    """What one technique may do in one area. Only needling has depths here; injections keep to their technique."""
    limit = AreaLimit(
        area=shelf.get(BodyArea, record["key"]),
        technique=of,
        is_blocked=not record[f"{of.modality}_allowed"],
        block_reason=record[f"{of.modality}_block_reason"] or "",
        **sourced(record),
    )
    if of.key == NEEDLING:
        for name in DEPTHS:
            setattr(limit, name, record[f"microneedling_{name}"])
        limit.depth_cap_mm = record["microneedling_depth_hard_cap_mm"]
    return limit


def contraindications(record: Record, shelf: Shelf) -> Iterator[Contraindication]:
    """What a yes means: a row for each modality, and for each ingredient where it is about ingredients."""
    names = ("age_below_years", "skin_type_from", "washout_days", "washout_days_min", "washout_days_max")
    figures = {name: record[name] for name in names}
    for modality in record["applies_to"]:
        for key in record["only_for_ingredients"] or [None]:
            yield Contraindication(
                condition=shelf.get(Condition, record["key"]),
                modality=modality,
                ingredient=shelf.get(Ingredient, key) if key else None,
                severity=record["severity"],
                action=record["action"],
                **figures,
                **sourced(record),
            )


def ingredient_parts(record: Record, shelf: Shelf) -> Iterator[models.Model]:
    """The tags of an ingredient and what it does not go with, other than in the mix."""
    owner = shelf.get(Ingredient, record["key"])
    for name in record["allergen_tags"]:
        key, is_possible = substance(name)
        certainty = IngredientTag.Certainty.POSSIBLE if is_possible else IngredientTag.Certainty.CERTAIN
        yield IngredientTag(ingredient=owner, tag=shelf.get(SubstanceTag, key), certainty=certainty)
    for name in record["incompatible_external"]:
        yield ExternalInteraction(ingredient=owner, name=name)
    for warning in record["interaction_warnings"]:
        partner = shelf.get(Ingredient, warning["with"])
        yield IngredientInteraction(ingredient=owner, with_ingredient=partner, effect=warning["effect"])


def incompatible_pair(one: Record, other: Record, shelf: Shelf) -> IncompatiblePair | None:
    """The pair, older row first, if the two must not be mixed; what is used alone needs no pairs."""
    if "*" in one["incompatible_with"] + other["incompatible_with"] or not are_incompatible(one, other):
        return None
    first, second = sorted((shelf.get(Ingredient, record["key"]) for record in (one, other)), key=lambda row: row.pk)
    return IncompatiblePair(first=first, second=second)


def scale_parts(record: Record, shelf: Shelf) -> Iterator[OutcomeScaleGrade]:
    """The named grades of a scale."""
    for grade, label in record["labels"].items():
        low, high = grade_of(grade)
        yield OutcomeScaleGrade(scale=shelf.get(OutcomeScale, record["key"]), low=low, high=high, label=label)


def advice_parts(record: Record, shelf: Shelf) -> Iterator[AftercareAdviceGroup]:
    """The groups of areas that advice is for."""
    for group in record["only_for_area_groups"]:
        yield AftercareAdviceGroup(advice=shelf.get(AftercareAdvice, record["key"]), group=group)


def follow_up_parts(record: Record, shelf: Shelf) -> Iterator[FollowUpQuestion]:
    """The questions of a follow-up."""
    for position, text in enumerate(record["questions"], start=1):
        yield FollowUpQuestion(follow_up=shelf.get(FollowUp, record["key"]), position=position, text=text)


def service_parts(record: Record, shelf: Shelf) -> Iterator[ServiceSegment]:
    """The segments of a service."""
    for columns in segments(record["segments"], service=shelf.get(Service, record["key"])):
        yield ServiceSegment(**columns)
