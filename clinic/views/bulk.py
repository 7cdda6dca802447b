"""Somebody is ill: enter it, watch new times being worked out for all their visits, look at them, and move or offer."""

import time
import uuid
from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from clinic import bulk_moves, bulk_plans, premises
from clinic.bulk_forms import CallForm, IllForm, PlanForm, VersionForm
from clinic.forms import DayForm
from clinic.models import BulkMove, BulkMoveVisit, Practitioner
from clinic.refusals import Refused
from clinic.views import bulk_rows, slots
from patients.access import staff_only

PER_PAGE = 20
A_LOOK_SECONDS = 0.7


@staff_only
@require_http_methods(["GET", "POST"])
def somebody_ill(request: HttpRequest) -> HttpResponse:
    """Enter who is away and when; below what was worked out before."""
    form = IllForm(request.POST if request.method == "POST" else None, initial=_filled(request))
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                return redirect("bulk_move", _begin(request, form).public_id)
            except ValidationError as error:
                form.add_error(None, ValidationError(error.messages))
                status = getattr(error, "status_code", 422)
        status = max(status, 422)
        form.data = form.data.copy()
        form.data["key"] = str(uuid.uuid4())
    rows = BulkMove.objects.select_related("practitioner__resource").annotate(count=Count("visits")).order_by("-pk")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    zones = premises.zones_of(row.practitioner_id for row in page)
    for row in page:
        row.zone = zones[row.practitioner_id]
    return render(request, "clinic/bulk_new.html", {"form": form, "page_obj": page}, status=status)


@staff_only
@require_safe
def bulk_move(request: HttpRequest, plan: uuid.UUID) -> HttpResponse:
    """How far it is, the plan to look at, or what became of it."""
    return _show(request, _plan_or_404(plan))


@staff_only
@require_POST
def bulk_move_go_on(request: HttpRequest, plan: uuid.UUID) -> HttpResponse:
    """Work on for less than a second; the page asks again until it is ready."""
    bulk, until = _plan_or_404(plan), time.monotonic() + A_LOOK_SECONDS
    bulk_plans.go_on(bulk, now=timezone.now(), is_enough=lambda: time.monotonic() > until)
    if request.htmx and bulk.state == BulkMove.State.PLANNING:
        return render(request, "clinic/_bulk_progress.html", {"plan": bulk, **_progress(bulk)})
    address = reverse("bulk_move", args=[bulk.public_id])
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


@staff_only
@require_POST
def bulk_move_take(request: HttpRequest, plan: uuid.UUID) -> HttpResponse:
    """Move what is ticked now, or offer it to the patients."""
    bulk, form = _plan_or_404(plan), PlanForm(request.POST)
    return _done(request, bulk, lambda: _take(request, bulk, form))


@staff_only
@require_POST
def bulk_move_give_up(request: HttpRequest, plan: uuid.UUID) -> HttpResponse:
    """Leave the visits that wait as they are."""
    bulk, form = _plan_or_404(plan), VersionForm(request.POST)

    def act() -> str:
        if not form.is_valid():
            raise Refused(_("This page is not complete. Load it again."))
        bulk_moves.give_up(bulk, now=timezone.now(), version=form.cleaned_data["version"])
        return _("Given up: these visits stay as they are. The absence stays too.")

    return _done(request, bulk, act)


@staff_only
@require_POST
def bulk_move_call(request: HttpRequest, plan: uuid.UUID, appointment: uuid.UUID) -> HttpResponse:
    """Note how the call to a patient went."""
    bulk = _plan_or_404(plan)
    row = get_object_or_404(bulk.visits.select_related("appointment__patient"), appointment__public_id=appointment)
    form = CallForm(request.POST)

    def act() -> str:
        if not form.is_valid():
            raise Refused(_("Say whether the patient was reached or a message was left."))
        bulk_moves.note_call(row, form.cleaned_data["call"], by=request.user, now=timezone.now())
        said = row.get_call_display() if row.call else _("to be called again")
        return _("%(patient)s: %(call)s.") % {"patient": row.appointment.patient, "call": said}

    return _done(request, bulk, act)


def _begin(request: HttpRequest, form: IllForm) -> BulkMove:
    typed = form.cleaned_data
    return bulk_moves.begin(
        form.practitioner, starts_at=typed["starts_at"], ends_at=typed["ends_at"], reason=typed["reason"],
        by=request.user, now=timezone.now(), submission=slots.sent(request, typed["key"]),
    )  # fmt: skip


def _take(request: HttpRequest, bulk: BulkMove, form: PlanForm) -> str:
    if not form.is_valid():
        raise Refused(_("This page is not complete. Load it again."))
    now, key = timezone.now(), form.cleaned_data["key"]
    ticked = form.ticked(request.POST.getlist("take"), bulk.visits.select_related("appointment"))
    details = {
        "by": request.user, "now": now, "version": form.cleaned_data["version"], "submission": slots.sent(request, key),
    }  # fmt: skip
    if "propose" in request.POST:
        count = bulk_moves.propose_all(bulk, ticked, kept_until=form.kept_until(now), **details)
        return ngettext(
            "%(count)d patient is asked about new times.", "%(count)d patients are asked about new times.", count
        ) % {"count": count}
    count = bulk_moves.move_all(bulk, ticked, **details)
    return ngettext("%(count)d visit is moved.", "%(count)d visits are moved.", count) % {"count": count}


def _done(request: HttpRequest, bulk: BulkMove, act: Callable[[], str]) -> HttpResponse:
    """The way back to the page with what was done, or the page with why not."""
    try:
        said = act()
    except ValidationError as error:
        bulk.refresh_from_db()
        return _show(request, bulk, error.messages, getattr(error, "status_code", 422))
    messages.success(request, said)
    return redirect("bulk_move", bulk.public_id)


def _show(request: HttpRequest, bulk: BulkMove, refusals: list[str] | None = None, status: int = 200) -> HttpResponse:
    shown = {
        "plan": bulk,
        "refusals": refusals,
        "zone": premises.zones_of([bulk.practitioner_id])[bulk.practitioner_id],
    }
    if bulk.state == BulkMove.State.PLANNING:
        shown |= _progress(bulk)
    else:
        left_out = set(request.POST.getlist("take")) if refusals and request.POST.getlist("take") else None
        shown |= bulk_rows.sections(bulk, left_out) | {"key": uuid.uuid4(), "form": PlanForm()}
    return render(request, "clinic/bulk_move.html", shown, status=status)


def _progress(bulk: BulkMove) -> dict:
    waiting = Q(outcome=BulkMoveVisit.Outcome.WAITING)
    return bulk.visits.aggregate(total=Count("pk", waiting), looked=Count("pk", waiting & Q(is_looked_at=True)))


def _plan_or_404(plan: uuid.UUID) -> BulkMove:
    return get_object_or_404(BulkMove.objects.select_related("practitioner__resource", "made_by"), public_id=plan)


def _filled(request: HttpRequest) -> dict:
    """Who is named by the page that led here, from the day that it showed on."""
    named = request.GET.get("what", "")
    people = Practitioner.objects.filter(resource__is_active=True).values_list("resource__public_id", flat=True)
    place = DayForm(request.GET)
    zone = place.location.zone if place.location else timezone.get_default_timezone()
    now: datetime = timezone.localtime(timezone.now(), zone)
    what = named if named in {str(each) for each in people} else ""
    return {"key": uuid.uuid4(), "day": place.day_or(now.date()), "what": what}
