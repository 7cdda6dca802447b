"""What becomes of a proposal: accepted, other times or a call asked for, or taken back."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext as _

from clinic import placing, reminders, todo
from clinic.booking import kept_times, proposal_ends, together
from clinic.booking.together import Together
from clinic.models import Hold, Proposal, ProposedVisit
from clinic.proposals.reading import as_it_is, change_of, rows_of
from clinic.refusals import Refused
from patients import locks, merging
from patients.models import User
from patients.refusals import Conflict

State, Answer = Proposal.State, Proposal.Answer


class _AcceptedBefore(Exception):
    """Somebody was as quick as we were, and said the same."""


def accept(
    proposal: Proposal, *, by: User, now: datetime, by_phone: bool = False, version: int | None = None
) -> Proposal:
    """The visits get the new times. After the deadline too, if all of them are still free. Twice is once.

    Raises `Conflict` when it was answered otherwise or taken back, or one of the visits was changed since.
    """
    answer = Answer.PHONE if by_phone else Answer.ONLINE

    rows = rows_of(proposal)

    def look_first() -> None:
        current = Proposal.objects.get(pk=proposal.pk)
        if current.state == State.ACCEPTED:
            raise _AcceptedBefore
        _refuse_answered(current, version)
        _refuse_moved_on(rows)

    def work(*, is_wide: bool) -> Proposal:
        how = Together(by, now, allowed_by=proposal.made_by)
        try:
            together.within([change_of(row) for row in rows], how, is_wide=is_wide, look_first=look_first)
        except _AcceptedBefore:
            return as_it_is(proposal)
        current = Proposal.objects.get(pk=proposal.pk)
        proposal_ends.answer(current, State.ACCEPTED, answer, by, now)
        reminders.moved_together(current, now)
        return as_it_is(proposal)

    return together.settled(work)


def ask_for_another(proposal: Proposal, *, by: User, now: datetime, wish: str, version: int | None = None) -> Proposal:
    """The patient wants other times: these are free again, and reception is asked to find some. Twice is once."""
    wish = wish.strip()
    if not wish:
        raise Refused(_("Say which times would suit."))

    def work() -> Proposal:
        current = _locked(proposal)
        if (current.state, current.answer, current.wish) == (State.DECLINED, Answer.ANOTHER, wish):
            return current
        _refuse_answered(current, version)
        proposal_ends.release(current, now)
        proposal_ends.answer(current, State.DECLINED, Answer.ANOTHER, by, now, wish=wish)
        todo.ask_to_call(current.patient, _wants_another(wish), current.kept_until, now)
        return current

    return placing.settled(work)


def ask_for_call(proposal: Proposal, *, by: User, now: datetime, wish: str, version: int | None = None) -> Proposal:
    """The patient wants to be called: the proposal stays open and its times are kept, so that they can be agreed on."""
    said = wish.strip() or _("Please call me.")

    def work() -> Proposal:
        current = _locked(proposal)
        if (current.state, current.wish) == (State.OPEN, said):
            return current
        _refuse_answered(current, version)
        current.wish = said
        current.version += 1
        current.save(update_fields=["wish", "version"])
        todo.ask_to_call(current.patient, _wants_a_call(said), current.kept_until, now)
        return current

    return placing.settled(work)


def withdraw(proposal: Proposal, *, by: User, now: datetime, version: int | None = None) -> Proposal:
    """Take it back: the times are free again, and a message that has not gone out is not sent. Twice is once."""

    def work() -> Proposal:
        current = _locked(proposal)
        if current.state == State.WITHDRAWN:
            return current
        _refuse_answered(current, version)
        proposal_ends.taken_back(current, by, now)
        return current

    return placing.settled(work)


def _refuse_moved_on(rows: Sequence[ProposedVisit]) -> None:
    """A visit that has another time than the patient was told is not moved any more."""
    visits = ProposedVisit.objects.filter(pk__in=[row.pk for row in rows], appointment__isnull=False)
    if visits.exclude(was_at=F("appointment__starts_at")).exists():
        raise Conflict(_("One of the visits has been changed since these times were proposed. Look at it again."))


def _refuse_answered(proposal: Proposal, version: int | None) -> None:
    if proposal.state != State.OPEN:
        words = {"state": proposal.get_answer_display() or proposal.get_state_display()}
        raise Conflict(_("This proposal has been answered or taken back in the meantime: %(state)s.") % words)
    if version is not None and proposal.version != version:
        raise Conflict(_("Somebody else changed this proposal in the meantime. Look at it again."))


def _locked(proposal: Proposal) -> Proposal:
    """The locks of the patient and of what is kept, then the proposal as it is now."""
    holds = list(Hold.objects.filter(proposed_visit__proposal=proposal))
    locks.take(resources=kept_times.resources_of(holds), patients=merging.keys_of(proposal.patient))
    return as_it_is(proposal)


def _wants_another(wish: str) -> str:
    return _("The patient wants other times than proposed: “%(wish)s”") % {"wish": wish}


def _wants_a_call(wish: str) -> str:
    return _("The patient asks for a call about the proposed times: “%(wish)s”") % {"wish": wish}
