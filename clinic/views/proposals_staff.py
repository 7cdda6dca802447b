"""Other times for later visits of a course: the smallest change, what is done with it, and what was proposed."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import installation, proposals, scheduling
from clinic.models import Proposal, ProposedVisit
from clinic.proposal_forms import ProposeForm, StaffAnswerForm, WhereToForm
from clinic.views import cards, other_times, slots
from clinic.views.other_times import Change
from patients import audit, submissions
from patients.access import staff_only
from treatments.models import TreatmentSeries, TreatmentSession

PER_PAGE = 20


@staff_only
@require_http_methods(["GET", "POST"])
def series_reflow(request: HttpRequest, series: uuid.UUID) -> HttpResponse:
    """The smallest change after which all visits fit: propose it to the patient, or move now what was agreed."""
    now = timezone.now()
    card = _card_or_404(series, now)
    form = ProposeForm(request.POST if request.method == "POST" else None, initial={"cause": _cause(card, request)})
    shown, status = {}, 200
    if request.method == "POST":
        made = _answered(request, form)
        if made is None:
            made, shown = _take(request, card, form, now)
        if made is not None:
            return _told(request, made)
        status = shown.pop("status")
    audit.chart_opened(request.user, card.series.patient, "series_reflow")
    where = _where(request, card)
    shown |= {"card": card, "patient": card.series.patient, "form": form, "where": where}
    shown |= {"change": _change(card, where, now), "zone": installation.zone_name(), "reaches_nobody": _is_mute(card)}
    return render(request, "clinic/series_reflow.html", shown, status=status)


def _card_or_404(public_id: uuid.UUID, now: datetime) -> cards.Card:
    found = cards.cards(TreatmentSeries.objects.filter(public_id=public_id), cards.clinic_day(now))
    if not found:
        raise Http404
    return found[0]


def _where(request: HttpRequest, card: cards.Card) -> WhereToForm:
    """The visit that is to go elsewhere, if the address names one."""
    coming = [step for step in card.steps if step.is_to_come]
    place = coming[0].visit.location if coming else None
    return WhereToForm(request.GET, visits=[(step.session.number, step.name) for step in coming], place=place)


def _change(card: cards.Card, where: WhereToForm, now: datetime) -> Change:
    asked = dict([where.start]) if where.start else None
    return other_times.change(card, scheduling.reflow(card.series, now=now, changes=asked))


def _cause(card: cards.Card, request: HttpRequest) -> str:
    """Why times change, as it is filled in at first."""
    is_missed = any(step.session.state == TreatmentSession.State.MISSED for step in card.steps)
    return Proposal.Cause.MISSED if is_missed and "number" not in request.GET else Proposal.Cause.MOVED


def _is_mute(card: cards.Card) -> bool:
    """Whether no message reaches the patient."""
    patient = card.series.patient
    return not (patient.email and patient.wants_messages)


def _take(
    request: HttpRequest, card: cards.Card, form: ProposeForm, now: datetime
) -> tuple[Proposal | None, dict[str, object]]:  # fmt: skip
    """Propose or make the change as it was shown; or what the page says about why not."""
    if not form.is_valid():
        return None, {"refusals": form.sentences, "status": 422}
    change = _change(card, _where(request, card), now)
    if not change.can_be_made or change.marks != form.shown:
        form.retype(submission=uuid.uuid4())
        said = _("The diary has changed since this page was shown. Look at the new times before you go on.")
        return None, {"refusals": [said], "status": 409}
    about = {"patient": card.series.patient, "series": card.series, "cause": form.cleaned_data["cause"]}
    about |= {"by": request.user, "now": now, "submission": slots.sent(request, form.cleaned_data["submission"])}
    changes = proposals.from_reflow(change.reflow)
    try:
        if form.is_agreed:
            return proposals.agreed(changes, **about), {}
        return proposals.propose(changes, **about, kept_until=form.kept_until(now)), {}
    except ValidationError as error:
        form.retype(submission=uuid.uuid4())
        return None, {"refusals": error.messages, "status": getattr(error, "status_code", 422)}


def _answered(request: HttpRequest, form: ProposeForm) -> Proposal | None:
    """What an earlier copy of this form has made."""
    if not form.is_valid():
        return None
    sent = slots.sent(request, form.cleaned_data["submission"])
    stored = submissions.answered(sent, user=request.user, verb=proposals.PROPOSE)
    return Proposal.objects.filter(public_id=stored).select_related("series").first() if stored else None


def _told(request: HttpRequest, made: Proposal) -> HttpResponse:
    first = made.visits.select_related("location").order_by("starts_at").first()
    if made.state == Proposal.State.ACCEPTED:
        count = made.visits.count()
        words = ngettext(
            "%(count)s visit has its new time: %(when)s.",
            "%(count)s visits have new times, the first: %(when)s.",
            count,
        )
        when = slots.in_words(first.starts_at, first.location.zone)
        messages.success(request, words % {"count": count, "when": when})
    else:
        until = slots.in_words(made.kept_until, first.location.zone)
        messages.success(
            request, _("Proposed to the patient. The new times are kept until %(until)s.") % {"until": until}
        )
    return redirect("series", made.series.public_id)


@staff_only
@require_safe
def proposals_list(request: HttpRequest) -> HttpResponse:
    """What waits for an answer, what has run out first."""
    return _show(request)


@staff_only
@require_POST
def proposal_answer(request: HttpRequest, proposal: uuid.UUID) -> HttpResponse:
    """The patient agreed on the phone, or the proposal is taken back."""
    found = get_object_or_404(Proposal, public_id=proposal)
    form = StaffAnswerForm(request.POST)
    if not form.is_valid():
        return _show(request, [_("Choose one of the buttons of a proposal.")], 422)
    try:
        found = form.take(found, by=request.user, now=timezone.now())
    except ValidationError as error:
        return _show(request, error.messages, getattr(error, "status_code", 422))
    said = _("Moved as agreed: %(patient)s.") if form.is_agreed else _("Taken back: %(patient)s. Nothing was moved.")
    messages.success(request, said % {"patient": found.patient})
    return redirect("proposals")


def _show(request: HttpRequest, refusals: list[str] | None = None, status: int = 200) -> HttpResponse:
    page = Paginator(proposals.listed(timezone.now()), PER_PAGE).get_page(request.GET.get("page"))
    rows = _rows(page)
    for proposal in page:
        proposal.rows = rows.get(proposal.pk, [])
    shown = {"page_obj": page, "refusals": refusals, "zone": installation.zone_name()}
    return render(request, "clinic/proposals.html", shown, status=status)


def _rows(page: Iterable[Proposal]) -> dict[int, list[ProposedVisit]]:
    """The visits of the proposals of one page, by the key of the proposal; `what` says which visit it is."""
    related = ("appointment__service", "appointment__session__phase", "appointment__session__series", "session__phase")
    found = ProposedVisit.objects.filter(proposal__in=[proposal.pk for proposal in page])
    rows: dict[int, list[ProposedVisit]] = {}
    for row in found.select_related(*related, "session__series", "location", "practitioner__resource"):
        session = row.appointment.session if row.appointment else row.session
        row.what = session.in_words if session else row.appointment.service
        rows.setdefault(row.proposal_id, []).append(row)
    return rows
