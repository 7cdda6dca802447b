"""The safety rules: what the catalogue says about this person and this treatment on this day. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta

from django.utils.translation import gettext as _

from treatments import limits
from treatments.facts import Answer, Line, Rule, Subject, Tag, Treatment
from treatments.findings import (
    ADVISE,
    AT_THE_START,
    EFFECTS,
    FROM_PLANNING_ON,
    NOTHING,
    STOP,
    WARN,
    Finding,
    ask_a_clinician,
    basis_of,
    in_words,
    not_now,
)

YES, UNKNOWN = "yes", "unknown"
BY_QUESTION, BY_BIRTH_DATE, BY_SKIN_TYPE = "question", "birth_date", "skin_type"
NO_ANAESTHETIC = "no_anaesthetic"
_STRICTNESS = {STOP: 2, WARN: 1, ADVISE: 0}


def matters(rule: Rule, treatment: Treatment) -> bool:
    """Whether the rule is about this treatment: its modality is already chosen, its ingredient must be in the visit.

    A reason against an anaesthetic matters without it too, for the cream that somebody might still reach for.
    """
    return rule.ingredient_id is None or rule.ingredient_id in treatment.ingredient_ids or rule.action == NO_ANAESTHETIC


def conditions(subject: Subject, treatment: Treatment, on: date) -> dict[str, Finding]:
    """Return one finding per condition that applies on that day, the strictest where several rules do."""
    found: dict[str, Finding] = {}
    for rule in treatment.rules:
        finding = _condition(rule, subject, treatment, on) if matters(rule, treatment) else None
        if finding is not None and _is_stricter(finding, found.get(rule.code)):
            found[rule.code] = finding
    return found


def allergies(subject: Subject, treatment: Treatment, on: date) -> Iterator[Finding]:
    """Compare the patient's allergies with every substance of the mix and the anaesthetic.

    Silent where a rule of the catalogue about the same allergy and ingredient applies: the specific one wins.
    """
    answered = {
        (rule.code, rule.ingredient_id)
        for rule in treatment.rules
        if rule.ingredient_id is not None and _condition(rule, subject, treatment, on) is not None
    }
    for line in treatment.lines:
        for tag in line.substance.tags:
            is_specific = any(_is_about(code, tag) and key == line.substance.id for code, key in answered)
            if tag.key in subject.allergies and not is_specific:
                yield _allergy(line, tag, subject, treatment)
    if subject.allergies_in_words and treatment.lines:
        yield _undecided(
            "allergy_in_words",
            _("An allergy is noted in words only. Compare it with what is used."),
            basis_of("allergy_in_words", *subject.allergies_in_words, treatment.plan.version_id),
        )


def minimum_gap(treatment: Treatment, on: date) -> Iterator[Finding]:
    """The skin needs its days after the last real session of the same kind on the same area."""
    ends = [each.on + timedelta(days=each.gap_days) for each in treatment.done if each.on <= on]
    if ends and on < max(ends):
        words = _("The skin needs time after the last session: not before %(day)s.") % {"day": in_words(max(ends))}
        yield Finding(
            "minimum_gap", STOP, FROM_PLANNING_ON, words, words, source=_("Protocol"),
            clears=_("Wait until %(day)s.") % {"day": in_words(max(ends))}, clears_on=max(ends),
        )  # fmt: skip


def youngest_age(subject: Subject, treatment: Treatment, on: date) -> Iterator[Finding]:
    """The protocol's own minimum age, on the day of the visit."""
    years = treatment.plan.min_age_years
    if years is None or subject.birth_date is None:
        return
    birthday = reaches_age_on(subject.birth_date, years)
    if on < birthday:
        words = _("This treatment is for people aged %(years)s or over.") % {"years": years}
        yield Finding(
            "min_age", STOP, FROM_PLANNING_ON, words, not_now(birthday), source=_("Protocol"),
            clears=_("Wait until %(day)s.") % {"day": in_words(birthday)}, clears_on=birthday,
        )  # fmt: skip


def live_limits(subject: Subject, treatment: Treatment) -> Iterator[Finding]:
    """What the catalogue forbids today, even where a published version still holds it."""
    broken = limits.breaches(treatment.plan, treatment.steps, treatment.lines)
    if subject.weight_kg is not None:
        broken += limits.dose_by_weight(treatment.lines, subject.weight_kg)
    for breach in broken:
        clears = _("The clinical lead changes the protocol.")
        yield Finding(
            breach.code, STOP, FROM_PLANNING_ON, breach.message, not_now(),
            source=_("Catalogue"), clears=clears, area=breach.area,
        )  # fmt: skip
    for step in treatment.steps:
        soft = treatment.plan.soft_max_depth_mm
        if soft is not None and step.depth_max_mm > soft:
            words = {"area": step.area, "depth": limits.plain(soft)}
            text = _("%(area)s: ask a clinician before going deeper than %(depth)s mm.") % words
            yield Finding("depth_over_soft_limit", ADVISE, NOTHING, text, text, source=_("Protocol"), area=step.area)


def reaches_age_on(birth_date: date, years: int) -> date:
    """The birthday on which somebody reaches that age; born on 29 February, it is 1 March in common years."""
    try:
        return birth_date.replace(year=birth_date.year + years)
    except ValueError:
        return date(birth_date.year + years, 3, 1)


def standing(answers: tuple[Answer, ...]) -> Answer | None:
    """The newest answer that says something: "not known" does not take back an earlier yes."""
    return next((answer for answer in answers if answer.answer != UNKNOWN), None)


def _condition(rule: Rule, subject: Subject, treatment: Treatment, on: date) -> Finding | None:
    if rule.answered_by == BY_BIRTH_DATE:
        return _by_age(rule, subject, treatment, on)
    if rule.answered_by == BY_SKIN_TYPE:
        return _by_skin(rule, subject, treatment)
    if rule.answered_by != BY_QUESTION:
        return None
    answer = _standing_yes(rule, subject, treatment)
    if answer is None:
        return None
    until = None
    if rule.washout_days is not None:
        until = (answer.happened_on or answer.reviewed_on) + timedelta(days=rule.washout_days)
        if on >= until:
            return None
    return _finding(rule, treatment, answer.key, until)


def _standing_yes(rule: Rule, subject: Subject, treatment: Treatment) -> Answer | None:
    answer = standing(subject.answers.get(rule.condition_id, ()))
    if answer is None or answer.answer != YES:
        return None
    is_elsewhere = rule.is_bound_to_area and answer.area_ids and answer.area_ids.isdisjoint(treatment.area_ids)
    return None if is_elsewhere else answer


def _by_age(rule: Rule, subject: Subject, treatment: Treatment, on: date) -> Finding | None:
    if subject.birth_date is None or rule.age_below_years is None:
        return None
    birthday = reaches_age_on(subject.birth_date, rule.age_below_years)
    return _finding(rule, treatment, subject.birth_date.isoformat(), birthday) if on < birthday else None


def _by_skin(rule: Rule, subject: Subject, treatment: Treatment) -> Finding | None:
    caution_from = treatment.plan.skin_caution_from or rule.skin_type_from
    if subject.skin_type is None or caution_from is None or subject.skin_type < caution_from:
        return None
    return _finding(rule, treatment, str(subject.skin_type), None)


def _finding(rule: Rule, treatment: Treatment, answer_key: str, until: date | None) -> Finding:
    effect = EFFECTS[rule.action]
    severity, is_decidable = effect.severity, effect.is_decidable
    if rule.action == NO_ANAESTHETIC and rule.ingredient_id in treatment.ingredient_ids:
        severity, is_decidable = STOP, False
    figures = (rule.action, rule.ingredient_id, rule.washout_days, rule.age_below_years, rule.skin_type_from)
    return Finding(
        rule.code,
        severity,
        effect.blocks,
        rule.label,
        _desk_words(severity, until),
        source=_("Medical history"),
        clears=_clears(rule.action, severity, until),
        clears_on=until,
        is_decidable=is_decidable,
        basis=basis_of(rule.code, answer_key, treatment.plan.version_id, sorted(treatment.area_ids), *figures),
    )


def _clears(action: str, severity: str, until: date | None) -> str:
    if severity == ADVISE:
        return ""
    if until is not None:
        return _("Wait until %(day)s.") % {"day": in_words(until)}
    sentences = {
        "block_unless_override": _("The clinical lead may decide to treat."),
        "clinician_review": _("A clinician decides before the treatment starts."),
        "doctor_letter": _("A letter of the treating doctor is on file."),
        "prophylaxis": _("The preventive medicine is noted."),
        "avoid_spot": _("It is noted which spot is left out."),
        NO_ANAESTHETIC: _("Treat without this anaesthetic."),
    }
    return sentences.get(action, _("The answer in the medical history changes."))


def _desk_words(severity: str, until: date | None) -> str:
    if severity == STOP:
        return not_now(until)
    return ask_a_clinician() if severity == WARN else _("A note for the practitioner.")


def _is_stricter(finding: Finding, other: Finding | None) -> bool:
    def rank(each: Finding) -> tuple[int, int, date]:
        return _STRICTNESS[each.severity], len(each.blocks), each.clears_on or date.max

    return other is None or rank(finding) > rank(other)


def _is_about(code: str, tag: Tag) -> bool:
    """Keys are stable: `fish_allergy` is about `fish`, `hymenoptera_allergy` about `hymenoptera_venom`."""
    return code.endswith("_allergy") and tag.key.startswith(code.removesuffix("_allergy"))


def _allergy(line: Line, tag: Tag, subject: Subject, treatment: Treatment) -> Finding:
    code = f"allergy_{tag.key}"
    basis = basis_of(code, subject.allergies[tag.key], line.substance.id, treatment.plan.version_id)
    words = {"substance": tag.label, "name": line.substance.name}
    if not tag.is_certain:
        text = _("Allergic to %(substance)s: %(name)s may contain it. Read the label.") % words
        return _undecided(code, text, basis, blocks=FROM_PLANNING_ON)
    text = _("Allergic to %(substance)s, which is in %(name)s.") % words
    clears = _("The allergy is ruled out, or the mix changes.")
    return Finding(code, STOP, FROM_PLANNING_ON, text, not_now(), source=_("Allergies"), clears=clears, basis=basis)


def _undecided(code: str, text: str, basis: str, blocks: frozenset[str] = AT_THE_START) -> Finding:
    clears = _("A clinician decides before the treatment starts.")
    words = ask_a_clinician()
    return Finding(
        code, WARN, blocks, text, words, source=_("Allergies"), clears=clears, is_decidable=True, basis=basis
    )  # fmt: skip
