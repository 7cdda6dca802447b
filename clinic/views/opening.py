"""Three steps of a new clinic: where it is and when it is open, who works there, and what it offers."""

import functools
from datetime import date, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language

from clinic import offers, opening, setup
from clinic.models import Device, Installation, Room
from clinic.setup_forms import (
    ClinicForm,
    ColleagueForm,
    DeviceForm,
    OffersForm,
    RoomForm,
    TeamForm,
    as_saved,
    as_typed,
    default_country,
    rows,
    typed_in,
)
from clinic.views.setup import page, refusal_of, step
from patients.models import User
from patients.roles import ALL, CLINICAL_LEAD, LABELS, PRACTITIONER, has_role

ROWS = (("colleagues", ColleagueForm, 3), ("rooms", RoomForm, 2), ("devices", DeviceForm, 2))
MORE_ROWS = 2


@step(setup.CLINIC)
def clinic(request: HttpRequest) -> HttpResponse:
    """Name, country and hours; another country brings its own zone, currency and holidays before anything is saved."""
    form, status, now = _clinic_form(request), 200, timezone.now()
    if form.is_bound:
        status = 422
        if form.is_valid():
            save = functools.partial(opening.save_clinic, **form.details, by=request.user, now=now)
            refused = refusal_of(save, form)
            if refused is None:
                return redirect("setup")
            status = getattr(refused, "status_code", 422)
    shown = {"form": form, "holidays": _holidays(form, now)}
    return page(request, setup.CLINIC, shown, status=status)


def _clinic_form(request: HttpRequest) -> ClinicForm:
    saved, location = Installation.objects.first(), request.setup.location
    known = saved.country if saved else ""
    country = default_country(request.POST.get("country") or known, request.headers.get("Accept-Language", ""))
    details = {"country": country, "language": _language()}
    is_other = request.POST.get("shown_country", country) != country
    if "look" in request.POST or is_other:
        return ClinicForm(initial=as_typed(ClinicForm(request.POST, **details)), **details)
    if request.method == "POST":
        return ClinicForm(request.POST, **details)
    if location is None:
        return ClinicForm(initial={}, **details)
    closures = opening.holiday_closures(location, known, saved.region if saved else "", now=timezone.now())
    moments = [row.starts_at for row in closures]
    is_closed = location.closures.filter(starts_at__in=moments).exists()
    initial = as_saved(location, closes_on_holidays=is_closed) | {"region": saved.region if saved else ""}
    return ClinicForm(initial=initial, **details)


def _holidays(form: ClinicForm, now: datetime) -> list[tuple[date, str]]:
    """The public holidays to come that the form's country and region have."""
    region, today = form["region"].value() or "", timezone.localdate(now)
    found = opening.holidays_of(form.country, region, today)
    return [(day, name) for day, name in found.items() if day >= today]


@step(setup.PEOPLE)
def people(request: HttpRequest) -> HttpResponse:
    """Just me, or a team with its rooms and devices."""
    if request.POST.get("who") == "me":
        refused = refusal_of(functools.partial(opening.work_alone, by=request.user, now=timezone.now()))
        if refused is None:
            return redirect("setup")
        return page(request, setup.PEOPLE, {}, refused)
    is_team = request.POST.get("who") == "team"
    sent = _with_more_rows(request.POST) if is_team else None
    sets = {name: rows(form, name, sent, blank) for name, form, blank in ROWS}
    form = TeamForm(sent, initial={"treats": has_role(request.user, PRACTITIONER)})
    is_sent, refused = is_team and "more" not in request.POST, None
    if is_sent and all([form.is_valid(), *(each.is_valid() for each in sets.values())]):
        typed = {name: typed_in(each) for name, each in sets.items()} | form.cleaned_data
        refused = refusal_of(functools.partial(opening.work_as_team, **typed, by=request.user, now=timezone.now()))
        if refused is None:
            return redirect("setup")
    shown = {"form": form, **sets, "is_team": is_team or "team" in request.GET, "is_sent": is_sent, **_there(request)}
    shown["has_errors"] = is_sent and refused is None
    return page(request, setup.PEOPLE, shown, refused, status=422 if is_sent else 200)


def _with_more_rows(sent: QueryDict) -> QueryDict:
    """With more blank rows of what the button asked for."""
    sent, name = sent.copy(), f"{sent.get('more', '')}-TOTAL_FORMS"
    if sent.get(name, "").isdecimal():
        sent[name] = str(min(int(sent[name]) + MORE_ROWS, 50))
    return sent


def _there(request: HttpRequest) -> dict:
    """Who and what was added before."""
    staff = User.objects.filter(groups__name__in=ALL).exclude(pk=request.user.pk).distinct().order_by("name")
    return {
        "staff": [
            (user, ", ".join(str(LABELS[role]) for role in ALL if role in {group.name for group in user.groups.all()}))
            for user in staff.prefetch_related("groups")
        ],
        "rooms_there": Room.objects.select_related("resource").order_by("resource__name"),
        "devices_there": Device.objects.select_related("resource").order_by("resource__name"),
    }


@step(setup.OFFERS)
def offer(request: HttpRequest) -> HttpResponse:
    """Cards of the treatments; a clinical lead ticks what is checked, others say what is wanted."""
    form, refused, language = OffersForm(request.POST), None, settings.LANGUAGE_CODE
    if request.method == "POST" and form.is_valid():
        details = {"by": request.user, "now": timezone.now(), "language": language}
        refused = refusal_of(functools.partial(offers.choose, **form.details, **details))
        if refused is None:
            return redirect("setup")
    is_sent = request.method == "POST"
    shown = {
        "cards": offers.cards(language),
        "visits": offers.visits(),
        "leads": offers.leads(),
        "may_check": has_role(request.user, CLINICAL_LEAD),
        "ticked": {str(each) for name in ("services", "checked", "wanted") for each in request.POST.getlist(name)},
        "is_sent": is_sent,
        "is_first_time": setup.OFFERS not in request.setup.done,
    }
    return page(request, setup.OFFERS, shown, refused, status=422 if is_sent else 200)


def _language() -> str:
    return (get_language() or settings.LANGUAGE_CODE).split("-")[0]
