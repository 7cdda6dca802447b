"""Visits that no longer fit: the list, and other times for each, taken with one button."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clinic import booking, to_move
from clinic.models import Appointment, Practitioner
from clinic.premises_forms import TakeForm
from clinic.refusals import Refused
from clinic.views import slots
from patients.access import staff_only

PER_PAGE = 25


@staff_only
@require_safe
def visits_to_move(request: HttpRequest) -> HttpResponse:
    """Every visit to come that no longer fits, the next one first, and why."""
    found = to_move.found(timezone.now())
    page = Paginator(list(found), PER_PAGE).get_page(request.GET.get("page"))
    rows = to_move.listed({pk: found[pk] for pk in page})
    return render(request, "clinic/to_move.html", {"page_obj": page, "rows": rows, "count": len(found)})


@staff_only
@require_http_methods(["GET", "POST"])
def visit_to_move(request: HttpRequest, appointment: uuid.UUID) -> HttpResponse:
    """Other times for one visit; a POST takes one of them."""
    now, refused = timezone.now(), {}
    visit = get_object_or_404(Appointment.objects.for_lists(), public_id=appointment)
    if request.method == "POST":
        try:
            moved = _take(request, visit)
        except ValidationError as error:
            refused = {"refusals": error.messages, "status": getattr(error, "status_code", 422)}
            visit = get_object_or_404(Appointment.objects.for_lists(), public_id=appointment)
        else:
            when = slots.in_words(moved.starts_at, moved.location.zone)
            messages.success(request, _("Moved: %(patient)s, %(when)s.") % {"patient": moved.patient, "when": when})
            return redirect("to_move")
    shown = {"visit": visit, "reasons": to_move.found(now, within=Q(pk=visit.pk)).get(visit.pk, [])}
    if visit.status in to_move.WAITING and visit.starts_at >= now:
        shown["proposals"] = to_move.proposals(visit, now)
    template = "clinic/_to_move_times.html" if request.htmx else "clinic/to_move_visit.html"
    return render(request, template, shown | refused, status=refused.get("status", 200))


def _take(request: HttpRequest, visit: Appointment) -> Appointment:
    form = TakeForm(request.POST)
    if not form.is_valid():
        raise Refused(_("Choose one of the times below."))
    typed, practitioner = form.cleaned_data, None
    if typed["practitioner"]:
        practitioner = Practitioner.objects.filter(resource__public_id=typed["practitioner"]).first()
    if typed["practitioner"] and practitioner is None:
        raise Refused(_("Choose one of the times below."))
    return booking.move(
        visit, starts_at=typed["starts_at"], practitioner=practitioner, version=typed["version"], by=request.user,
        now=timezone.now(), reason=_("The time no longer fitted"),
    )  # fmt: skip


def say_how_many(request: HttpRequest, within: Q) -> None:
    """After a change of hours, absences or places: a note with the way to the visits that no longer fit, if any."""
    count = to_move.count(timezone.now(), within=within)
    if count:
        said = ngettext("%(count)d visit no longer fits.", "%(count)d visits no longer fit.", count) % {"count": count}
        link = format_html('<a href="{}">{}</a>', reverse("to_move"), _("See the visits to be moved"))
        messages.warning(request, format_html("{} {}", said, link))
