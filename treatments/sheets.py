"""A protocol version as a page shows it: figures next to the catalogue's limits, added up, with times in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.models import BodyArea
from treatments import body_maps, sums, timelines
from treatments.body_maps import BodyMap, Zone
from treatments.contents import Contents
from treatments.limits import plain
from treatments.models import (
    AreaLimit,
    CocktailLine,
    DepthStep,
    FollowUpRule,
    Modality,
    Phase,
    ProtocolVersion,
    VersionAftercare,
    VersionSegment,
)

Sheet = dict[str, object]


@dataclass(frozen=True, slots=True)
class AreaRow:
    step: DepthStep
    depth: str
    usual: str
    limit: str


@dataclass(frozen=True, slots=True)
class MixRow:
    line: CocktailLine
    amount: str
    volume: str
    limit: str


@dataclass(frozen=True, slots=True)
class Timed:
    """A phase, an advice or a message with its time in words."""

    row: Phase | VersionAftercare | FollowUpRule
    when: str


def versions_to_show(versions: QuerySet[ProtocolVersion]) -> QuerySet[ProtocolVersion]:
    """Fetch with the versions all that a sheet shows."""
    return versions.select_related("protocol__indication", "protocol__service", "checked_by").prefetch_related(
        "phases", "segments", "depth_steps__area", "depth_steps__technique", "cocktail_lines__ingredient",
        "anaesthetic_lines__ingredient", "aftercare", "follow_up_rules__questions", "sources",
    )  # fmt: skip


def sheet(version: ProtocolVersion) -> Sheet:
    """Return what the page of a version shows; one query for the limits of its areas."""
    steps = list(version.depth_steps.all())
    found = AreaLimit.objects.filter(area__in=[step.area_id for step in steps])
    area_limits = {(limit.area_id, limit.technique_id): limit for limit in found}
    mix = list(version.cocktail_lines.all())
    segments = list(version.segments.all())
    of = Contents(version, phases=list(version.phases.all()), steps=steps, segments=segments)
    return {
        "phases": [Timed(phase, interval_words(phase)) for phase in version.phases.all()],
        "timeline": timelines.preview(version.phases.all()),
        "areas": [_area_row(step, area_limits.get((step.area_id, step.technique_id))) for step in steps],
        "depth_map": depth_map(steps),
        "mix": [_mix_row(line) for line in mix],
        "course_sums": list(sums.course(of)),
        "visit_sums": list(sums.visit(of)) if segments else [],
        "segments": [_part(row) for row in segments],
        "doses": sums.doses(mix),
        "volume": _measured(sum((line.volume_ml or 0 for line in mix), Decimal()), "ml"),
        "most_volume": _measured(version.max_total_ml, "ml"),
        "aftercare": [Timed(advice, _stretch(advice)) for advice in version.aftercare.all()],
        "follow_ups": [Timed(rule, hours_words(rule.offset_hours)) for rule in version.follow_up_rules.all()],
    }


def depth_map(steps: Iterable[DepthStep], areas: Iterable[BodyArea] | None = None) -> BodyMap:
    """The areas on the body, shaded by depth: all that have a step, or those given. Several depths are all said."""
    steps = list(steps)
    areas = [step.area for step in steps] if areas is None else areas
    of_areas: dict[BodyArea, list[DepthStep]] = {area: [] for area in areas}
    for step in steps:
        if step.area in of_areas:
            of_areas[step.area].append(step)
    return body_maps.body_map(_zone(area, of_area) for area, of_area in of_areas.items())


def interval_words(phase: Phase) -> str:
    """When a session of this phase follows the one before it."""
    words = {
        "least": phase.interval_min_days,
        "ideal": phase.interval_ideal_days,
        "most": phase.interval_max_days,
    }
    if words["least"] == words["most"]:
        return ngettext(
            "exactly %(least)s day after the session before", "exactly %(least)s days after the session before",
            words["least"],
        ) % words  # fmt: skip
    return _("best %(ideal)s days after the session before, between %(least)s and %(most)s days") % words


def hours_words(hours: int) -> str:
    """A number of hours after a session, in days where it is whole days."""
    if hours == 0:
        return _("right after the session")
    if hours % 24 == 0 and hours > 24:
        return ngettext("after %(count)s day", "after %(count)s days", hours // 24) % {"count": hours // 24}
    return ngettext("after %(count)s hour", "after %(count)s hours", hours) % {"count": hours}


def _stretch(advice: VersionAftercare) -> str:
    words = {"start": hours_words(advice.starts_after_hours), "end": hours_words(advice.ends_after_hours)}
    return _("%(start)s until %(end)s") % words


def _zone(area: BodyArea, steps: list[DepthStep]) -> Zone:
    depths = dict.fromkeys(_span(step.depth_min_mm, step.depth_max_mm) for step in steps)
    deepest = max((step.depth_max_mm for step in steps if step.depth_max_mm is not None), default=None)
    return Zone(area.key, area.label, ", ".join(filter(None, depths)), body_maps.strength(deepest))


def _area_row(step: DepthStep, limit: AreaLimit | None) -> AreaRow:
    if step.technique.modality == Modality.MESOTHERAPY:
        bounds = (step.technique.depth_min_mm, step.technique.depth_max_mm)
        return AreaRow(step, _span(step.depth_min_mm, step.depth_max_mm), _span(*bounds), _measured(bounds[1], "mm"))
    usual = _span(limit.depth_min_mm, limit.depth_max_mm) if limit else ""
    cap = _measured(limit.depth_cap_mm, "mm") if limit else ""
    return AreaRow(step, _span(step.depth_min_mm, step.depth_max_mm), usual, cap)


def _mix_row(line: CocktailLine) -> MixRow:
    unit, limit = line.get_unit_display(), line.ingredient.max_per_session
    most = _measured(limit, unit) or _("%(amount)s, until a clinician sets a maximum") % {
        "amount": _measured(line.amount, unit)
    }
    return MixRow(line, _measured(line.amount, unit), _measured(line.volume_ml, "ml"), most)


def _part(row: VersionSegment) -> dict[str, object]:
    """One part of a visit: how long it takes, and who and what is there."""
    minutes = [_("%(count)s minutes") % {"count": row.base_minutes}] if row.base_minutes else []
    if row.minutes_per_area:
        minutes.append(_("%(count)s minutes for each area") % {"count": row.minutes_per_area})
    there = [
        _("the practitioner") if row.holds_practitioner else "",
        _("an assistant") if row.needs_assistant else "",
        row.get_room_kind_display(),
        row.get_device_kind_display(),
    ]
    return {"row": row, "minutes": ", ".join(minutes), "there": ", ".join(filter(None, there))}


def _span(least: Decimal | None, most: Decimal | None) -> str:
    known = list(dict.fromkeys(plain(figure) for figure in (least, most) if figure is not None))
    return f"{'–'.join(known)} mm" if known else ""


def _measured(figure: Decimal | None, unit: str) -> str:
    return "" if figure is None else f"{plain(figure)} {unit}"


def shown_first(versions: Iterable[ProtocolVersion]) -> ProtocolVersion | None:
    """The published version, else the newest that is not retired, else the newest."""
    order = {ProtocolVersion.State.PUBLISHED: 0, ProtocolVersion.State.DRAFT: 1, ProtocolVersion.State.RETIRED: 2}
    return min(versions, key=lambda version: (order[version.state], -version.number), default=None)
