"""Visits that come by another way than a free time: right after another one, or after the fact."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import booking, timespans
from clinic.models import Appointment
from clinic.views import newcomers, places, slots
from clinic.visit_forms import AnotherForm, PastForm
from patients.access import staff_only


@staff_only
@require_http_methods(["GET", "POST"])
def appointment_another(request: HttpRequest, appointment: uuid.UUID) -> HttpResponse:
    """One more visit of the same patient, right after this one."""
    visit = get_object_or_404(Appointment.objects.for_lists(), public_id=appointment)
    form = AnotherForm(request.POST or None)
    shown, status = {"visit": visit, "form": form, "patient": visit.patient, "key": uuid.uuid4()}, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                (added,) = _book_after(request, visit, form)
            except ValidationError as error:
                earlier = slots.answered(request)
                if earlier is not None:
                    return earlier
                status = getattr(error, "status_code", 422)
                shown |= places.refusal(error)
            else:
                when = slots.in_words(added.starts_at, visit.location.zone)
                messages.success(request, _("Booked right after it: %(when)s.") % {"when": when})
                return redirect("appointment", added.public_id)
        shown["errors"] = form.sentences
    return render(request, "clinic/appointment_another.html", shown, status=status)


def _book_after(request: HttpRequest, visit: Appointment, form: AnotherForm) -> list[Appointment]:
    typed = form.cleaned_data
    session = newcomers.session_of(visit.patient, typed["service"])
    return booking.book_several(
        patient=visit.patient,
        wanted=[booking.Wanted(typed["service"], session, typed.get("practitioner"), note=typed["note"])],
        location=visit.location,
        starts_at=visit.ends_at,
        after=visit,
        overrides=form.overrides,
        by=request.user,
        now=timezone.now(),
        submission=slots.sent(request, typed["key"]),
    )


@staff_only
@require_safe
def appointment_past(request: HttpRequest) -> HttpResponse:
    """A visit that took place and was never booked: what and when; the patient comes on the booking page."""
    form = PastForm(request.GET)
    shown, status = {"form": form, "location": form.location}, 200
    if form.location is None:
        return render(request, "clinic/diary_empty.html")
    if "time" in request.GET:
        status = 422
        if form.is_valid():
            start = timespans.at(form.location.zone, form.cleaned_data["day"], form.cleaned_data["time"])
            if start < timezone.now():
                return redirect(reverse("appointment_new", query=form.query))
            shown["refusals"] = [_("This time is still to come. Find it as a free time and book it.")]
        shown["errors"] = form.sentences
    return render(request, "clinic/appointment_past.html", shown, status=status)
