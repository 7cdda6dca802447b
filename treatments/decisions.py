"""A clinician's word on one finding of one treatment: kept with its reason, asked again only when its basis changes."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from patients.models import Patient, User
from patients.refusals import Refused
from patients.roles import CLINICAL_LEAD, has_role
from treatments.findings import Finding
from treatments.models import ClinicianDecision, Protocol


def decide(
    patient: Patient,
    finding: Finding,
    *,
    protocol: Protocol | None,
    allows: bool,
    reason: str,
    by: User,
    now: datetime,
    valid_until: date | None = None,
) -> ClinicianDecision:
    """Record the decision; refused for people who are not a clinical lead, without a reason, or where none is asked."""
    if not has_role(by, CLINICAL_LEAD):
        raise Refused(_("Only a clinical lead can decide this."))
    if not finding.is_decidable:
        raise Refused(_("Nobody can decide this one: it ends when its cause does."))
    if not reason.strip():
        raise Refused(_("Say why: the reason is kept with the decision."))
    return ClinicianDecision.objects.create(
        patient=patient,
        finding_code=finding.code,
        protocol=protocol,
        allows=allows,
        reason=reason.strip(),
        basis=finding.basis,
        decided_by=by,
        decided_at=now,
        valid_until=valid_until,
    )
