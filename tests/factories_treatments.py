"""Protocols, series and medical facts for tests, with sane defaults; existing catalogue rows are used as they are."""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal

from patients.models import (
    Allergy,
    BodyArea,
    Condition,
    Consent,
    ConsentText,
    HistoryAnswer,
    HistoryReview,
    SubstanceTag,
)
from tests import factories
from treatments import protocols
from treatments import series as courses_of
from treatments.models import (
    AnaestheticLine,
    AreaLimit,
    ClinicianDecision,
    CocktailLine,
    Contraindication,
    DepthStep,
    Indication,
    Ingredient,
    IngredientClass,
    IngredientTag,
    Phase,
    Protocol,
    ProtocolVersion,
    Service,
    Technique,
    VersionSegment,
)

FIRST = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
NEEDLING, PAPULE = "needling", "papule"


def clinical_lead(name="Dr Lead"):
    return factories.user("clinical lead", name=name)


def area(key="cheek", cap="2", usual="1.5", least="0.25", **details):
    """A body area that both kinds of treatment may treat."""
    defaults = {"label": key.capitalize(), "group": "face", **details}
    row, _ = BodyArea.objects.get_or_create(key=key, defaults=defaults)
    for how in (technique(NEEDLING), technique(PAPULE)):
        depths = {"depth_min_mm": least, "depth_max_mm": usual, "depth_cap_mm": cap} if how.key == NEEDLING else {}
        AreaLimit.objects.get_or_create(area=row, technique=how, defaults=depths)
    return row


def technique(key=NEEDLING):
    depths = {"modality": "microneedling"}
    if key != NEEDLING:
        depths = {"modality": "mesotherapy", "depth_min_mm": 1, "depth_max_mm": 2}
    return Technique.objects.get_or_create(key=key, defaults={"label": key.capitalize(), **depths})[0]


def indication(key="rejuvenation"):
    return Indication.objects.get_or_create(key=key, defaults={"label": key.capitalize()})[0]


def ingredient(key="hyaluronic_acid", most="64", tags=(), possible=(), **details):
    """A water-based ingredient; `tags` are in it for certain, `possible` ones perhaps."""
    kind, _ = IngredientClass.objects.get_or_create(key="hydrator", defaults={"label": "Hydrator"})
    fixed = {"unit": "mg", "dose_basis": "proposed", "pregnancy_flag": "avoid", "vehicle": "aqueous"}
    defaults = {"name": key.replace("_", " "), "ingredient_class": kind, "max_per_session": most, **fixed, **details}
    row, is_new = Ingredient.objects.get_or_create(key=key, defaults=defaults)
    if is_new:
        for certainty, keys in (("certain", tags), ("possible", possible)):
            for each in keys:
                IngredientTag.objects.create(ingredient=row, tag=substance(each), certainty=certainty)
    return row


def substance(key):
    return SubstanceTag.objects.get_or_create(key=key, defaults={"label": key.capitalize()})[0]


def treatment_service(modality="microneedling"):
    key = f"{modality}-visit"
    return Service.objects.get_or_create(
        key=key, defaults={"name": "Treatment", "kind": "treatment", "modality": modality}
    )[0]


def draft(
    modality="microneedling",
    *,
    areas=(("cheek", "0.5", "1.0"),),
    mix=(),
    numbing=(),
    phases=((4, 14, 28, 42),),
    protocol=None,
    has_visit=True,
    **details,
):
    """A draft; `mix` holds (ingredient, amount, volume in ml), `phases` (sessions, least, ideal, most days)."""
    number = next(factories.number)
    protocol = protocol or Protocol.objects.create(
        key=f"protocol-{number}",
        name=f"Protocol {number}",
        modality=modality,
        indication=indication(),
        service=treatment_service(modality),
    )
    total = sum(count for count, *_ in phases)
    defaults = {
        "sessions_min": 1,
        "sessions_typical": total,
        "sessions_max": total + 6,
        "min_age_years": 18,
        "requires_consultation": False,
        "consent_scope": "treatment",
        "total_volume_ml": sum(Decimal(volume) for _, _, volume in mix) if mix else None,
    }
    version = ProtocolVersion.objects.create(
        protocol=protocol, number=protocol.versions.count() + 1, **{**defaults, **details}
    )
    _fill(version, areas, mix, numbing, phases)
    if has_visit:
        parts = {"kind": "hands_on", "base_minutes": 30, "holds_practitioner": True, "room_kind": "treatment"}
        VersionSegment.objects.create(version=version, position=1, **parts)
    return version


def _fill(version, areas, mix, numbing, phases):
    how = technique(NEEDLING if version.protocol.modality == "microneedling" else PAPULE)
    for position, (count, least, ideal, most) in enumerate(phases, start=1):
        Phase.objects.create(
            version=version, position=position, name=f"Phase {position}", sessions=count,
            interval_min_days=least, interval_ideal_days=ideal, interval_max_days=most,
        )  # fmt: skip
    for key, least, most in areas:
        DepthStep.objects.create(version=version, area=area(key), technique=how, depth_min_mm=least, depth_max_mm=most)
    for position, (each, amount, volume) in enumerate(mix, start=1):
        CocktailLine.objects.create(
            version=version, position=position, ingredient=each, amount=amount, unit=each.unit, volume_ml=volume,
            amount_basis="proposed",
        )  # fmt: skip
    for position, each in enumerate(numbing, start=1):
        AnaestheticLine.objects.create(
            version=version, position=position, ingredient=each, kind="topical", agent="Cream",
            minutes_min=15, minutes_typical=20, minutes_max=60,
        )  # fmt: skip


def published(modality="microneedling", *, by=None, **details):
    if modality == "mesotherapy":
        details = {"areas": (("cheek", "1", "2"),), "mix": ((ingredient(), "20", "2"),), **details}
    return protocols.publish(draft(modality, **details), by=by or clinical_lead(), now=NOW)


def series(patient=None, version=None, *, areas=("cheek",), sessions_planned=None, first_possible_on=FIRST, **details):
    version = version or published()
    return courses_of.start(
        patient or factories.patient(),
        version,
        areas=[area(key) for key in areas],
        sessions_planned=sessions_planned or version.sessions_typical,
        first_possible_on=first_possible_on,
        by=details.pop("by", None) or factories.user("reception"),
        **details,
    )


def condition(
    key="pregnancy", action="block", modality="microneedling", *,
    washout_days=None, age_below_years=None, skin_type_from=None, with_=None, **details,
):  # fmt: skip
    """A question together with its rule."""
    defaults = {"label": key.capitalize(), "question": f"{key}?", "kind": "status", "scope": "anywhere", **details}
    row, _ = Condition.objects.get_or_create(key=key, defaults=defaults)
    Contraindication.objects.create(
        condition=row,
        modality=modality,
        ingredient=with_,
        severity="absolute",
        action=action,
        washout_days=washout_days,
        age_below_years=age_below_years,
        skin_type_from=skin_type_from,
    )
    return row


def answered(patient, *conditions, answer="yes", on=FIRST, happened_on=None, areas=(), by=None):
    review = HistoryReview.objects.create(
        patient=patient, reviewed_on=on, reviewed_by=by or factories.user("practitioner")
    )
    for each in conditions:
        row = HistoryAnswer.objects.create(review=review, condition=each, answer=answer, happened_on=happened_on)
        row.areas.set(areas)
    return review


def allergic(patient, *keys, verification="unconfirmed", words=""):
    row = Allergy.objects.create(
        patient=patient, noted_by=factories.user("practitioner"), verification=verification, substance=words
    )
    row.tags.set([substance(key) for key in keys])
    return row


def consented(patient, scope="treatment", *, withdrawn_at=None):
    text, _ = ConsentText.objects.get_or_create(scope=scope, number=1, defaults={"title": scope, "body": scope})
    return Consent.objects.create(
        patient=patient, text=text, method="paper", signed_at=NOW, taken_by=factories.user("practitioner"),
        withdrawn_at=withdrawn_at,
    )  # fmt: skip


def decision(patient, finding, *, allows=True, valid_until=None, by=None, at=NOW):
    return ClinicianDecision.objects.create(
        patient=patient,
        finding_code=finding.code,
        basis=finding.basis or hashlib.sha256().hexdigest(),
        allows=allows,
        reason="Seen and discussed.",
        decided_by=by or clinical_lead(),
        decided_at=at,
        valid_until=valid_until,
    )
