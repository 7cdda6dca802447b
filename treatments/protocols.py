"""Publishing and retiring protocol versions. A published version never changes; series keep the one they began with."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from patients.models import User
from patients.refusals import Refused
from patients.roles import CLINICAL_LEAD, has_role
from treatments import assessment, contents, limits
from treatments.contents import Contents
from treatments.facts import Plan
from treatments.limits import MIX, STEPS, plain
from treatments.models import Protocol, ProtocolVersion, TreatmentSeries

PHASES, VOLUME, VISIT = "phases", "total_volume_ml", "segments"
ENDED = (TreatmentSeries.State.COMPLETED, TreatmentSeries.State.STOPPED)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One reason why a version must not be published, and where it is.

    `part` names the part of the version; `row` the area or ingredient of its row, if it is about one; `column` the
    field of that row, or of the version itself.
    """

    part: str
    message: str
    row: int | None = None
    column: str = ""


class NotPublishable(Refused):
    """All that is wrong with a version, by part and as a list that says where."""

    def __init__(self, found: Sequence[Complaint]) -> None:
        by_part: dict[str, list[ValidationError]] = defaultdict(list)
        for each in found:
            by_part[each.part].append(ValidationError(each.message))
        super().__init__(dict(by_part))
        self.complaints = tuple(found)


def publish(
    version: ProtocolVersion, *, by: User, now: datetime, checked_by: User | None = None
) -> ProtocolVersion:  # fmt: skip
    """Publish a draft that a clinical lead has checked; the version that was published before is retired.

    Raises `NotPublishable` with everything that is wrong with it at once.
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


def running_series(protocol: Protocol) -> dict[int, int]:
    """How many series that have not ended follow each version (by its key) of a protocol."""
    rows = TreatmentSeries.objects.filter(protocol_version__protocol=protocol).exclude(state__in=ENDED)
    return dict(rows.order_by().values_list("protocol_version").annotate(many=Count("pk")))


def refuse_what_is_wrong(version: ProtocolVersion) -> None:
    """Raise `NotPublishable` with every reason why this version must not be published."""
    found = complaints(version)
    if found:
        raise NotPublishable(found)


def complaints(version: ProtocolVersion) -> list[Complaint]:
    """Return what is wrong with a version as it is saved; the catalogue's figures of today count."""
    return complaints_about(contents.of(version))


def complaints_about(of: Contents) -> list[Complaint]:
    """Return what is wrong with a version as it is given, saved or not."""
    plan = assessment.plan_with(of.version, of.steps, of.mix, of.numbing)
    breaches = limits.breaches(plan, plan.steps, plan.lines)
    return [
        *(Complaint(breach.field, breach.message, breach.row, breach.column) for breach in breaches),
        *_wrong_phases(of),
        *_wrong_steps(of, plan),
        *_wrong_mix(of, plan),
        *_wrong_visit(of),
    ]


def _wrong_phases(of: Contents) -> Iterator[Complaint]:
    counted = [phase.sessions for phase in of.phases if not phase.is_maintenance]
    if not counted:
        yield Complaint(PHASES, _("A protocol needs at least one phase."))
    elif sum(counted) != of.version.sessions_typical:
        text = _("The sessions of the phases do not add up to the usual number of sessions.")
        yield Complaint(PHASES, text, column="sessions_typical")


def _wrong_steps(of: Contents, plan: Plan) -> Iterator[Complaint]:
    rows, version = {row.area_id: row for row in of.steps}, of.version
    if not rows:
        yield Complaint(STEPS, _("A protocol needs at least one area."))
    for step in plan.steps:
        row = rows[step.area_id]
        words = {"area": step.area, "technique": row.technique.label, "depth": plain(step.depth_max_mm)}
        for is_wrong, column, text in (
            (
                row.technique.modality != plan.modality,
                "technique",
                _("%(area)s: %(technique)s does not belong to this kind of treatment."),
            ),
            (
                step.limit_min_mm is not None and step.depth_min_mm < step.limit_min_mm,
                "depth_min_mm",
                _("%(area)s: it begins above the least depth that is known for it."),
            ),
            (
                version.max_depth_mm is not None and step.depth_max_mm > version.max_depth_mm,
                "depth_max_mm",
                _("%(area)s: %(depth)s mm is deeper than the protocol's own limit."),
            ),
            (
                step.usual_max_mm is not None and step.depth_max_mm > step.usual_max_mm and not row.reason.strip(),
                "reason",
                _("%(area)s: say why it goes deeper than usual for this area."),
            ),
            (
                version.max_points is not None and (row.points_max or 0) > version.max_points,
                "points_max",
                _("%(area)s: more points than the protocol allows."),
            ),
        ):
            if is_wrong:
                yield Complaint(STEPS, text % words, step.area_id, column)


def _wrong_mix(of: Contents, plan: Plan) -> Iterator[Complaint]:
    version = of.version
    for line in of.mix:
        words = {"name": line.ingredient.name, "unit": line.ingredient.get_unit_display()}
        if line.unit != line.ingredient.unit:
            yield Complaint(MIX, _("%(name)s is measured in %(unit)s.") % words, line.ingredient_id, "unit")
        if version.max_mg is not None and line.unit == "mg" and line.amount > version.max_mg:
            text = _("%(name)s: more than the protocol's own greatest dose.") % words
            yield Complaint(MIX, text, line.ingredient_id, "amount")
    volume = sum((line.volume_ml or 0) for line in of.mix)
    total = version.total_volume_ml
    if total is not None and volume != total:
        words = {"sum": plain(volume), "total": plain(total)}
        text = _("The volumes add up to %(sum)s ml, not to %(total)s ml.") % words
        yield Complaint(VOLUME, text, column="total_volume_ml")
    if version.max_total_ml is not None and volume > version.max_total_ml:
        text = _("The mix is more than the greatest volume of %(most)s ml.") % {"most": plain(version.max_total_ml)}
        yield Complaint(VOLUME, text, column="max_total_ml")
    if plan.modality == "mesotherapy" and not of.mix:
        yield Complaint(MIX, _("A mix needs at least one ingredient."))


def _wrong_visit(of: Contents) -> Iterator[Complaint]:
    if not any(part.holds_practitioner for part in of.segments):
        yield Complaint(VISIT, _("A visit needs at least one part with the practitioner, or it cannot be booked."))


def _retire(version: ProtocolVersion, now: datetime) -> ProtocolVersion:
    version.state, version.retired_at = ProtocolVersion.State.RETIRED, now
    version.save(update_fields=["state", "retired_at"])
    return version
