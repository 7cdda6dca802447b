"""Visits, of one patient or of many, get new times in one transaction: all of them or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.utils.translation import gettext as _

from clinic import placing, reminders, todo
from clinic.booking import groups, kept_times, new_visits, proposal_ends, proposal_rows, records, together_look
from clinic.booking.changes import Change, SomeTaken, person
from clinic.booking.proposal_rows import About
from clinic.booking.records import ASSESSED, Status
from clinic.booking.together_look import Found
from clinic.models import Appointment, AppointmentChange, BulkMove, Claim, Hold, Proposal, RuleOverride
from clinic.refusals import Refused
from patients.models import User
from patients.submissions import Sent
from treatments import series as treatment_series
from treatments.models import TreatmentSession

Result = TypeVar("Result")

NEW_TIME = (
    "starts_at", "ends_at", "practitioner", "status", "is_entered_later", "visit_group", "plan_version",
    "ical_sequence", "version", *ASSESSED,
)  # fmt: skip


@dataclass(frozen=True)
class Together:
    """Who changes it and when. `allowed_by`: who answers for visits that are late, if it is somebody else.

    `reason` is about every visit, or about those in `reason_for`.
    """

    by: User
    now: datetime
    reason: str = ""
    allowed_by: User | None = None
    cause: str = Proposal.Cause.OTHER
    bulk_move: BulkMove | None = None
    reason_for: frozenset[Change] | None = None

    def reason_of(self, item: Change) -> str:
        return self.reason if self.reason_for is None or item in self.reason_for else ""


def move_together(
    moves: Sequence[Change], *, by: User, now: datetime, reason: str = "", submission: Sent | None = None,
    cause: str = Proposal.Cause.OTHER, bulk_move: BulkMove | None = None,
) -> list[Appointment]:  # fmt: skip
    """Move all visits, and book all sessions, or none; returns the visits in the order of the moves.

    Raises `SomeTaken` or `SomeRefused`, which name the visits; `Conflict` when one was changed meanwhile. A repeated
    submission gets the first visits. Later than planned is allowed, with the reason. Each patient gets one message; for
    several visits of one it is about a proposal that was accepted at once, with `cause` and `bulk_move`.
    """

    how = Together(by, now, reason, cause=cause, bulk_move=bulk_move)

    def work(*, is_wide: bool) -> list[Appointment]:
        def write() -> list[Appointment]:
            return written(anew(moves, by, now, is_wide=is_wide), how, is_announced=False)

        return new_visits.once(write, submission, by, verb="move together")

    return settled(work)


def settled(work: Callable[..., Result]) -> Result:
    """Run `work(is_wide=…)` in one transaction: with the locks of what was found, and if that is gone with all."""
    try:
        return placing.settled(lambda: work(is_wide=False))
    except SomeTaken:
        return placing.settled(lambda: work(is_wide=True))


def within(
    moves: Sequence[Change], how: Together, *, is_wide: bool, look_first: Callable[[], None],
    given_up: Sequence[Hold] = (),
) -> list[Appointment]:  # fmt: skip
    """The visits of a proposal get new times, inside a transaction of `settled`; somebody else tells the patient.

    `look_first` is called once the locks are held. What `given_up` keeps is free again.
    """
    found = locked(moves, how.now, is_wide=is_wide, given_up=given_up, look_first=look_first)
    return written(found, how, is_announced=True)


def anew(moves: Sequence[Change], by: User, now: datetime, *, is_wide: bool) -> list[Found]:
    """Look at new times that are no answer to a proposal: the open ones about the same visits are taken back.

    Inside a transaction of `settled`, whose locks are held then.
    """
    given_up = list(proposal_ends.kept_by(proposal_ends.about_changes(moves)))
    found = locked(moves, now, is_wide=is_wide, given_up=given_up)
    proposal_ends.take_back(proposal_ends.about_changes(moves), by, now)
    return found


def written(found: Sequence[Found], how: Together, *, is_announced: bool) -> list[Appointment]:
    """The visits as they were found under the locks; several of one patient are told of in one message."""
    several = [] if is_announced else _several_of_one(found, how)
    before = {each.item: (each.visit.visit_group, each.visit.starts_at) for each in found if each.visit is not None}
    visits = _write(found, how)
    told = {each.visit.pk for _proposal, mine in several for each in mine}
    reminders.replan_all([visit for visit in visits if visit.pk not in told and not is_announced], how.now)
    reminders.replan_all([visit for visit in visits if visit.pk in told or is_announced], how.now, is_announced=True)
    for proposal, _mine in several:
        reminders.moved_together(proposal, how.now)
    for each in found:
        group, was_at = before.get(each.item, (None, None))
        if group is not None and each.visit.visit_group is None:
            groups.speak_of_the_next(each.visit, group, was_at, how.now)
    return visits


def _several_of_one(found: Sequence[Found], how: Together) -> list[tuple[Proposal, list[Found]]]:
    """What is said of patients several of whose visits get new times: something that a message can be about."""
    of: dict[int, list[Found]] = {}
    for each in found:
        of.setdefault(person(each.item), []).append(each)
    several = [mine for mine in of.values() if len(mine) > 1]
    fields = {"cause": how.cause, "bulk_move": how.bulk_move}
    return [
        (proposal_rows.agreed(mine, About({**fields, "patient": mine[0].item.patient}, how.by, how.now)), mine)
        for mine in several
    ]


def locked(
    moves: Sequence[Change], now: datetime, *, is_wide: bool, given_up: Sequence[Hold] = (),
    look_first: Callable[[], None] | None = None,
) -> list[Found]:  # fmt: skip
    """Take the locks and look at every new time again; what was kept for them, and what is given up, is free then."""
    if not moves:
        raise Refused(_("Choose at least one visit."))
    taken = together_look.lock(moves, given_up, now, is_wide=is_wide)
    if look_first is not None:
        look_first()
    for item in moves:
        if item.hold is not None:
            kept_times.end_as_booked(item.hold, at=item.starts_at, now=now)
    kept_times.end([hold.pk for hold in given_up], Hold.End.RELEASED, now)
    return together_look.look(moves, taken, now)


def _write(found: Sequence[Found], how: Together) -> list[Appointment]:
    moved = [each for each in found if each.visit is not None]
    placed = [each for each in found if each.visit is None]
    _keep_as_they_were(moved, how)
    for each in sorted(moved, key=lambda one: one.visit.starts_at, reverse=True):
        if each.visit.visit_group is not None and each.offer.starts_at != each.visit.starts_at:
            groups.leave(each.visit)
            each.visit.save(update_fields=["visit_group"])
    for wave in _waves(moved):
        for each in wave:
            _settle(each, how.now)
        Appointment.objects.bulk_update([each.visit for each in wave], NEW_TIME)
    _book(placed, how)
    placing.lay_claims((each.visit, each.offer) for each in found)
    _note_late(found, how)
    visits = [each.visit for each in found]
    todo.follow_reviews(visits, how.now)
    return visits


def _keep_as_they_were(moved: Sequence[Found], how: Together) -> None:
    AppointmentChange.objects.bulk_create(
        records.as_it_was(each.visit, AppointmentChange.Kind.MOVED, how.by, how.now, how.reason_of(each.item))
        for each in moved
    )
    Claim.objects.filter(appointment__in=[each.visit.pk for each in moved], live=True).update(live=False)


def _settle(each: Found, now: datetime) -> None:
    visit = each.visit
    records.settle_into(visit, each.offer, each.checked)
    visit.status = Status.BOOKED
    visit.is_entered_later = visit.starts_at < now
    visit.plan_version += 1
    visit.ical_sequence += 1
    visit.version += 1


def _waves(moved: Sequence[Found]) -> list[list[Found]]:
    """In such an order that no visit of a patient comes to where another still is."""
    left, waves = list(moved), []
    while left:
        wave = [each for each in left if not any(_is_in_the_way(other, each) for other in left)]
        if not wave:
            raise Refused(_("Two visits of a patient cannot change places at once: move one of them first."))
        waves.append(wave)
        left = [each for each in left if each not in wave]
    return waves


def _is_in_the_way(other: Found, each: Found) -> bool:
    if other is each or other.visit.patient_id != each.visit.patient_id:
        return False
    return other.visit.starts_at < each.offer.ends_at and other.visit.ends_at > each.offer.starts_at


def _book(placed: Sequence[Found], how: Together) -> None:
    sessions: dict[int, list[TreatmentSession]] = {}
    for each in placed:
        each.visit = records.of_session(each.item.session, each.item.location, how.by, how.now)
        records.settle_into(each.visit, each.offer, each.checked)
        sessions.setdefault(each.item.session.series_id, []).append(each.item.session)
    Appointment.objects.bulk_create([each.visit for each in placed])
    for waiting in sessions.values():
        treatment_series.mark_all_booked(waiting)


def _note_late(found: Sequence[Found], how: Together) -> None:
    otherwise = _("Moved together with other visits: nothing earlier was free.")
    allowed = {"rule": "after_window", "allowed_by": how.allowed_by or how.by, "allowed_at": how.now}
    RuleOverride.objects.bulk_create(
        RuleOverride(appointment=each.visit, reason=how.reason_of(each.item) or otherwise, **allowed)
        for each in found
        if each.is_late
    )
