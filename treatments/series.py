"""Verbs of a course of treatment: start it, and move its sessions through their states. Each is one transaction.

The diary calls `mark_…` in the transaction of its own verb. Windows are computed from rows, never stored.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, prefetch_related_objects
from django.utils.translation import gettext as _

from patients import locks, merging
from patients.models import BodyArea, Patient, User
from patients.prepared import Prepared
from patients.refusals import Conflict, Refused
from treatments import safety
from treatments.models import DepthStep, Phase, ProtocolVersion, SeriesArea, TreatmentSeries, TreatmentSession
from treatments.windows import PlannedSession, Window, course

REASON_LENGTH = 250
State = TreatmentSession.State
SeriesState = TreatmentSeries.State
BOOKABLE = (SeriesState.DRAFT, SeriesState.AWAITING_CLEARANCE, SeriesState.ACTIVE)
UNDER_WAY = (SeriesState.ACTIVE, SeriesState.PAUSED)
_ENDED = (State.DONE, *TreatmentSession.OUT_OF_THE_COURSE)
# Prepared, because others wait for the locks of the course meanwhile.
_BOOK_ALL = Prepared("book_all_sessions", """
    UPDATE treatments_treatmentsession session SET state = 'booked', version = session.version + 1
    FROM treatments_treatmentseries series
    WHERE series.id = session.series_id AND session.id = ANY(%(sessions)s) AND session.state IN ('planned', 'missed')
    AND series.state = ANY(%(bookable)s) RETURNING session.id
""", sessions="bigint[]", bookable="text[]")  # fmt: skip


@dataclass(frozen=True)
class Earlier:
    """A session that was done before the series came into the books: the local day, where, and on which areas.

    Without areas it was done on those of the series.
    """

    done_on: date
    where: str = ""
    areas: tuple[BodyArea, ...] = ()


def start(
    patient: Patient, version: ProtocolVersion, *, areas: Iterable[BodyArea], sessions_planned: int,
    first_possible_on: date, by: User, today: date | None = None, note: str = "",
    fulfilled: Mapping[str, date] | None = None, earlier: Sequence[Earlier] = (), expires_on: date | None = None,
) -> TreatmentSeries:  # fmt: skip
    """Start a series with all its sessions planned; it pins the version. Dates are local days at the clinic.

    `earlier` were done before, in order of their days; they are the first of the `sessions_planned`. Raises `Refused`
    with what may be said at the desk when something forbids planning. The series waits for clearance while a clinician
    has to decide something; open points do not hold it up.
    """
    areas, earlier = list(areas), sorted(earlier, key=lambda each: each.done_on)
    with transaction.atomic():
        locks.take(patients=list(merging.group_of(patient).values_list("pk", flat=True)))
        version = ProtocolVersion.objects.select_related("protocol").get(pk=version.pk)
        _check_start(version, areas, sessions_planned)
        _check_earlier(version, earlier, sessions_planned, today or first_possible_on)
        if expires_on is not None and expires_on < first_possible_on:
            raise Refused({"expires_on": _("The series must be usable on its first possible day.")})
        findings = safety.assess_plan(patient, version, areas, first_possible_on, fulfilled=fulfilled)
        _refuse(safety.blocking(findings, safety.PLAN))
        series = TreatmentSeries.objects.create(
            patient=patient,
            protocol_version=version,
            state=TreatmentSeries.State.AWAITING_CLEARANCE,
            sessions_planned=sessions_planned,
            started_on=today or first_possible_on,
            first_possible_on=first_possible_on,
            expires_on=expires_on,
            created_by=by,
            note=note.strip(),
        )
        SeriesArea.objects.bulk_create(SeriesArea(series=series, area=area) for area in areas)
        sessions = TreatmentSession.objects.bulk_create(
            TreatmentSession(series=series, number=number, phase=phase, **_done_before(earlier[number - 1 : number]))
            for number, phase in enumerate(_phases(version, sessions_planned), start=1)
        )
        for session, before in zip(sessions, earlier, strict=False):
            session.done_areas.set(before.areas)
        if earlier:
            begin_anew(series, first_possible_on, reason=_("The series goes on here from that day."))
        if not any(finding.needs_clinician for finding in findings):
            become(series, SeriesState.ACTIVE)
    return series


def clear(series: TreatmentSeries, *, on: date, fulfilled: Mapping[str, date] | None = None) -> TreatmentSeries:
    """Let a waiting series begin once no clinician has anything left to decide for that local day."""
    with transaction.atomic():
        series = locked(series)
        if series.state != SeriesState.AWAITING_CLEARANCE:
            raise Refused(_("This series is not waiting for a clinician."))
        findings = safety.assess_series(series, on, fulfilled=fulfilled)
        _refuse([finding for finding in findings if finding.needs_clinician])
        become(series, SeriesState.ACTIVE)
    return series


def next_session(series: TreatmentSeries, *, used_up: Collection[int] = ()) -> TreatmentSession | None:
    """Return the first session that is neither done, skipped nor cancelled; maintenance comes after the course.

    `used_up` are the numbers of those that a visit has used up though it did not take place: only the diary knows.
    """
    coming = series.sessions.exclude(state__in=_ENDED).exclude(number__in=used_up)
    return coming.select_related("phase").order_by("number").first()


def mark_booked(session: TreatmentSession) -> TreatmentSession:
    """The session is in the diary; also takes back a missed one. Refused while its series does not run.

    A series that was complete without it, because it was used up, runs again.
    """
    allowed = {State.PLANNED, State.MISSED}
    try:
        return move(session, State.BOOKED, allowed, series_states=BOOKABLE)
    except Refused:
        with transaction.atomic():
            series = locked(session.series)
            if series.state != SeriesState.COMPLETED or session.state not in allowed:
                raise
            become(series, SeriesState.ACTIVE)
            return move(session, State.BOOKED, allowed)


def mark_all_booked(sessions: Collection[TreatmentSession]) -> None:
    """The same for several sessions of one series, in one statement: all or none.

    The transaction must have said who acts (`locks.writing`).
    """
    keys = [session.pk for session in sessions]
    if len(_BOOK_ALL.rows({"sessions": keys, "bookable": [state.value for state in BOOKABLE]})) != len(keys):
        raise Refused(_("The course has changed in the meantime. Look at it again before you book it."))
    for session in sessions:
        session.state = State.BOOKED
        session.version += 1


def mark_planned(session: TreatmentSession) -> TreatmentSession:
    """The session is out of the diary again; one that was done by mistake is first taken back."""
    with transaction.atomic():
        if session.state == State.DONE:
            undo_done(session)
        TreatmentSession.done_areas.through.objects.filter(treatmentsession=session).delete()
        return move(session, State.PLANNED, {State.BOOKED, State.MISSED, State.ON_HOLD})


def mark_missed(session: TreatmentSession) -> TreatmentSession:
    """The patient did not come."""
    return move(session, State.MISSED, {State.BOOKED})


def mark_done(session: TreatmentSession, *, on: date, used_up: Collection[int] = ()) -> TreatmentSession:
    """The session was really done on that local day; the course is complete with the last one that is not `used_up`."""
    with transaction.atomic():
        move(session, State.DONE, {State.BOOKED}, done_on=on)
        series = locked(session.series)
        if series.state == SeriesState.AWAITING_CLEARANCE:
            become(series, SeriesState.ACTIVE)
        complete_if_over(series, used_up=used_up)
    return session


def complete_if_over(series: TreatmentSeries, *, used_up: Collection[int] = ()) -> None:
    """A course under way is complete once no session of it is to come and at least one was done."""
    is_begun = series.state in UNDER_WAY and series.sessions.filter(state=State.DONE).exists()
    if is_begun and next_session(series, used_up=used_up) is None:
        become(series, SeriesState.COMPLETED)


def settle_end(series: TreatmentSeries, *, used_up: Collection[int]) -> None:
    """Complete the course or let it run again, after what counts as used up has changed."""
    series = locked(series)
    complete_if_over(series, used_up=used_up)
    if series.state == SeriesState.COMPLETED and next_session(series, used_up=used_up) is not None:
        become(series, SeriesState.ACTIVE)


def undo_done(session: TreatmentSession) -> TreatmentSession:
    """Take a done session back into the diary; a course that was complete with it runs again."""
    with transaction.atomic():
        move(session, State.BOOKED, {State.DONE}, done_on=None, is_done_elsewhere=False, done_where="")
        series = locked(session.series)
        if series.state == SeriesState.COMPLETED:
            become(series, SeriesState.ACTIVE)
    return session


def begin_anew(
    series: TreatmentSeries, on: date, *, reason: str, booked: Mapping[int, date] | None = None,
    used_up: Collection[int] = (),
) -> None:  # fmt: skip
    """Count the course from that day, where it would have gone on before: its next open session is best then.

    A course that has not begun has another first possible day; one under way gets dates of its own for that session.
    """
    found = windows(series, booked=booked, used_up=used_up)
    session = series.sessions.filter(number__in=found, state__in=(State.PLANNED, State.MISSED)).first()
    if session is None or found[session.number].ideal >= on:
        return
    if session.number == min(found):
        series.first_possible_on = on
        series.save(update_fields=["first_possible_on"])
        return
    window = found[session.number].begun_anew(on)
    session.not_before_on, session.best_on, session.not_after_on = window.earliest, window.ideal, window.latest
    session.window_reason = " · ".join(filter(None, [session.window_reason, reason]))[:REASON_LENGTH]
    session.version += 1
    session.save(update_fields=["not_before_on", "best_on", "not_after_on", "window_reason", "version"])


def windows(
    series: TreatmentSeries, *, booked: Mapping[int, date] | None = None, today: date | None = None,
    used_up: Collection[int] = (),
) -> dict[int, Window]:  # fmt: skip
    """Return the window of each session by number; skipped, cancelled and `used_up` sessions have none.

    `booked` gives the local day of each booked session by number: only the diary knows it. Without it a booked session
    counts as if it were on its ideal day. Fetched `sessions` are used as they are.
    """
    sessions = [session for session in series.sessions.all() if session.number not in used_up]
    ends = {"expires_on": series.expires_on}
    return windows_of(sessions, series.first_possible_on, booked=booked, today=today, **ends)


def windows_of(
    sessions: Iterable[TreatmentSession], first_possible_on: date, *,
    booked: Mapping[int, date] | None = None, today: date | None = None, expires_on: date | None = None,
) -> dict[int, Window]:  # fmt: skip
    """The same for sessions in hand; also for copies in another phase, to see what would become of them."""
    booked = booked or {}
    coming = [session for session in sessions if session.state not in TreatmentSession.OUT_OF_THE_COURSE]
    prefetch_related_objects(coming, "phase")
    planned = [_planned(session, booked.get(session.number), expires_on) for session in coming]
    return course(planned, first_possible_on, today=today)


def _planned(session: TreatmentSession, booked_on: date | None, expires_on: date | None) -> PlannedSession:
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
        expires_on=expires_on,
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
    check_areas(version, areas)


def check_areas(version: ProtocolVersion, areas: Iterable[BodyArea]) -> None:
    """Raise `Refused` for areas that the version does not treat."""
    allowed = set(DepthStep.objects.filter(version=version).values_list("area_id", flat=True))
    outside = dict.fromkeys(area.label for area in areas if area.pk not in allowed)
    if outside:
        names = {"areas": ", ".join(outside)}
        raise Refused({"areas": _("The protocol does not treat: %(areas)s.") % names})


def _check_earlier(version: ProtocolVersion, earlier: list[Earlier], sessions_planned: int, today: date) -> None:
    days = [each.done_on for each in earlier]
    if len(days) >= sessions_planned:
        raise Refused({"earlier": _("At least one visit must be left to do: raise the number of visits.")})
    if len(set(days)) < len(days):
        raise Refused({"earlier": _("Two visits that were done before are on the same day.")})
    if any(day > today for day in days):
        raise Refused({"earlier": _("A visit that was done before cannot be in the future.")})
    check_areas(version, [area for each in earlier for area in each.areas])


def _done_before(earlier: Sequence[Earlier]) -> dict:
    """What the row of a session says that was done before, if it was."""
    if not earlier:
        return {}
    (before,) = earlier
    done = {"state": State.DONE, "done_on": before.done_on, "is_done_elsewhere": True}
    return done | {"done_where": before.where.strip()}


def _phases(version: ProtocolVersion, count: int) -> Iterator[Phase]:
    """One phase per session, in order; more sessions than usual stretch the last phase. Maintenance is not counted."""
    phases = list(version.phases.filter(is_maintenance=False).order_by("position"))
    spread = [phase for phase in phases for _each in range(phase.sessions)]
    for index in range(count):
        yield spread[min(index, len(spread) - 1)]


def phase_of(version: ProtocolVersion, number: int) -> Phase:
    """The phase of the session of that number."""
    *_before, phase = _phases(version, number)
    return phase


def _refuse(findings: list[safety.Finding]) -> None:
    if findings:
        words = dict.fromkeys(finding.desk_message for finding in findings)
        raise Refused([ValidationError(sentence) for sentence in words])


def move(
    session: TreatmentSession, to: str, allowed: Collection[str], *, series_states: Collection[str] = (),
    **changes: object,
) -> TreatmentSession:  # fmt: skip
    """One statement checks the state and changes it, so that of two verbs at once only the first succeeds."""
    changes = {"state": to, **changes}
    found = TreatmentSession.objects.filter(pk=session.pk, state__in=allowed)
    if series_states:
        found = found.filter(series__state__in=series_states)
    if not found.update(version=F("version") + 1, **changes):
        session.refresh_from_db(fields=["state"])
        if session.state in allowed:
            state = TreatmentSeries.objects.get(pk=session.series_id).get_state_display()
            raise Refused(_("This series is %(state)s. Let it go on before you book its sessions.") % {"state": state})
        words = {"number": session.number, "state": session.get_state_display()}
        raise Refused(_("Session %(number)s cannot be changed like this: it is %(state)s.") % words)
    for name, value in changes.items():
        setattr(session, name, value)
    session.version += 1
    return session


def locked(series: TreatmentSeries, *, version: int | None = None) -> TreatmentSeries:
    """The series as it is now; raises `Conflict` if it is not in the `version` that the person saw."""
    rows = TreatmentSeries.objects.select_for_update(of=("self",)).select_related("patient", "protocol_version")
    found = rows.get(pk=series.pk)
    if version is not None and found.version != version:
        raise Conflict(_("Somebody else changed this series in the meantime. Look at it again before you change it."))
    return found


def become(series: TreatmentSeries, state: str, *, reason: str = "") -> None:
    """Write the state of a locked series, and why it pauses or was stopped."""
    series.state, series.state_reason = state, reason
    series.version += 1
    series.save(update_fields=["state", "state_reason", "version"])
