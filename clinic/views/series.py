"""A patient's series: begin one, look at it, book its next session."""

import uuid
from datetime import date
from functools import partial

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import availability, gate, scheduling, upgrades
from clinic.begun_forms import BegunForm, SeriesForm
from clinic.forms import DayForm, TimeForm
from clinic.models import Practitioner
from clinic.views import cards, slots
from clinic.wish_forms import with_wishes
from patients import audit, submissions
from patients.access import patient_or_404, staff_only
from patients.models import Patient
from patients.roles import CLINICAL_LEAD, has_role
from treatments import body_maps, safety, sheets
from treatments import series as courses_of
from treatments.models import TreatmentSeries


@staff_only
@require_http_methods(["GET", "POST"])
def series_new(request: HttpRequest, patient: uuid.UUID) -> HttpResponse:
    """Choose a protocol, areas, number of visits and the first day; the safety checks are shown before saving."""
    person = patient_or_404(patient)
    today = cards.clinic_day(timezone.now())
    data = request.POST if request.method == "POST" else None
    form = SeriesForm(data, chosen=(data or request.GET).get("protocol", ""), today=today)
    begun = BegunForm(data, version=form.version)
    shown, status = {"patient": person, "form": form, "begun": begun, "key": uuid.uuid4()}, 200
    is_fine = form.is_valid() and begun.is_fine
    if request.method == "POST" and "another" not in request.POST:
        status = 422
        if is_fine:
            try:
                started = _start(request, person, form, begun, today)
            except ValidationError as error:
                shown["refusals"] = error.messages
            else:
                messages.success(request, _("The series is set up. Now book its first session."))
                return redirect("session_book", started)
        shown["errors"] = [*form.sentences, *begun.all_sentences]
    if form.version is not None:
        shown["checks"] = cards.checks(_findings_before(person, form, today), request.user)
        shown["area_choice"] = body_maps.choice(form["areas"])
    return render(request, "clinic/series_new.html", shown, status=status)


def _start(request: HttpRequest, person: Patient, form: SeriesForm, begun: BegunForm, today: date) -> str:
    def act() -> str:
        details = form.details | begun.details
        fulfilled = gate.fulfilled(person, details["first_possible_on"])
        started = courses_of.start(person, **details, today=today, by=request.user, fulfilled=fulfilled)
        if form.with_whom:
            scheduling.keep(scheduling.Wish().with_person(**form.person_wished), started)
        return str(started.public_id)

    sent = slots.sent(request, form.cleaned_data["key"])
    return submissions.answer(sent, user=request.user, verb="start_series", act=act)


def _findings_before(person: Patient, form: SeriesForm, today: date) -> list[safety.Finding]:
    """The checks of the plan as it is typed, or as it is filled in at first."""
    typed = form.cleaned_data if form.is_bound else {}
    areas = typed.get("areas") or form.fields["areas"].queryset
    on = typed.get("first_possible_on") or today
    return safety.assess_plan(person, form.version, areas, on, fulfilled=gate.fulfilled(person, on))


@staff_only
@require_safe
def series(request: HttpRequest, series: uuid.UUID) -> HttpResponse:
    """One series, session by session."""
    today = cards.clinic_day(timezone.now())
    card = _card_or_404(series, today)
    audit.chart_opened(request.user, card.series.patient, "series")
    steps = card.series.protocol_version.depth_steps.select_related("area")
    areas = [row.area for row in card.series.series_areas.all()]
    shown = {
        "card": card,
        "depth_map": sheets.depth_map(steps, areas),
        "patient": card.series.patient,
        "checks": cards.checks_of(card, request.user, today),
        "followed": upgrades.followed(card.series),
        "is_lead": has_role(request.user, CLINICAL_LEAD),
    }
    return render(request, "clinic/series.html", shown)


@staff_only
@require_http_methods(["GET", "POST"])
def session_book(request: HttpRequest, series: uuid.UUID) -> HttpResponse:
    """Book the next session inside its window."""
    today = cards.clinic_day(timezone.now())
    card = _card_or_404(series, today)
    if card.to_book is None:
        earlier = slots.answered(request) if request.method == "POST" else None
        if earlier is not None:
            return earlier
        messages.info(request, _("This series has no session to book now."))
        return redirect("series", series)
    person, step = card.series.patient, card.to_book
    place = DayForm(request.GET, location=card.location, practitioner=_with_whom(card))
    if place.location is None:
        return render(request, "clinic/diary_empty.html")
    service = card.series.protocol_version.protocol.service
    form = TimeForm(request.POST if request.method == "POST" else None, location=place.location)
    asked = availability.request_for(
        location=place.location, service=service, session=step.session, practitioner=place.practitioner, patient=person
    )
    asked = with_wishes(request.GET, asked)
    choice = {"place": place, "form": form, "asked": asked, "first": step.window.earliest, "asks_by_hand": True}
    act = partial(slots.book, request, form, asked)
    shown = {"card": card, "step": step, "patient": person, "checks": cards.checks_of(card, request.user, today)}
    shown["kept_ahead"] = card.all_kept_ahead(place.location)
    return slots.choose(request, "clinic/session_book.html", **choice, act=act, done=_("Booked"), shown=shown)


def _card_or_404(public_id: uuid.UUID, on: date) -> cards.Card:
    found = cards.cards(TreatmentSeries.objects.filter(public_id=public_id), on)
    if not found:
        raise Http404
    return found[0]


def _with_whom(card: cards.Card) -> Practitioner | None:
    """With whom the course is to be, as long as that person treats anybody."""
    wished = card.wishes.practitioner if card.wishes else None
    return wished if wished and wished.resource.is_active else None
