"""Planning of messages: rows written, moved and taken back in the transaction of the visit that they are about.

Called by `clinic.booking` while it holds the patient's lock; takes no lock itself. Only `clinic.outbox` sends. A visit
that was entered later, and a patient without an e-mail address or who wants no messages, get no rows.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext as _

from clinic import followups, message_times
from clinic.models import Appointment, Location, Proposal, Reminder
from patients.prepared import Prepared, PreparedInsert
from treatments.models import TreatmentSeries

BOOKED, MOVED, CANCELLED, REMINDER = "visit_booked", "visit_moved", "visit_cancelled", "visit_reminder"
WITH_ANOTHER = "visit_with_another"
NEWS = (BOOKED, MOVED, WITH_ANOTHER, CANCELLED)
PROPOSED, MOVED_TOGETHER = "visits_proposed", "visits_moved_together"
_ROWS = PreparedInsert("insert_reminders", Reminder)
# Prepared, because bookings ask them while others wait for their locks.
_RULES = Prepared(
    "reminder_rules",
    "SELECT location_id, key, minutes_before FROM clinic_locationreminderrule"
    " WHERE location_id = ANY(%(places)s) ORDER BY id",
    places="bigint[]",
)  # fmt: skip


Rules = dict[int, list[tuple[str, int]]]  # of a location: the key of each, and how many minutes before a visit


class Told(NamedTuple):
    """What a patient knows of a visit."""

    rule_key: str
    starts_at: datetime
    location: int
    practitioner: int | None


def plan(appointments: Sequence[Appointment], now: datetime) -> None:
    """Plan the messages of newly booked visits: a confirmation, reminders before, follow-ups after."""
    rules = _rules_of(appointments)
    told = [visit for visit in _spoken_of(appointments) if followups.can_be_told(visit) and visit.starts_at > now]
    news = filter(None, [_news(BOOKED, visit, now) for visit in told])
    after = followups.missing(_series_of(appointments), now)
    _ROWS.write([*news, *_before(told, rules, now), *after])


def replan(appointment: Appointment, now: datetime) -> None:
    """After a move or an undo: take back what has not gone out and plan anew; nothing new to say means no message."""
    replan_all([appointment], now)


def replan_all(appointments: Sequence[Appointment], now: datetime, *, is_announced: bool = False) -> None:
    """The same for many visits, in a fixed number of statements; `is_announced`: the news of them is said elsewhere."""
    visits = _fresh(appointments)
    _take_back(visits, _("The visit was changed."))
    coming = [visit for visit in visits if visit.is_live and followups.can_be_told(visit) and visit.starts_at > now]
    told = _spoken_of(coming)
    last = {} if is_announced else _last_news(told)
    kinds = {} if is_announced else {visit: _kind_of_news(visit, last.get(visit.pk)) for visit in told}
    news = [_news(kind, visit, now, last.get(visit.pk)) for visit, kind in kinds.items() if kind]
    if told:
        rules = _rules_of(told)
        Reminder.objects.bulk_create([*filter(None, news), *_before(told, rules, now)])
    _settle_series(visits, now)


def proposed(proposal: Proposal, now: datetime) -> None:
    """Tell the patient of other times that are kept for them until the proposal's deadline."""
    first = proposal.visits.select_related("location").order_by("starts_at").first()
    _about_proposal(proposal, PROPOSED, (first.location, proposal.kept_until, proposal.kept_until), now)


def moved_together(proposal: Proposal, now: datetime) -> None:
    """Tell the patient once of all visits that have new times now."""
    answered(proposal)
    first = proposal.visits.select_related("location").order_by("starts_at").first()
    _about_proposal(proposal, MOVED_TOGETHER, (first.location, first.starts_at, first.starts_at), now)


def answered(proposal: Proposal) -> None:
    """The proposal waits for no answer any more: what asks for one is not sent."""
    waiting = Reminder.objects.filter(proposal=proposal, rule_key=PROPOSED).unsent()
    waiting.update(state=Reminder.State.VOID, why=_("The proposal was answered or taken back."))


def _about_proposal(proposal: Proposal, key: str, where: tuple[Location, datetime, datetime], now: datetime) -> None:
    patient, (location, before, expires_at) = proposal.patient, where
    due_at = _after_second_thoughts(location, before, now)
    if due_at is not None and patient.email and patient.wants_messages:
        Reminder.objects.create(
            proposal=proposal, patient=patient, location=location, rule_key=key, template_key=key, due_at=due_at,
            expires_at=expires_at,
        )  # fmt: skip


def cancelled(appointment: Appointment, now: datetime) -> None:
    """Take back what has not gone out; tell the patient if they were told of the visit, or were due to be."""
    (visit,) = _fresh([appointment])
    was_told = visit.pk in _last_news([visit])
    was_due = visit.reminders.unsent().filter(rule_key__in=NEWS, due_at__lte=now).exists()
    _take_back([visit], _("The visit was cancelled."))
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
    _take_back([visit], _("The visit did not take place."))
    _settle_series([visit], now)


def course_changed(series: TreatmentSeries, now: datetime) -> None:
    """Fit the follow-ups to a course whose sessions or state have changed; no visit needs to have changed."""
    followups.settle([series.pk], now)


def _fresh(appointments: Iterable[Appointment]) -> list[Appointment]:
    ids = [appointment.pk for appointment in appointments]
    return list(Appointment.objects.filter(pk__in=ids).select_related("patient", "location", "session"))


def _rules_of(visits: Iterable[Appointment]) -> Rules:
    """The rules of the visits' locations: those that `clinic.named` has brought along, the others as they are now."""
    places = {visit.location_id: visit.location for visit in visits}
    rules = {key: place.rules or [] for key, place in places.items() if "rules" in vars(place)}
    unknown = [key for key in places if key not in rules]
    rules |= {key: [] for key in unknown}
    for key, *rule in _RULES.rows({"places": unknown}) if unknown else ():
        rules[key].append(rule)
    return rules


def _spoken_of(visits: Sequence[Appointment]) -> Sequence[Appointment]:
    """Of visits back to back only the first is announced: the patient comes once."""
    groups = {visit.visit_group for visit in visits} - {None}
    if not groups:
        return visits
    together = Appointment.objects.live().filter(visit_group__in=groups).order_by("visit_group", "starts_at", "pk")
    first = dict(together.distinct("visit_group").values_list("visit_group", "pk"))
    return [visit for visit in visits if visit.visit_group is None or first.get(visit.visit_group) == visit.pk]


def _take_back(visits: Iterable[Appointment], why: str) -> None:
    unsent = Reminder.objects.filter(appointment__in=[visit.pk for visit in visits]).unsent()
    unsent.update(state=Reminder.State.VOID, why=why)


def _settle_series(visits: Iterable[Appointment], now: datetime) -> None:
    followups.settle(_series_of(visits), now)


def _series_of(visits: Iterable[Appointment]) -> set[int]:
    return {visit.session.series_id for visit in visits if visit.session is not None}


def _news(kind: str, visit: Appointment, now: datetime, last: Told | None = None) -> Reminder | None:
    """A message that waits for second thoughts, then for the end of the quiet hours unless the visit is before that.

    `last` is what the patient knows of a visit that was moved.
    """
    due_at = _after_second_thoughts(visit.location, visit.starts_at, now)
    if due_at is None:
        return None
    row = _row(visit, kind, kind, due_at)
    row.was_at = last.starts_at if last and kind == MOVED else None
    row.practitioner_id = visit.practitioner_id
    return row


def _after_second_thoughts(place: Location, before: datetime, now: datetime) -> datetime | None:
    """When news may go out that is of use before a moment; None if that is too soon."""
    due_at = now + timedelta(seconds=settings.EDIT_WAIT_SECONDS)
    after_quiet = message_times.out_of_quiet(due_at, place)
    due_at = after_quiet if after_quiet < before else due_at
    return due_at if due_at < before else None


def _before(visits: Sequence[Appointment], rules: Rules, now: datetime) -> list[Reminder]:
    rows = []
    for visit in visits:
        for key, minutes_before in rules[visit.location_id]:
            due_at = message_times.before(visit.starts_at, minutes_before, visit.location)
            if now <= due_at < visit.starts_at:
                rows.append(_row(visit, f"{REMINDER}-{key}", REMINDER, due_at))
    return rows


def _last_news(visits: Sequence[Appointment]) -> dict[int, Told]:
    """The last thing the patient was told, or may have been told, about when each visit is; by its key."""
    keys = [visit.pk for visit in visits]
    told = {"rule_key__in": NEWS, "state__in": followups.TOLD, "appointment__in": keys}
    own = Reminder.objects.filter(**told).order_by()
    # A message about a coming visit is useful until that visit begins: so this is the start the patient knows.
    own = own.values_list("due_at", "pk", "appointment", "rule_key", "expires_at", "location", "practitioner")
    told = {"rule_key": MOVED_TOGETHER, "state__in": followups.TOLD, "proposal__visits__appointment__in": keys}
    of = "proposal__visits__"
    where = ("rule_key", f"{of}starts_at", f"{of}location", f"{of}practitioner")
    shared = Reminder.objects.filter(**told).order_by()
    shared = shared.values_list("due_at", "pk", f"{of}appointment", *where)
    # A session that was booked with the answer had no visit when its time was proposed.
    session = f"{of}session__appointments"
    told = {"rule_key": MOVED_TOGETHER, "state__in": followups.TOLD, f"{session}__in": keys, f"{of}appointment": None}
    new = Reminder.objects.filter(**told, **{f"{session}__booked_at": F("proposal__answered_at")}).order_by()
    new = new.values_list("due_at", "pk", session, *where)
    rows = own.union(shared, new, all=True)
    return {visit: Told(*what) for _due, _pk, visit, *what in sorted(rows) if visit in keys}


def _kind_of_news(visit: Appointment, last: Told | None) -> str:
    if last is None or last.rule_key == CANCELLED:
        return BOOKED
    if (last.starts_at, last.location) != (visit.starts_at, visit.location_id):
        return MOVED
    is_another = last.practitioner and visit.practitioner_id not in (None, last.practitioner)
    return WITH_ANOTHER if is_another else ""


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
