"""Staff open a patient's pages in the portal for an e-mail address, and close them again."""

import uuid
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.context import clinic_name
from clinic.portal_forms import GiveAccessForm
from patients import audit, portal_access
from patients.access import patient_or_404, staff_only


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def patient_portal(request: HttpRequest, patient: uuid.UUID) -> HttpResponse:
    """Who has access, since when, and a form to give it to another address."""
    person, now = patient_or_404(patient), timezone.now()
    form = GiveAccessForm(request.POST if request.method == "POST" else None, initial={"email": person.email})
    if request.method == "POST":
        give = partial(form.give, person, by=request.user, now=now, clinic=clinic_name())
        address = form.answer(request.user, f"portal access {person.public_id}", give)
        if address:
            messages.success(
                request, _("%(address)s has access now, and a message with the way in.") % {"address": address}
            )
            return redirect("patient", person.public_id)
    audit.chart_opened(request.user, person, "patient_portal")
    shown = {"patient": person, "form": form, "readers": portal_access.readers_of(person, now)}
    return render(request, "clinic/portal_access.html", shown, status=form.status)


@require_POST
@staff_only
def patient_portal_end(request: HttpRequest, patient: uuid.UUID, login: uuid.UUID) -> HttpResponse:
    """End the access of one login."""
    person, now = patient_or_404(patient), timezone.now()
    rows = portal_access.readers_of(person, now).filter(user__public_id=login)
    get_object_or_404(rows[:1])
    for access in rows:
        portal_access.withdraw(access, by=request.user, now=now)
    messages.success(request, _("The access has ended."))
    return redirect("patient", person.public_id)
