"""Whether a visit that did not take place uses up a session: decided by hand, against or besides the clinic's rule."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic import placing, reminders
from clinic.booking import records
from clinic.models import Appointment, AppointmentChange
from clinic.refusals import Refused
from patients.models import User
from treatments.models import TreatmentSession


def count_session(
    appointment: Appointment, *, uses_up: bool | None, reason: str, version: int, by: User, now: datetime
) -> Appointment:
    """Say that the visit uses up its session, or does not, and why; None goes back to the rule of the clinic.

    Refused for visits that take place or took place, and once the session was booked again: it counts by that visit.
    """
    if not reason.strip():
        raise Refused(_("Say why this visit uses up a session, or why it does not."))

    def work() -> Appointment:
        visit = records.locked(appointment, version)
        if visit.session is None or visit.status not in Appointment.LOST:
            raise Refused(_("Only a visit of a series that was cancelled or missed can be counted by hand."))
        if uses_up and visit.session.state not in TreatmentSession.OPEN:
            raise Refused(
                _("Session %(number)s has been booked again, so it counts by its new visit.")
                % {"number": visit.session.number}
            )
        records.keep(visit, AppointmentChange.Kind.STATUS, by, now, _in_words(uses_up, reason.strip()))
        visit.uses_session = uses_up
        visit.uses_session_reason = "" if uses_up is None else reason.strip()
        records.save(visit, "uses_session", "uses_session_reason")
        records.settle_course(visit)
        reminders.course_changed(visit.session.series, now)
        return visit

    return placing.settled(work)


def _in_words(uses_up: bool | None, reason: str) -> str:  # noqa: FBT001 (three answers, the third is neither)
    sentence = {
        True: _("Uses up a session: %(reason)s"),
        False: _("Uses up no session: %(reason)s"),
        None: _("Counted by the rule of the clinic: %(reason)s"),
    }[uses_up]
    return (sentence % {"reason": reason})[:200]
