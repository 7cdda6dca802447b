"""What becomes of a proposal: accepted, other times taken, other times or a call asked for, or taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.db.models import F
from django.utils.translation import gettext as _

from clinic import placing, reminders, todo
from clinic.booking import kept_times, proposal_ends, together
from clinic.booking.changes import Change
from clinic.booking.together import Together
from clinic.models import Appointment, Hold, Proposal, ProposedVisit
from clinic.proposals import picking
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
    rows = rows_of(proposal)
    agreed = _Agreed(proposal, rows, [change_of(row) for row in rows], Answer.PHONE if by_phone else Answer.ONLINE)
    return _settled(agreed, Together(by, now, allowed_by=proposal.made_by), version)


def pick(
    proposal: Proposal, starts: Mapping[int, datetime], *, by: User, now: datetime, version: int | None = None
) -> Proposal:  # fmt: skip
    """The visits get their new times, those named in `starts` (primary key: start) another one than was proposed.

    What was kept for these is free again. Twice is once. Raises what `accept` raises; `SomeTaken` for starts that
    cannot be had, beside the others, without asking anybody.
    """
    rows = rows_of(proposal)
    wanted = {row.pk: starts.get(row.pk, row.starts_at) for row in rows}
    if proposal.state == State.OPEN:
        changes = picking.changes(rows, wanted, now)
    else:
        changes = [replace(change_of(row), starts_at=wanted[row.pk]) for row in rows]
    said = _("The patient took another time than the proposed one.")
    picked = frozenset(item for item in changes if item.hold is None)
    how = Together(by, now, said, allowed_by=proposal.made_by, reason_for=picked)
    return _settled(_Agreed(proposal, rows, changes, Answer.ONLINE), how, version)


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


@dataclass(frozen=True)
class _Agreed:
    """What a proposal ends with: its visits as they were proposed, what they get, and how it was said."""

    proposal: Proposal
    rows: Sequence[ProposedVisit]
    changes: Sequence[Change]
    answer: str

    def look_first(self, version: int | None) -> None:
        """Under the locks: nobody else has answered, or they have said the same; no visit has moved on."""
        current = as_it_is(self.proposal)
        wanted = {row.pk: item.starts_at for row, item in zip(self.rows, self.changes, strict=True)}
        if current.state == State.ACCEPTED and wanted == {row.pk: row.starts_at for row in current.visits.all()}:
            raise _AcceptedBefore
        _refuse_answered(current, version)
        _refuse_moved_on(self.rows)

    @property
    def given_up(self) -> list[Hold]:
        """What was kept for times that are not taken."""
        return [row.hold for row, item in zip(self.rows, self.changes, strict=True) if item.hold is None]

    def note(self, visits: Sequence[Appointment]) -> None:
        """Keep the times that the visits got, where they are not those that were proposed."""
        for row, visit in zip(self.rows, visits, strict=True):
            if row.starts_at != visit.starts_at:
                row.starts_at, row.ends_at, row.practitioner_id = visit.starts_at, visit.ends_at, visit.practitioner_id
                row.is_late = False
                row.save(update_fields=["starts_at", "ends_at", "practitioner", "is_late"])


def _settled(agreed: _Agreed, how: Together, version: int | None) -> Proposal:
    """The visits get their times, the proposal its answer, and the patient one message, in one transaction."""

    def work(*, is_wide: bool) -> Proposal:
        look_first = partial(agreed.look_first, version)
        try:
            visits = together.within(
                agreed.changes, how, is_wide=is_wide, look_first=look_first, given_up=agreed.given_up
            )
        except _AcceptedBefore:
            return as_it_is(agreed.proposal)
        agreed.note(visits)
        current = Proposal.objects.get(pk=agreed.proposal.pk)
        proposal_ends.answer(current, State.ACCEPTED, agreed.answer, how.by, how.now)
        reminders.moved_together(current, how.now)
        return as_it_is(agreed.proposal)

    return together.settled(work)


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
