"""One message as it would go out now: whether it still makes sense, and its text from current data. Sends nothing."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from django.conf import settings
from django.utils import formats, translation
from django.utils.translation import gettext as _

from clinic import wordings
from clinic.models import Appointment, Location, Reminder
from treatments.models import FollowUpRule, VersionAftercare

RAW = "raw"
RELATED = ("patient", "location", "appointment__session__series", "series")


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


def subject_and_text(reminder: Reminder) -> tuple[str, str]:
    """Subject and plain text, in the patient's language and the location's time; raises `wordings.UnknownName`."""
    if reminder.rule_key == RAW:
        return reminder.raw_subject, reminder.raw_body
    language = reminder.patient.language
    with translation.override(language if translation.check_for_language(language) else settings.LANGUAGE_CODE):
        wording = wordings.wording(reminder.template_key, language)
        values = _values(reminder)
        subject = " ".join(wordings.fill(wording.subject, values).split())
        return subject, wordings.fill(wording.body, values)


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


def _values(reminder: Reminder) -> dict[str, str]:
    location, visit = reminder.location, reminder.appointment
    starts_at = visit.starts_at if visit is not None else None
    return {
        "first_name": reminder.patient.given_name,
        "clinic": location.name,
        "address": location.address,
        "phone": location.phone,
        "day": local_day(starts_at, location) if starts_at else _last_day(reminder),
        "time": formats.date_format(starts_at.astimezone(location.zone), "H:i") if starts_at else "",
        **_course_values(reminder),
    }


def _last_day(reminder: Reminder) -> str:
    """A message of a series is about its last visit."""
    visits = Appointment.objects.live().filter(session__series=reminder.series_id)
    last = visits.order_by("-starts_at").first()
    return local_day(last.starts_at, reminder.location) if last else ""


def _course_values(reminder: Reminder) -> dict[str, str]:
    """Questions, advice and the wish for a photo, from the version that the series follows."""
    values = {"questions": "", "aftercare": "", "photo": ""}
    series = reminder.series or (reminder.appointment.session and reminder.appointment.session.series)
    if not series or is_before_visit(reminder):
        return values
    rules = FollowUpRule.objects.filter(version=series.protocol_version_id, key=reminder.rule_key)
    for rule in rules.prefetch_related("questions"):
        values["questions"] = "\n".join(f"- {question.text}" for question in rule.questions.all())
        values["photo"] = str(wordings.PHOTO) if rule.asks_photo else ""
    if reminder.template_key == "aftercare_sent":
        advice = VersionAftercare.objects.filter(version=series.protocol_version_id)
        values["aftercare"] = "\n".join(f"- {line.title}: {line.text}" for line in advice)
    return values
