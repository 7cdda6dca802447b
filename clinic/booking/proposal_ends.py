"""How an open proposal ends; and the ones about visits, or a course, that are changed in another way: they end with it.

Called by the verbs that book, move or cancel a visit and by `clinic.proposals`, in a transaction that holds the
patient's lock, without which no proposal comes or goes.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from clinic import reminders, todo
from clinic.booking import kept_times
from clinic.booking.changes import Change
from clinic.models import Appointment, Claim, Hold, Proposal
from patients.models import User
from treatments.models import TreatmentSeries

State = Proposal.State


def about(visits: Collection[int], sessions: Collection[int] = ()) -> QuerySet[Proposal]:
    """Those that wait for an answer about these visits, or about sessions that wait for one (by key)."""
    mine = Q(visits__appointment__in=visits)
    return _open(mine | Q(visits__session__in=sessions) if sessions else mine)


def about_changes(changes: Iterable[Change]) -> QuerySet[Proposal]:
    """Those about visits that get new times now, or sessions that get one."""
    changes = list(changes)
    visits = [item.appointment.pk for item in changes if item.appointment is not None]
    return about(visits, [item.session.pk for item in changes if item.session is not None])


def about_course(series: TreatmentSeries) -> QuerySet[Proposal]:
    """Those about any visit of the series."""
    return _open(Q(visits__appointment__session__series=series) | Q(visits__session__series=series))


def _open(mine: Q) -> QuerySet[Proposal]:
    return Proposal.objects.filter(mine, state=State.OPEN).distinct()


def kept_by(proposals: Iterable[Proposal]) -> QuerySet[Hold]:
    """The new times that they still keep."""
    return Hold.objects.filter(proposed_visit__proposal__in=proposals, ended_at=None)


def kept_for(visit: Appointment) -> Hold | None:
    """The new time that is kept for the visit itself, if one is proposed."""
    return kept_by(about([visit.pk])).filter(proposed_visit__appointment=visit).first()


def claims_for(visits: Collection[int]) -> QuerySet[Claim]:
    """What proposals about these visits (keys) keep."""
    return Claim.objects.filter(hold__proposed_visit__proposal__in=about(visits), live=True)


def take_back(proposals: Iterable[Proposal], by: User, now: datetime) -> None:
    """Their times are free again, and a message that has not gone out is not sent."""
    for proposal in list(proposals):
        taken_back(proposal, by, now)


def taken_back(proposal: Proposal, by: User, now: datetime) -> None:
    """Take one back that is open."""
    release(proposal, now)
    answer(proposal, State.WITHDRAWN, "", by, now)


def release(proposal: Proposal, now: datetime) -> None:
    """Free the times that it keeps."""
    kept_times.end(list(kept_by([proposal]).values_list("pk", flat=True)), Hold.End.RELEASED, now)


def answer(proposal: Proposal, state: str, how: str, by: User, now: datetime, *, wish: str = "") -> None:
    """Note what became of it; nobody has to call about it any more, and what asks for an answer is not sent."""
    if proposal.wish:  # they had asked for a call
        todo.called(proposal.patient, proposal.wish, by, now)
    proposal.state, proposal.answer, proposal.answered_by, proposal.answered_at = state, how, by, now
    proposal.wish = wish or proposal.wish
    proposal.version += 1
    proposal.save(update_fields=["state", "answer", "answered_by", "answered_at", "wish", "version"])
    reminders.answered(proposal)
