"""What a course says after its visits: worked out anew for whole series, and only the difference is written.

Check-ins belong to each visit until a later visit of the series takes their place; rules "after the last only" belong
to the series and count from its last session; "rebook" ends once a later session is in the diary. What is said after a
visit is what the version says that its session was planned under: of a course that went over to a newer version, what
was done goes on as it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from clinic import message_times, wordings
from clinic.models import Appointment, Reminder
from patients.prepared import PreparedRows
from treatments.models import FollowUpRule, ProtocolVersion, TreatmentSeries, TreatmentSession

REBOOK = "rebook_window"
USEFUL_FOR = timedelta(hours=48)
NOT_GOING_ON = (TreatmentSeries.State.PAUSED, TreatmentSeries.State.STOPPED, TreatmentSeries.State.COMPLETED)
NOT_COMING = (TreatmentSession.State.SKIPPED, TreatmentSession.State.VOIDED)
State = Reminder.State
# What has gone out, or may have: never planned a second time.
TOLD = (State.SENT, State.CLAIMED, State.DOUBTFUL)
KEPT = (*TOLD, State.SCHEDULED, State.FAILED, State.GAVE_UP, State.EXPIRED)
# Prepared, because every booking of a session asks it while others wait for its locks.
_RULES = PreparedRows("follow_up_rules", FollowUpRule, """
    WHERE this.version_id IN (SELECT phase.version_id FROM treatments_treatmentsession session
        JOIN treatments_phase phase ON phase.id = session.phase_id WHERE session.series_id = ANY(%(series)s))
    ORDER BY this.version_id, this.offset_hours, this.key
""", series="bigint[]")  # fmt: skip

Subject = tuple[int | None, int | None, str]  # appointment, series (one of them), rule key


@dataclass(frozen=True)
class Wanted:
    """One message that should exist."""

    due_at: datetime
    visit: Appointment


def settle(series_ids: Iterable[int], now: datetime) -> None:
    """Plan, keep or void the unsent follow-ups so that they fit the visits, in a fixed number of queries."""
    Reminder.objects.bulk_create(missing(series_ids, now))


def missing(series_ids: Iterable[int], now: datetime) -> list[Reminder]:
    """Void the unsent follow-ups that do not fit the visits any more; returns those to be written instead."""
    ids = sorted(set(series_ids))
    rules = _rules_of(ids) if ids else []
    if not rules:
        return []
    wanted = _wanted(ids, rules)
    of_series = Q(series__in=ids) | Q(appointment__session__series__in=ids)
    rows = list(Reminder.objects.filter(of_series, rule_key__in={rule.key for rule in rules}))
    kept = {_subject(row) for row in rows if row.state in KEPT and _still_fits(row, wanted)}
    void([row.pk for row in rows if row.state in (State.SCHEDULED, State.FAILED) and not _still_fits(row, wanted)])
    versions: dict[Subject, int] = {}
    for row in rows:
        versions[_subject(row)] = max(versions.get(_subject(row), 0), row.plan_version)
    return [
        _row(subject, want, max(want.visit.plan_version, versions.get(subject, 0) + 1))
        for subject, want in wanted.items()
        if subject not in kept and want.due_at >= now and can_be_told(want.visit)
    ]


def drop_left_behind(series: TreatmentSeries, version: ProtocolVersion) -> None:
    """Take back what a version that was left planned to say, where no session is under a version that says it too."""
    about = Q(series=series) | Q(appointment__session__series=series)
    left = FollowUpRule.objects.filter(version=version).exclude(key__in={rule.key for rule in _rules_of([series.pk])})
    void(list(Reminder.objects.filter(about, rule_key__in=left.values("key")).values_list("pk", flat=True)))


def void(ids: list[int], why: str = "") -> None:
    """Take back messages that have not gone out; those being sent at this moment are left to the sender."""
    if ids:
        why = why or _("The visits of the course have changed.")
        Reminder.objects.filter(pk__in=ids).unsent().update(state=State.VOID, why=why)


def can_be_told(visit: Appointment) -> bool:
    """Whether messages about the visit reach anybody, and should."""
    return bool(visit.patient.email) and visit.patient.wants_messages and not visit.is_entered_later


def _rules_of(series_ids: list[int]) -> list[FollowUpRule]:
    """Everything that the versions of their sessions say after visits."""
    return _RULES.all(series=series_ids)


def _still_fits(row: Reminder, wanted: dict[Subject, Wanted]) -> bool:
    want = wanted.get(_subject(row))
    if row.state in TOLD:
        return True
    if want is None or not can_be_told(want.visit):
        return False
    return row.due_at == want.due_at or bool(row.attempts)


def _subject(row: Reminder) -> Subject:
    return (row.appointment_id, row.series_id, row.rule_key)


def _visits(series_ids: list[int]) -> dict[int, list[Appointment]]:
    """The live visits of each series in the order of time."""
    found: dict[int, list[Appointment]] = {series: [] for series in series_ids}
    live = Appointment.objects.live().filter(session__series__in=series_ids)
    for visit in live.select_related("patient", "location", "session__phase").order_by("starts_at"):
        found[visit.session.series_id].append(visit)
    return found


def _wanted(series_ids: list[int], rules: list[FollowUpRule]) -> dict[Subject, Wanted]:
    visits = _visits(series_ids)
    wanted: dict[Subject, Wanted] = {}
    for series, last in _courses(series_ids):
        for rule in rules:
            if rule.is_after_last_only:
                wanted |= _after_the_last(series, rule, visits[series.pk], last)
            elif rule.key == REBOOK and series.state in NOT_GOING_ON:
                continue
            else:
                wanted |= _after_each(rule, visits[series.pk], last)
    return wanted


def _courses(series_ids: list[int]) -> list[tuple[TreatmentSeries, int | None]]:
    """Each series with the session that ends it: maintenance, skipped, voided and used up ones do not."""
    lost = Appointment.objects.filter(session=OuterRef("pk")).using_up()
    coming = TreatmentSession.objects.filter(series=OuterRef("pk"), phase__is_maintenance=False)
    last = coming.exclude(state__in=NOT_COMING).exclude(Exists(lost)).order_by("-number").values("pk")[:1]
    rows = TreatmentSeries.objects.filter(pk__in=series_ids).annotate(last_session_id=Subquery(last))
    return [(series, series.last_session_id) for series in rows]


def _after_the_last(
    series: TreatmentSeries, rule: FollowUpRule, visits: list[Appointment], last: int | None
) -> dict[Subject, Wanted]:
    visit = next((visit for visit in visits if visit.session_id == last and _is_under(visit, rule)), None)
    return {(None, series.pk, rule.key): Wanted(_due(rule, visit), visit)} if visit is not None else {}


def _after_each(rule: FollowUpRule, visits: list[Appointment], last: int | None) -> dict[Subject, Wanted]:
    wanted: dict[Subject, Wanted] = {}
    for position, visit in enumerate(visits):
        due_at, later = _due(rule, visit), visits[position + 1 :]
        is_rebook = rule.key == REBOOK
        if is_rebook and (later or visit.session_id == last):
            continue
        if not _is_under(visit, rule) or any(next_visit.starts_at <= due_at for next_visit in later):
            continue
        wanted[(visit.pk, None, rule.key)] = Wanted(due_at, visit)
    return wanted


def _is_under(visit: Appointment, rule: FollowUpRule) -> bool:
    return visit.session.phase.version_id == rule.version_id


def _due(rule: FollowUpRule, visit: Appointment) -> datetime:
    """From the real end once there is one, from the planned end until then."""
    is_over = visit.status == Appointment.Status.COMPLETED and visit.finished_at is not None
    return message_times.after(visit.finished_at if is_over else visit.ends_at, rule.offset_hours, visit.location)


def _row(subject: Subject, want: Wanted, plan_version: int) -> Reminder:
    appointment_id, series_id, rule_key = subject
    return Reminder(
        appointment_id=appointment_id,
        series_id=series_id,
        patient=want.visit.patient,
        location=want.visit.location,
        rule_key=rule_key,
        template_key=wordings.template_for(rule_key),
        plan_version=plan_version,
        due_at=want.due_at,
        expires_at=want.due_at + USEFUL_FOR,
    )
