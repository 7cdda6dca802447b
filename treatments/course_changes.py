"""Changes of a course under way, as far as the diary has no part in them: more or fewer visits, dates, pause and stop.

Called by `clinic.course_changes` only, which holds the patient's lock and tells diary and messages. Dates are local
days. A series or session that somebody else changed since the person looked raises `Conflict`.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from patients.models import BodyArea, User
from patients.refusals import Conflict, Refused
from patients.roles import CLINICAL, has_role
from treatments import safety
from treatments import series as courses_of
from treatments.models import Phase, SeriesArea, TreatmentSeries, TreatmentSession

State = TreatmentSession.State
SeriesState = TreatmentSeries.State
CHANGEABLE = (*courses_of.BOOKABLE, SeriesState.PAUSED)
WAITING = (State.PLANNED, State.MISSED)


def add_visit(series: TreatmentSeries, *, version: int) -> TreatmentSession:
    """One more visit at the end of the course, as its last phase goes; up to the most of the protocol."""
    series = _changeable(series, version, (*CHANGEABLE, SeriesState.COMPLETED))
    if _maintenance(series).exists():
        raise Refused(_("The course is in maintenance: add a maintenance visit instead."))
    _check_number(series, _counted(series).count() + 1)
    number = _last_number(series) + 1
    session = TreatmentSession.objects.create(
        series=series, number=number, phase=courses_of.phase_of(series.protocol_version, number)
    )
    _grown(series)
    return session


def add_maintenance(series: TreatmentSeries, *, version: int) -> TreatmentSession:
    """One visit of the maintenance phase, outside the number of visits planned."""
    series = _changeable(series, version, (*CHANGEABLE, SeriesState.COMPLETED))
    phase = _next_of_maintenance(series)
    session = TreatmentSession.objects.create(series=series, number=_last_number(series) + 1, phase=phase)
    _grown(series)
    return session


def _next_of_maintenance(series: TreatmentSeries) -> Phase:
    """The phase of one more maintenance visit; one waits at a time."""
    phases = series.protocol_version.phases.filter(is_maintenance=True).order_by("position")
    spread = [phase for phase in phases for _each in range(phase.sessions)]
    if not spread:
        raise Refused(_("The protocol has no maintenance."))
    if _maintenance(series).exclude(state=State.DONE).exists():
        raise Refused(_("A maintenance visit is planned already."))
    return spread[min(_maintenance(series).count(), len(spread) - 1)]


def drop_visit(
    series: TreatmentSeries, *, reason: str, version: int, session: TreatmentSession | None = None,
    used_up: Collection[int] = (),
) -> TreatmentSession:  # fmt: skip
    """Leave a visit out, the last one by default; down to the fewest of the protocol, never one that is booked."""
    reason = _said(reason, _("Say why the visit is left out."))
    series = _changeable(series, version, CHANGEABLE)
    rows = series.sessions.select_related("phase").exclude(number__in=used_up)
    if session is None:
        session = rows.filter(state__in=TreatmentSession.OPEN, phase__is_maintenance=False).last()
    else:
        session = rows.filter(pk=session.pk).first()
    if session is None:
        raise Refused(_("No visit is left that could be left out."))
    if session.state == State.BOOKED:
        words = {"number": session.number}
        raise Refused(_("Session %(number)s is in the diary. Cancel its visit first.") % words)
    if not session.phase.is_maintenance:
        _check_number(series, _counted(series).count() - 1)
    if session.state == State.MISSED:
        courses_of.mark_planned(session)
    courses_of.move(session, State.SKIPPED, {State.PLANNED, State.ON_HOLD}, skip_reason=reason)
    _renumbered(series)
    courses_of.complete_if_over(series, used_up=used_up)
    return session


def put_back(
    session: TreatmentSession, *, reason: str, version: int, used_up: Collection[int] = ()
) -> TreatmentSession:
    """A visit that was left out is to be booked after all, in its place; up to the most of the protocol.

    Refused once a later session is done or used up: the course has passed it. Both reasons are kept.
    """
    reason = _said(reason, _("Say why the visit is put back."))
    series = _changeable(session.series, None, (*CHANGEABLE, SeriesState.COMPLETED))
    _same(session, version)
    later = series.sessions.filter(number__gt=session.number)
    if later.filter(Q(state=State.DONE) | Q(number__in=used_up)).exists():
        words = {"number": session.number}
        raise Refused(_("The course has passed session %(number)s: add a visit at its end instead.") % words)
    if session.phase.is_maintenance:
        phase = _next_of_maintenance(series)
    else:
        _check_number(series, _counted(series).count() + 1)
        phase = courses_of.phase_of(series.protocol_version, session.number)
    words = {"reason": reason, "before": session.skip_reason}
    kept = _("Put back: %(reason)s · left out before: %(before)s") % words
    courses_of.move(session, State.PLANNED, {State.SKIPPED}, phase=phase, skip_reason=kept[: courses_of.REASON_LENGTH])
    _grown(series)
    return session


def hold(session: TreatmentSession, *, version: int) -> TreatmentSession:
    """The session waits: it is not to be booked until it is taken off hold."""
    _same(session, version)
    if session.state == State.MISSED:
        courses_of.mark_planned(session)
    return courses_of.move(session, State.ON_HOLD, {State.PLANNED})


def end_hold(session: TreatmentSession, *, version: int) -> TreatmentSession:
    """The session may be booked again."""
    _same(session, version)
    return courses_of.move(session, State.PLANNED, {State.ON_HOLD})


def set_dates(
    session: TreatmentSession, *, not_before_on: date | None, best_on: date | None, not_after_on: date | None,
    reason: str, earliest: date | None, version: int, by: User,
) -> TreatmentSession:  # fmt: skip
    """The practitioner's own dates for one session that is to come, or none of them any more.

    `earliest` is the first day that the course itself leaves.
    """
    if not has_role(by, *CLINICAL):
        raise Refused(_("Only a practitioner or a clinical lead sets the dates of a session."))
    _same(session, version)
    if session.state not in (*TreatmentSession.OPEN, State.BOOKED):
        raise Refused(_("Session %(number)s is over: its dates cannot be set any more.") % {"number": session.number})
    days = [day for day in (not_before_on, best_on, not_after_on) if day is not None]
    if days:
        reason = _said(reason, _("Say why the dates of this session are set."))
    if days != sorted(days):
        raise Refused(_("The dates must follow one another: not before, best on, not after."))
    if days and earliest is not None and days[-1] < earliest:
        raise Refused(_("The earliest safe day for this session is later than all of these dates."))
    session.not_before_on, session.best_on, session.not_after_on = not_before_on, best_on, not_after_on
    session.window_reason = reason if days else ""
    session.version += 1
    session.save(update_fields=["not_before_on", "best_on", "not_after_on", "window_reason", "version"])
    return session


def done_elsewhere(
    session: TreatmentSession, *, on: date, where: str, areas: Iterable[BodyArea], today: date, version: int,
    used_up: Collection[int] = (),
) -> TreatmentSession:  # fmt: skip
    """The session was done on that day by somebody else, or before the series came into the books."""
    series = _changeable(session.series, None, CHANGEABLE)
    _same(session, version)
    if on > today:
        raise Refused(_("A visit that was done before cannot be in the future."))
    _check_order(series, session, on)
    courses_of.check_areas(series.protocol_version, areas)
    courses_of.move(session, State.BOOKED, WAITING)
    courses_of.move(
        session, State.DONE, {State.BOOKED}, done_on=on, is_done_elsewhere=True, done_where=where.strip(),
        not_before_on=None, best_on=None, not_after_on=None, window_reason="",
    )  # fmt: skip
    session.done_areas.set(areas)
    courses_of.complete_if_over(series, used_up=used_up)
    return session


def take_back_elsewhere(session: TreatmentSession, *, version: int) -> TreatmentSession:
    """It was noted by mistake: the session is to be booked."""
    _same(session, version)
    if not session.is_done_elsewhere:
        raise Refused(_("This session was done here: take it back on the page of its visit."))
    return courses_of.mark_planned(session)


def pause(series: TreatmentSeries, *, reason: str, version: int) -> TreatmentSeries:
    """Nothing of the course is booked until it goes on."""
    reason = _said(reason, _("Say why the series pauses."))
    series = courses_of.locked(series, version=version)
    if series.state != SeriesState.ACTIVE:
        raise Refused(_("Only a running series can pause; this one is %(state)s.") % _state(series))
    courses_of.become(series, SeriesState.PAUSED, reason=reason)
    return series


def resume(
    series: TreatmentSeries, *, on: date, version: int, booked: Mapping[int, date] | None = None,
    used_up: Collection[int] = (),
) -> TreatmentSeries:  # fmt: skip
    """A paused or stopped course goes on, counted from that day."""
    series = courses_of.locked(series, version=version)
    if series.state not in (SeriesState.PAUSED, SeriesState.STOPPED):
        raise Refused(_("Only a series that pauses or was stopped can go on; this one is %(state)s.") % _state(series))
    courses_of.become(series, SeriesState.ACTIVE)
    courses_of.begin_anew(series, on, reason=_("The series goes on after a pause."), booked=booked, used_up=used_up)
    courses_of.complete_if_over(series, used_up=used_up)
    return series


def stop(series: TreatmentSeries, *, reason: str, version: int) -> TreatmentSeries:
    """Nothing more of the course takes place; its open sessions stay as they are, in case it goes on."""
    reason = _said(reason, _("Say why the series is stopped."))
    series = courses_of.locked(series, version=version)
    if series.state not in CHANGEABLE:
        raise Refused(_("This series is over already: it is %(state)s.") % _state(series))
    courses_of.become(series, SeriesState.STOPPED, reason=reason)
    return series


def set_expiry(series: TreatmentSeries, *, expires_on: date | None, version: int) -> TreatmentSeries:
    """The last day on which the series may be used, or no such day."""
    series = _changeable(series, version, CHANGEABLE)
    if expires_on is not None and expires_on < series.started_on:
        raise Refused(_("The series began after that day."))
    series.expires_on = expires_on
    series.version += 1
    series.save(update_fields=["expires_on", "version"])
    return series


def set_areas(
    series: TreatmentSeries, *, areas: Iterable[BodyArea], on: date, version: int,
    fulfilled: Mapping[str, date] | None = None,
) -> TreatmentSeries:  # fmt: skip
    """Treat these areas from now on, all of them of the protocol; sessions that are done keep those that they had.

    `on` is the local day of today. Refused for what the safety check of the added areas forbids for good; what ends on
    a day, or a clinician may decide, is said when a visit is booked.
    """
    series, areas = _changeable(series, version, CHANGEABLE), list(areas)
    if not areas:
        raise Refused({"areas": _("Choose at least one area.")})
    courses_of.check_areas(series.protocol_version, areas)
    before = [row.area for row in series.series_areas.select_related("area")]
    if set(before) == set(areas):
        raise Refused({"areas": _("These are the areas of the series already.")})
    _refuse_forbidden(series, before, areas, on, fulfilled)
    for session in series.sessions.filter(state=State.DONE, done_areas=None):
        session.done_areas.set(before)
    series.series_areas.exclude(area__in=areas).delete()
    SeriesArea.objects.bulk_create(SeriesArea(series=series, area=area) for area in areas if area not in before)
    series.version += 1
    series.save(update_fields=["version"])
    return series


def _refuse_forbidden(
    series: TreatmentSeries, before: list[BodyArea], areas: list[BodyArea], on: date,
    fulfilled: Mapping[str, date] | None,
) -> None:  # fmt: skip
    def forbidden(of: list[BodyArea]) -> dict[tuple[str, str], str]:
        found = safety.assess_plan(series.patient, series.protocol_version, of, on, fulfilled=fulfilled)
        lasting = [each for each in safety.blocking(found, safety.PLAN) if not each.clears_on and not each.is_decidable]
        return {(each.code, each.area): each.desk_message for each in lasting}

    known = forbidden(before)
    new = [message for key, message in forbidden(areas).items() if key not in known]
    if new:
        raise Refused([_("Not with these areas: %(reason)s") % {"reason": message} for message in dict.fromkeys(new)])


def note_change(series: TreatmentSeries, *, version: int) -> TreatmentSeries:
    """Something that is kept elsewhere about the running series changes: others who have it open are told."""
    series = _changeable(series, version, CHANGEABLE)
    series.version += 1
    series.save(update_fields=["version"])
    return series


# -- What the changes share -------------------------------------------------------------------------------------------


def _changeable(series: TreatmentSeries, version: int | None, states: Collection[str]) -> TreatmentSeries:
    series = courses_of.locked(series, version=version)
    if series.state not in states:
        raise Refused(_("This series is %(state)s: it cannot be changed like this.") % _state(series))
    return series


def _same(session: TreatmentSession, version: int) -> None:
    """The session is read again; raises `Conflict` when somebody else changed it."""
    session.refresh_from_db()
    if session.version != version:
        raise Conflict(_("Somebody else changed this session in the meantime. Look at it again before you change it."))


def _said(reason: str, otherwise: str) -> str:
    reason = reason.strip()
    if not reason:
        raise Refused({"reason": otherwise})
    return reason


def _state(series: TreatmentSeries) -> dict[str, str]:
    return {"state": series.get_state_display()}


def _counted(series: TreatmentSeries) -> QuerySet[TreatmentSession]:
    return series.sessions.filter(phase__is_maintenance=False).exclude(state__in=TreatmentSession.OUT_OF_THE_COURSE)


def _maintenance(series: TreatmentSeries) -> QuerySet[TreatmentSession]:
    return series.sessions.filter(phase__is_maintenance=True).exclude(state__in=TreatmentSession.OUT_OF_THE_COURSE)


def _last_number(series: TreatmentSeries) -> int:
    return series.sessions.aggregate(last=Max("number"))["last"] or 0


def _check_number(series: TreatmentSeries, count: int) -> None:
    version = series.protocol_version
    if not version.sessions_min <= count <= version.sessions_max:
        words = {"least": version.sessions_min, "most": version.sessions_max}
        raise Refused(_("The protocol allows between %(least)s and %(most)s sessions.") % words)


def _check_order(series: TreatmentSeries, session: TreatmentSession, on: date) -> None:
    """Sessions are done in their order."""
    done = series.sessions.filter(state=State.DONE)
    too_late = done.filter(number__lt=session.number, done_on__gte=on)
    if too_late.exists() or done.filter(number__gt=session.number, done_on__lte=on).exists():
        raise Refused(_("The sessions must have been done in their order: look at the days of the others."))


def _grown(series: TreatmentSeries) -> None:
    if series.state == SeriesState.COMPLETED:
        series.state = SeriesState.ACTIVE
    _renumbered(series)


def _renumbered(series: TreatmentSeries) -> None:
    """The number planned is that of the last session of the course that is not left out."""
    series.sessions_planned = _counted(series).aggregate(last=Max("number"))["last"]
    series.version += 1
    series.save(update_fields=["sessions_planned", "state", "version"])
