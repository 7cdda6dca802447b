"""What a clinician decides about a booked visit, and what that makes of the visit and its tasks."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from clinic import gate, todo
from clinic.models import Appointment
from clinic.refusals import Refused
from patients import locks
from patients.models import User
from treatments import decisions, safety
from treatments.findings import Finding
from treatments.models import CatalogueRevision
from treatments.safety import Checked

WAITING = (Appointment.Status.BOOKED, Appointment.Status.CONFIRMED)


def open_questions(appointment: Appointment) -> list[Finding]:
    """What a clinician has to decide before this visit can start."""
    return [finding for finding in _check(appointment).findings if finding.needs_clinician and not finding.decided_by]


def _check(visit: Appointment) -> Checked:
    on = visit.starts_at.astimezone(visit.location.zone).date()
    return gate.check(visit.patient, visit.service, visit.session, on)


def stale(now: datetime) -> QuerySet[Appointment]:
    """Coming visits that were assessed before the patient's history or the catalogue last changed, the next first."""
    number = CatalogueRevision.objects.values_list("number", flat=True).first() or 0
    changed = ~Q(assessed_safety_revision=F("patient__safety_revision")) | ~Q(assessed_catalogue_revision=number)
    return Appointment.objects.filter(changed, status__in=WAITING, ends_at__gt=now).order_by("starts_at", "pk")


def reassess(now: datetime, *, limit: int = 50) -> int:
    """Assess stale visits again, each in a transaction of its own; returns how many. Staff are told what changed."""
    visits = list(stale(now).select_related("patient")[:limit])
    for visit in visits:
        with transaction.atomic():
            locks.take(patients=[visit.patient_id])
            current = Appointment.objects.for_lists().filter(pk=visit.pk, status__in=WAITING).first()
            if current is not None:
                assess_again(current, now)
    return len(visits)


def assess_again(visit: Appointment, now: datetime) -> None:
    """Assess a coming visit and tell staff what that changes; the caller holds the patient's lock."""
    checked = _check(visit)
    _keep(visit, checked, now)
    if safety.blocking(checked.findings, safety.BOOK):
        todo.open_safety_change(visit, now)


def _keep(visit: Appointment, checked: Checked, now: datetime) -> None:
    visit.needs_review = gate.awaits_decision(checked.findings)
    visit.assessed_safety_revision, visit.assessed_catalogue_revision = checked.revision
    visit.save(update_fields=["needs_review", "assessed_safety_revision", "assessed_catalogue_revision"])
    todo.follow_review(visit, now)


def decide(appointment: Appointment, code: str, *, allows: bool, reason: str, by: User, now: datetime) -> Appointment:
    """Record the decision on one finding and assess the visit again; a "no" asks reception to call the patient."""
    with locks.or_busy(), transaction.atomic():
        locks.take(patients=[appointment.patient_id])
        visit = Appointment.objects.for_lists().get(pk=appointment.pk)
        question = next((each for each in open_questions(visit) if each.code == code), None)
        if question is None:
            raise Refused(_("This has been decided already, or is no longer asked."))
        protocol = visit.session.series.protocol_version.protocol if visit.session else None
        decisions.decide(visit.patient, question, protocol=protocol, allows=allows, reason=reason, by=by, now=now)
        _keep(visit, _check(visit), now)
        if not allows:
            todo.open_call(visit, now)
    return visit
