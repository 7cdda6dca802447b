"""Verbs of a course of treatment: start it, and move its sessions through their states. Each is one transaction.

The diary calls `mark_…` in the transaction of its own verb. Windows are computed from rows, never stored.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, prefetch_related_objects
from django.utils.translation import gettext as _

from patients import locks, merging
from patients.models import BodyArea, Patient, User
from patients.refusals import Refused
from treatments import safety
from treatments.models import DepthStep, Phase, ProtocolVersion, SeriesArea, TreatmentSeries, TreatmentSession
from treatments.windows import PlannedSession, Window, course

State = TreatmentSession.State
_OUT_OF_THE_COURSE = (State.SKIPPED, State.VOIDED)
_ENDED = (State.DONE, *_OUT_OF_THE_COURSE)


def start(
    patient: Patient, version: ProtocolVersion, *, areas: Iterable[BodyArea], sessions_planned: int,
    first_possible_on: date, by: User, today: date | None = None, note: str = "",
    fulfilled: Mapping[str, date] | None = None,
) -> TreatmentSeries:  # fmt: skip
    """Start a series with all its sessions planned; it pins the version. Dates are local days at the clinic.

    Raises `Refused` with what may be said at the desk when something forbids planning. The series waits for clearance
    while a clinician has to decide something; open points do not hold it up.
    """
    areas = list(areas)
    with transaction.atomic():
        locks.take(patients=list(merging.group_of(patient).values_list("pk", flat=True)))
        version = ProtocolVersion.objects.select_related("protocol").get(pk=version.pk)
        _check_start(version, areas, sessions_planned)
        findings = safety.assess_plan(patient, version, areas, first_possible_on, fulfilled=fulfilled)
        _refuse(safety.blocking(findings, safety.PLAN))
        series = TreatmentSeries.objects.create(
            patient=patient,
            protocol_version=version,
            state=TreatmentSeries.State.AWAITING_CLEARANCE,
            sessions_planned=sessions_planned,
            started_on=today or first_possible_on,
            first_possible_on=first_possible_on,
            created_by=by,
            note=note.strip(),
        )
        SeriesArea.objects.bulk_create(SeriesArea(series=series, area=area) for area in areas)
        TreatmentSession.objects.bulk_create(
            TreatmentSession(series=series, number=number, phase=phase)
            for number, phase in enumerate(_phases(version, sessions_planned), start=1)
        )
        if not any(finding.needs_clinician for finding in findings):
            _become(series, TreatmentSeries.State.ACTIVE)
    return series


def clear(series: TreatmentSeries, *, on: date, fulfilled: Mapping[str, date] | None = None) -> TreatmentSeries:
    """Let a waiting series begin once no clinician has anything left to decide for that local day."""
    with transaction.atomic():
        series = _locked_series(series.pk)
        if series.state != TreatmentSeries.State.AWAITING_CLEARANCE:
            raise Refused(_("This series is not waiting for a clinician."))
        findings = safety.assess_series(series, on, fulfilled=fulfilled)
        _refuse([finding for finding in findings if finding.needs_clinician])
        _become(series, TreatmentSeries.State.ACTIVE)
    return series


def next_session(series: TreatmentSeries) -> TreatmentSession | None:
    """Return the first session that is neither done, skipped nor cancelled; maintenance comes after the course."""
    return series.sessions.exclude(state__in=_ENDED).select_related("phase").order_by("number").first()


def mark_booked(session: TreatmentSession) -> TreatmentSession:
    """The session is in the diary; also takes back a missed one."""
    return _move(session, State.BOOKED, {State.PLANNED, State.MISSED})


def mark_planned(session: TreatmentSession) -> TreatmentSession:
    """The session is out of the diary again; one that was done by mistake is first taken back."""
    with transaction.atomic():
        if session.state == State.DONE:
            undo_done(session)
        return _move(session, State.PLANNED, {State.BOOKED, State.MISSED, State.ON_HOLD})


def mark_missed(session: TreatmentSession) -> TreatmentSession:
    """The patient did not come."""
    return _move(session, State.MISSED, {State.BOOKED})


def mark_done(session: TreatmentSession, *, on: date) -> TreatmentSession:
    """The session was really done on that local day; the course is complete with the last one of it."""
    with transaction.atomic():
        _move(session, State.DONE, {State.BOOKED}, done_on=on)
        series = _locked_series(session.series_id)
        if series.state == TreatmentSeries.State.AWAITING_CLEARANCE:
            _become(series, TreatmentSeries.State.ACTIVE)
        if series.state == TreatmentSeries.State.ACTIVE and next_session(series) is None:
            _become(series, TreatmentSeries.State.COMPLETED)
    return session


def undo_done(session: TreatmentSession) -> TreatmentSession:
    """Take a done session back into the diary; a course that was complete with it runs again."""
    with transaction.atomic():
        _move(session, State.BOOKED, {State.DONE}, done_on=None, is_done_elsewhere=False)
        series = _locked_series(session.series_id)
        if series.state == TreatmentSeries.State.COMPLETED:
            _become(series, TreatmentSeries.State.ACTIVE)
    return session


def windows(
    series: TreatmentSeries, *, booked: Mapping[int, date] | None = None, today: date | None = None
) -> dict[int, Window]:
    """Return the window of each session by number; skipped and cancelled sessions have none.

    `booked` gives the local day of each booked session by number: only the diary knows it. Without it a booked session
    counts as if it were on its ideal day. Fetched `sessions` are used as they are.
    """
    booked = booked or {}
    sessions = [session for session in series.sessions.all() if session.state not in _OUT_OF_THE_COURSE]
    prefetch_related_objects(sessions, "phase")
    planned = [_planned(session, booked.get(session.number)) for session in sessions]
    return course(planned, series.first_possible_on, today=today)


def _planned(session: TreatmentSession, booked_on: date | None) -> PlannedSession:
    return PlannedSession(
        number=session.number,
        interval_min_days=session.phase.interval_min_days,
        interval_ideal_days=session.phase.interval_ideal_days,
        interval_max_days=session.phase.interval_max_days,
        done_on=session.done_on,
        booked_on=booked_on if session.state == State.BOOKED else None,
        not_before_on=session.not_before_on,
        best_on=session.best_on,
        not_after_on=session.not_after_on,
    )


def _check_start(version: ProtocolVersion, areas: list[BodyArea], sessions_planned: int) -> None:
    if version.state != ProtocolVersion.State.PUBLISHED or version.protocol.is_retired:
        raise Refused(_("This protocol is not in use: choose a published one."))
    if not version.sessions_min <= sessions_planned <= version.sessions_max:
        words = {"least": version.sessions_min, "most": version.sessions_max}
        message = _("The protocol allows between %(least)s and %(most)s sessions.") % words
        raise Refused({"sessions_planned": message})
    if not areas:
        raise Refused({"areas": _("Choose at least one area.")})
    allowed = set(DepthStep.objects.filter(version=version).values_list("area_id", flat=True))
    outside = [area.label for area in areas if area.pk not in allowed]
    if outside:
        names = {"areas": ", ".join(outside)}
        raise Refused({"areas": _("The protocol does not treat: %(areas)s.") % names})


def _phases(version: ProtocolVersion, count: int) -> Iterator[Phase]:
    """One phase per session, in order; more sessions than usual stretch the last phase. Maintenance is not counted."""
    phases = list(version.phases.filter(is_maintenance=False).order_by("position"))
    spread = [phase for phase in phases for _each in range(phase.sessions)]
    for index in range(count):
        yield spread[min(index, len(spread) - 1)]


def _refuse(findings: list[safety.Finding]) -> None:
    if findings:
        words = dict.fromkeys(finding.desk_message for finding in findings)
        raise Refused([ValidationError(sentence) for sentence in words])


def _move(session: TreatmentSession, to: str, allowed: Collection[str], **changes: object) -> TreatmentSession:
    """One statement checks the state and changes it, so that of two verbs at once only the first succeeds."""
    changes = {"state": to, **changes}
    found = TreatmentSession.objects.filter(pk=session.pk, state__in=allowed)
    if not found.update(version=F("version") + 1, **changes):
        session.refresh_from_db(fields=["state"])
        words = {"number": session.number, "state": session.get_state_display()}
        raise Refused(_("Session %(number)s cannot be changed like this: it is %(state)s.") % words)
    for name, value in changes.items():
        setattr(session, name, value)
    session.version += 1
    return session


def _locked_series(key: int) -> TreatmentSeries:
    return TreatmentSeries.objects.select_for_update(of=("self",)).select_related("patient").get(pk=key)


def _become(series: TreatmentSeries, state: str) -> None:
    series.state = state
    series.version += 1
    series.save(update_fields=["state", "version"])
