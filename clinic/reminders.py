"""Planning of messages: rows written, moved and taken back in the transaction of the visit that they are about.

Called by `clinic.booking` while it holds the patient's lock; takes no lock itself. Only `clinic.outbox` sends. A visit
that was entered later, and a patient without an e-mail address or who wants no messages, get no rows.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from clinic import followups, message_times
from clinic.models import Appointment, LocationReminderRule, Reminder
from patients.prepared import Prepared, PreparedInsert, PreparedRows
from treatments.models import TreatmentSeries

BOOKED, MOVED, CANCELLED, REMINDER = "visit_booked", "visit_moved", "visit_cancelled", "visit_reminder"
NEWS = (BOOKED, MOVED, CANCELLED)
_ROWS = PreparedInsert("insert_reminders", Reminder)
# Prepared, because every booking asks them while others wait for its locks.
_RULES = PreparedRows(
    "reminder_rules", LocationReminderRule, "WHERE location_id = ANY(%(locations)s)", locations="bigint[]"
)
_REACHED_BY = Prepared(
    "reached_by", "SELECT id, email, wants_messages FROM patients_patient WHERE id = ANY(%(people)s)", people="bigint[]"
)


def plan(appointments: Sequence[Appointment], now: datetime) -> None:
    """Plan the messages of newly booked visits: a confirmation, reminders before, follow-ups after."""
    _ask_how_to_reach(appointments)
    told = [visit for visit in _spoken_of(appointments) if followups.can_be_told(visit) and visit.starts_at > now]
    news = filter(None, [_news(BOOKED, visit, now) for visit in told])
    after = followups.missing(_series_of(appointments), now)
    _ROWS.write([*news, *_before(told, now), *after])


def replan(appointment: Appointment, now: datetime) -> None:
    """After a move or an undo: take back what has not gone out and plan anew; nothing new to say means no message."""
    (visit,) = _fresh([appointment])
    _take_back(visit, _("The visit was changed."))
    if visit.is_live and followups.can_be_told(visit) and visit.starts_at > now and _spoken_of([visit]):
        kind = _kind_of_news(visit)
        news = _news(kind, visit, now) if kind else None
        Reminder.objects.bulk_create([*filter(None, [news]), *_before([visit], now)])
    _settle_series([visit], now)


def cancelled(appointment: Appointment, now: datetime) -> None:
    """Take back what has not gone out; tell the patient if they were told of the visit, or were due to be."""
    (visit,) = _fresh([appointment])
    was_told = _last_news(visit) is not None
    was_due = visit.reminders.unsent().filter(rule_key__in=NEWS, due_at__lte=now).exists()
    _take_back(visit, _("The visit was cancelled."))
    if (was_told or was_due) and followups.can_be_told(visit):
        news = _news(CANCELLED, visit, now)
        Reminder.objects.bulk_create(filter(None, [news]))
    _settle_series([visit], now)


def completed(appointment: Appointment, now: datetime) -> None:
    """Count the follow-ups from the real end of the visit."""
    _settle_series(_fresh([appointment]), now)


def void(appointment: Appointment, now: datetime) -> None:
    """Take back what has not gone out and say nothing: the visit was missed, or booked by mistake."""
    (visit,) = _fresh([appointment])
    _take_back(visit, _("The visit did not take place."))
    _settle_series([visit], now)


def course_changed(series: TreatmentSeries, now: datetime) -> None:
    """Fit the follow-ups to a course whose sessions or state have changed; no visit needs to have changed."""
    followups.settle([series.pk], now)


def _fresh(appointments: Iterable[Appointment]) -> list[Appointment]:
    ids = [appointment.pk for appointment in appointments]
    return list(Appointment.objects.filter(pk__in=ids).select_related("patient", "location", "session"))


def _ask_how_to_reach(visits: Iterable[Appointment]) -> None:
    """Read again what of the patients may have changed while their locks were waited for."""
    people = {visit.patient_id: visit.patient for visit in visits}
    for key, email, wants_messages in _REACHED_BY.rows({"people": list(people)}):
        people[key].email, people[key].wants_messages = email, wants_messages
    for visit in visits:
        visit.patient = people[visit.patient_id]


def _spoken_of(visits: Sequence[Appointment]) -> Sequence[Appointment]:
    """Of visits back to back only the first is announced: the patient comes once."""
    groups = {visit.visit_group for visit in visits} - {None}
    if not groups:
        return visits
    together = Appointment.objects.live().filter(visit_group__in=groups).order_by("visit_group", "starts_at", "pk")
    first = dict(together.distinct("visit_group").values_list("visit_group", "pk"))
    return [visit for visit in visits if visit.visit_group is None or first.get(visit.visit_group) == visit.pk]


def _take_back(visit: Appointment, why: str) -> None:
    visit.reminders.unsent().update(state=Reminder.State.VOID, why=why)


def _settle_series(visits: Iterable[Appointment], now: datetime) -> None:
    followups.settle(_series_of(visits), now)


def _series_of(visits: Iterable[Appointment]) -> set[int]:
    return {visit.session.series_id for visit in visits if visit.session is not None}


def _news(kind: str, visit: Appointment, now: datetime) -> Reminder | None:
    """A message that waits for second thoughts, then for the end of the quiet hours unless the visit is before that."""
    due_at = now + timedelta(seconds=settings.EDIT_WAIT_SECONDS)
    after_quiet = message_times.out_of_quiet(due_at, visit.location)
    due_at = after_quiet if after_quiet < visit.starts_at else due_at
    if due_at >= visit.starts_at:
        return None
    return _row(visit, kind, kind, due_at)


def _before(visits: Sequence[Appointment], now: datetime) -> list[Reminder]:
    rules: dict[int, list[LocationReminderRule]] = {}
    for rule in _RULES.all(locations=[visit.location_id for visit in visits]):
        rules.setdefault(rule.location_id, []).append(rule)
    rows = []
    for visit in visits:
        for rule in rules.get(visit.location_id, []):
            due_at = message_times.before(visit.starts_at, rule.minutes_before, visit.location)
            if now <= due_at < visit.starts_at:
                rows.append(_row(visit, f"{REMINDER}-{rule.key}", REMINDER, due_at))
    return rows


def _last_news(visit: Appointment) -> Reminder | None:
    """The last thing the patient was told, or may have been told, about when the visit is."""
    told = visit.reminders.filter(rule_key__in=NEWS, state__in=followups.TOLD)
    return told.order_by("-due_at", "-pk").first()


def _kind_of_news(visit: Appointment) -> str:
    last = _last_news(visit)
    if last is None or last.rule_key == CANCELLED:
        return BOOKED
    # A message about a coming visit is useful until that visit begins: so this is the start the patient knows.
    knows = last.expires_at == visit.starts_at and last.location_id == visit.location_id
    return "" if knows else MOVED


def _row(visit: Appointment, rule_key: str, template_key: str, due_at: datetime) -> Reminder:
    return Reminder(
        appointment=visit,
        patient=visit.patient,
        location=visit.location,
        rule_key=rule_key,
        template_key=template_key,
        plan_version=visit.plan_version,
        due_at=due_at,
        expires_at=visit.starts_at,
    )
