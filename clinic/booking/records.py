"""What the verbs share: the visit as it is under its locks, its status, and what is kept of how it was before."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from clinic import counting, gate, placing
from clinic.availability import Offer
from clinic.booking import proposal_ends
from clinic.models import Appointment, AppointmentChange, Claim, Location
from clinic.refusals import Refused
from patients import locks, merging
from patients.models import User
from patients.prepared import PreparedInsertOfWholes
from patients.refusals import Conflict
from treatments import series as treatment_series
from treatments.models import TreatmentSession
from treatments.safety import Checked

Status = Appointment.Status
_VISITS = PreparedInsertOfWholes("insert_visits", Appointment, Claim, owner="appointment", key="public_id")
ASSESSED = ("needs_review", "assessed_safety_revision", "assessed_catalogue_revision")


def resources_of(visits: Iterable[Appointment]) -> list[int]:
    """The people, rooms and devices that the visits have now, and those kept for other times that are proposed."""
    keys = [visit.pk for visit in visits]
    own, kept = Claim.objects.filter(appointment__in=keys, live=True), proposal_ends.claims_for(keys)
    found = own.order_by().values_list("resource_id", flat=True)
    return list(found.union(kept.order_by().values_list("resource_id", flat=True)))


def locked(appointment: Appointment, version: int) -> Appointment:
    """Take the locks of the visit and read it again; raises `Conflict` when somebody else saved it meanwhile."""
    locks.take(resources=resources_of([appointment]), patients=merging.keys_of(appointment.patient))
    return current(appointment, version)


def end_proposals(visit: Appointment, by: User, now: datetime) -> None:
    """Other times that are proposed for the visit are no use any more: it is moved or given up in another way."""
    proposal_ends.take_back(proposal_ends.about([visit.pk]), by, now)


def current(appointment: Appointment, version: int) -> Appointment:
    """The visit as it is now, if it still has the version that the person saw."""
    visit = Appointment.objects.for_lists().get(pk=appointment.pk)
    if visit.version != version:
        raise Conflict(
            _("Somebody else changed this visit in the meantime. Look at it again before you change it; it is now: %s.")
            % visit.get_status_display()
        )
    return visit


def of_session(session: TreatmentSession, location: Location, by: User, now: datetime) -> Appointment:
    """A new visit of a session, not yet written, without its time."""
    series = session.series
    return Appointment(
        patient=series.patient,
        service=series.protocol_version.protocol.service,
        session=session,
        location=location,
        booked_by=by,
        booked_at=now,
    )


def settle_into(visit: Appointment, offer: Offer, checked: Checked) -> None:
    """Give the visit the offered time and person, and what the safety check said."""
    visit.starts_at, visit.ends_at = offer.starts_at, offer.ends_at
    visit.practitioner_id = offer.practitioner_id
    assessed(visit, checked)


def assessed(visit: Appointment, checked: Checked) -> None:
    """Note what the safety check found, and what was known when it was asked."""
    visit.needs_review = gate.awaits_decision(checked.findings)
    visit.assessed_safety_revision, visit.assessed_catalogue_revision = checked.revision


def become(visit: Appointment, to: str, by: User, now: datetime, reason: str, *, is_undo: bool = False) -> None:
    """Change the status if the table of transitions has the step, and keep the one before.

    A step back is an undo: nobody who is in treatment is greeted again.
    """
    if not visit.may_become(to) or is_undo != (visit.TAKEN_BACK.get(visit.status) == to):
        raise Refused(
            _("A visit that is “%(now)s” cannot become “%(to)s”.")
            % {"now": visit.get_status_display(), "to": Status(to).label}
        )
    keep(visit, AppointmentChange.Kind.STATUS, by, now, reason)
    visit.status = to


def keep(visit: Appointment, kind: str, by: User, now: datetime, reason: str) -> None:
    """Keep the row as it was before an edit."""
    as_it_was(visit, kind, by, now, reason).save(force_insert=True)


def as_it_was(visit: Appointment, kind: str, by: User, now: datetime, reason: str) -> AppointmentChange:
    """The row as it was before an edit, not yet written."""
    return AppointmentChange(
        appointment=visit,
        kind=kind,
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        practitioner_id=visit.practitioner_id,
        status=visit.status,
        reason=reason,
        by=by,
        at=now,
    )


def save(visit: Appointment, *fields: str) -> None:
    """Write the fields and count the version."""
    visit.version += 1
    visit.save(update_fields=[*fields, "version"])


def write_new(placed: Iterable[tuple[Appointment, Offer]]) -> None:
    """New visits and what they take, in one statement; the transaction must have said who acts (`locks.writing`)."""
    _VISITS.write((visit, placing.claims_of(offer)) for visit, offer in placed)


def free_session(visit: Appointment) -> None:
    """The session, if it is one, waits to be booked again."""
    if visit.session is not None:
        treatment_series.mark_planned(visit.session)


def settle_course(visit: Appointment) -> None:
    """The series, if there is one, is complete or runs again, after this visit began or ceased to use up a session."""
    if visit.session is not None:
        key = visit.session.series_id
        treatment_series.settle_end(visit.session.series, used_up=counting.used_up([key])[key])


def is_missed(visit: Appointment) -> bool:
    """Whether the session, if it is one, still counts as missed: nobody has booked it again."""
    return visit.session is not None and visit.session.state == TreatmentSession.State.MISSED


def by_public_ids(stored: str) -> list[Appointment]:
    """The visits that a submission was answered with, in their order."""
    wanted = [uuid.UUID(public_id) for public_id in stored.split(",")]
    found = {visit.public_id: visit for visit in Appointment.objects.for_lists().filter(public_id__in=wanted)}
    return [found[public_id] for public_id in wanted]
