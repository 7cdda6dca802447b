"""Who, which room and which device: exchanged in a visit that keeps its time."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import booking
from clinic.models import Appointment
from clinic.refusals import AgainstARule
from clinic.visit_forms import PlacesForm
from patients.access import staff_only


@staff_only
@require_http_methods(["GET", "POST"])
def appointment_places(request: HttpRequest, appointment: uuid.UUID) -> HttpResponse:
    """Another practitioner, room or device at the same time."""
    visit = get_object_or_404(Appointment.objects.for_lists(), public_id=appointment)
    form = PlacesForm(request.POST or None, visit=visit)
    shown, status = {"visit": visit, "form": form, "patient": visit.patient}, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                booking.change_resources(
                    visit, **form.wanted, overrides=form.overrides, by=request.user, now=timezone.now()
                )
            except ValidationError as error:
                status = getattr(error, "status_code", 422)
                shown |= refusal(error)
            else:
                messages.success(request, _("Changed. The time of the visit is as it was."))
                return redirect("appointment", appointment)
        shown["errors"] = form.sentences
    return render(request, "clinic/appointment_places.html", shown, status=status)


def refusal(error: ValidationError) -> dict:
    """What a page shows when a verb says no: the sentences, and which rules may be allowed anyway."""
    allow = " ".join(error.rules) if isinstance(error, AgainstARule) else ""
    return {"refusals": error.messages, "allow": allow}
