"""Changes of a course under way: its number of visits, its dates, a pause and its end; what a lost visit counts as."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import change_forms, course_changes, course_forms, course_reads, session_forms
from clinic.change_forms import CourseForm
from clinic.models import Appointment
from clinic.views import cards
from patients import audit
from patients.access import staff_only
from treatments.models import TreatmentSeries, TreatmentSession

SeriesState = TreatmentSeries.State
GOES_ON = (SeriesState.PAUSED, SeriesState.STOPPED)


@staff_only
@require_http_methods(["GET", "POST"])
def course_change(request: HttpRequest, series: uuid.UUID) -> HttpResponse:
    """More or fewer visits, maintenance, the last day of use; and going on after a pause."""
    card = card_or_404(series)
    offered = _changes_of(request, card)
    answer, status = _take(request, offered, card.series, card.series)
    if answer is not None:
        return answer
    shown = {"card": card_or_404(series) if status != 200 else card, "patient": card.series.patient}
    return render(request, "clinic/course_change.html", shown | {"forms": offered}, status=status)


@staff_only
@require_http_methods(["GET", "POST"])
def course_pause(request: HttpRequest, series: uuid.UUID) -> HttpResponse:
    """Pause, with a choice for each visit in the diary: keep it or cancel it."""
    card = card_or_404(series)
    visits = list(course_changes.to_come(card.series))
    form = course_forms.PauseForm(_sent(request), about=card.series, visits=visits)
    return _one_form(request, card, form, {"visits": visits, "is_stop": False})


@staff_only
@require_http_methods(["GET", "POST"])
def course_stop(request: HttpRequest, series: uuid.UUID) -> HttpResponse:
    """Stop for good, which cancels every visit to come."""
    card = card_or_404(series)
    visits = list(course_changes.to_come(card.series))
    form = course_forms.StopForm(_sent(request), about=card.series, visits=visits)
    return _one_form(request, card, form, {"visits": visits, "is_stop": True})


@staff_only
@require_http_methods(["GET", "POST"])
def course_session(request: HttpRequest, series: uuid.UUID, number: int) -> HttpResponse:
    """One session: the practitioner's own dates, on hold, done elsewhere."""
    card = card_or_404(series)
    step = next((step for step in card.steps if step.session.number == number), None)
    if step is None:
        raise Http404
    session = _session_of(step)
    is_what = {"is_lost": bool(step.lost), "may_be_put_back": step.may_be_put_back and card.may_grow}
    offered = session_forms.of_session(_sent(request), session, **is_what, reader=request.user)
    answer, status = _take(request, offered, card.series, session)
    if answer is not None:
        _say_if_outside(request, series, number)
        return answer
    audit.chart_opened(request.user, card.series.patient, "course_session")
    shown = {"card": card, "step": step, "patient": card.series.patient, "forms": offered}
    return render(request, "clinic/course_session.html", shown, status=status)


@staff_only
@require_http_methods(["GET", "POST"])
def appointment_count(request: HttpRequest, appointment: uuid.UUID) -> HttpResponse:
    """Whether a visit that did not take place uses up a session of its series."""
    visit = get_object_or_404(
        Appointment.objects.for_lists(), public_id=appointment, status__in=Appointment.LOST, session__isnull=False
    )
    form = session_forms.CountForm(_sent(request), about=visit)
    if request.method == "POST" and form.take(request.user, timezone.now(), cards.clinic_day(timezone.now())):
        messages.success(request, form.done)
        return redirect("appointment", appointment)
    is_by_rule = Appointment.objects.filter(pk=visit.pk).using_up().exists() and visit.uses_session is None
    shown = {"visit": visit, "patient": visit.patient, "form": form, "is_by_rule": is_by_rule}
    return render(request, "clinic/appointment_count.html", shown, status=form.status)


def card_or_404(public_id: uuid.UUID) -> cards.Card:
    """The series as a card shows it today."""
    today = cards.clinic_day(timezone.now())
    found = cards.cards(TreatmentSeries.objects.filter(public_id=public_id), today)
    if not found:
        raise Http404
    return found[0]


def _sent(request: HttpRequest):  # what was sent, if anything was
    return request.POST if request.method == "POST" else None


def _changes_of(request: HttpRequest, card: cards.Card) -> list[CourseForm]:
    series, sent = card.series, _sent(request)
    if series.state in GOES_ON:
        form = course_forms.ResumeForm(sent, about=series)
        form.initial["on"] = card.on
        return [form]
    found: list[CourseForm] = [course_forms.AddForm(sent, about=series)]
    if series.protocol_version.phases.filter(is_maintenance=True).exists():
        found.append(course_forms.MaintenanceForm(sent, about=series))
    droppable = [step.session for step in card.steps if step.is_open]
    if droppable:
        found.append(course_forms.DropForm(sent, about=series, sessions=droppable))
    if card.is_running:
        found.append(course_forms.ExpiryForm(sent, about=series))
        areas = course_forms.AreasForm(sent, about=series)
        if areas.are_several:
            found.append(areas)
        people = course_reads.who_may_treat(series.protocol_version, card.on)
        form = course_forms.WithWhomForm(sent, about=series, people=people)
        if form.with_whom is not None:
            found.append(form)
    return found


def _take(
    request: HttpRequest, offered: list[CourseForm], series: TreatmentSeries, about: TreatmentSeries | TreatmentSession
) -> tuple[HttpResponse | None, int]:
    """Do what the form that was sent asks for; the answer, or the status of the page that is shown again."""
    if request.method != "POST":
        return None, 200
    if change_forms.was_done(request.POST, request.user, about):
        return redirect("series", series.public_id), 200
    form = next((form for form in offered if form.is_bound), None)
    if form is None:
        messages.error(request, _("This cannot be changed any more, as things are now."))
        return redirect("series", series.public_id), 200
    now = timezone.now()
    if form.take(request.user, now, cards.clinic_day(now)):
        messages.success(request, form.done)
        return redirect("series", series.public_id), 200
    return None, form.status


def _one_form(request: HttpRequest, card: cards.Card, form: CourseForm, shown: dict) -> HttpResponse:
    answer, status = _take(request, [form], card.series, card.series)
    if answer is not None:
        return answer
    shown |= {"card": card, "patient": card.series.patient, "form": form}
    return render(request, "clinic/course_end.html", shown, status=status)


def _session_of(step: cards.Step) -> TreatmentSession:
    return TreatmentSession.objects.select_related("series__protocol_version", "series__patient", "phase").get(
        pk=step.session.pk
    )


def _say_if_outside(request: HttpRequest, series: uuid.UUID, number: int) -> None:
    """A booked visit stays where it is: say so when the new dates do not suit it."""
    step = next(step for step in card_or_404(series).steps if step.session.number == number)
    if step.visit is None or step.window is None or step.session.state != TreatmentSession.State.BOOKED:
        return
    if step.day < step.window.earliest or step.window.is_late(step.day):
        messages.warning(request, _("Its visit is booked for another day than that: move it."))
