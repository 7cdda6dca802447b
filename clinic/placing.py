"""Putting one visit into the diary: pick, lock, look again, write. Called by `clinic.booking` only.

The order is what makes it safe (and what the proofs attack): one statement takes all locks, the next statement reads
what is true now, then the rows are written, and no lock is taken later. The exclusion constraints stay behind it as a
net for forgotten paths.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from django.db import Error, connection, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clinic import availability, courses, gate
from clinic.availability import Offer, Reason, Request
from clinic.models import Appointment, Claim, RuleOverride
from clinic.refusals import Busy, Refused, Taken
from patients import locks
from patients.models import Patient, User
from treatments.findings import Finding

Result = TypeVar("Result")

PLACES_TAKEN = frozenset({"busy", "no_room", "no_device", "patient_busy"})
RETRIES = 2
DEADLOCK, LOCK_NOT_AVAILABLE = "40P01", "55P03"
SENTENCES = {
    "claim_resource_is_taken_once": _lazy("This time has just been taken. Nothing you typed is lost: choose another."),
    "appointment_patient_is_in_one_place": _lazy("The patient already has a visit at this time."),
    "appointment_session_has_one_live_visit": _lazy("This session already has a visit in the diary."),
}


@dataclass(frozen=True)
class Placement:
    """A visit that is wanted at one time. `overrides` maps a soft rule's code to the reason for allowing it anyway."""

    request: Request
    patient: Patient
    starts_at: datetime
    note: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def on(self) -> date:
        return self.starts_at.astimezone(self.request.location.zone).date()


class NotFree(Exception):
    """The time is not offered; carries the reasons. Alternatives are looked for after the roll-back."""

    def __init__(self, placement: Placement, reasons: list[Reason], now: datetime) -> None:
        super().__init__(placement.starts_at.isoformat())
        self.placement = placement
        self.reasons = reasons
        self.now = now


class PickGone(Exception):
    """The picked room or device went to somebody else, but another one is free: try again."""


def settled(work: Callable[[], Result]) -> Result:
    """Run `work` in one transaction and turn what the database refuses into `Taken`, `Busy` or another try."""
    for attempt in range(RETRIES + 1):
        try:
            with transaction.atomic():
                return work()
        except NotFree as refusal:
            raise _refusal(refusal) from refusal
        except PickGone as gone:
            if attempt == RETRIES:
                raise Busy from gone
        except Error as error:
            code = getattr(error.__cause__, "pgcode", None)
            broken = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
            if broken in SENTENCES:
                raise Taken(SENTENCES[broken]) from error
            if code == LOCK_NOT_AVAILABLE or (code == DEADLOCK and attempt == RETRIES):
                raise Busy from error
            if code != DEADLOCK:
                raise
    raise Busy


def pick(placement: Placement, now: datetime) -> Offer:
    """The practitioner, room and device for the time; raises `NotFree`."""
    allowed = frozenset(placement.overrides)
    offer = availability.offer_at(placement.request, placement.starts_at, now, allow=allowed)
    if offer is None:
        reasons = availability.explain(placement.request, placement.starts_at, now)
        raise NotFree(placement, [reason for reason in reasons if not (reason.is_soft and reason.code in allowed)], now)
    return offer


def lock_and_look_again(placements: list[Placement], now: datetime, *, freed: list[int] | None = None) -> list[Offer]:
    """Take every lock in one statement, then pick again from what is true now. `freed`: resources of the old place."""
    picks = [pick(placement, now) for placement in placements]
    wanted = {take.resource_id for offer in picks for take in offer.takes} | set(freed or [])
    locks.take(resources=wanted, patients={placement.patient.pk for placement in placements})
    _drop_expired_holds(wanted)
    offers = [pick(placement, now) for placement in placements]
    if not {take.resource_id for offer in offers for take in offer.takes} <= wanted:
        raise PickGone
    return offers


def check_rules(placement: Placement) -> list[Finding]:
    """The series' window and the safety rules; raises `Refused`, returns the findings that remain."""
    session = placement.request.session
    if session is not None:
        window = courses.refuse_too_close(session, placement.on, besides=placement.request.ignore_id)
        if placement.on > window.latest and "after_window" not in placement.overrides:
            raise Refused(
                _("Later than planned: this session is best by %(day)s. Allow it anyway by giving a reason.")
                % {"day": date_format(window.latest, "l j F Y")}
            )
    found = gate.findings(placement.patient, placement.request.service, session, placement.on)
    gate.refuse_blocked(found, "book")
    return found


def write_claims(appointment: Appointment, offer: Offer) -> None:
    """Lay the visit's claims; the old ones must have been released in the same transaction."""
    Claim.objects.bulk_create(
        Claim(resource_id=take.resource_id, appointment=appointment, starts_at=take.starts_at, ends_at=take.ends_at)
        for take in offer.takes
    )


def release_claims(appointment: Appointment) -> None:
    """Free the visit's people, rooms and devices."""
    Claim.objects.filter(appointment=appointment, live=True).update(live=False)


def write_overrides(appointment: Appointment, placement: Placement, by: User, now: datetime) -> None:
    """Keep who allowed which soft rule anyway, and why."""
    RuleOverride.objects.bulk_create(
        RuleOverride(appointment=appointment, rule=rule, reason=reason, allowed_by=by, allowed_at=now)
        for rule, reason in placement.overrides.items()
    )


def _drop_expired_holds(resources: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE clinic_claim SET live = false FROM clinic_hold"
            " WHERE clinic_claim.hold_id = clinic_hold.id AND clinic_claim.live"
            " AND clinic_claim.resource_id = ANY(%s) AND clinic_hold.kept_until <= clock_timestamp()",
            [sorted(resources)],
        )


def _refusal(refusal: NotFree) -> Exception:
    placement, reasons = refusal.placement, refusal.reasons
    if any(not reason.is_soft and reason.code not in PLACES_TAKEN for reason in reasons) or not reasons:
        return Refused([reason.text for reason in reasons] or _("This time cannot be booked."))
    if all(reason.is_soft for reason in reasons):
        return Refused([reason.text for reason in reasons])
    return Taken(
        " ".join([_("This time is no longer free."), *(reason.text for reason in reasons)]),
        alternatives=[offer.starts_at for offer in alternatives(placement, refusal.now)],
    )


def alternatives(placement: Placement, now: datetime, count: int = 3) -> list[Offer]:
    """The nearest free times that this visit could really have: inside its window where there is one."""
    session, zone = placement.request.session, placement.request.location.zone
    offers = availability.nearest(placement.request, placement.starts_at, 40, now)
    if session is not None:
        window = courses.windows(session.series, besides=placement.request.ignore_id)[session.number]
        offers = [o for o in offers if window.earliest <= o.starts_at.astimezone(zone).date() <= window.latest]
    return offers[:count]
