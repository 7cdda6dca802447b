"""The patient's page: who it is, how far each series is, what comes next."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.models import Appointment
from clinic.views import cards
from patients import audit, portal_access
from patients.access import patient_or_404, staff_only
from patients.roles import CLINICAL, has_role
from treatments.models import TreatmentSeries

PAST_SHOWN = 50


@staff_only
@require_safe
def patient(request: HttpRequest, patient: uuid.UUID) -> HttpResponse:
    """Identity, contact, series, and visits to come and past."""
    person = patient_or_404(patient)
    audit.chart_opened(request.user, person, "patient")
    now = timezone.now()
    today = cards.clinic_day(now)
    found = cards.cards(TreatmentSeries.objects.filter(patient=person), today)
    visits = Appointment.objects.for_lists().filter(patient=person)
    shown = {
        "patient": person,
        "cards": [(card, cards.checks_of(card, request.user, today)) for card in found],
        "upcoming": visits.live().filter(ends_at__gte=now).order_by("starts_at"),
        "past": visits.exclude(ends_at__gte=now, status__in=Appointment.LIVE).order_by("-starts_at")[:PAST_SHOWN],
        "readers": portal_access.readers_of(person, now),
        "is_clinical": has_role(request.user, *CLINICAL),
    }
    return render(request, "clinic/patient.html", shown)
