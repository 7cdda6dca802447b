"""Hours: single days that are longer, off or swapped; for administrators usual weeks copied and holidays brought in."""

import uuid
from datetime import date

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import holidays_import, hours, rotas, timespans, to_move
from clinic.models import Appointment, DatedHours, Location, Practitioner
from clinic.premises_forms import EXTRA, OFF, ClosuresForm, CopyHoursForm, DayHoursForm, SwapForm
from clinic.views import cards, slots
from clinic.views.to_move import say_how_many
from patients import submissions
from patients.access import roles, staff_only
from patients.roles import ADMINISTRATOR, has_role

get_and_post = require_http_methods(["GET", "POST"])


@staff_only
@require_safe
def single_days(request: HttpRequest) -> HttpResponse:
    """Days to come that are not as usual, and the ways to change hours."""
    today = cards.clinic_day(timezone.now())
    rows = DatedHours.objects.filter(on__gte=today, practitioner__resource__is_active=True).select_related(
        "practitioner__resource", "location"
    )
    found: dict[tuple[date, str], list[DatedHours]] = {}
    for row in rows.order_by("on", "practitioner__resource__name", "starts", "pk"):
        found.setdefault((row.on, str(row.practitioner.resource.public_id)), []).append(row)
    shown = {
        "days": list(found.values()),
        "count": to_move.count(timezone.now()),
        "may_administer": has_role(request.user, ADMINISTRATOR),
    }
    return render(request, "clinic/hours.html", shown)


@staff_only
@get_and_post
def day_hours(request: HttpRequest) -> HttpResponse:
    """One person works longer, at other times, or not at all on one day."""
    initial = {"on": request.GET.get("day"), "practitioner": request.GET.get("who")}
    form = DayHoursForm(request.POST if request.method == "POST" else None, initial=initial)
    return _saved(request, form, "clinic/day_hours.html", _keep_day)


@staff_only
@require_POST
def as_usual(request: HttpRequest) -> HttpResponse:
    """Forget what was said of one day of one person. Doing it twice changes nothing."""
    form = DayHoursForm({**request.POST.dict(), "kind": OFF})
    if not form.is_valid():
        messages.error(request, _("That day is as usual already."))
        return redirect("hours")
    person, on = form.cleaned_data["practitioner"], form.cleaned_data["on"]
    try:
        hours.as_usual(person, on=on)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("As usual again: %(who)s, %(day)s.") % {"who": person, "day": in_words(on)})
        say_how_many(request, to_move.taking([person.pk]))
    return redirect("hours")


@staff_only
@get_and_post
def swap_day(request: HttpRequest) -> HttpResponse:
    """Two people swap one day: first the hours and the visits that this reaches, then the button that does it."""
    asked = request.POST if request.method == "POST" else request.GET
    form = SwapForm(asked if {"first", "second"} & set(asked) else None, initial={"on": asked.get("day")})
    shown = {"key": uuid.uuid4()}
    if form.is_bound and form.is_valid():
        shown |= _before_the_swap(form)
    if request.method == "POST":
        return _saved(request, form, "clinic/swap_day.html", _swap, shown)
    return render(request, "clinic/swap_day.html", {"form": form, **shown})


@roles(ADMINISTRATOR)
@get_and_post
def copy_hours(request: HttpRequest) -> HttpResponse:
    """The usual weeks of one person for another, or at another location."""
    initial = {"from_on": cards.clinic_day(timezone.now())}
    form = CopyHoursForm(request.POST if request.method == "POST" else None, initial=initial)
    return _saved(request, form, "clinic/copy_hours.html", _copy)


@roles(ADMINISTRATOR)
@get_and_post
def import_closures(request: HttpRequest) -> HttpResponse:
    """Public holidays from a calendar file; shows what was added, changed and left out."""
    form = ClosuresForm(request.POST or None, request.FILES or None)
    shown, status = {"form": form}, 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and form.place is not None:
            try:
                data = form.cleaned_data["file"].read(holidays_import.MOST_BYTES + 1)
                shown["outcome"] = holidays_import.take_over(form.place, data, now=timezone.now())
            except ValidationError as error:
                form.add_error("file", ValidationError(error.messages))
                status = getattr(error, "status_code", 422)
            else:
                status, shown["zone"] = 200, form.place.zone
                say_how_many(request, Q(location=form.place))
    return render(request, "clinic/import_closures.html", shown, status=status)


def in_words(day: date) -> str:
    return date_format(day, "l j F Y")


def _saved(request: HttpRequest, form: Form, template: str, act, shown: dict | None = None) -> HttpResponse:
    """Let `act` do what was typed and go back to the list, or show the form again with what is wrong."""
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                act(request, form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, ValidationError(error.messages))
                status = getattr(error, "status_code", 422)
            else:
                return redirect("hours")
    return render(request, template, {"form": form, **(shown or {})}, status=status)


def _keep_day(request: HttpRequest, typed: dict) -> None:
    person, on = typed["practitioner"], typed["on"]
    if typed["kind"] == OFF:
        hours.day_off(person, on=on, reason=typed["reason"])
    else:
        details = {name: typed[name] for name in ("location", "starts", "ends", "reason")}
        hours.add_day(person, on=on, replaces_usual=typed["kind"] != EXTRA, **details)
    messages.success(request, _("Saved: %(who)s, %(day)s.") % {"who": person, "day": in_words(on)})
    say_how_many(request, to_move.taking([person.pk]))


def _swap(request: HttpRequest, typed: dict) -> None:
    first, second, on = typed["first"], typed["second"], typed["on"]

    def act() -> str:
        hours.swap_day(first, second, on=on, reason=typed["reason"])
        return "swapped"

    # A second copy of the form would swap back.
    sent = slots.sent(request, typed["key"] or uuid.uuid4())
    submissions.answer(sent, user=request.user, verb="swap_day", act=act)
    said = {"first": first, "second": second, "day": in_words(on)}
    messages.success(request, _("Swapped: %(first)s and %(second)s, %(day)s.") % said)
    say_how_many(request, to_move.taking([first.pk, second.pk]))


def _copy(request: HttpRequest, typed: dict) -> None:
    where = {"at": typed.get("at"), "to_location": typed.get("to_location")}
    copies = hours.copy_hours(typed["source"], typed["to"], from_on=typed["from_on"], **where)
    said = {"who": typed["to"], "day": in_words(typed["from_on"]), "count": len(copies)}
    messages.success(request, _("Copied for %(who)s from %(day)s on: %(count)d parts of a week.") % said)
    say_how_many(request, to_move.taking([typed["to"].pk]))


def _before_the_swap(form: SwapForm) -> dict:
    """What each would work, and the visits of both on that day, each with what would be in its way."""
    first, second, on = (form.cleaned_data[name] for name in ("first", "second", "on"))
    rota = rotas.read(on, people=[first.pk, second.pk])
    places = {place.pk: place for place in Location.objects.all()}
    sides = [(first, rota.shifts(second.pk, on)), (second, rota.shifts(first.pk, on))]
    planned = {(person.pk, on): shifts for person, shifts in sides}
    reached = _visits_of_the_day([first, second], on, places)
    now = timezone.now()
    found = to_move.found(now, within=Q(pk__in=[visit.pk for visit in reached]), planned=planned)
    return {
        "on": on,
        "sides": [(person, [(places[shift.location_id], shift) for shift in shifts]) for person, shifts in sides],
        "is_empty": not any(planned.values()),
        "reached": [(visit, found.get(visit.pk, [])) for visit in reached],
    }


def _visits_of_the_day(people: list[Practitioner], on: date, places: dict[int, Location]) -> list[Appointment]:
    spans = [timespans.local_day(place.zone, on) for place in places.values()]
    whole = timespans.Span(min(span.start for span in spans), max(span.end for span in spans))
    rows = Appointment.objects.live().for_lists().filter(to_move.taking([person.pk for person in people], whole))
    rows = rows.order_by("starts_at", "pk")
    return [visit for visit in rows if timespans.date_of(visit.location.zone, visit.starts_at) == on]
