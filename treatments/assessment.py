"""Loads the rows that a safety check looks at, in a number of queries that does not depend on how many there are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q

from patients import merging
from patients.models import Allergy, Consent, HistoryAnswer, Measurement, Patient
from treatments.facts import Answer, Done, Line, Plan, Rule, Step, Subject, Substance, Tag, Treatment
from treatments.findings import Decision
from treatments.models import (
    AnaestheticLine,
    AreaLimit,
    ClinicianDecision,
    CocktailLine,
    Contraindication,
    DepthStep,
    IncompatiblePair,
    Ingredient,
    IngredientTag,
    Modality,
    ProtocolVersion,
    TreatmentSession,
)


def subject_of(patient: Patient) -> Subject:
    """Load what is known of the person over all merged records."""
    birth_dates = dict(merging.group_of(patient).order_by("pk").values_list("pk", "birth_date"))
    survivor_id = patient.merged_into_id or patient.pk
    keys = list(birth_dates)
    measured: dict[str, object] = {}
    for kind, value in Measurement.objects.filter(patient__in=keys).values_list("kind", "value"):
        measured.setdefault(kind, value)
    skin_type = measured.get(Measurement.Kind.SKIN_TYPE)
    scopes = Consent.objects.filter(patient__in=keys, withdrawn_at=None).values_list("text__scope", flat=True)
    by_tag, in_words = _allergies(keys)
    return Subject(
        birth_date=birth_dates[survivor_id] or next(filter(None, birth_dates.values()), None),
        answers=_answers(keys),
        allergies=by_tag,
        allergies_in_words=in_words,
        skin_type=None if skin_type is None else int(skin_type),
        weight_kg=measured.get(Measurement.Kind.WEIGHT_KG),
        consents=frozenset(scopes),
        decisions=_decisions(keys),
    )


def plan_of(version: ProtocolVersion) -> Plan:
    """Load a version next to the catalogue's live limits."""
    version = ProtocolVersion.objects.select_related("protocol__indication").get(pk=version.pk)
    return plan_with(
        version,
        list(DepthStep.objects.filter(version=version).select_related("area", "technique")),
        list(CocktailLine.objects.filter(version=version).select_related("ingredient__ingredient_class")),
        list(AnaestheticLine.objects.filter(version=version).select_related("ingredient__ingredient_class")),
    )


def plan_with(
    version: ProtocolVersion, steps: Sequence[DepthStep], mix: Sequence[CocktailLine],
    numbing: Sequence[AnaestheticLine],
) -> Plan:  # fmt: skip
    """Put a version with these rows, saved or not, next to the catalogue's live limits."""
    lines = list(_lines(mix, numbing))
    indication = version.protocol.indication
    return Plan(
        modality=version.protocol.modality,
        version_id=version.pk,
        indication_block_reason=indication.block_reason if indication.is_blocked else "",
        steps=_steps(steps),
        lines=tuple(lines),
        pairs=_pairs({line.substance.id for line in lines}),
        soft_max_depth_mm=version.soft_max_depth_mm,
        min_age_years=version.min_age_years,
        skin_caution_from=version.fitzpatrick_caution_from,
        consent_scope=version.consent_scope,
        requires_consultation=version.requires_consultation,
    )


def rules_for(modality: str) -> tuple[Rule, ...]:
    """Load every reason not to treat of one modality."""
    rows = Contraindication.objects.filter(modality=modality).select_related("condition").order_by("pk")
    return tuple(
        Rule(
            condition_id=row.condition_id,
            code=row.condition.key,
            label=row.condition.label,
            answered_by=row.condition.answered_by,
            action=row.action,
            is_bound_to_area=row.condition.scope == row.condition.Scope.TREATMENT_AREA,
            is_asked=row.condition.is_active,
            ingredient_id=row.ingredient_id,
            washout_days=row.washout_days,
            age_below_years=row.age_below_years,
            skin_type_from=row.skin_type_from,
        )
        for row in rows
    )


def treatment_of(
    version: ProtocolVersion, area_ids: Iterable[int], patient: Patient, *,
    interval_min_days: int, series_id: int | None = None, session_id: int | None = None,
    is_without_anaesthetic: bool = False,
) -> Treatment:  # fmt: skip
    """Load one visit to come on these areas, after an interval of at least so many days."""
    plan, areas = plan_of(version), frozenset(area_ids)
    return Treatment(
        plan=plan,
        rules=rules_for(plan.modality),
        area_ids=areas,
        done=_done(patient, plan.modality, areas, interval_min_days, series_id, session_id),
        is_without_anaesthetic=is_without_anaesthetic,
    )


def _answers(patient_ids: list[int]) -> Mapping[int, tuple[Answer, ...]]:
    rows = HistoryAnswer.objects.filter(review__patient__in=patient_ids)
    places = defaultdict(set)
    through = HistoryAnswer.areas.through.objects.filter(historyanswer__review__patient__in=patient_ids)
    for answer_id, area_id in through.values_list("historyanswer_id", "bodyarea_id"):
        places[answer_id].add(area_id)
    answers = defaultdict(list)
    columns = ("pk", "public_id", "condition_id", "answer", "review__reviewed_on", "happened_on")
    newest_first = rows.order_by("-review__reviewed_on", "-review__reviewed_at", "-pk")
    for pk, public_id, condition_id, answer, reviewed_on, happened_on in newest_first.values_list(*columns):
        areas = frozenset(places.get(pk, ()))
        answers[condition_id].append(Answer(str(public_id), answer, reviewed_on, happened_on, areas))
    return {condition_id: tuple(found) for condition_id, found in answers.items()}


def _allergies(patient_ids: list[int]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    rows = Allergy.objects.filter(patient__in=patient_ids).exclude(verification=Allergy.Verification.REFUTED)
    by_tag, in_words = defaultdict(list), []
    for public_id, tag in rows.order_by("public_id").values_list("public_id", "tags__key"):
        if tag is None:
            in_words.append(str(public_id))
        else:
            by_tag[tag].append(str(public_id))
    return {tag: ",".join(found) for tag, found in by_tag.items()}, tuple(in_words)


def _decisions(patient_ids: list[int]) -> tuple[Decision, ...]:
    rows = ClinicianDecision.objects.filter(patient__in=patient_ids).select_related("decided_by")
    return tuple(
        Decision(row.finding_code, row.basis, row.allows, str(row.decided_by), row.valid_until)
        for row in rows.order_by("-decided_at", "-pk")
    )


def _steps(rows: Sequence[DepthStep]) -> tuple[Step, ...]:
    found = AreaLimit.objects.filter(area__in={row.area_id for row in rows})
    area_limits = {(row.area_id, row.technique_id): row for row in found}
    return tuple(_step(row, area_limits.get((row.area_id, row.technique_id))) for row in rows)


def _step(row: DepthStep, limit: AreaLimit | None) -> Step:
    """Needling binds to the cap of the area, mesotherapy to the technique; an area without a row is not treated."""
    is_needling = row.technique.modality == Modality.MICRONEEDLING
    low = high = None
    if limit is not None:
        low = limit.depth_min_mm if is_needling else row.technique.depth_min_mm
        high = limit.depth_cap_mm if is_needling else row.technique.depth_max_mm
    return Step(
        area_id=row.area_id,
        area=row.area.label,
        depth_min_mm=row.depth_min_mm,
        depth_max_mm=row.depth_max_mm,
        limit_min_mm=low,
        limit_max_mm=high,
        usual_max_mm=limit.depth_max_mm if limit is not None and is_needling else None,
        block_reason=limit.block_reason if limit is not None and limit.is_blocked else "",
    )


def _lines(mix: Sequence[CocktailLine], numbing: Sequence[AnaestheticLine]) -> Iterable[Line]:
    tags = defaultdict(list)
    held = IngredientTag.objects.filter(ingredient__in={row.ingredient_id for row in [*mix, *numbing]})
    for row in held.select_related("tag").order_by("tag__key"):
        is_certain = row.certainty == IngredientTag.Certainty.CERTAIN
        tags[row.ingredient_id].append(Tag(row.tag.key, row.tag.label, is_certain))
    for row in mix:
        yield Line(_substance(row.ingredient, tags[row.ingredient_id]), row.amount)
    for row in numbing:
        yield Line(_substance(row.ingredient, tags[row.ingredient_id]), is_anaesthetic=True)


def _substance(row: Ingredient, tags: list[Tag]) -> Substance:
    blocked = next((each for each in (row, row.ingredient_class) if each.is_blocked), None)
    return Substance(
        id=row.pk,
        name=row.name,
        unit=row.get_unit_display(),
        max_per_session=row.max_per_session,
        max_per_kg=row.max_per_kg,
        is_used_alone=row.use_alone,
        block_reason=blocked.block_reason if blocked else "",
        tags=tuple(tags),
    )


def _pairs(ingredient_ids: set[int]) -> Mapping[frozenset[int], str]:
    rows = IncompatiblePair.objects.filter(first__in=ingredient_ids, second__in=ingredient_ids)
    return {frozenset({row.first_id, row.second_id}): row.reason for row in rows}


def _done(
    patient: Patient, modality: str, areas: frozenset[int], gap_days: int, series_id: int | None, session_id: int | None
) -> tuple[Done, ...]:
    """Within the series its own interval counts, between two series the longer of both."""
    same_skin = Q(series=series_id) | Q(
        series__series_areas__area__in=areas, series__protocol_version__protocol__modality=modality
    )
    rows = (
        TreatmentSession.objects.filter(same_skin, series__patient__in=merging.group_of(patient))
        .filter(state=TreatmentSession.State.DONE)
        .exclude(pk=session_id)
        .values_list("series_id", "done_on", "phase__interval_min_days")
        .distinct()
    )
    return tuple(
        Done(done_on, gap_days if own == series_id else max(gap_days, other_gap)) for own, done_on, other_gap in rows
    )
