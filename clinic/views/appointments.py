"""One visit: book it at a chosen time, look at it, move it, cancel it, say how it went."""

import uuid
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import availability, booking, counting, gate, letters, timespans, wordings
from clinic.forms import CancelForm, DayForm, MoveForm, SlotForm, StatusForm, VisitForm
from clinic.models import Appointment, MessageTemplate, Reminder
from clinic.views import cards, holds, newcomers, slots
from patients import audit
from patients.access import staff_only
from patients.roles import CLINICAL, CLINICAL_LEAD, has_role
from treatments.models import TreatmentSeries, TreatmentSession

Status = Appointment.Status
IN_PLACE = (Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.IN_TREATMENT)
CLOSING = (Status.IN_TREATMENT, Status.COMPLETED)
STEPS = (
    ("check_in", Status.ARRIVED, gettext_lazy("Patient is here")),
    ("start", Status.IN_TREATMENT, gettext_lazy("Start treatment")),
    ("complete", Status.COMPLETED, gettext_lazy("Done")),
    ("took_place", Status.ARRIVED, gettext_lazy("It took place as planned")),
    ("confirm", Status.CONFIRMED, gettext_lazy("Patient confirms")),
    ("no_show", Status.NO_SHOW, gettext_lazy("Did not come")),
    ("enter_in_error", Status.ENTERED_IN_ERROR, gettext_lazy("Booked by mistake")),
)


@staff_only
@require_http_methods(["GET", "POST"])
def appointment_new(request: HttpRequest) -> HttpResponse:
    """Book the time in the address for a patient who is found or added on the page."""
    place = SlotForm(request.GET, patient=request.POST.get("patient", ""))
    if not place.is_complete:
        messages.error(request, _("Choose a service and a free time first."))
        return redirect("find_time")
    form = VisitForm(request.POST if request.method == "POST" else None, location=place.location)
    told, status = {}, 200
    if "keep" in request.POST:
        told = holds.keep(request, place, timezone.now())
        if request.htmx:
            shown = told | {"zone": place.location.zone}
            return render(request, "clinic/_kept.html", shown, status=told.get("status", 200))
    elif request.method == "POST" and "search" not in request.POST:
        told, status = {"errors": form.sentences}, 422
        if form.is_valid():
            answer, refused = newcomers.take(request, place, form)
            if answer is not None:
                return answer
            told, status = told | refused, refused["status"]
    template = (
        "clinic/_patient_choice.html" if request.htmx and "search" in request.POST else "clinic/appointment_new.html"
    )
    return render(request, template, newcomers.page(request, place, form) | told, status=status)


@staff_only
@require_safe
def appointment(request: HttpRequest, appointment: uuid.UUID) -> HttpResponse:
    """What, when, who and where; what can be done with it; what happened to it."""
    visit = _visit_or_404(appointment)
    audit.chart_opened(request.user, visit.patient, "appointment")
    return _show(request, visit)


@staff_only
@require_http_methods(["GET", "POST"])
def appointment_move(request: HttpRequest, appointment: uuid.UUID) -> HttpResponse:
    """Another time, and another practitioner if wanted, at the same location."""
    visit = _visit_or_404(appointment)
    place = DayForm(request.GET, location=visit.location, practitioner=visit.practitioner, asks_where=False)
    form = MoveForm(request.POST if request.method == "POST" else None, location=visit.location)
    today = timespans.date_of(visit.location.zone, timezone.now())
    asked = availability.request_for(
        location=visit.location, service=visit.service, session=visit.session,
        practitioner=place.practitioner, patient=visit.patient, ignore=visit,
    )  # fmt: skip
    day = max(today, timespans.date_of(visit.location.zone, visit.starts_at))
    choice = {"place": place, "form": form, "asked": asked, "first": day, "done": _("Moved")}
    act = partial(_move, request, visit, form, place)
    return slots.choose(request, "clinic/appointment_move.html", **choice, act=act, shown={"visit": visit})


@staff_only
@require_http_methods(["GET", "POST"])
def appointment_cancel(request: HttpRequest, appointment: uuid.UUID) -> HttpResponse:
    """Who cancels, and why."""
    visit = _visit_or_404(appointment)
    form = CancelForm(request.POST or None, initial={"version": visit.version})
    status = 422 if request.method == "POST" else 200
    if form.is_valid():
        try:
            booking.cancel(visit, **form.cleaned_data, by=request.user, now=timezone.now())
        except ValidationError as error:
            form.add_error(None, ValidationError(error.messages))
            status = getattr(error, "status_code", 422)
        else:
            messages.success(request, _("The visit is cancelled. You can take it back here."))
            return redirect("appointment", appointment)
    return render(request, "clinic/appointment_cancel.html", {"visit": visit, "form": form}, status=status)


@staff_only
@require_POST
def appointment_status(request: HttpRequest, appointment: uuid.UUID) -> HttpResponse:
    """One step of the visit, forth or back."""
    visit = _visit_or_404(appointment)
    form = StatusForm(request.POST)
    if not form.is_valid():
        return _show(request, visit, refusals=[_("Choose one of the steps below.")], status=422)
    step = getattr(booking, form.cleaned_data.pop("action"))
    try:
        step(visit, **form.cleaned_data, by=request.user, now=timezone.now())
    except ValidationError as error:
        fresh = _visit_or_404(appointment)
        return _show(request, fresh, refusals=error.messages, status=getattr(error, "status_code", 422))
    return redirect("appointment", appointment)


def steps_of(visit: Appointment, now: datetime) -> list[tuple[str, str]]:
    """The steps forward that the visit may take now: (action, label)."""
    out_of_place = {"no_show"} if now < visit.starts_at else set()
    if not visit.is_entered_later or visit.ends_at > now or visit.status not in (Status.BOOKED, Status.CONFIRMED):
        out_of_place.add("took_place")
    return [
        (action, label)
        for action, status, label in STEPS
        if visit.may_become(status) and visit.TAKEN_BACK.get(visit.status) != status and action not in out_of_place
    ]


def _visit_or_404(public_id: uuid.UUID) -> Appointment:
    rows = Appointment.objects.for_lists().select_related("session__series__protocol_version", "session__phase")
    return get_object_or_404(rows, public_id=public_id)


def _move(request: HttpRequest, visit: Appointment, form: MoveForm, place: DayForm) -> Appointment:
    typed = form.cleaned_data
    return booking.move(
        visit,
        starts_at=typed["starts_at"],
        version=typed["version"],
        reason=typed["reason"],
        practitioner=place.practitioner,
        overrides=form.overrides,
        by=request.user,
        now=timezone.now(),
    )


def _show(
    request: HttpRequest, visit: Appointment, *, refusals: list[str] | None = None, status: int = 200
) -> HttpResponse:
    day = timespans.date_of(visit.location.zone, visit.starts_at)
    findings = gate.findings(visit.patient, visit.service, visit.session, day) if visit.is_live else []
    shown = {
        "visit": visit,
        "patient": visit.patient,
        "zone": visit.location.zone,
        **_steps(visit),
        "following": _following(visit) if visit.status in CLOSING else None,
        "is_clinical": has_role(request.user, *CLINICAL),
        "checks": cards.checks(findings, request.user),
        "may_decide": has_role(request.user, CLINICAL_LEAD)
        and any(f.needs_clinician and not f.decided_by for f in findings),
        "changes": visit.changes.select_related("by", "practitioner__resource"),
        "overrides": visit.overrides.select_related("allowed_by"),
        "reminders": _messages_of(visit),
        "refusals": refusals,
        "card": _course_of(visit),
        "proposals": cards.waiting_proposals().filter(visits__appointment=visit).distinct(),
    }
    return render(request, "clinic/appointment.html", shown, status=status)


def _steps(visit: Appointment) -> dict:
    """What can be done with the visit in its status."""
    return {
        "steps": steps_of(visit, timezone.now()),
        "can_move": visit.status in (Status.BOOKED, Status.CONFIRMED),
        "can_change": visit.status in IN_PLACE,
        "can_undo": visit.status in visit.TAKEN_BACK,
        "can_count": visit.session_id is not None and visit.status in Appointment.LOST,
    }


def _following(visit: Appointment) -> TreatmentSession | None:
    """The session that is to be booked after this one, while the patient is still here."""
    if visit.session is None or visit.session.series.state not in cards.BOOKABLE:
        return None
    series = visit.session.series
    open_ones = series.sessions.filter(state__in=cards.TO_BOOK).order_by("number")
    return open_ones.exclude(number__in=counting.used_up([series.pk])[series.pk]).first()


def _course_of(visit: Appointment) -> cards.Card | None:
    """The course of the visit, which says whether the later ones still fit."""
    if visit.session is None:
        return None
    today = cards.clinic_day(timezone.now())
    return cards.cards(TreatmentSeries.objects.filter(pk=visit.session.series_id), today)[0]


def _messages_of(visit: Appointment) -> list[tuple[Reminder, str]]:
    """The messages about the visit, each with its subject."""
    rows = list(visit.reminders.order_by("due_at", "pk"))
    keys = {row.template_key for row in rows}
    subjects = dict(MessageTemplate.objects.filter(key__in=keys).values_list("key", "subject"))
    values = dict.fromkeys(wordings.NAMES, "") | {"day": letters.local_day(visit.starts_at, visit.location)}
    return [(row, wordings.fill(subjects.get(row.template_key, ""), values)) for row in rows]
