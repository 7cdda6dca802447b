"""The one door from the diary to the safety rules: every path that plans, books, starts or moves a visit asks here."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from clinic.refusals import Refused
from patients.models import Patient
from patients.prepared import Prepared
from treatments import safety
from treatments.findings import WARN, Finding
from treatments.models import Service, TreatmentSeries, TreatmentSession
from treatments.safety import Blocked, Checked

# Prepared, because every booking of a session asks it while others wait for its locks.
_FULFILLING = Prepared("fulfilling_visits", """
    SELECT asked.id, visit.starts_at, place.time_zone, service.fulfils, service.fulfils_days
    FROM patients_patient asked
    JOIN patients_patient record ON record.id = COALESCE(asked.merged_into_id, asked.id)
        OR record.merged_into_id = COALESCE(asked.merged_into_id, asked.id)
    JOIN clinic_appointment visit ON visit.patient_id = record.id
    JOIN treatments_service service ON service.id = visit.service_id AND service.fulfils <> ''
    JOIN clinic_location place ON place.id = visit.location_id
    WHERE asked.id = ANY(%(patients)s) AND visit.status = 'completed' ORDER BY visit.starts_at
""", patients="bigint[]")  # fmt: skip


def fulfilled(patient: Patient, on: date) -> dict[str, date]:
    """Which prerequisites (consultation, patch test) completed visits fulfil on a day, and since when.

    Visits on any record of the person count.
    """
    return met_by([patient.pk])(patient.pk, on)


def met_by(patients: Iterable[int]) -> Callable[[int, date], dict[str, date]]:
    """The same for many patients, by key, read at once."""
    visits = defaultdict(list)
    for patient, starts_at, zone, fulfils, days in _FULFILLING.rows({"patients": list(patients)}):
        visits[patient].append((starts_at.astimezone(ZoneInfo(zone)).date(), fulfils, days))

    def met(patient: int, on: date) -> dict[str, date]:
        done: dict[str, date] = {}
        for day, fulfils, days in visits[patient]:
            if days is None or on <= day + timedelta(days=days):
                done[fulfils] = day
        return done

    return met


def findings(patient: Patient, service: Service, session: TreatmentSession | None, on: date) -> list[Finding]:
    """All findings for a visit on a local date."""
    return check(patient, service, session, on).findings


def check(patient: Patient, service: Service, session: TreatmentSession | None, on: date) -> Checked:
    """The same, with the revisions that it was made at."""
    if session is None:
        return safety.check_service(patient, service, on)
    return safety.check_series(session.series, on, session=session, fulfilled=fulfilled(patient, on))


def check_days(
    series: TreatmentSeries, asked: Mapping[TreatmentSession, date], met: Callable[[int, date], dict] | None = None
) -> dict[TreatmentSession, Checked]:
    """The same for several sessions of one series, each on its day, in one reading; `met` if it is known for many."""
    met = met or met_by([series.patient_id])
    return safety.check_days(series, asked, fulfilled=lambda on: met(series.patient_id, on))


def days_blocked(
    series: TreatmentSeries, sessions: Iterable[TreatmentSession], first: date, last: date
) -> dict[int, list[Blocked]]:
    """The stretches between two local days on which booking is forbidden, by the number of the session to come."""
    sessions = list(sessions)
    if not sessions:
        return {}
    intervals = {session.number: session.phase.interval_min_days for session in sessions}
    found = safety.blocked_days(series, sessions[0], intervals.values(), first, last)
    return {number: found[interval] for number, interval in intervals.items()}


def refuse_blocked(found: list[Finding], stage: str) -> None:
    """Raise `Refused` with every finding that blocks the stage (plan, book, start)."""
    blocking = safety.blocking(found, stage)
    if blocking:
        raise Refused([_("Not now: %(reason)s") % {"reason": finding.desk_message} for finding in blocking])


def awaits_decision(found: list[Finding]) -> bool:
    """Whether a clinician has to decide something before this visit can start."""
    return any(finding.severity == WARN and finding.needs_clinician and not finding.decided_by for finding in found)
