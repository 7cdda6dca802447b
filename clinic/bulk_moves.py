"""Somebody is ill: the writer of plans that give all their visits other times, and of the calls that go with it.

A plan begins with the absence. `bulk_plans` works it out; a person looks at it, and the visits are moved together, all
that are ticked or none, or offered to the patients. Visits of today and tomorrow are on the call list: a message may
come too late for them.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import booking, bulk_plans, premises, proposals, timespans, to_move
from clinic.booking import Moved, SomeRefused, SomeTaken
from clinic.models import Absence, Appointment, BulkMove, BulkMoveVisit, Practitioner, Proposal
from clinic.refusals import Refused
from clinic.timespans import Span
from patients import submissions
from patients.models import User
from patients.refusals import Conflict
from patients.submissions import Sent

State, Outcome, Call = BulkMove.State, BulkMoveVisit.Outcome, BulkMoveVisit.Call
TO_CALL_DAYS = 2


class Touched(Conflict):
    """Some of the times are gone or not allowed; nothing was moved, and new ones are being worked out for these."""


def begin(
    practitioner: Practitioner, *, starts_at: datetime, ends_at: datetime, reason: str, by: User, now: datetime,
    submission: Sent,
) -> BulkMove:  # fmt: skip
    """Enter the absence and note all visits in it that are to come. A repeated submission gets the first plan."""
    if not starts_at < ends_at or ends_at <= now:
        raise Refused(_("Choose a time that is not over yet."))

    def act() -> str:
        absence = Absence(resource=practitioner.resource, starts_at=starts_at, ends_at=ends_at, reason=reason[:120])
        # Its locks are held until the end: whoever books with them comes before the look below, or is refused.
        premises.keep_absence(absence)
        bulk = BulkMove.objects.create(
            practitioner=practitioner, starts_at=starts_at, ends_at=ends_at, reason=reason, made_by=by, made_at=now
        )
        within = to_move.taking([practitioner.pk], Span(starts_at, ends_at))
        visits = Appointment.objects.for_lists().filter(within, status__in=to_move.WAITING, starts_at__gte=now)
        BulkMoveVisit.objects.bulk_create(
            BulkMoveVisit(bulk_move=bulk, appointment=visit, was_at=visit.starts_at, is_to_call=_is_soon(visit, now))
            for visit in visits
        )
        return str(bulk.public_id)

    public_id = submissions.answer(submission, user=by, verb="bulk_move", act=act)
    return BulkMove.objects.select_related("practitioner__resource").get(public_id=public_id)


def move_all(
    bulk_move: BulkMove, ticked: Collection[int], *, by: User, now: datetime, version: int, submission: Sent
) -> int:
    """Move the visits of the ticked rows (keys), all or none; the others are left as they are. Returns how many.

    Raises `Touched` when a time is gone or a visit was changed: nothing is moved then, and these are worked out anew.
    """

    def act() -> str:
        bulk = _locked(bulk_move, version)
        rows = _planned(bulk, ticked, now)
        if not rows:
            raise Refused(_("Tick at least one visit."))
        details = {"cause": Proposal.Cause.AWAY, "bulk_move": bulk}
        booking.move_together(_moves(rows), by=by, now=now, reason=bulk.reason, **details)
        _become(rows, Outcome.MOVED)
        bulk.visits.filter(outcome=Outcome.WAITING).update(outcome=Outcome.LEFT)
        _settle(bulk, now)
        return str(len(rows))

    try:
        return int(submissions.answer(submission, user=by, verb="bulk_move_all", act=act))
    except (SomeTaken, SomeRefused) as error:
        _work_out_anew(bulk_move, error.keys)
        raise Touched([_times_gone(), *error.messages]) from error
    except _Changed as error:
        _work_out_anew(bulk_move, error.keys)
        raise Touched(_times_gone()) from error


def propose_all(
    bulk_move: BulkMove, ticked: Collection[int], *, kept_until: datetime, by: User, now: datetime, version: int,
    submission: Sent,
) -> int:  # fmt: skip
    """Offer the patients of the ticked rows their new times, each patient all of theirs or none; returns to how many.

    Visits of the call list are left out, they wait for a call. What is not ticked is left as it is. Raises `Touched`
    for patients whose times are gone, once all others have their offer.
    """
    earlier = submissions.answered(submission, user=by, verb="bulk_move_propose")
    if earlier is not None:
        return int(earlier)
    if bulk_move.state != State.READY or bulk_move.version != version:
        raise _changed()
    rows, _gone = bulk_plans.waiting(bulk_move, now)
    wanted = [row for row in rows if row.pk in ticked and row.starts_at is not None and not row.is_to_call]
    if not wanted:
        raise Refused(_("Tick at least one visit that is not on the call list."))
    touched: dict[int, list[str]] = {}
    patients = sorted({row.appointment.patient_id for row in wanted})
    for patient in patients:
        mine = {row.pk for row in wanted if row.appointment.patient_id == patient}
        try:
            _propose(bulk_move, mine, kept_until, by, now)
        except (SomeTaken, SomeRefused, _Changed) as error:
            touched |= dict.fromkeys(error.keys, error.messages)

    def finish() -> str:
        bulk = BulkMove.objects.select_for_update().get(pk=bulk_move.pk)
        here = bulk.visits.filter(outcome=Outcome.WAITING, is_to_call=False)
        here.exclude(pk__in=ticked).update(outcome=Outcome.LEFT)
        if bulk.state == State.READY and not touched:
            _settle(bulk, now)
        return str(len(patients))

    done = submissions.answer(submission, user=by, verb="bulk_move_propose", act=finish)
    if touched:
        _work_out_anew(bulk_move, touched)
        raise Touched([_times_gone(), *dict.fromkeys(text for texts in touched.values() for text in texts)])
    return int(done)


def give_up(bulk_move: BulkMove, *, now: datetime, version: int) -> BulkMove:
    """Leave the visits that wait as they are; the absence stays. What was moved stays moved."""
    with transaction.atomic():
        bulk = BulkMove.objects.select_for_update().get(pk=bulk_move.pk)
        if bulk.state == State.DROPPED:
            return bulk
        if bulk.state == State.APPLIED or bulk.version != version:
            raise _changed()
        bulk.visits.filter(outcome=Outcome.WAITING).update(outcome=Outcome.LEFT)
        # What has been moved or offered is done, whatever becomes of the rest.
        is_begun = bulk.state == State.READY and bulk.visits.exclude(outcome=Outcome.LEFT).exists()
        _end(bulk, State.APPLIED if is_begun else State.DROPPED, now)
    bulk_plans.forget(bulk)
    return bulk


def note_call(row: BulkMoveVisit, call: str, *, by: User, now: datetime) -> BulkMoveVisit:
    """Note that the patient was reached, or a message left; an empty one takes the note back."""
    if call not in ("", *Call.values):
        raise Refused(_("Say whether the patient was reached or a message was left."))
    if not row.is_to_call:
        raise Refused(_("This visit is not on the call list."))
    row.call = call
    row.called_by, row.called_at = (by, now) if call else (None, None)
    row.save(update_fields=["call", "called_by", "called_at"])
    return row


# -- Under the lock of the plan ---------------------------------------------------------------------------------------


class _Changed(Exception):
    """Visits that are not as they were when the plan was made."""

    def __init__(self, keys: set[int]) -> None:
        super().__init__()
        self.keys, self.messages = keys, []


def _locked(bulk_move: BulkMove, version: int) -> BulkMove:
    bulk = BulkMove.objects.select_for_update().get(pk=bulk_move.pk)
    if bulk.state != State.READY or bulk.version != version:
        raise _changed()
    return bulk


def _times_gone() -> str:
    return _("Some of the times cannot be had any more. New ones are being worked out for these visits.")


def _changed() -> Conflict:
    return Conflict(_("Somebody else has worked on this meanwhile. Look at it again before you go on."))


def _planned(bulk: BulkMove, ticked: Collection[int], now: datetime) -> list[BulkMoveVisit]:
    """The ticked rows that have a time; raises `_Changed` if the visit of one of them is not as it was."""
    rows, changed = bulk_plans.waiting(bulk, now)
    wanted = [row for row in rows if row.pk in ticked and row.starts_at is not None]
    keys = {row.appointment_id for row in wanted} & {row.appointment_id for row in changed}
    if keys:
        raise _Changed(keys)
    people = Practitioner.objects.select_related("resource").in_bulk([row.practitioner_id for row in wanted])
    for row in wanted:
        row.practitioner = people.get(row.practitioner_id)
    return wanted


def _propose(bulk_move: BulkMove, mine: Collection[int], kept_until: datetime, by: User, now: datetime) -> None:
    """One patient's visits, in a transaction of their own: nobody waits for the locks of all."""
    with transaction.atomic():
        bulk = BulkMove.objects.select_for_update().get(pk=bulk_move.pk)
        rows = _planned(bulk, mine, now)
        if not rows:
            return
        series = {row.appointment.session.series for row in rows if row.appointment.session is not None}
        proposals.propose(
            _moves(rows), patient=rows[0].appointment.patient, series=series.pop() if len(series) == 1 else None,
            cause=Proposal.Cause.AWAY, kept_until=kept_until, by=by, now=now, bulk_move=bulk,
        )  # fmt: skip
        _become(rows, Outcome.PROPOSED)


def _moves(rows: Collection[BulkMoveVisit]) -> list[Moved]:
    return [
        Moved(row.appointment, row.starts_at, row.practitioner, row.appointment.version, takes=frozenset(row.takes))
        for row in rows
    ]


def _work_out_anew(bulk_move: BulkMove, keys: Collection[int]) -> None:
    """The visits of these keys get new times; the others keep theirs if they can."""
    with transaction.atomic():
        bulk = BulkMove.objects.select_for_update().get(pk=bulk_move.pk)
        if bulk.state != State.READY:
            return
        rows = bulk.visits.filter(outcome=Outcome.WAITING)
        rows.filter(appointment__in=list(keys)).update(starts_at=None, ends_at=None, practitioner=None, takes=[])
        rows.update(is_looked_at=False, why="")
        bulk.state, bulk.version = State.PLANNING, bulk.version + 1
        bulk.save(update_fields=["state", "version"])
        bulk_plans.forget(bulk)


def _become(rows: Collection[BulkMoveVisit], outcome: str) -> None:
    BulkMoveVisit.objects.filter(pk__in=[row.pk for row in rows]).update(outcome=outcome)


def _settle(bulk: BulkMove, now: datetime) -> None:
    """Done, once nothing waits that could be moved."""
    rows = bulk.visits.filter(outcome=Outcome.WAITING)
    if rows.filter(starts_at__isnull=False).exists():
        bulk.version += 1
        bulk.save(update_fields=["version"])
        return
    rows.update(outcome=Outcome.LEFT)
    _end(bulk, State.APPLIED, now)


def _end(bulk: BulkMove, state: str, now: datetime) -> None:
    bulk.state, bulk.ended_at, bulk.version = state, now, bulk.version + 1
    bulk.save(update_fields=["state", "ended_at", "version"])


def _is_soon(visit: Appointment, now: datetime) -> bool:
    """Whether it is today or tomorrow at its location."""
    zone = visit.location.zone
    return timespans.date_of(zone, visit.starts_at) < timespans.date_of(zone, now) + timedelta(days=TO_CALL_DAYS)
