"""Putting one visit into the diary: pick, lock, look again, write. Called by `clinic.booking` only.

The order is what makes it safe (and what the proofs attack): one statement takes all locks, the next statement reads
what is true now, then the rows are written, and no lock is taken later. The exclusion constraints stay behind it as a
net for forgotten paths.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from django.db import Error
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clinic import availability, gate
from clinic.availability import Offer, Reason, Request
from clinic.models import Appointment, Claim, Hold, RuleOverride
from clinic.refusals import AgainstARule, Busy, Refused, Taken
from patients import locks, merging
from patients.models import Patient, User
from patients.prepared import Prepared, PreparedInsert
from treatments.safety import Checked

Result = TypeVar("Result")

PLACES_TAKEN = frozenset({"busy", "no_room", "no_device", "no_assistant", "patient_busy"})
RETRIES = 2
# Neighbours who book the same minute pick the same free room first; each loses it to at most every one of the others.
OTHER_PICKS = 30
DEADLOCK, LOCK_NOT_AVAILABLE = "40P01", "55P03"
SENTENCES = {
    "claim_resource_is_taken_once": _lazy("This time has just been taken. Nothing you typed is lost: choose another."),
    "appointment_patient_is_in_one_place": _lazy("The patient already has a visit at this time."),
    "appointment_session_has_one_live_visit": _lazy("This session already has a visit in the diary."),
}

_CLAIMS = PreparedInsert("insert_claims", Claim)
_DROP_EXPIRED = Prepared(
    "drop_expired_holds",
    "UPDATE clinic_claim SET live = false FROM clinic_hold WHERE clinic_claim.hold_id = clinic_hold.id"
    " AND clinic_claim.live AND clinic_claim.resource_id = ANY(%(resources)s)"
    " AND clinic_hold.kept_until <= greatest(clock_timestamp(), %(now)s) RETURNING clinic_claim.id",
    resources="bigint[]", now="timestamptz",
)  # fmt: skip


@dataclass(frozen=True)
class Placement:
    """A visit that is wanted at one time.

    `overrides` maps a soft rule's code to the reason for allowing it anyway; soft rules in `unasked` do not apply.
    `hold` keeps the time for it.
    """

    request: Request
    patient: Patient | None
    starts_at: datetime
    note: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    unasked: frozenset[str] = frozenset()
    hold: Hold | None = None

    @property
    def allowed(self) -> frozenset[str]:
        """The soft rules that do not stand in the way."""
        return self.unasked | frozenset(self.overrides)

    @property
    def on(self) -> date:
        return self.starts_at.astimezone(self.request.location.zone).date()


class NotFree(Exception):
    """The time is not offered. Without `reasons` they are looked for after the roll-back, as alternatives are."""

    def __init__(self, placement: Placement, now: datetime, reasons: list[Reason] | None = None) -> None:
        super().__init__(placement.starts_at.isoformat())
        self.placement = placement
        self.now = now
        self.reasons = reasons


class PickGone(Exception):
    """What was picked went to somebody else, but something is free now: try again."""


def settled(work: Callable[[], Result]) -> Result:
    """Run `work` in one transaction and turn what the database refuses into `Taken`, `Busy` or another try."""
    gone = deadlocks = 0
    while True:
        try:
            return _tried(work)
        except PickGone as error:
            gone += 1
            if gone > OTHER_PICKS:
                raise Busy from error
        except Error as error:
            code = getattr(error.__cause__, "pgcode", None)
            broken = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
            if broken in SENTENCES:
                raise Taken(SENTENCES[broken]) from error
            if code == LOCK_NOT_AVAILABLE or (code == DEADLOCK and deadlocks == RETRIES):
                raise Busy from error
            if code != DEADLOCK:
                raise
            deadlocks += 1


def _tried(work: Callable[[], Result]) -> Result:
    """Do it in a transaction. Why a time is not free is found without the locks, so that nobody waits for the words."""
    try:
        with locks.writing():
            return work()
    except NotFree as refusal:
        around = _around(refusal.placement, refusal.now)
        reasons = why_not(refusal.placement, around) if refusal.reasons is None else refusal.reasons
        if not reasons and refusal.reasons is None:
            raise PickGone from refusal
        raise _refusal(refusal.placement, reasons, around) from refusal


def pick(placement: Placement, now: datetime) -> Offer:
    """The practitioner, room and device for the time; raises `NotFree` with the reasons as they are now."""
    try:
        return _found(_start(placement, now).offer(), placement, now)
    except NotFree as refusal:
        raise NotFree(placement, now, why_not(placement, _around(placement, now))) from refusal


def why_not(placement: Placement, around: availability.Around) -> list[Reason]:
    """The reasons that stand in the way, without those that are allowed."""
    return [reason for reason in around.reasons() if not (reason.is_soft and reason.code in placement.allowed)]


def lock_and_look_again(placement: Placement, now: datetime, *, freed: Iterable[int] = ()) -> Offer:
    """Take every lock in one statement, then pick again among what is locked, from what is true now.

    `freed`: resources of the old place.
    """
    start = _start(placement, now)
    first = _found(start.offer(), placement, now)
    wanted = {take.resource_id for take in first.takes} | set(freed)
    patients = [] if placement.patient is None else merging.keys_of(placement.patient)
    before = locks.taking(resources=wanted, patients=patients) + freeing(wanted, now)
    return _found(start.offer(among=wanted, after=before), placement, now)


def lock(resources: Iterable[int], patients: Iterable[int], now: datetime) -> None:
    """Take every lock in one statement, then free what was kept for too long, as `freeing` says."""
    _DROP_EXPIRED.rows(_expired(resources, now), after=locks.taking(resources=resources, patients=patients))


def freeing(resources: Iterable[int], now: datetime) -> str:
    """SQL that frees what was kept until a moment that is over by the caller's clock, or by now by the database's."""
    return _DROP_EXPIRED.text(_expired(resources, now))


def check_safety(placement: Placement) -> Checked:
    """What the safety check leaves; raises `Refused` for what forbids the visit on that day."""
    session = placement.request.session
    checked = gate.check(placement.patient, placement.request.service, session, placement.on)
    gate.refuse_blocked(checked.findings, "book")
    return checked


def write_claims(owner: Appointment | Hold, offer: Offer) -> None:
    """Lay the claims of a visit or a hold; the old ones must have been released in the same transaction."""
    lay_claims([(owner, offer)])


def lay_claims(owned: Iterable[tuple[Appointment | Hold, Offer]]) -> None:
    """The same for many, in one statement."""
    claims = []
    for owner, offer in owned:
        of = {"hold": owner} if isinstance(owner, Hold) else {"appointment": owner}
        claims += claims_of(offer, **of)
    _CLAIMS.write(claims)


def claims_of(offer: Offer, **of: Appointment | Hold) -> list[Claim]:
    """What the offer takes, not yet written; its `appointment` or `hold` may be known later."""
    return [
        Claim(resource_id=take.resource_id, starts_at=take.starts_at, ends_at=take.ends_at, **of)
        for take in offer.takes
    ]


def release_claims(appointment: Appointment) -> None:
    """Free the visit's people, rooms and devices."""
    Claim.objects.filter(appointment=appointment, live=True).update(live=False)


def write_overrides(appointment: Appointment, placement: Placement, by: User, now: datetime) -> None:
    """Keep who allowed which soft rule anyway, and why; what is no such rule was not allowed either."""
    RuleOverride.objects.bulk_create(
        RuleOverride(appointment=appointment, rule=rule, reason=reason, allowed_by=by, allowed_at=now)
        for rule, reason in placement.overrides.items()
        if rule in availability.SOFT
    )


def _expired(resources: Iterable[int], now: datetime) -> dict[str, object]:
    return {"resources": sorted(resources), "now": now}


def _start(placement: Placement, now: datetime) -> availability.OneStart:
    return availability.OneStart(placement.request, placement.starts_at, now, placement.allowed)


def _found(offer: Offer | None, placement: Placement, now: datetime) -> Offer:
    if offer is None:
        raise NotFree(placement, now)
    return offer


def _around(placement: Placement, now: datetime) -> availability.Around:
    return availability.Around(placement.request, placement.starts_at, now)


def _refusal(placement: Placement, reasons: list[Reason], around: availability.Around) -> Exception:
    if any(not reason.is_soft and reason.code not in PLACES_TAKEN for reason in reasons) or not reasons:
        return Refused([reason.text for reason in reasons] or _("This time cannot be booked."))
    if all(reason.is_soft for reason in reasons):
        rules = [reason.code for reason in reasons]
        return AgainstARule([reason.text for reason in reasons], rules=[*rules, *placement.overrides])
    return Taken(
        " ".join([_("This time is no longer free."), *(reason.text for reason in reasons)]),
        alternatives=[offer.starts_at for offer in around.nearest(availability.ALTERNATIVES)],
    )
