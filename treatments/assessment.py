"""Loads the rows that a safety check looks at, in a number of queries that does not depend on how many there are.

Published plans and rules stay in the memory of the process for as long as the catalogue has the same stamp, which each
check reads anew and before it looks at them: see `shelf_of`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from patients.models import Patient
from treatments import known
from treatments.facts import Done, Line, Plan, Rule, Step, Subject, Substance, Tag, Treatment
from treatments.known import Known, Stamp
from treatments.models import (
    AnaestheticLine,
    AreaLimit,
    CocktailLine,
    Contraindication,
    DepthStep,
    IncompatiblePair,
    Ingredient,
    IngredientTag,
    Modality,
    ProtocolVersion,
)
from treatments.remembered import shelf_of


def subject_of(patient: Patient) -> Subject:
    """Load what is known of the person over all merged records."""
    return known.of_person(patient.pk).subject


def plan_of(version_id: int) -> Plan:
    """Load a version next to the catalogue's live limits."""
    version = ProtocolVersion.objects.select_related("protocol__indication").get(pk=version_id)
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
    found = known.of_visit(patient.pk, version.pk, series_id=series_id, session_id=session_id, area_ids=area_ids)
    found = replace(found, interval_min_days=interval_min_days)
    plan = plan_of(version.pk) if version.state == ProtocolVersion.State.DRAFT else fixed_plan(version.pk, found.stamp)
    return visit_of(plan, found, series_id=series_id, is_without_anaesthetic=is_without_anaesthetic)


def visit_of(
    plan: Plan, found: Known, *, series_id: int | None = None, is_without_anaesthetic: bool = False
) -> Treatment:
    """One visit to come, from its plan and what was read of the person."""
    return Treatment(
        plan=plan,
        rules=rules_of(plan.modality, found.stamp),
        area_ids=found.area_ids,
        done=_done(found, series_id),
        is_without_anaesthetic=is_without_anaesthetic,
    )


def fixed_plan(version_id: int, stamp: Stamp | None) -> Plan:
    """The plan of a version that is no draft any more, loaded once per catalogue."""
    return shelf_of(stamp).get(("plan", version_id), partial(plan_of, version_id))


def rules_of(modality: str, stamp: Stamp | None) -> tuple[Rule, ...]:
    """The reasons not to treat of one modality, loaded once per catalogue."""
    return shelf_of(stamp).get(("rules", modality), partial(rules_for, modality))


def _done(found: Known, series_id: int | None) -> tuple[Done, ...]:
    """Within the series its own interval counts, between two series the longer of both."""
    own = found.interval_min_days
    return tuple(Done(on, own if series == series_id else max(own, gap)) for series, on, gap in found.done)


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
