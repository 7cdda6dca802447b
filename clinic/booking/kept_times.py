"""Times that are kept before they are booked: for minutes while a form is open, or pencilled in for up to 72 hours."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clinic import placing
from clinic.availability import request_for
from clinic.models import Claim, Hold, Location, Practitioner
from clinic.placing import Placement
from clinic.refusals import Refused
from patients import locks, merging, submissions
from patients.models import Patient, User
from patients.prepared import PreparedRows
from patients.submissions import Sent
from treatments.models import Service, TreatmentSession

# Prepared, because everybody who loses a time asks whether they kept it themselves.
_OPEN_HOLD = PreparedRows(
    "open_hold", Hold,
    "WHERE made_by_id = %(by)s AND service_id = %(service)s AND location_id = %(location)s"
    " AND (%(practitioner)s IS NULL OR practitioner_id = %(practitioner)s) AND starts_at = %(starts_at)s"
    " AND NOT is_pencil AND ended_at IS NULL AND kept_until > %(now)s ORDER BY id DESC LIMIT 1",
    by="bigint", service="bigint", location="bigint", practitioner="bigint", starts_at="timestamptz",
    now="timestamptz",
)  # fmt: skip
LONGEST_PENCIL = timedelta(hours=72)
LONGEST_MINUTES = 60


def hold(
    *,
    service: Service,
    location: Location,
    starts_at: datetime,
    by: User,
    now: datetime,
    patient: Patient | None = None,
    session: TreatmentSession | None = None,
    practitioner: Practitioner | None = None,
    chosen: Iterable[int] = (),
    minutes: int | None = None,
    submission: Sent | None = None,
) -> Hold:
    """Keep a free time while a form is open, 1 to 60 minutes from `now`; as long as the location says by default.

    The same person asking again for the same time gets what they have, kept anew. It runs out by the clock of the
    database as well as by `now`, whichever is further on. Raises `Taken` or `Refused` like a booking.
    """
    lasts = timedelta(minutes=location.hold_minutes if minutes is None else minutes)
    if not timedelta(0) < lasts <= timedelta(minutes=LONGEST_MINUTES):
        raise Refused(_("A time is kept for 1 to 60 minutes."))
    details = {"service": service, "location": location, "patient": patient, "session": session}
    kept = {"kept_until": now + lasts, "made_by": by, "made_at": now}
    return _keep(details, kept, starts_at, practitioner, chosen, submission)


def pencil(
    *,
    service: Service,
    location: Location,
    starts_at: datetime,
    kept_until: datetime,
    by: User,
    now: datetime,
    patient: Patient | None = None,
    session: TreatmentSession | None = None,
    practitioner: Practitioner | None = None,
    chosen: Iterable[int] = (),
    kept_for: str = "",
    submission: Sent | None = None,
) -> Hold:
    """Pencil a free time in for somebody, until at most 72 hours from `now` and never beyond its start."""
    if not now < kept_until <= now + LONGEST_PENCIL:
        raise Refused(_("A time can be pencilled in for 72 hours at most. Choose an earlier end."))
    if patient is None and not kept_for.strip():
        raise Refused(_("Say for whom the time is pencilled in."))
    details = {"service": service, "location": location, "patient": patient, "session": session}
    details |= {"is_pencil": True, "kept_for": kept_for.strip()}
    kept = {"kept_until": min(kept_until, starts_at), "made_by": by, "made_at": now}
    return _keep(details, kept, starts_at, practitioner, chosen, submission)


def release(hold: Hold, *, by: User, now: datetime) -> Hold:
    """Give a kept time back before it runs out; anybody at the desk may. Doing it twice changes nothing."""

    def work() -> Hold:
        locks.take(resources=resources_of([hold]))
        current = Hold.objects.get(pk=hold.pk)
        if current.ended_at is None:
            end([current.pk], Hold.End.RELEASED, now)
            current.refresh_from_db(fields=["ended_at", "end"])
        return current

    return placing.settled(work)


def resources_of(holds: Sequence[Hold]) -> list[int]:
    """The people, rooms and devices that the holds still keep."""
    if not holds:
        return []
    claims = Claim.objects.filter(hold__in=[one.pk for one in holds], live=True)
    return list(claims.order_by().values_list("resource_id", flat=True))


def with_its_person(placement: Placement) -> Placement:
    """With the person that the time is kept with, where nobody is asked for.

    Raises `Refused` when it is kept for another patient.
    """
    hold, asked = placement.hold, placement.request
    of = [one and merging.survivor(one) for one in (hold and hold.patient, placement.patient)]
    if all(of) and of[0] != of[1]:
        raise Refused(_("This time is kept for %(patient)s. Give it back first.") % {"patient": of[0]})
    if hold is None or hold.ended_at is not None or asked.practitioner is not None:
        return placement
    is_the_same = (hold.service_id, hold.location_id) == (asked.service.pk, asked.location.pk)
    if not is_the_same or hold.starts_at != placement.starts_at:
        return placement
    return replace(placement, request=replace(asked, practitioner=hold.practitioner))


def own(placement: Placement, by: User, now: datetime) -> Placement:
    """With the time that the person keeps for this very visit, if its form was sent before it knew of that."""
    asked = placement.request
    mine = _mine(
        {"service": asked.service, "location": asked.location}, placement.starts_at, asked.practitioner, by, now
    )
    if mine is None or placement.hold is not None:
        return placement
    return replace(placement, request=replace(asked, ignore_hold_id=mine.pk), hold=mine)


def end_as_booked(hold: Hold, *, at: datetime, now: datetime) -> None:
    """Free what was kept, for the visit that takes it; if that is at another time, the kept one is given back."""
    end([hold.pk], Hold.End.BOOKED if hold.starts_at == at else Hold.End.RELEASED, now)


def _keep(
    details: dict,
    kept: dict,
    starts_at: datetime,
    practitioner: Practitioner | None,
    chosen: Iterable[int],
    submission: Sent | None,
) -> Hold:
    by, now = kept["made_by"], kept["made_at"]
    asked = {name: details[name] for name in ("service", "location", "patient", "session")}

    def work() -> Hold:
        if submission is not None:
            stored = submissions.once(submission, user=by, verb="keep")
            if stored is not None:
                return Hold.objects.get(public_id=stored)
        mine = _mine(details, starts_at, practitioner, by, now)
        request = request_for(practitioner=practitioner, chosen=chosen, ignore_hold=mine, **asked)
        placement = Placement(request, details["patient"], starts_at)
        freed = resources_of([mine] if mine else [])
        offer = placing.lock_and_look_again(placement, now, freed=freed)
        if mine is not None:
            end([mine.pk], Hold.End.RELEASED, now)
        ends = {"ends_at": offer.ends_at, "practitioner_id": offer.practitioner_id}
        made = Hold.objects.create(starts_at=offer.starts_at, **ends, **details, **kept)
        placing.write_claims(made, offer)
        if submission is not None:
            submissions.record(submission, user=by, verb="keep", result=str(made.public_id))
        return made

    return placing.settled(work)


def _mine(
    details: dict, starts_at: datetime, practitioner: Practitioner | None, by: User, now: datetime
) -> Hold | None:
    """What the same person keeps for the same visit already, by a form that is still open or was reloaded."""
    return _OPEN_HOLD.first(
        by=by.pk,
        service=details["service"].pk,
        location=details["location"].pk,
        practitioner=practitioner and practitioner.pk,
        starts_at=starts_at,
        now=now,
    )


def end(holds: Sequence[int], how: str, now: datetime) -> None:
    """Free what these holds keep; of one that has ended nothing changes."""
    Claim.objects.filter(hold__in=holds, live=True).update(live=False)
    Hold.objects.filter(pk__in=holds, ended_at=None).update(ended_at=now, end=how)
