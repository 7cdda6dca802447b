"""Times that are kept: while the booking form is open, or pencilled in for somebody."""

import uuid
from datetime import date, datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import booking
from clinic.forms import SlotForm
from clinic.models import Hold, Location
from clinic.refusals import Taken
from clinic.views import slots
from clinic.visit_forms import PencilForm
from patients import submissions
from patients.access import staff_only
from patients.models import Patient


def kept_by_the_form(request: HttpRequest) -> Hold | None:
    """The kept time that the page was opened for, or that its form carries."""
    public_id = request.POST.get("hold") or request.GET.get("hold")
    try:
        rows = Hold.objects.select_related("practitioner", "patient", "location")
        return rows.filter(public_id=public_id, ended_at=None).first() if public_id else None
    except ValidationError:
        return None


def keep(request: HttpRequest, place: SlotForm, now: datetime) -> dict:
    """Keep the time of the booking page for a while; what the page shows about it.

    Whoever books at once may be faster than the script that asks for it: nothing is kept for a form that was sent.
    """
    kept, refused = None, {}
    try:
        kept = booking.hold(
            service=place.chosen("service"),
            location=place.location,
            practitioner=place.practitioner,
            starts_at=place.chosen("start"),
            by=request.user,
            now=now,
        )
    except ValidationError as error:
        refused = {"not_kept": error.messages, "status": getattr(error, "status_code", 422)}
    if not _was_sent(request):
        return refused or shown(kept, now)
    if kept is not None:
        booking.release(kept, by=request.user, now=now)
    return {"was_sent": True}


def _was_sent(request: HttpRequest) -> bool:
    """Whether the form that asks has booked already; looked at last, when no booking can come in between."""
    try:
        key = uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        return False
    return submissions.is_used(key, user=request.user)


def shown(kept: Hold | None, now: datetime) -> dict:
    """What a page shows about a kept time: until when, and how many seconds that is."""
    if kept is None:
        return {"kept": None}
    return {"kept": kept, "zone": kept.location.zone, "seconds": max(int((kept.kept_until - now).total_seconds()), 0)}


@staff_only
@require_POST
def hold_release(request: HttpRequest, hold: uuid.UUID) -> HttpResponse:
    """Give a kept time back; a page that is being left asks for no answer."""
    kept = get_object_or_404(Hold.objects.select_related("location"), public_id=hold)
    booking.release(kept, by=request.user, now=timezone.now())
    if "quietly" in request.POST:
        return HttpResponse(status=204)
    when = slots.in_words(kept.starts_at, kept.location.zone)
    messages.success(request, _("%(when)s is free again.") % {"when": when})
    day = kept.starts_at.astimezone(kept.location.zone).date()
    return redirect(_diary(day, kept.location))


@staff_only
@require_http_methods(["GET", "POST"])
def pencil_new(request: HttpRequest) -> HttpResponse:
    """Keep the time in the address for somebody for some hours or days."""
    place = SlotForm(request.GET)
    if not place.is_complete:
        messages.error(request, _("Choose a service and a free time first."))
        return redirect("find_time")
    person = place.known
    form = PencilForm(request.POST if request.method == "POST" else None)
    page, status = {"form": form, "place": place, "patient": person, "zone": place.location.zone}, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                kept = _pencil(request, place, form, person)
            except ValidationError as error:
                page["refusals"], status = error.messages, getattr(error, "status_code", 422)
                page["alternatives"] = error.alternatives if isinstance(error, Taken) else []
            else:
                until = slots.in_words(kept.kept_until, place.location.zone)
                messages.success(request, _("Pencilled in. The time is kept until %(until)s.") % {"until": until})
                day = kept.starts_at.astimezone(place.location.zone).date()
                return redirect(_diary(day, place.location))
        page["errors"] = form.sentences
    page |= {"start": place.chosen("start"), "service": place.chosen("service"), "key": uuid.uuid4()}
    return render(request, "clinic/pencil_new.html", page, status=status)


def _pencil(request: HttpRequest, place: SlotForm, form: PencilForm, person: Patient | None) -> Hold:
    now = timezone.now()
    return booking.pencil(
        service=place.chosen("service"),
        location=place.location,
        practitioner=place.practitioner,
        starts_at=place.chosen("start"),
        patient=person,
        kept_for=form.cleaned_data["kept_for"],
        kept_until=now + form.lasts,
        by=request.user,
        now=now,
        submission=slots.sent(request, form.cleaned_data["key"]),
    )


def _diary(day: date, location: Location) -> str:
    return reverse("diary", query={"day": day.isoformat(), "location": str(location.public_id)})
