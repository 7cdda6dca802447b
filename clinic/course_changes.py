"""Changes of a course under way, with what they mean for the diary and the messages: one transaction each.

Everything that pauses, stops or changes a course enters here: the patient is locked, the verb of the app below is
called, the visits and messages follow. `version` is that of the series, or of the session where one is handed in.
"""

import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from clinic import (
    booking,
    counting,
    course_reads,
    courses,
    gate,
    placing,
    reminders,
    reviews,
    scheduling,
    timespans,
    todo,
)
from clinic.booking import kept_times, proposal_ends, records
from clinic.models import Appointment, Wishes
from clinic.scheduling import Wish, words
from clinic.spacing import Elsewhere, too_close
from clinic.still_fits import Shapes
from patients import locks, merging
from patients.models import BodyArea, User
from patients.refusals import Conflict, Refused
from treatments import course_changes
from treatments.models import TreatmentSeries, TreatmentSession

Result = TypeVar("Result")
WAITING = (Appointment.Status.BOOKED, Appointment.Status.CONFIRMED)
UNDER_WAY = (Appointment.Status.ARRIVED, Appointment.Status.IN_TREATMENT)
BY_CLINIC = Appointment.CancelledBy.CLINIC


def to_come(series: TreatmentSeries) -> QuerySet[Appointment]:
    """The visits of the series that could still be cancelled, the next one first."""
    visits = Appointment.objects.for_lists().filter(session__series=series, status__in=WAITING)
    return visits.order_by("starts_at", "pk")


def add_visit(series: TreatmentSeries, *, version: int, now: datetime) -> TreatmentSession:
    """One more visit at the end of the course."""
    return _changed(series, now, lambda: course_changes.add_visit(series, version=version))


def add_maintenance(series: TreatmentSeries, *, version: int, now: datetime) -> TreatmentSession:
    """One maintenance visit, outside the number planned."""
    return _changed(series, now, lambda: course_changes.add_maintenance(series, version=version))


def drop_visit(
    series: TreatmentSeries, *, reason: str, version: int, now: datetime, session: TreatmentSession | None = None
) -> TreatmentSession:
    """Leave a visit out that is not booked; the last one by default."""

    def act() -> TreatmentSession:
        details = {"reason": reason, "version": version, "session": session}
        return course_changes.drop_visit(series, **details, used_up=_used_up(series))

    return _changed(series, now, act)


def put_back(session: TreatmentSession, *, reason: str, version: int, now: datetime) -> TreatmentSession:
    """A visit that was left out is to be booked after all."""

    def act() -> TreatmentSession:
        details = {"reason": reason, "version": version, "used_up": _used_up(session.series)}
        return course_changes.put_back(session, **details)

    return _changed(session.series, now, act)


def hold(session: TreatmentSession, *, version: int, now: datetime) -> TreatmentSession:
    """The session is not to be booked for now."""
    return _changed(session.series, now, lambda: course_changes.hold(session, version=version))


def end_hold(session: TreatmentSession, *, version: int, now: datetime) -> TreatmentSession:
    """The session may be booked again."""
    return _changed(session.series, now, lambda: course_changes.end_hold(session, version=version))


def set_dates(
    session: TreatmentSession, *, not_before_on: date | None, best_on: date | None, not_after_on: date | None,
    reason: str, version: int, by: User, now: datetime,
) -> TreatmentSession:  # fmt: skip
    """The practitioner's own dates for one session; a booked visit stays where it is."""

    def act() -> TreatmentSession:
        days = {"not_before_on": not_before_on, "best_on": best_on, "not_after_on": not_after_on}
        earliest = courses.earliest_without_own_dates(session)
        return course_changes.set_dates(session, **days, reason=reason, earliest=earliest, version=version, by=by)

    return _changed(session.series, now, act)


def done_elsewhere(
    session: TreatmentSession, *, on: date, where: str, areas: Iterable[BodyArea], today: date, version: int,
    now: datetime,
) -> TreatmentSession:  # fmt: skip
    """The session was done on that day, but not here."""

    def act() -> TreatmentSession:
        details = {"on": on, "where": where, "areas": list(areas), "today": today, "version": version}
        return course_changes.done_elsewhere(session, **details, used_up=_used_up(session.series))

    return _changed(session.series, now, act)


def take_back_elsewhere(session: TreatmentSession, *, version: int, now: datetime) -> TreatmentSession:
    """It was noted by mistake."""
    return _changed(session.series, now, lambda: course_changes.take_back_elsewhere(session, version=version))


def set_expiry(series: TreatmentSeries, *, expires_on: date | None, version: int, now: datetime) -> TreatmentSeries:
    """The last day on which the series may be used, or no such day."""
    return _changed(series, now, lambda: course_changes.set_expiry(series, expires_on=expires_on, version=version))


def wish_for(
    series: TreatmentSeries, *, practitioner_id: int | None, only: bool, version: int, now: datetime
) -> TreatmentSeries:
    """With whom the patient wishes to be from now on, `None` for anybody; what is booked stays as it is."""

    def act() -> TreatmentSeries:
        wish = Wish.of(Wishes.objects.filter(series=series).first())
        scheduling.keep(wish.with_person(practitioner_id, only=only), series)
        return course_changes.note_change(series, version=version)

    return _changed(series, now, act)


def set_areas(
    series: TreatmentSeries, *, areas: Collection[BodyArea], version: int, today: date, by: User, now: datetime
) -> TreatmentSeries:
    """Other areas for the sessions to come. Booked visits keep their times and are checked anew.

    One that takes longer than what is kept for it, or is now too near to a visit of another course, becomes a task.
    Times that are proposed are taken back: they were found for the areas of before. Refused while a visit has begun
    and nobody has said how it ended.
    """

    def act() -> TreatmentSeries:
        _refuse_begun(series, now)
        proposal_ends.take_back(proposal_ends.about_course(series), by, now)
        before, others_before = series.series_areas.count(), course_reads.of_other_courses(series)
        fulfilled = gate.fulfilled(series.patient, today)
        changed = course_changes.set_areas(series, areas=areas, on=today, version=version, fulfilled=fulfilled)
        shapes, others = Shapes([series], series.protocol_version), course_reads.of_other_courses(series)
        for visit in to_come(series).filter(starts_at__gt=now):
            notes = list(shapes.misfits(visit, series.protocol_version_id, before, len(areas)))
            close = [] if _too_close(visit, others_before) else _too_close(visit, others)
            reviews.assess_again(visit, now)
            todo.say_of_other_areas(visit, [*notes, *map(words.next_to, close)], by, now)
        return changed

    return _changed(series, now, act)


def _refuse_begun(series: TreatmentSeries, now: datetime) -> None:
    """What is being done, or was done without being closed yet, has the areas of before."""
    begun = Q(status__in=UNDER_WAY) | Q(status__in=WAITING, starts_at__lte=now)
    visit = Appointment.objects.filter(begun, session__series=series).select_related("session").first()
    if visit is not None:
        words = {"number": visit.session.number}
        raise Refused(_("Session %(number)s has begun: say first how it ended.") % words)


def _too_close(visit: Appointment, others: Iterable[Elsewhere]) -> list[Elsewhere]:
    day = timespans.date_of(visit.location.zone, visit.starts_at)
    least, apart = visit.session.phase.interval_min_days, visit.location.apart_days
    found = too_close(others, day, least_days=least, apart_days=apart)
    return [found] if found is not None else []


def resume(series: TreatmentSeries, *, on: date, version: int, now: datetime) -> TreatmentSeries:
    """A paused or stopped course goes on; what is open counts from that local day."""

    def act() -> TreatmentSeries:
        booked = courses.booked_days([series]).get(series.pk, {})
        return course_changes.resume(series, on=on, version=version, booked=booked, used_up=_used_up(series))

    return _changed(series, now, act)


def pause(
    series: TreatmentSeries, *, reason: str, version: int, by: User, now: datetime,
    cancelling: Collection[uuid.UUID] = (),
) -> TreatmentSeries:  # fmt: skip
    """Nothing more is booked until the course goes on; of its visits those named are cancelled, the others kept."""

    def act() -> TreatmentSeries:
        visits = _among(to_come(series), cancelling)
        paused = course_changes.pause(series, reason=reason, version=version)
        proposal_ends.take_back(proposal_ends.about_course(series), by, now)
        _cancel(visits, BY_CLINIC, _("The series pauses: %(reason)s"), reason, by, now)
        return paused

    return _changed(series, now, act)


def stop(
    series: TreatmentSeries, *, reason: str, version: int, by: User, now: datetime, seen: Collection[uuid.UUID],
    cancelled_by: str = BY_CLINIC,
) -> TreatmentSeries:  # fmt: skip
    """The course ends here, and every visit of it to come is cancelled; `seen` are those that the person was shown."""

    def act() -> TreatmentSeries:
        visits = list(to_come(series))
        if {visit.public_id for visit in visits} != set(seen):
            raise Conflict(_("The visits of this series have changed in the meantime. Look at them again."))
        stopped = course_changes.stop(series, reason=reason, version=version)
        proposal_ends.take_back(proposal_ends.about_course(series), by, now)
        _cancel(visits, cancelled_by, _("The series was stopped: %(reason)s"), reason, by, now)
        return stopped

    return _changed(series, now, act)


def _changed(series: TreatmentSeries, now: datetime, act: Callable[[], Result]) -> Result:
    """Do it under the locks of the patient and of all that the visits to come of the series take."""

    def work() -> Result:
        kept = kept_times.resources_of(proposal_ends.kept_by(proposal_ends.about_course(series)))
        resources = [*records.resources_of(to_come(series)), *kept]
        locks.take(resources=resources, patients=merging.keys_of(series.patient))
        result = act()
        reminders.course_changed(series, now)
        return result

    return placing.settled(work)


def _among(visits: Iterable[Appointment], wanted: Collection[uuid.UUID]) -> list[Appointment]:
    found = [visit for visit in visits if visit.public_id in set(wanted)]
    if len(found) < len(set(wanted)):
        raise Conflict(_("The visits of this series have changed in the meantime. Look at them again."))
    return found


def _cancel(visits: list[Appointment], cancelled_by: str, sentence: str, reason: str, by: User, now: datetime) -> None:
    """The last one first: of visits back to back an earlier one may do the numbing of a later one."""
    why = (sentence % {"reason": reason.strip()})[:200]
    for visit in reversed(visits):
        booking.cancel(visit, cancelled_by=cancelled_by, reason=why, version=visit.version, by=by, now=now)


def _used_up(series: TreatmentSeries) -> set[int]:
    return counting.used_up([series.pk])[series.pk]
