"""What is still missing before a treatment may start. It never holds up planning or booking. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from treatments.facts import Rule, Subject, Treatment
from treatments.findings import AT_THE_START, WARN, Finding
from treatments.rules import BY_BIRTH_DATE, BY_QUESTION, BY_SKIN_TYPE, UNKNOWN, matters

CONSULTATION = "consultation"
# Proposed: no source says how long an answer holds; a clinic that reviews at every visit never meets it.
ANSWER_HOLDS_DAYS = 365
_NAMED = 4


def open_points(subject: Subject, treatment: Treatment, on: date, fulfilled: Mapping[str, date]) -> Iterator[Finding]:
    """Yield what is to be completed; `fulfilled` holds the day of each prerequisite that still counts."""
    relevant = [rule for rule in treatment.rules if matters(rule, treatment)]
    answered_by = {rule.answered_by for rule in relevant}
    yield from _history(subject, relevant, on)
    if subject.birth_date is None and (BY_BIRTH_DATE in answered_by or treatment.plan.min_age_years is not None):
        yield _point("birth_date", _("The date of birth is not known."), _("Enter it on the patient page."))
    if subject.skin_type is None and BY_SKIN_TYPE in answered_by:
        yield _point("skin_type", _("The skin type has not been assessed."), _("A practitioner notes it."))
    if subject.weight_kg is None and any(line.substance.max_per_kg is not None for line in treatment.lines):
        yield _point("weight", _("The dose depends on the body weight, which is not known."), _("Note the weight."))
    scope = treatment.plan.consent_scope
    if scope and scope not in subject.consents:
        yield _point("consent", _("The consent for this treatment is not signed."), _("The patient signs it."))
    consulted_on = fulfilled.get(CONSULTATION)
    if treatment.plan.requires_consultation and (consulted_on is None or consulted_on > on):
        yield _point(CONSULTATION, _("A consultation has not taken place yet."), _("Book a consultation first."))


def _history(subject: Subject, rules: list[Rule], on: date) -> Iterator[Finding]:
    asked = {rule.condition_id: rule.label for rule in rules if rule.answered_by == BY_QUESTION and rule.is_asked}
    if not asked:
        return
    if not subject.answers:
        yield _point("history", _("The medical history has never been reviewed."), _("Review the medical history."))
        return
    missing, old = [], []
    for key, label in asked.items():
        newest = next(iter(subject.answers.get(key, ())), None)
        if newest is None or newest.answer == UNKNOWN:
            missing.append(label)
        elif on > newest.reviewed_on + timedelta(days=ANSWER_HOLDS_DAYS):
            old.append(label)
    if missing:
        words = ngettext(
            "%(count)s question of the medical history has no answer: %(names)s",
            "%(count)s questions of the medical history have no answer: %(names)s",
            len(missing),
        )
        yield _point("history", words % _counted(missing), _("Complete the medical history."))
    if old:
        words = ngettext(
            "%(count)s answer of the medical history is older than 12 months: %(names)s",
            "%(count)s answers of the medical history are older than 12 months: %(names)s",
            len(old),
        )
        yield _point("history_old", words % _counted(old), _("Review the medical history."))


def _counted(labels: list[str]) -> dict[str, object]:
    more = ", …" if len(labels) > _NAMED else ""
    return {"count": len(labels), "names": ", ".join(labels[:_NAMED]) + more}


def _point(code: str, message: str, clears: str) -> Finding:
    return Finding(
        code, WARN, AT_THE_START, message, message, source=_("Preparation"), clears=clears, is_open_point=True
    )  # fmt: skip
