"""The words of messages: rows an administrator may edit, filled with a fixed list of names and nothing else.

A wording is plain text with `{name}` in it. Nothing is looked up through the names, so a wording can neither reach
into the data nor run anything. Subjects carry no health detail: families share mailboxes.
"""

import re
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from clinic.models import MessageTemplate

NAMES = (
    "first_name", "clinic", "address", "phone", "day", "time", "questions", "aftercare", "photo",
    "new_times", "until", "answer_online",
)  # fmt: skip
NAME = re.compile(r"\{([^{}]*)\}")
CHECK_IN = "check_in"
HELLO = _("Hello {first_name},")
CALL = _("If anything worries you, call us: {phone}")
BYE = _("{clinic}\n{address}")


def _letter(*paragraphs: object) -> tuple[object, ...]:
    return (HELLO, *paragraphs, BYE)


DEFAULTS: dict[str, tuple[object, tuple[object, ...]]] = {
    "visit_booked": (
        _("Your visit on {day}"),
        _letter(_("Your visit is booked for {day} at {time}."), _("To change it, call us: {phone}")),
    ),
    "visit_moved": (
        _("Your visit has a new time: {day}"),
        _letter(_("Your visit was moved:"), "{new_times}", _("To change it, call us: {phone}")),
    ),
    "visit_with_another": (
        _("Your visit on {day}"),
        _letter(
            _("Your visit keeps its time, but somebody else will see you:"),
            "{new_times}",
            _("If that does not suit you, call us: {phone}"),
        ),
    ),
    "visit_cancelled": (
        _("Your visit was cancelled"),
        _letter(_("Your visit on {day} at {time} was cancelled."), _("To book another time, call us: {phone}")),
    ),
    "visits_proposed": (
        _("We propose other times for your visits"),
        _letter(
            _("We would like to change when you come. Nothing is changed until you have answered."),
            "{new_times}",
            _("We keep these times for you until {until}."),
            "{answer_online}",
            _("To answer on the phone, or if another time suits you better, call us: {phone}"),
        ),
    ),
    "visits_moved_together": (
        _("Your visits have new times"),
        _letter(
            _("As agreed, you come at other times:"),
            "{new_times}",
            _("Everything else stays as it was. To change a visit, call us: {phone}"),
        ),
    ),
    "visit_reminder": (
        _("Reminder: your visit on {day}"),
        _letter(_("We expect you on {day} at {time}."), _("If you cannot come, please call us: {phone}")),
    ),
    "aftercare_sent": (_("After your visit"), _letter(_("Thank you for your visit."), "{aftercare}", CALL)),
    "rebook_window": (
        _("Your next visit"),
        _letter(_("Your next visit is not booked yet. Call us to choose a time: {phone}")),
    ),
    CHECK_IN: (_("How are you?"), _letter(_("How are you since your visit on {day}?"), "{questions}", "{photo}", CALL)),
}
LABELS = {
    "visit_booked": _("Booking confirmed"),
    "visit_moved": _("New time"),
    "visit_with_another": _("Somebody else sees the patient"),
    "visit_cancelled": _("Visit cancelled"),
    "visits_proposed": _("Other times proposed"),
    "visits_moved_together": _("New times of several visits"),
    "visit_reminder": _("Reminder of a visit"),
    "aftercare_sent": _("Aftercare"),
    "rebook_window": _("Book the next visit"),
    CHECK_IN: _("Check-in"),
    "": _("Sign-in or account"),
}
PHOTO = _("Please have a photo ready: we may ask you for it.")


class UnknownName(ValueError):
    """A wording asks for something that is not in the list of names."""


def template_for(rule_key: str) -> str:
    """The key of the wording for a follow-up rule: its own, or the general check-in."""
    return rule_key if rule_key in DEFAULTS else CHECK_IN


def ensure_templates() -> int:
    """Add the wordings that are missing and leave edited ones alone; returns how many were added."""
    have = set(MessageTemplate.objects.filter(language="en").values_list("key", flat=True))
    missing = [wording_default(key) for key in DEFAULTS if key not in have]
    MessageTemplate.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def wording(key: str, language: str) -> MessageTemplate:
    """The wording in the patient's language, else in English, else the one the software came with."""
    rows = {row.language: row for row in MessageTemplate.objects.filter(key=key, language__in=[language, "en"])}
    return rows.get(language) or rows.get("en") or wording_default(key)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values in the places of their names; a paragraph that ends up empty is left out."""

    def value(found: re.Match) -> str:
        if found[1] not in values:
            raise UnknownName(found[1])
        return values[found[1]]

    paragraphs = (NAME.sub(value, paragraph).strip() for paragraph in text.replace("\r\n", "\n").split("\n\n"))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def unknown_names(text: str) -> list[str]:
    """The names in a wording that nothing will fill; a form shows them before it saves."""
    return sorted(set(NAME.findall(text)) - set(NAMES))


def wording_default(key: str) -> MessageTemplate:
    """The wording the software came with, not saved."""
    subject, paragraphs = DEFAULTS[key]
    body = "\n\n".join(str(paragraph) for paragraph in paragraphs)
    return MessageTemplate(key=key, subject=str(subject), body=body)
