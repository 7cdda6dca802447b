"""The clinical lead's page of one visit: what waits for a decision."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import reviews
from clinic.forms import DecisionForm
from clinic.models import Appointment
from patients import audit
from patients.access import roles
from patients.roles import CLINICAL_LEAD


@roles(CLINICAL_LEAD)
@require_http_methods(["GET", "POST"])
def appointment_decide(request: HttpRequest, appointment: uuid.UUID) -> HttpResponse:
    """Allow or refuse what a safety check asks, one question at a time."""
    visit = get_object_or_404(Appointment.objects.for_lists(), public_id=appointment)
    audit.chart_opened(request.user, visit.patient, "appointment_decide")
    form = DecisionForm(request.POST if request.method == "POST" else None)
    status = 422 if request.method == "POST" else 200
    if form.is_valid():
        typed = form.cleaned_data
        details = {"allows": typed["answer"], "reason": typed["reason"], "by": request.user, "now": timezone.now()}
        try:
            reviews.decide(visit, typed["code"], **details)
        except ValidationError as error:
            form.add_error(None, error)
            status = getattr(error, "status_code", 422)
        else:
            messages.success(request, _("The decision is kept."))
            return redirect("appointment", appointment)
    questions = [
        (question, form if form.is_bound and form.data.get("code") == question.code else _blank(question.code))
        for question in reviews.open_questions(visit)
    ]
    return render(request, "clinic/decide.html", {"visit": visit, "questions": questions, "form": form}, status=status)


def _blank(code: str) -> DecisionForm:
    return DecisionForm(initial={"code": code}, auto_id=f"id_{code.replace(' ', '-')}_%s")
