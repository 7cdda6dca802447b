"""One message as it would go out now: whether it still makes sense, and its text from current data. Sends nothing."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from django.conf import settings
from django.utils import formats, translation
from django.utils.translation import gettext as _

from clinic import proposal_letters, wordings
from clinic.models import Appointment, Location, MessageTemplate, Reminder
from treatments.models import FollowUpRule, ProtocolVersion, TreatmentSession, VersionAftercare

RAW = "raw"
AFTERCARE, MOVED, WITH_ANOTHER = "aftercare_sent", "visit_moved", "visit_with_another"
RELATED = ("patient", "location", "appointment__session__phase", "series", "proposal")
NO_COURSE = {"questions": "", "aftercare": "", "photo": ""}
Letter = tuple[str, str]  # subject and plain text


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would send; or the name in its wording that nothing fills."""

    rule: FollowUpRule
    subject: str = ""
    text: str = ""
    unknown_name: str = ""


def load(pk: int) -> Reminder:
    """The row with what a letter is made of, in one query."""
    return Reminder.objects.select_related(*RELATED).get(pk=pk)


def why_not(reminder: Reminder, now: datetime) -> str:
    """Why this message no longer makes sense, in words for staff; empty when it does."""
    if reminder.rule_key == RAW:
        return ""
    if not reminder.patient.email:
        return _("The patient has no e-mail address.")
    if not reminder.patient.wants_messages:
        return _("The patient wants no messages.")
    if reminder.proposal is not None:
        return proposal_letters.why_not(reminder, now)
    return _why_not_of_visit(reminder, reminder.appointment, now) if reminder.appointment is not None else ""


def _why_not_of_visit(reminder: Reminder, visit: Appointment, now: datetime) -> str:
    if reminder.template_key == "visit_cancelled":
        return _("The visit is booked again.") if visit.is_live else ""
    if not visit.is_live:
        return _("The visit does not take place.")
    is_stale = reminder.expires_at != visit.starts_at if is_before_visit(reminder) else visit.starts_at > now
    return _("The visit has another time now.") if is_stale else ""


def is_before_visit(reminder: Reminder) -> bool:
    """Whether the message is about a coming visit; it is then useful until that visit begins."""
    return reminder.template_key.startswith("visit_")


def subject_and_text(reminder: Reminder) -> Letter:
    """Subject and plain text, in the patient's language and the location's time; raises `wordings.UnknownName`."""
    if reminder.rule_key == RAW:
        return reminder.raw_subject, reminder.raw_body
    with _in(reminder.patient.language):
        wording = wordings.wording(reminder.template_key, reminder.patient.language)
        return _filled(wording, _values(reminder))


def previews(
    version: ProtocolVersion, location: Location, *, first_name: str, visit_at: datetime, language: str
) -> list[Preview]:  # fmt: skip
    """What each rule of a version would send to somebody after a visit at that time; queries do not grow with rules."""
    advice = list(version.aftercare.all())
    used: dict[str, MessageTemplate] = {}
    found = []
    with _in(language):
        place = {
            **_place_values(location, first_name),
            **proposal_letters.NONE,
            "day": local_day(visit_at, location),
            "time": _local_hour(visit_at, location),
        }
        for rule in version.follow_up_rules.prefetch_related("questions"):
            key = wordings.template_for(rule.key)
            if key not in used:
                used[key] = wordings.wording(key, language)
            values = {**place, **_rule_values(rule, advice if key == AFTERCARE else ())}
            try:
                found.append(Preview(rule, *_filled(used[key], values)))
            except wordings.UnknownName as error:
                found.append(Preview(rule, unknown_name=str(error)))
    return found


def email_of(reminder: Reminder, now: datetime) -> EmailMessage:
    """The e-mail itself. Its Message-ID is the same on every attempt."""
    subject, text = subject_and_text(reminder)
    message = EmailMessage()
    message["From"] = settings.DEFAULT_FROM_EMAIL
    message["To"] = recipient(reminder)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(now)
    message["Message-ID"] = reminder.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text + "\n")
    return message


def recipient(reminder: Reminder) -> str:
    """The address as it is today, not as it was when the message was planned."""
    return reminder.raw_to if reminder.rule_key == RAW else reminder.patient.email


def local_day(at: datetime, location: Location) -> str:
    """A date in words, as the wall calendar at the location has it."""
    return formats.date_format(at.astimezone(location.zone), "l j F Y")


def _in(language: str) -> AbstractContextManager:
    return translation.override(language if translation.check_for_language(language) else settings.LANGUAGE_CODE)


def _filled(wording: MessageTemplate, values: Mapping[str, str]) -> Letter:
    subject = " ".join(wordings.fill(wording.subject, values).split())
    return subject, wordings.fill(wording.body, values)


def _values(reminder: Reminder) -> dict[str, str]:
    location, visit = reminder.location, reminder.appointment
    if reminder.proposal is not None:
        place = _place_values(location, reminder.patient.given_name)
        return {**place, "day": "", "time": "", **NO_COURSE, **proposal_letters.values(reminder)}
    starts_at = visit.starts_at if visit is not None else None
    return {
        **_place_values(location, reminder.patient.given_name),
        "day": local_day(starts_at, location) if starts_at else _last_day(reminder),
        "time": _local_hour(starts_at, location) if starts_at else "",
        **proposal_letters.NONE,
        "new_times": _new_time(reminder),
        **_course_values(reminder),
    }


def _new_time(reminder: Reminder) -> str:
    """When the visit was, and when and with whom it is now; only a message about a change says that."""
    visit, zone = reminder.appointment, reminder.location.zone
    if reminder.template_key == MOVED:
        person = visit.practitioner if proposal_letters.names_people() else None
        return proposal_letters.line(reminder.was_at, visit.starts_at, zone, person)
    if reminder.template_key == WITH_ANOTHER:
        return proposal_letters.line(visit.starts_at, visit.starts_at, zone, visit.practitioner)
    return ""


def _place_values(location: Location, first_name: str) -> dict[str, str]:
    return {
        "first_name": first_name,
        "clinic": location.name,
        "address": location.address,
        "phone": location.phone,
    }


def _local_hour(at: datetime, location: Location) -> str:
    return formats.date_format(at.astimezone(location.zone), "H:i")


def _last_day(reminder: Reminder) -> str:
    """A message of a series is about its last visit."""
    visits = Appointment.objects.live().filter(session__series=reminder.series_id)
    last = visits.order_by("-starts_at").first()
    return local_day(last.starts_at, reminder.location) if last else ""


def _course_values(reminder: Reminder) -> dict[str, str]:
    """Questions, advice and the wish for a photo, from the version that the session was planned under."""
    version_id = None if is_before_visit(reminder) else _version_of(reminder)
    if version_id is None:
        return dict(NO_COURSE)
    rule = FollowUpRule.objects.filter(version=version_id, key=reminder.rule_key).prefetch_related("questions").first()
    is_advice = reminder.template_key == AFTERCARE
    return _rule_values(rule, VersionAftercare.objects.filter(version=version_id) if is_advice else ())


def _version_of(reminder: Reminder) -> int | None:
    """The version of the visit's session; a message of a series is about its last one."""
    if reminder.appointment is not None:
        return reminder.appointment.session and reminder.appointment.session.phase.version_id
    sessions = TreatmentSession.objects.filter(series=reminder.series_id, phase__is_maintenance=False)
    coming = sessions.exclude(state__in=(TreatmentSession.State.SKIPPED, TreatmentSession.State.VOIDED))
    return coming.order_by("-number").values_list("phase__version_id", flat=True).first()


def _rule_values(rule: FollowUpRule | None, advice: Iterable[VersionAftercare]) -> dict[str, str]:
    values = {**NO_COURSE, "aftercare": "\n".join(f"- {line.title}: {line.text}" for line in advice)}
    if rule is not None:
        values["questions"] = "\n".join(f"- {question.text}" for question in rule.questions.all())
        values["photo"] = str(wordings.PHOTO) if rule.asks_photo else ""
    return values
