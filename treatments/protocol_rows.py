"""Builds the unsaved rows of a protocol's first version, a draft, from its record in the starter files."""

from collections.abc import Iterator

from django.db import models

from patients.models import BodyArea, Condition
from treatments.catalogue_rows import NEEDLING, segments
from treatments.models import (
    AftercareAdvice,
    AnaestheticLine,
    CocktailLine,
    DepthStep,
    FollowUp,
    FollowUpRule,
    FollowUpRuleQuestion,
    Indication,
    Ingredient,
    OutcomeScale,
    Phase,
    PhotoPoint,
    Protocol,
    ProtocolVersion,
    Service,
    Source,
    Technique,
    VersionAftercare,
    VersionCheck,
    VersionScale,
    VersionSegment,
    VersionSource,
)
from treatments.shelf import Shelf
from treatments.starter_files import Record

STEP_FIGURES = (
    *("depth_min_mm", "depth_typical_mm", "depth_max_mm", "passes_min", "passes_max"),
    *("volume_per_point_ml", "spacing_mm", "points_min", "points_max"),
)


def protocol(record: Record, place: int, shelf: Shelf) -> Protocol:
    """A protocol, without a version."""
    return Protocol(
        key=record["key"],
        name=record["label"],
        modality=record["modality"],
        indication=shelf.get(Indication, record["indication"]),
        service=shelf.get(Service, record["service"]),
    )


def version(record: Record, shelf: Shelf) -> ProtocolVersion:
    """Version 1 of a protocol, a draft."""
    limits = record["limits"]
    same = ("sessions_min", "sessions_typical", "sessions_max", "min_age_years", "fitzpatrick_caution_from")
    return ProtocolVersion(
        protocol=shelf.get(Protocol, record["key"]),
        number=1,
        requires_consultation=record["requires_consultation"],
        consent_scope=record["consent_form"],
        endpoint=record["endpoint"] or "",
        device_note=record["device"] or "",
        total_volume_ml=record["total_volume_ml"],
        max_depth_mm=limits.get("max_depth_mm", limits.get("hard_max_depth_mm")),
        evidence=record["evidence_note"] or "",
        disagreement=record["disagreement"] or "",
        confidence=record["confidence"],
        **{name: record[name] for name in same},
        **{
            name: limits.get(name)
            for name in ("soft_max_depth_mm", "max_total_ml", "max_points", "max_mg", "mg_per_cm2")
        },
    )


def parts(record: Record, of: ProtocolVersion, shelf: Shelf) -> Iterator[models.Model]:
    """All that hangs off a version, except the questions of its follow-ups."""
    yield from _phases(record, of)
    yield from _depth_steps(record, of, shelf)
    yield from _substances(record, of, shelf)
    for columns in segments(record["segments"], version=of):
        yield VersionSegment(**columns)
    yield from _advice(record, of, shelf)
    for line in record["follow_up_reminders"]:
        yield _follow_up_rule(shelf.get(FollowUp, line["follow_up"]), of)
    for when in record["photo_points"]:
        yield PhotoPoint(version=of, when=when)
    for key in record["outcome_scales"]:
        yield VersionScale(version=of, scale=shelf.get(OutcomeScale, key))
    for key in record["extra_check_conditions"]:
        yield VersionCheck(version=of, condition=shelf.get(Condition, key))
    for key in dict.fromkeys(record["source"] + record["anaesthetic"]["source"]):
        yield VersionSource(version=of, source=shelf.get(Source, key))


def questions(rule: FollowUpRule, record: Record) -> Iterator[FollowUpRuleQuestion]:
    """The questions of a follow-up rule, from the record of its follow-up."""
    for position, text in enumerate(record["questions"], start=1):
        yield FollowUpRuleQuestion(rule=rule, position=position, text=text)


def _phases(record: Record, of: ProtocolVersion) -> Iterator[Phase]:
    for position, phase in enumerate(record["phases"], start=1):
        yield Phase(
            version=of,
            position=position,
            name=phase["name"],
            sessions=phase["sessions"],
            is_maintenance=not phase["counts_towards_series"],
            interval_min_days=phase["interval_min_days"],
            interval_ideal_days=phase["interval_typical_days"],
            interval_max_days=phase["interval_max_days"],
            note=phase["note"] or "",
        )


def _depth_steps(record: Record, of: ProtocolVersion, shelf: Shelf) -> Iterator[DepthStep]:
    for step in record["areas"]:
        yield DepthStep(
            version=of,
            area=shelf.get(BodyArea, step["area"]),
            technique=shelf.get(Technique, step.get("technique", NEEDLING)),
            reason=step["reason"] or "",
            **{name: step.get(name) for name in STEP_FIGURES},
        )


def _substances(record: Record, of: ProtocolVersion, shelf: Shelf) -> Iterator[CocktailLine | AnaestheticLine]:
    for position, line in enumerate(record["ingredients"], start=1):
        same = {name: line[name] for name in ("amount", "unit", "volume_ml", "amount_basis")}
        ingredient = shelf.get(Ingredient, line["ingredient"])
        yield CocktailLine(version=of, position=position, ingredient=ingredient, note=line["note"] or "", **same)
    anaesthetic = record["anaesthetic"]
    if anaesthetic["kind"] == "none":
        return
    yield AnaestheticLine(
        version=of,
        position=1,
        ingredient=shelf.get(Ingredient, anaesthetic["ingredient"]),
        kind=anaesthetic["kind"],
        agent=anaesthetic["agent"],
        is_removed_before=anaesthetic["removed_before"],
        note=anaesthetic["note"] or "",
        **{name: anaesthetic[name] for name in ("minutes_min", "minutes_typical", "minutes_max")},
    )


def _advice(record: Record, of: ProtocolVersion, shelf: Shelf) -> Iterator[VersionAftercare]:
    copied = ("key", "kind", "title", "text", "starts_after_hours", "ends_after_hours")
    for line in record["aftercare_steps"]:
        advice = shelf.get(AftercareAdvice, line["step"])
        texts = {name: getattr(advice, name) for name in copied}
        yield VersionAftercare(version=of, send_after_hours=line["offset_hours"], **texts)


def _follow_up_rule(follow_up: FollowUp, of: ProtocolVersion) -> FollowUpRule:
    copied = ("key", "offset_hours", "purpose", "asks_photo", "is_after_last_only")
    return FollowUpRule(version=of, **{name: getattr(follow_up, name) for name in copied})
