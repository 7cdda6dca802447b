"""What a safety check says: how serious it is, which steps it holds up, and what clears it. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

STOP, WARN, ADVISE = "stop", "warn", "advise"
PLAN, BOOK, START, RECORD = "plan", "book", "start", "record"
FROM_PLANNING_ON = frozenset({PLAN, BOOK, START})
AT_THE_START = frozenset({START})
NOTHING = frozenset()
_ORDER = {STOP: 0, WARN: 1, ADVISE: 2}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a catalogue action means for a patient to whom it applies."""

    severity: str
    blocks: frozenset[str]
    is_decidable: bool = False


EFFECTS = {
    "block": Effect(STOP, FROM_PLANNING_ON),
    "defer": Effect(STOP, FROM_PLANNING_ON),
    "block_unless_override": Effect(STOP, FROM_PLANNING_ON, is_decidable=True),
    "clinician_review": Effect(WARN, AT_THE_START, is_decidable=True),
    "doctor_letter": Effect(WARN, AT_THE_START, is_decidable=True),
    "no_anaesthetic": Effect(WARN, AT_THE_START, is_decidable=True),
    "prophylaxis": Effect(WARN, AT_THE_START, is_decidable=True),
    "avoid_spot": Effect(WARN, AT_THE_START, is_decidable=True),
    "advise": Effect(ADVISE, NOTHING),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a safety check.

    `message` may name what the patient answered and is for clinicians; `desk_message` never does. `clears` says in
    words what ends it, `clears_on` is the first local day without it. `basis` identifies what a clinician's decision
    was about.
    """

    code: str
    severity: str
    blocks: frozenset[str]
    message: str
    desk_message: str
    source: str = ""
    clears: str = ""
    clears_on: date | None = None
    area: str = ""
    is_open_point: bool = False
    is_decidable: bool = False
    basis: str = ""
    decided_by: str = ""

    @property
    def needs_clinician(self) -> bool:
        """Whether somebody clinical has to decide, as opposed to something that is only still missing."""
        return self.is_decidable and bool(self.blocks)

    @property
    def headline(self) -> str:
        if self.is_open_point:
            return _("Before the treatment starts")
        return {STOP: _("Not now"), WARN: _("A clinician decides"), ADVISE: _("Good to know")}[self.severity]


@dataclass(frozen=True, slots=True)
class Decision:
    """A clinician's word on one finding of one treatment, for as long as its basis and date hold."""

    code: str
    basis: str
    allows: bool
    by: str
    valid_until: date | None = None


def blocking(findings: Iterable[Finding], stage: str) -> list[Finding]:
    """Return those that hold up this stage: plan, book, start or record."""
    return [finding for finding in findings if stage in finding.blocks]


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The most serious first, then those that clear last, then by code: the same input always reads the same."""
    return sorted(findings, key=lambda each: (_ORDER[each.severity], each.is_open_point, each.code, each.area))


def decided(findings: Iterable[Finding], decisions: Iterable[Decision], on: date) -> list[Finding]:
    """Apply the clinicians' decisions that are valid on that day; the newest decision comes first and wins.

    What was allowed stays visible as "good to know"; what was decided against holds up everything.
    """
    words: dict[tuple[str, str], Decision] = {}
    for decision in decisions:
        if decision.valid_until is None or on <= decision.valid_until:
            words.setdefault((decision.code, decision.basis), decision)
    return [_with_decision(each, words.get((each.code, each.basis))) for each in findings]


def _with_decision(finding: Finding, decision: Decision | None) -> Finding:
    if decision is None or not finding.is_decidable:
        return finding
    if decision.allows:
        note = _("Allowed by %(name)s.") % {"name": decision.by}
        return replace(finding, severity=ADVISE, blocks=NOTHING, clears=note, clears_on=None, decided_by=decision.by)
    note = _("%(name)s decided against it.") % {"name": decision.by}
    return replace(
        finding, severity=STOP, blocks=FROM_PLANNING_ON, clears=note, clears_on=None, decided_by=decision.by,
        desk_message=not_now(),
    )  # fmt: skip


def basis_of(*parts: object) -> str:
    """Hash what a decision rests on; a change of any part asks the clinician again."""
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()


def in_words(day: date) -> str:
    return date_format(day, "j F Y")


def not_now(until: date | None = None) -> str:
    """What reception says about a stop: when, never why."""
    if until is not None:
        return _("Not before %(day)s.") % {"day": in_words(until)}
    return _("A clinician can explain why.")


def ask_a_clinician() -> str:
    """What reception says when the decision is a clinician's."""
    return _("A clinician decides before the treatment starts.")
