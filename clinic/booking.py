"""Every change of the diary: one function per state change, used by desk, portal, admin, import and tasks alike.

Nothing else writes appointments or claims. Each verb is one transaction that takes the advisory locks of all people,
rooms, devices and patients of the old and the new state in one statement (see `clinic.placing`), then writes. Times
are aware datetimes in UTC; `now` is handed in. Verbs raise `Taken` (409, with alternatives), `Refused` (422), `Busy`
(503) and `Conflict` (409, somebody else saved first); after any of them nothing was written.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clinic import availability, gate, placing, reminders, todo
from clinic.availability import Offer, request_for
from clinic.models import Appointment, AppointmentChange, Location, Practitioner
from clinic.placing import Placement
from clinic.refusals import Refused
from patients import locks, submissions
from patients.models import Patient, User
from patients.refusals import Conflict
from patients.submissions import Sent
from treatments import safety
from treatments import series as treatment_series
from treatments.findings import Finding
from treatments.models import Service, TreatmentSession

Status = Appointment.Status


def book(
    *,
    patient: Patient,
    service: Service,
    location: Location,
    starts_at: datetime,
    by: User,
    now: datetime,
    session: TreatmentSession | None = None,
    practitioner: Practitioner | None = None,
    overrides: Mapping[str, str] | None = None,
    note: str = "",
    submission: Sent | None = None,
) -> Appointment:
    """Book one visit, or the given session of a series. A repeated submission gets the first visit."""
    request = request_for(
        location=location, service=service, session=session, practitioner=practitioner, patient=patient
    )
    placement = Placement(request, patient, starts_at, note, overrides or {})
    return book_many([placement], by=by, now=now, submission=submission)[0]


def book_many(
    placements: Sequence[Placement], *, by: User, now: datetime, submission: Sent | None = None
) -> list[Appointment]:
    """Book all visits or none, in one transaction; plans their messages and marks their sessions."""

    def work() -> list[Appointment]:
        if submission is not None:
            stored = submissions.once(submission, user=by, verb="book")
            if stored is not None:
                return _by_public_ids(stored)
        offers = placing.lock_and_look_again(list(placements), now)
        visits = [_write(placement, offer, by, now) for placement, offer in zip(placements, offers, strict=True)]
        reminders.plan([visit for visit in visits if not visit.is_entered_later], now)
        if submission is not None:
            result = ",".join(str(visit.public_id) for visit in visits)
            submissions.record(submission, user=by, verb="book", result=result)
        return visits

    return placing.settled(work)


def move(
    appointment: Appointment,
    *,
    starts_at: datetime,
    version: int,
    by: User,
    now: datetime,
    practitioner: Practitioner | None = None,
    overrides: Mapping[str, str] | None = None,
    reason: str = "",
) -> Appointment:
    """Give the visit another time (and practitioner); its old place is free in the same transaction."""

    def work() -> Appointment:
        visit = appointment
        placement = _placement_of(visit, starts_at, practitioner, overrides)
        (offer,) = placing.lock_and_look_again([placement], now, freed=_resources_of(visit))
        visit = _current(appointment, version)
        if visit.status not in (Status.BOOKED, Status.CONFIRMED):
            raise Refused(_("Only a booked visit can be moved; this one is: %s.") % visit.get_status_display())
        found = placing.check_rules(placement)
        _keep(visit, AppointmentChange.Kind.MOVED, by, now, reason)
        placing.release_claims(visit)
        _settle_into(visit, placement, offer, found)
        visit.status = Status.BOOKED
        visit.plan_version += 1
        visit.ical_sequence += 1
        _save(visit, "starts_at", "ends_at", "practitioner", "status", "plan_version", "ical_sequence", *ASSESSED)
        placing.write_claims(visit, offer)
        placing.write_overrides(visit, placement, by, now)
        todo.follow_review(visit, now)
        reminders.replan(visit, now)
        return visit

    return placing.settled(work)


def cancel(
    appointment: Appointment, *, cancelled_by: str, reason: str, version: int, by: User, now: datetime
) -> Appointment:
    """Cancel with who and why; frees the time and the session. Late is counted by the location's free hours."""
    if not reason.strip():
        raise Refused(_("Say why the visit is cancelled."))

    def work() -> Appointment:
        visit = _locked(appointment, version)
        free_until = visit.starts_at - timedelta(hours=visit.location.free_cancel_hours)
        visit.cancelled_by, visit.cancel_reason = cancelled_by, reason.strip()
        visit.is_late_cancellation = now > free_until
        visit.ical_sequence += 1
        _become(visit, Status.CANCELLED, by, now, reason)
        _save(visit, "status", "cancelled_by", "cancel_reason", "is_late_cancellation", "ical_sequence")
        placing.release_claims(visit)
        _free_session(visit)
        todo.close_for(visit, by, now)
        reminders.cancelled(visit, now)
        return visit

    return placing.settled(work)


def confirm(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """The patient said that they will come."""
    return _step(appointment, Status.CONFIRMED, version, by, now, reason)


def check_in(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """The patient is here. Safety is checked again; what now stops the treatment does not stop the greeting."""

    def work() -> Appointment:
        visit = _locked(appointment, version)
        today = now.astimezone(visit.location.zone).date()
        found = gate.findings(visit.patient, visit.service, visit.session, today)
        visit.arrived_at = now
        _assessed(visit, found)
        _become(visit, Status.ARRIVED, by, now, reason)
        _save(visit, "status", "arrived_at", *ASSESSED)
        todo.follow_review(visit, now)
        if safety.blocking(found, safety.BOOK):
            todo.open_safety_change(visit, now)
        return visit

    return placing.settled(work)


def start(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """Begin the treatment; refused while anything is open that must be settled before a needle is taken up."""

    def work() -> Appointment:
        visit = _locked(appointment, version)
        today = now.astimezone(visit.location.zone).date()
        gate.refuse_blocked(gate.findings(visit.patient, visit.service, visit.session, today), "start")
        visit.started_at = now
        _become(visit, Status.IN_TREATMENT, by, now, reason)
        _save(visit, "status", "started_at")
        return visit

    return placing.settled(work)


def complete(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """The treatment is done: the session counts from its real day and follow-ups from its real end."""

    def work() -> Appointment:
        visit = _locked(appointment, version)
        visit.finished_at = now
        _become(visit, Status.COMPLETED, by, now, reason)
        _save(visit, "status", "finished_at")
        if visit.session is not None:
            began_at = visit.started_at or visit.starts_at
            treatment_series.mark_done(visit.session, on=began_at.astimezone(visit.location.zone).date())
        reminders.completed(visit, now)
        return visit

    return placing.settled(work)


def no_show(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """The patient did not come; refused before the visit's time. Frees the place, keeps the fact."""

    def work() -> Appointment:
        visit = _locked(appointment, version)
        if now < visit.starts_at:
            raise Refused(_("The visit has not begun yet: it can be cancelled, but nobody has missed it."))
        _become(visit, Status.NO_SHOW, by, now, reason)
        _save(visit, "status")
        placing.release_claims(visit)
        if visit.session is not None:
            treatment_series.mark_missed(visit.session)
        reminders.void(visit, now)
        return visit

    return placing.settled(work)


def undo(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """Take the last status back. A cancelled or missed visit takes its place again, if it is still free."""
    if appointment.status in (Status.CANCELLED, Status.NO_SHOW):
        return _restore(appointment, version, by, now, reason)
    before = {
        Status.CONFIRMED: (Status.BOOKED, {}),
        Status.ARRIVED: (Status.BOOKED, {"arrived_at": None}),
        Status.IN_TREATMENT: (Status.ARRIVED, {"started_at": None}),
        Status.COMPLETED: (Status.IN_TREATMENT, {"finished_at": None}),
    }.get(appointment.status)
    if before is None:
        raise Refused(_("There is nothing to take back."))
    return _step(appointment, before[0], version, by, now, reason, **before[1])


def enter_in_error(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """Mark a visit as booked by mistake: it stays on record and counts for nothing."""

    def work() -> Appointment:
        visit = _locked(appointment, version)
        _become(visit, Status.ENTERED_IN_ERROR, by, now, reason)
        _save(visit, "status")
        placing.release_claims(visit)
        _free_session(visit)
        todo.close_for(visit, by, now)
        reminders.void(visit, now)
        return visit

    return placing.settled(work)


# -- Parts of the verbs above -----------------------------------------------------------------------------------------

ASSESSED = ("needs_review", "assessed_safety_revision", "assessed_catalogue_revision")


def _write(placement: Placement, offer: Offer, by: User, now: datetime) -> Appointment:
    found = placing.check_rules(placement)
    visit = Appointment(
        patient=placement.patient,
        service=placement.request.service,
        session=placement.request.session,
        location=placement.request.location,
        note=placement.note,
        booked_by=by,
        booked_at=now,
        is_entered_later=placement.starts_at < now,
    )
    _settle_into(visit, placement, offer, found)
    visit.save(force_insert=True)
    placing.write_claims(visit, offer)
    placing.write_overrides(visit, placement, by, now)
    if visit.session is not None:
        treatment_series.mark_booked(visit.session)
    todo.follow_review(visit, now)
    return visit


def _settle_into(visit: Appointment, placement: Placement, offer: Offer, found: list[Finding]) -> None:
    visit.starts_at, visit.ends_at = offer.starts_at, offer.ends_at
    visit.practitioner_id = offer.practitioner_id
    _assessed(visit, found)


def _assessed(visit: Appointment, found: list[Finding]) -> None:
    visit.needs_review = gate.awaits_decision(found)
    visit.assessed_safety_revision, visit.assessed_catalogue_revision = safety.revision(visit.patient)


def _placement_of(
    visit: Appointment,
    starts_at: datetime,
    practitioner: Practitioner | None,
    overrides: Mapping[str, str] | None,
) -> Placement:
    request = request_for(
        location=visit.location,
        service=visit.service,
        session=visit.session,
        practitioner=practitioner,
        patient=visit.patient,
        ignore=visit,
    )
    return Placement(request, visit.patient, starts_at, overrides=overrides or {})


def _restore(appointment: Appointment, version: int, by: User, now: datetime, reason: str) -> Appointment:
    def work() -> Appointment:
        # The visit was in the diary before, so rules that staff may allow are not asked a second time.
        allowed = dict.fromkeys([*availability.SOFT, "after_window"], "undo")
        placement = _placement_of(appointment, appointment.starts_at, appointment.practitioner, allowed)
        (offer,) = placing.lock_and_look_again([placement], now)
        visit = _current(appointment, version)
        found = placing.check_rules(placement)
        visit.cancelled_by = visit.cancel_reason = ""
        visit.is_late_cancellation = False
        visit.plan_version += 1
        visit.ical_sequence += 1
        _settle_into(visit, placement, offer, found)
        _become(visit, Status.BOOKED, by, now, reason)
        cleared = ("cancelled_by", "cancel_reason", "is_late_cancellation", "plan_version", "ical_sequence")
        _save(visit, "status", "practitioner", *cleared, *ASSESSED)
        placing.write_claims(visit, offer)
        if visit.session is not None:
            treatment_series.mark_booked(visit.session)
        todo.follow_review(visit, now)
        reminders.replan(visit, now)
        return visit

    return placing.settled(work)


def _step(
    appointment: Appointment, to: str, version: int, by: User, now: datetime, reason: str, **times: datetime | None
) -> Appointment:
    def work() -> Appointment:
        visit = _locked(appointment, version)
        was_completed = visit.status == Status.COMPLETED
        if was_completed and visit.session is not None:
            treatment_series.undo_done(visit.session)
        for name, value in times.items():
            setattr(visit, name, value)
        _become(visit, to, by, now, reason)
        _save(visit, "status", *times)
        if was_completed:
            reminders.completed(visit, now)
        return visit

    return placing.settled(work)


def _resources_of(visit: Appointment) -> list[int]:
    return list(visit.claims.filter(live=True).values_list("resource_id", flat=True))


def _locked(appointment: Appointment, version: int) -> Appointment:
    locks.take(resources=_resources_of(appointment), patients=[appointment.patient_id])
    return _current(appointment, version)


def _current(appointment: Appointment, version: int) -> Appointment:
    visit = Appointment.objects.for_lists().get(pk=appointment.pk)
    if visit.version != version:
        raise Conflict(
            _("Somebody else changed this visit in the meantime. Look at it again before you change it; it is now: %s.")
            % visit.get_status_display()
        )
    return visit


def _become(visit: Appointment, to: str, by: User, now: datetime, reason: str) -> None:
    if not visit.may_become(to):
        raise Refused(
            _("A visit that is “%(now)s” cannot become “%(to)s”.")
            % {"now": visit.get_status_display(), "to": Status(to).label}
        )
    _keep(visit, AppointmentChange.Kind.STATUS, by, now, reason)
    visit.status = to


def _keep(visit: Appointment, kind: str, by: User, now: datetime, reason: str) -> None:
    AppointmentChange.objects.create(
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


def _save(visit: Appointment, *fields: str) -> None:
    visit.version += 1
    visit.save(update_fields=[*fields, "version"])


def _free_session(visit: Appointment) -> None:
    if visit.session is not None:
        treatment_series.mark_planned(visit.session)


def _by_public_ids(stored: str) -> list[Appointment]:
    wanted = stored.split(",")
    found = {str(visit.public_id): visit for visit in Appointment.objects.for_lists().filter(public_id__in=wanted)}
    return [found[public_id] for public_id in wanted]
