"""Other times that the clinic proposes, as the patient sees them: kept until when, and the ways to answer."""

import uuid
from datetime import datetime

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import portal as own
from clinic import proposal_letters, proposals
from clinic.models import Proposal
from clinic.proposal_forms import AnswerForm, LookForm
from clinic.views.portal import frame
from clinic.views.proposal_lines import lines
from patients import audit, portal_access
from patients.access import portal
from patients.models import Patient


@require_http_methods(["GET", "HEAD", "POST"])
@portal
def portal_proposal(request: HttpRequest, person: Patient, proposal: uuid.UUID) -> HttpResponse:
    """Old and new times; asking for the page changes nothing, a button answers."""
    found = get_object_or_404(own.proposals_of(person), public_id=proposal)
    now = timezone.now()
    may_answer = portal_access.may_book(request.user, person, now)
    form = AnswerForm(request.POST if request.method == "POST" else None, visits=found.visits.all())
    status = 200
    if request.method == "POST":
        status = _answer(request, found, form, may_answer=may_answer)
        if not status:
            return redirect("portal_proposal", person.public_id, proposal)
    audit.chart_opened(request.user, person, "portal_proposal")
    shown = _shown(request, proposals.as_it_is(found), now, may_answer=may_answer)
    return render(request, "portal/proposal.html", frame(request, person) | shown | {"form": form}, status=status)


def _shown(request: HttpRequest, found: Proposal, now: datetime, *, may_answer: bool) -> dict:
    """Its times and what became of it; where it waits for an answer, other starts that can be taken instead.

    Of one visit these are shown at once, of several of the one that is looked at.
    """
    rows, is_open = list(found.visits.all()), found.state == Proposal.State.OPEN
    is_behind = is_open and proposals.is_overtaken(found)
    may_pick = is_open and may_answer and not is_behind
    is_one = len(rows) == 1
    looked = lines(found, LookForm(request.GET, visits=rows), now) if may_pick and not is_one else []
    return {
        "proposal": found,
        "rows": rows,
        "lines": looked,
        "picked": [line for line in looked if line.is_picked],
        "zone": rows[0].location.zone,
        "agreed": proposal_letters.as_agreed(found) if found.state == Proposal.State.ACCEPTED else [],
        "is_over": found.kept_until <= now,
        "is_behind": is_behind,
        "others": proposals.others(found, rows[0].pk, now) if may_pick and is_one else [],
        "may_answer": may_answer,
    }


def _answer(request: HttpRequest, found: Proposal, form: AnswerForm, *, may_answer: bool) -> int:
    """Take the answer; the status of the page that is shown again, 0 when it was taken."""
    if not may_answer:
        form.add_error(None, _("This sign-in may look but not answer: please call us."))
        return 403
    if not form.is_valid():
        return 422
    try:
        form.take(found, by=request.user, now=timezone.now())
    except ValidationError as error:
        form.add_error(None, ValidationError(error.messages))
        return getattr(error, "status_code", 422)
    return 0
