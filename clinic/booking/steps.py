"""How a visit goes, step by step, and back again: confirmed, here, in treatment, done; or cancelled, or missed."""

from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from clinic import counting, gate, placing, reminders, todo
from clinic.booking import groups, moves, records
from clinic.booking.records import ASSESSED, Status
from clinic.models import Appointment
from clinic.refusals import Refused
from patients import locks, merging
from patients.models import User
from treatments import safety
from treatments import series as treatment_series

WAITING = (Status.BOOKED, Status.CONFIRMED)
REAL_TIMES = {
    Status.ARRIVED: ("arrived_at",),
    Status.IN_TREATMENT: ("started_at",),
    Status.COMPLETED: ("finished_at",),
}


def cancel(
    appointment: Appointment, *, cancelled_by: str, reason: str, version: int, by: User, now: datetime
) -> Appointment:
    """Cancel with who and why; frees the time and the session. Late is counted by the location's free hours."""
    if not reason.strip():
        raise Refused(_("Say why the visit is cancelled."))

    def work() -> Appointment:
        visit = records.locked(appointment, version)
        groups.refuse_while_relied_on(visit)
        free_until = visit.starts_at - timedelta(hours=visit.location.free_cancel_hours)
        visit.cancelled_by, visit.cancel_reason = cancelled_by, reason.strip()
        visit.is_late_cancellation = now > free_until
        visit.ical_sequence += 1
        records.become(visit, Status.CANCELLED, by, now, reason)
        records.save(visit, "status", "cancelled_by", "cancel_reason", "is_late_cancellation", "ical_sequence")
        placing.release_claims(visit)
        records.free_session(visit)
        if visit.is_late_cancellation and visit.location.late_cancel_counts:
            records.settle_course(visit)
        records.end_proposals(visit, by, now)
        todo.close_for(visit, by, now)
        reminders.cancelled(visit, now)
        groups.speak_of_the_next(visit, visit.visit_group, visit.starts_at, now)
        return visit

    return placing.settled(work)


def confirm(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """The patient said that they will come."""

    def work() -> Appointment:
        visit = records.locked(appointment, version)
        records.become(visit, Status.CONFIRMED, by, now, reason)
        records.save(visit, "status")
        return visit

    return placing.settled(work)


def check_in(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """The patient is here, for this visit and those back to back with it.

    Safety is checked again; what now stops the treatment does not stop the greeting.
    """

    def work() -> Appointment:
        together = groups.together_with(appointment)
        locks.take(resources=records.resources_of(together), patients=merging.keys_of(appointment.patient))
        visit = records.current(appointment, version)
        _greet(visit, by, now, reason)
        for other in groups.together_with(visit):
            if other.pk != visit.pk and other.status in WAITING:
                _greet(other, by, now, reason)
        return visit

    return placing.settled(work)


def _greet(visit: Appointment, by: User, now: datetime, reason: str) -> None:
    checked = gate.check(visit.patient, visit.service, visit.session, _day(visit, now))
    visit.arrived_at = now
    records.assessed(visit, checked)
    records.become(visit, Status.ARRIVED, by, now, reason)
    records.save(visit, "status", "arrived_at", *ASSESSED)
    todo.follow_review(visit, now)
    if safety.blocking(checked.findings, safety.BOOK):
        todo.open_safety_change(visit, now)


def start(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """Begin the treatment; refused while anything is open that must be settled before a needle is taken up."""

    def work() -> Appointment:
        visit = records.locked(appointment, version)
        _refuse_blocked(visit, now)
        visit.started_at = now
        records.become(visit, Status.IN_TREATMENT, by, now, reason)
        records.save(visit, "status", "started_at")
        return visit

    return placing.settled(work)


def complete(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """The treatment is done: the session counts from its real day and follow-ups from its real end."""

    def work() -> Appointment:
        visit = records.locked(appointment, version)
        _end(visit, now, by, now, reason)
        reminders.completed(visit, now)
        return visit

    return placing.settled(work)


def took_place(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """A visit that was entered later went as planned: it is done at once, with the planned times as the real ones.

    Refused for other visits, before its end, and while anything is open that must be settled before a treatment.
    """

    def work() -> Appointment:
        visit = records.locked(appointment, version)
        if not visit.is_entered_later or visit.ends_at > now or visit.status not in WAITING:
            raise Refused(_("Only a visit that was entered later, and is over, can be marked as done at once."))
        _refuse_blocked(visit, visit.starts_at)
        for status, moment in (("arrived", "arrived_at"), ("in_treatment", "started_at")):
            setattr(visit, moment, visit.starts_at)
            records.become(visit, status, by, now, reason)
            records.save(visit, "status", moment)
        _end(visit, visit.ends_at, by, now, reason)
        reminders.completed(visit, now)
        return visit

    return placing.settled(work)


def _end(visit: Appointment, finished_at: datetime, by: User, now: datetime, reason: str) -> None:
    visit.finished_at = finished_at
    records.become(visit, Status.COMPLETED, by, now, reason)
    records.save(visit, "status", "finished_at")
    if visit.session is not None:
        began_at = visit.started_at or visit.starts_at
        used_up = counting.used_up([visit.session.series_id])[visit.session.series_id]
        treatment_series.mark_done(visit.session, on=_day(visit, began_at), used_up=used_up)


def no_show(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """The patient did not come; refused before the visit's time. Frees the place, keeps the fact."""

    def work() -> Appointment:
        visit = records.locked(appointment, version)
        if now < visit.starts_at:
            raise Refused(_("The visit has not begun yet: it can be cancelled, but nobody has missed it."))
        records.become(visit, Status.NO_SHOW, by, now, reason)
        records.save(visit, "status")
        placing.release_claims(visit)
        if visit.session is not None:
            treatment_series.mark_missed(visit.session)
        if visit.location.no_show_counts:
            records.settle_course(visit)
        records.end_proposals(visit, by, now)
        todo.close_for(visit, by, now)
        reminders.void(visit, now)
        return visit

    return placing.settled(work)


def undo(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """Take the last status back. A cancelled or missed visit takes its place again, if it is still free.

    Who is not here after all is not here for any of the visits back to back with this one.
    """
    if appointment.status in (Status.CANCELLED, Status.NO_SHOW):
        return moves.restore(appointment, version=version, by=by, now=now, reason=reason)
    if appointment.status not in Appointment.TAKEN_BACK:
        raise Refused(_("There is nothing to take back."))
    return _step_back(appointment, version, by, now, reason)


def enter_in_error(appointment: Appointment, *, version: int, by: User, now: datetime, reason: str = "") -> Appointment:
    """Mark a visit as booked by mistake: it stays on record and counts for nothing."""

    def work() -> Appointment:
        visit = records.locked(appointment, version)
        groups.refuse_while_relied_on(visit)
        if visit.is_live or (visit.status == Status.NO_SHOW and records.is_missed(visit)):
            records.free_session(visit)
        records.become(visit, Status.ENTERED_IN_ERROR, by, now, reason)
        records.save(visit, "status")
        records.settle_course(visit)
        placing.release_claims(visit)
        records.end_proposals(visit, by, now)
        todo.close_for(visit, by, now)
        reminders.void(visit, now)
        groups.speak_of_the_next(visit, visit.visit_group, visit.starts_at, now)
        return visit

    return placing.settled(work)


def _refuse_blocked(visit: Appointment, moment: datetime) -> None:
    found = gate.findings(visit.patient, visit.service, visit.session, _day(visit, moment))
    gate.refuse_blocked(found, "start")


def _day(visit: Appointment, moment: datetime) -> date:
    return moment.astimezone(visit.location.zone).date()


def _step_back(appointment: Appointment, version: int, by: User, now: datetime, reason: str) -> Appointment:
    to = Appointment.TAKEN_BACK[appointment.status]
    times = REAL_TIMES.get(appointment.status, ())

    def work() -> Appointment:
        visit = records.locked(appointment, version)
        was_completed, was_arrived = visit.status == Status.COMPLETED, visit.status == Status.ARRIVED
        if was_completed and visit.session is not None:
            treatment_series.undo_done(visit.session)
        together = groups.together_with(visit) if was_arrived else []
        others = [one for one in together if one.pk != visit.pk and one.status == Status.ARRIVED]
        for each in (visit, *others):
            for name in times:
                setattr(each, name, None)
            records.become(each, to, by, now, reason, is_undo=True)
            records.save(each, "status", *times)
        if was_completed:
            reminders.completed(visit, now)
        return visit

    return placing.settled(work)
