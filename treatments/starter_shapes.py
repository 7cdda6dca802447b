"""What each record of the shipped JSON files must look like: every field by name, with what it may hold."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from patients.models import BodyArea, Condition
from treatments.models import (
    AdverseEventKind,
    AdviceKind,
    Basis,
    Confidence,
    Contraindication,
    Ingredient,
    Modality,
    OutcomeScale,
    PhotoPoint,
    ReferenceFigure,
    Segment,
    Service,
    Source,
    Unit,
)
from treatments.models.services import DeviceKind, RoomKind

Check = Callable[[object], str | None]


def key(value: object) -> str | None:
    """Lower-case letters, digits and underscores."""
    return None if isinstance(value, str) and re.fullmatch(r"[a-z0-9_]+", value) else "is not a key"


def text(value: object) -> str | None:
    """A text that is not empty."""
    return None if isinstance(value, str) and value.strip() else "is not a text"


def flag(value: object) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else "is not true or false"


def signed(value: object) -> str | None:
    """A number of either sign."""
    return None if isinstance(value, int | Decimal) and not isinstance(value, bool) else "is not a number"


def number(value: object) -> str | None:
    """A number, zero or more."""
    return signed(value) or ("is below zero" if value < 0 else None)


def whole(value: object) -> str | None:
    """A whole number, zero or more."""
    return number(value) or (None if isinstance(value, int) else "is not a whole number")


def keys(value: object) -> str | None:
    """A list of keys, or the one word `*`."""
    fits = isinstance(value, list) and all(item == "*" or key(item) is None for item in value)
    return None if fits else "is not a list of keys"


def texts(value: object) -> str | None:
    """A list of texts."""
    return None if isinstance(value, list) and all(text(item) is None for item in value) else "is not a list of texts"


def labels(value: object) -> str | None:
    """Texts by a value or a range of values, such as `3` or `2-5`."""
    fits = isinstance(value, dict) and all(re.fullmatch(r"-?\d+(-\d+)?", grade) for grade in value)
    return None if fits and all(text(label) is None for label in value.values()) else "is not texts by value"


def maybe(check: Check) -> Check:
    """Nothing, or what `check` wants."""
    return lambda value: None if value is None else check(value)


def one_of(*choices: str) -> Check:
    """One of the words."""
    return lambda value: None if value in choices else f"is '{value}', not one of {', '.join(choices)}"


def some_of(*choices: str) -> Check:
    """A list of some of the words."""
    return lambda value: (
        None if isinstance(value, list) and set(value) <= set(choices) else f"is not a list of {', '.join(choices)}"
    )


@dataclass(frozen=True)
class Parts:
    """Records inside a record: a list of one shape, or a single one, perhaps with only some of the fields."""

    shape: "Shape"
    single: bool = False
    partial: bool = False
    optional: bool = False


Shape = dict[str, Check | Parts]

MODALITIES = some_of(*Modality.values)
SOURCED = {"source": keys, "confidence": one_of(*Confidence.values)}
NOTED = {**SOURCED, "note": maybe(text)}
BLOCKABLE = {"blocked": flag, "block_reason": maybe(text)}
SEGMENTS = Parts(
    {
        "kind": one_of(*Segment.Kind.values),
        "base_minutes": whole,
        "minutes_per_area": whole,
        "holds_practitioner": flag,
        "needs_assistant": flag,
        "room_kind": maybe(one_of(*RoomKind.values)),
        "device_kind": maybe(one_of(*DeviceKind.values)),
    }
)

LIMITS = {
    **dict.fromkeys(("max_points", "min_interval_days", "max_sessions"), whole),
    **dict.fromkeys(("max_depth_mm", "soft_max_depth_mm", "hard_max_depth_mm"), number),
    **dict.fromkeys(("max_total_ml", "max_mg", "mg_per_cm2"), number),
}

PROTOCOL = {
    "key": key,
    "label": text,
    "modality": one_of(*Modality.values),
    "indication": key,
    "service": key,
    "total_volume_ml": maybe(number),
    **dict.fromkeys(("sessions_min", "sessions_typical", "sessions_max"), whole),
    **dict.fromkeys(("interval_min_days", "interval_typical_days", "interval_max_days"), whole),
    "maintenance": Parts({"interval_days": whole, "note": maybe(text)}, single=True, optional=True),
    **dict.fromkeys(("duration_minutes", "buffer_minutes", "room_occupancy_minutes", "operator_minutes"), whole),
    "endpoint": maybe(text),
    "device": maybe(text),
    "limits": Parts(LIMITS, single=True, partial=True),
    "min_age_years": whole,
    "fitzpatrick_caution_from": maybe(whole),
    "requires_consultation": flag,
    "consent_form": key,
    "outcome_scales": keys,
    "photo_points": some_of(*PhotoPoint.When.values),
    "extra_check_conditions": keys,
    "evidence_note": maybe(text),
    "disagreement": maybe(text),
    **SOURCED,
    "segments_basis": one_of(*Basis.values),
    "segments": SEGMENTS,
    "phases": Parts(
        {
            "name": text,
            "sessions": whole,
            "counts_towards_series": flag,
            **dict.fromkeys(("interval_min_days", "interval_typical_days", "interval_max_days"), whole),
            "note": maybe(text),
        }
    ),
    "ingredients": Parts(
        {
            "ingredient": key,
            "amount": number,
            "unit": one_of(*Unit.values),
            "volume_ml": maybe(number),
            "amount_basis": one_of(*Basis.values),
            "note": maybe(text),
        }
    ),
    "anaesthetic": Parts(
        {
            "kind": one_of("none", "topical", "injected"),
            "ingredient": maybe(key),
            "agent": maybe(text),
            **dict.fromkeys(("minutes_min", "minutes_typical", "minutes_max"), whole),
            "removed_before": flag,
            **NOTED,
        },
        single=True,
    ),
    "aftercare_steps": Parts({"step": key, "offset_hours": whole}),
    "follow_up_reminders": Parts({"follow_up": key, "offset_hours": whole}),
}
DEPTHS = {"area": key, "depth_min_mm": number, "depth_max_mm": number, "reason": maybe(text)}
DEPTHS_OF = {
    Modality.MICRONEEDLING: {**DEPTHS, "depth_typical_mm": number, "passes_min": whole, "passes_max": whole},
    Modality.MESOTHERAPY: {
        **DEPTHS,
        "technique": key,
        "volume_per_point_ml": number,
        "spacing_mm": maybe(number),
        "points_min": maybe(whole),
        "points_max": maybe(whole),
    },
}

SHAPES: dict[str, Shape] = {
    "sources": {"key": key, "title": text, "url": text, "kind": one_of(*Source.Kind.values)},
    "areas": {
        "key": key,
        "label": text,
        "group": one_of(*BodyArea.Group.values),
        "epidermis_note": maybe(text),
        "epidermis_um": maybe(whole),
        "skin_class": key,
        "bony": flag,
        "microneedling_allowed": flag,
        "microneedling_block_reason": maybe(text),
        **dict.fromkeys(
            [f"microneedling_depth_{end}_mm" for end in ("min", "typical", "max", "hard_cap")], maybe(number)
        ),
        "mesotherapy_allowed": flag,
        "mesotherapy_block_reason": maybe(text),
        "source_agreement": key,
        **NOTED,
    },
    "techniques": {
        "key": key,
        "label": text,
        "modality": one_of(*Modality.values),
        **dict.fromkeys(("depth_min_mm", "depth_max_mm", "spacing_min_mm", "spacing_max_mm"), maybe(number)),
        **dict.fromkeys(("volume_per_point_min_ml", "volume_per_point_max_ml"), maybe(number)),
        "needle_angle_deg": maybe(text),
        **NOTED,
    },
    "ingredient_classes": {"key": key, "label": text, **BLOCKABLE, **NOTED},
    "indications": {"key": key, "label": text, **BLOCKABLE, **NOTED},
    "substances": {"key": key, "label": text, "label_basis": one_of(*Basis.values)},
    "ingredients": {
        "key": key,
        "name": text,
        "category": key,
        "allergen_tags": keys,
        "unit": one_of(*Unit.values),
        "typical_concentration": maybe(text),
        **dict.fromkeys(("typical_per_session", "max_per_session", "max_per_kg", "max_per_cm2"), maybe(number)),
        "max_rule": maybe(text),
        "dose_basis": one_of(*Basis.values),
        "pregnancy_flag": one_of(*Ingredient.Pregnancy.values),
        "incompatible_with": keys,
        "incompatible_external": texts,
        "interaction_warnings": Parts({"with": key, "effect": text}),
        "related_conditions": keys,
        "vehicle": one_of(*Ingredient.Vehicle.values),
        "prescription_only": flag,
        "blocked_by_default": flag,
        "block_reason": maybe(text),
        "clinician_must_set_max": flag,
        **NOTED,
    },
    "conditions": {
        "key": key,
        "label": text,
        "question": text,
        "question_basis": one_of("source", "proposed"),
        "answered_by": one_of(*Condition.AnsweredBy.values),
        "applies_to": MODALITIES,
        "severity": one_of(*Contraindication.Severity.values),
        "kind": one_of(*Condition.Kind.values),
        "scope": one_of(*Condition.Scope.values),
        **dict.fromkeys(("age_below_years", "skin_type_from"), maybe(whole)),
        **dict.fromkeys(("washout_days", "washout_days_min", "washout_days_max"), maybe(whole)),
        "action": one_of(*Contraindication.Action.values),
        "only_for_ingredients": keys,
        "disagreement": maybe(text),
        **SOURCED,
    },
    "outcome_scales": {
        "key": key,
        "name": text,
        "kind": one_of(*OutcomeScale.Kind.values),
        **dict.fromkeys(("min", "max", "step"), maybe(signed)),
        "unit": maybe(text),
        "direction": one_of(*OutcomeScale.Direction.values),
        "labels": labels,
        "record_when": some_of("baseline", "each_session", "final", "follow_up"),
        "formula": maybe(text),
        "for_indications": keys,
        **BLOCKABLE,
        **NOTED,
    },
    "aftercare.steps": {
        "key": key,
        "applies_to": MODALITIES,
        "kind": one_of(*AdviceKind.values),
        **dict.fromkeys(("offset_hours_start", "offset_hours_end"), whole),
        "only_for_area_groups": some_of(*BodyArea.Group.values),
        "title": text,
        "text": text,
        "disagreement": maybe(text),
        **SOURCED,
    },
    "aftercare.adverse_events": {
        "key": key,
        "label": text,
        "applies_to": MODALITIES,
        **dict.fromkeys(("onset_hours_min", "onset_hours_max", "expected_resolution_hours_max"), maybe(whole)),
        "severity": one_of(*AdverseEventKind.Severity.values),
        "response_target_minutes": maybe(whole),
        "signs": text,
        "action": text,
        **NOTED,
    },
    "aftercare.follow_ups": {
        "key": key,
        "applies_to": MODALITIES,
        "offset_hours": whole,
        "channel": one_of("sms_or_email"),
        "purpose": text,
        "questions": texts,
        "asks_photo": flag,
        "only_for_area_groups": some_of(),
        "after_last_only": flag,
        **BLOCKABLE,
        **NOTED,
    },
    "clinic_constants": {
        "key": key,
        "label": text,
        "value": number,
        "unit": one_of(*ReferenceFigure.Unit.values),
        "min": maybe(number),
        "max": maybe(number),
        **NOTED,
    },
    "services": {
        "key": key,
        "name": text,
        "kind": one_of(*Service.Kind.values),
        "modality": maybe(one_of(*Modality.values)),
        "online": flag,
        "desk": flag,
        "technique": maybe(key),
        "fulfils": maybe(one_of(*Service.Prerequisite.values)),
        "fulfils_days": maybe(whole),
        "segments": SEGMENTS,
        **NOTED,
    },
    "consent_texts": {"scope": key, "language": key, "title": text, "body": text, "provenance": text},
    "protocols": PROTOCOL,
}
