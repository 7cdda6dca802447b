"""What a clinician decides about a booked visit, and what that makes of the visit and its tasks."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import gate, todo
from clinic.models import Appointment
from clinic.refusals import Refused
from patients import locks
from patients.models import User
from treatments import decisions, safety
from treatments.findings import Finding


def open_questions(appointment: Appointment) -> list[Finding]:
    """What a clinician has to decide before this visit can start."""
    on = appointment.starts_at.astimezone(appointment.location.zone).date()
    found = gate.findings(appointment.patient, appointment.service, appointment.session, on)
    return [finding for finding in found if finding.needs_clinician and not finding.decided_by]


def decide(appointment: Appointment, code: str, *, allows: bool, reason: str, by: User, now: datetime) -> Appointment:
    """Record the decision on one finding and assess the visit again; a "no" asks reception to call the patient."""
    with transaction.atomic():
        locks.take(patients=[appointment.patient_id])
        visit = Appointment.objects.for_lists().get(pk=appointment.pk)
        question = next((each for each in open_questions(visit) if each.code == code), None)
        if question is None:
            raise Refused(_("This has been decided already, or is no longer asked."))
        protocol = visit.session.series.protocol_version.protocol if visit.session else None
        decisions.decide(visit.patient, question, protocol=protocol, allows=allows, reason=reason, by=by, now=now)
        visit.needs_review = bool(open_questions(visit))
        revision = safety.revision(visit.patient)
        visit.assessed_safety_revision, visit.assessed_catalogue_revision = revision
        visit.save(update_fields=["needs_review", "assessed_safety_revision", "assessed_catalogue_revision"])
        todo.follow_review(visit, now)
        if not allows:
            todo.open_call(visit, now)
    return visit
