"""Publishing and retiring protocol versions. A published version never changes; series keep the one they began with."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from patients.models import User
from patients.refusals import Refused
from patients.roles import CLINICAL_LEAD, has_role
from treatments import assessment, limits
from treatments.facts import Plan
from treatments.limits import MIX, STEPS, plain
from treatments.models import CocktailLine, DepthStep, Protocol, ProtocolVersion

PHASES, VOLUME = "phases", "total_volume_ml"
Complaint = tuple[str, str]


def publish(
    version: ProtocolVersion, *, by: User, now: datetime, checked_by: User | None = None
) -> ProtocolVersion:  # fmt: skip
    """Publish a draft that a clinical lead has checked; the version that was published before is retired.

    Raises `Refused`, with the part of the version as the field, for everything that is wrong with it at once.
    """
    checked_by = checked_by or by
    if not (has_role(by, CLINICAL_LEAD) and has_role(checked_by, CLINICAL_LEAD)):
        raise Refused(_("Only a clinical lead publishes a protocol."))
    with transaction.atomic():
        protocol = Protocol.objects.select_for_update().get(pk=version.protocol_id)
        version = ProtocolVersion.objects.select_for_update().get(pk=version.pk)
        if version.state != ProtocolVersion.State.DRAFT:
            raise Refused(_("Only a draft can be published."))
        refuse_what_is_wrong(version)
        for older in protocol.versions.published().select_for_update():
            _retire(older, now)
        version.state = ProtocolVersion.State.PUBLISHED
        version.checked_by, version.checked_at, version.published_at = checked_by, now, now
        version.save(update_fields=["state", "checked_by", "checked_at", "published_at"])
    return version


def retire(version: ProtocolVersion, *, by: User, now: datetime) -> ProtocolVersion:
    """Take a published version out of use; series that run on it go on."""
    if not has_role(by, CLINICAL_LEAD):
        raise Refused(_("Only a clinical lead retires a protocol."))
    with transaction.atomic():
        version = ProtocolVersion.objects.select_for_update().get(pk=version.pk)
        if version.state != ProtocolVersion.State.PUBLISHED:
            raise Refused(_("Only a published version can be retired."))
        return _retire(version, now)


def refuse_what_is_wrong(version: ProtocolVersion) -> None:
    """Raise `Refused` with every reason why this version must not be published, by field."""
    found: dict[str, list[str]] = defaultdict(list)
    for field, message in complaints(version):
        found[field].append(message)
    if found:
        raise Refused({field: [ValidationError(text) for text in texts] for field, texts in found.items()})


def complaints(version: ProtocolVersion) -> list[Complaint]:
    """Return what is wrong with a version, as (field, sentence); the catalogue's figures of today count."""
    plan = assessment.plan_of(version)
    steps = {row.area_id: row for row in DepthStep.objects.filter(version=version).select_related("technique")}
    return [
        *((breach.field, breach.message) for breach in limits.breaches(plan, plan.steps, plan.lines)),
        *_wrong_phases(version),
        *_wrong_steps(version, plan, steps),
        *_wrong_mix(version, plan, list(version.cocktail_lines.select_related("ingredient"))),
    ]


def _wrong_phases(version: ProtocolVersion) -> Iterator[Complaint]:
    counted = [phase.sessions for phase in version.phases.filter(is_maintenance=False)]
    if not counted:
        yield PHASES, _("A protocol needs at least one phase.")
    elif sum(counted) != version.sessions_typical:
        yield PHASES, _("The sessions of the phases do not add up to the usual number of sessions.")


def _wrong_steps(version: ProtocolVersion, plan: Plan, rows: Mapping[int, DepthStep]) -> Iterator[Complaint]:
    if not rows:
        yield STEPS, _("A protocol needs at least one area.")
    for step in plan.steps:
        row = rows[step.area_id]
        words = {"area": step.area, "technique": row.technique.label, "depth": plain(step.depth_max_mm)}
        if row.technique.modality != plan.modality:
            yield STEPS, _("%(area)s: %(technique)s does not belong to this kind of treatment.") % words
        if step.limit_min_mm is not None and step.depth_min_mm < step.limit_min_mm:
            yield STEPS, _("%(area)s: it begins above the least depth that is known for it.") % words
        if version.max_depth_mm is not None and step.depth_max_mm > version.max_depth_mm:
            yield STEPS, _("%(area)s: %(depth)s mm is deeper than the protocol's own limit.") % words
        if step.usual_max_mm is not None and step.depth_max_mm > step.usual_max_mm and not row.reason.strip():
            yield STEPS, _("%(area)s: say why it goes deeper than usual for this area.") % words
        if version.max_points is not None and (row.points_max or 0) > version.max_points:
            yield STEPS, _("%(area)s: more points than the protocol allows.") % words


def _wrong_mix(version: ProtocolVersion, plan: Plan, lines: list[CocktailLine]) -> Iterator[Complaint]:
    for line in lines:
        words = {"name": line.ingredient.name, "unit": line.ingredient.get_unit_display()}
        if line.unit != line.ingredient.unit:
            yield MIX, _("%(name)s is measured in %(unit)s.") % words
        if version.max_mg is not None and line.unit == "mg" and line.amount > version.max_mg:
            yield MIX, _("%(name)s: more than the protocol's own greatest dose.") % words
    volume = sum((line.volume_ml or 0) for line in lines)
    total = version.total_volume_ml
    if total is not None and volume != total:
        words = {"sum": plain(volume), "total": plain(total)}
        yield VOLUME, _("The volumes add up to %(sum)s ml, not to %(total)s ml.") % words
    if version.max_total_ml is not None and volume > version.max_total_ml:
        words = {"most": plain(version.max_total_ml)}
        yield VOLUME, _("The mix is more than the greatest volume of %(most)s ml.") % words
    if plan.modality == "mesotherapy" and not lines:
        yield MIX, _("A mix needs at least one ingredient.")


def _retire(version: ProtocolVersion, now: datetime) -> ProtocolVersion:
    version.state, version.retired_at = ProtocolVersion.State.RETIRED, now
    version.save(update_fields=["state", "retired_at"])
    return version
