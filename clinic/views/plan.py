"""Plan the whole course: wishes, the proposed visits, other dates for each, and one button that books them."""

import uuid
from datetime import date, datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import replace_url

from clinic import booking, course_reads, plan_forms, scheduling
from clinic.models import Appointment, Location
from clinic.plan_forms import PlanForm
from clinic.refusals import Refused
from clinic.views import cards, proposals, slots
from patients import submissions
from patients.access import staff_only
from treatments.models import TreatmentSeries, TreatmentSession

PAGE, FRAGMENT = "clinic/series_plan.html", "clinic/_plan.html"


@staff_only
@require_http_methods(["GET", "POST"])
def series_plan(request: HttpRequest, series: uuid.UUID) -> HttpResponse:
    """Propose the visits of a course; book those that are ticked, all or none."""
    now = timezone.now()
    if "book" in request.POST:
        return _book(request, series, now)
    card = _card_or_404(series, cards.clinic_day(now))
    if card.to_book is None:
        return _nothing_to_book(request, card)
    form = PlanForm(_typed(request, card), numbers=[step.session.number for step in card.steps])
    if not form.locations:
        return render(request, "clinic/diary_empty.html")
    if not form.is_valid():
        return _show(request, card, form, {"errors": form.sentences}, status=422)
    if request.method == "POST" and not request.htmx:
        return redirect(f"{request.path}?{form.address}")
    answer = _show(request, card, form, _proposed(card, form, now))
    return replace_url(answer, f"{request.path}?{form.address}") if request.htmx else answer


def _typed(request: HttpRequest, card: cards.Card) -> QueryDict:
    """What was sent, else what the address says, else what is kept of the patient's wishes."""
    data = request.POST if request.method == "POST" else request.GET
    if "first" in data:
        return data
    opens = card.to_book.window.earliest if card.to_book.window else card.on
    place = card.location or Location.objects.filter(is_active=True).order_by("pk").first()
    return plan_forms.kept(card.wishes, max(opens, card.on), place)


def _proposed(card: cards.Card, form: PlanForm, now: datetime) -> dict:
    first = max(form.cleaned_data["first"], card.on)
    plan = scheduling.plan(card.series, form.wish, first=first, now=now, fixed=form.fixed)
    return {"proposal": proposals.proposal(card, plan, form, now)}


def _show(request: HttpRequest, card: cards.Card, form: PlanForm, shown: dict, status: int = 200) -> HttpResponse:
    """The page, or the proposal alone for a page that is open already."""
    shown = {"card": card, "patient": card.series.patient, "form": form, "key": uuid.uuid4()} | shown
    found = shown.get("proposal")
    shown["asked"] = form.asked(found and found.fixed)
    if request.htmx:
        return render(request, FRAGMENT, shown, status=status)
    shown["checks"] = cards.checks_of(card, request.user, card.on)
    shown["others"] = cards.other_courses(card)
    return render(request, PAGE, shown, status=status)


def _book(request: HttpRequest, public_id: uuid.UUID, now: datetime) -> HttpResponse:
    """Book what is ticked as it was shown; what was changed since is planned anew and shown first."""
    series = course_reads.series(public_id)
    if series is None:
        raise Http404
    sessions = course_reads.sessions(series)
    form = PlanForm(request.POST, numbers=[session.number for session in sessions])
    refusal = None
    if form.is_valid() and form.is_as_shown:
        try:
            return _told(request, series, _take(request, series, sessions, form, now))
        except ValidationError as error:
            refusal = error
    earlier = _answered(request)
    return _told(request, series, earlier) if earlier else _not_booked(request, public_id, form, refusal, now)


def _not_booked(
    request: HttpRequest, public_id: uuid.UUID, form: PlanForm, refusal: ValidationError | None, now: datetime
) -> HttpResponse:
    """The page with everything that was chosen, what stands in the way, and a plan that is possible now."""
    card = _card_or_404(public_id, cards.clinic_day(now))
    if card.to_book is None:
        return _nothing_to_book(request, card)
    if not form.is_valid():
        return _show(request, card, form, {"errors": form.sentences}, status=422)
    if isinstance(refusal, booking.PlanTaken):
        shown = {"proposal": proposals.proposal(card, refusal.plan, form, now), "taken": refusal.messages}
        return _show(request, card, form, shown, status=refusal.status_code)
    shown = _proposed(card, form, now) | ({"refusals": refusal.messages} if refusal else {"is_changed": True})
    return _show(request, card, form, shown, status=getattr(refusal, "status_code", 422))


def _take(
    request: HttpRequest, series: TreatmentSeries, sessions: list[TreatmentSession], form: PlanForm, now: datetime
) -> list[Appointment]:
    """Book what is ticked as it was shown; raises `PlanTaken` for what cannot be, here or under the locks."""
    key = form.cleaned_data["key"]
    if not form.ticked or key is None:
        raise Refused(_("Tick at least one visit."))
    first = max(form.cleaned_data["first"], form.today(now))
    known = {"sessions": sessions, "locations": form.locations.values()}
    asked = {"first": first, "now": now, "fixed": form.starts, "people": form.held}
    plan = scheduling.as_shown(series, form.wish, **asked, **known)
    moved = form.moved(plan)
    if moved:
        raise booking.PlanTaken(plan, moved)
    submission = slots.sent(request, key)
    return booking.book_plan(plan, by=request.user, now=now, submission=submission, only=form.ticked, wishes=form.wish)


def _told(request: HttpRequest, series: TreatmentSeries, visits: list[Appointment]) -> HttpResponse:
    first = min(visits, key=lambda visit: visit.starts_at)
    words = ngettext(
        "%(count)s visit is booked: %(when)s.", "%(count)s visits are booked, the first: %(when)s.", len(visits)
    )
    when = slots.in_words(first.starts_at, first.location.zone)
    messages.success(request, words % {"count": len(visits), "when": when})
    return redirect("series", series.public_id)


def _nothing_to_book(request: HttpRequest, card: cards.Card) -> HttpResponse:
    """There is nothing to plan."""
    messages.info(request, _("This series has no session to book now."))
    return redirect("series", card.series.public_id)


def _answered(request: HttpRequest) -> list[Appointment]:
    """What an earlier copy of this form has booked."""
    try:
        submission = slots.sent(request, uuid.UUID(request.POST.get("key", "")))
    except ValueError:
        return []
    stored = submissions.answered(submission, user=request.user, verb="book")
    ids = stored.split(",") if stored else []
    return list(Appointment.objects.for_lists().filter(public_id__in=ids))


def _card_or_404(public_id: uuid.UUID, on: date) -> cards.Card:
    found = cards.cards(TreatmentSeries.objects.filter(public_id=public_id), on)
    if not found:
        raise Http404
    return found[0]
