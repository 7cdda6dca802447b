"""What the safety rules look at, as plain values: the person, the treatment and the catalogue's rules about both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from treatments.findings import Decision


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a history review; without areas it counts everywhere."""

    key: str
    answer: str
    reviewed_on: date
    happened_on: date | None = None
    area_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of a person, over all records that were merged.

    Answers are per condition, newest first; allergies are by substance with the keys of the rows that say so.
    """

    birth_date: date | None = None
    answers: Mapping[int, tuple[Answer, ...]] = field(default_factory=dict)
    allergies: Mapping[str, str] = field(default_factory=dict)
    allergies_in_words: tuple[str, ...] = ()
    skin_type: int | None = None
    weight_kg: Decimal | None = None
    consents: frozenset[str] = frozenset()
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason not to treat: condition × modality × ingredient, and what to do about it."""

    condition_id: int
    code: str
    label: str
    answered_by: str
    action: str
    is_bound_to_area: bool = False
    is_asked: bool = True
    ingredient_id: int | None = None
    washout_days: int | None = None
    age_below_years: int | None = None
    skin_type_from: int | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    key: str
    label: str
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Substance:
    """An ingredient with its live limits; a block reason means it is blocked."""

    id: int
    name: str
    unit: str = "mg"
    max_per_session: Decimal | None = None
    max_per_kg: Decimal | None = None
    is_used_alone: bool = False
    block_reason: str = ""
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    substance: Substance
    amount: Decimal | None = None
    is_anaesthetic: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One area of a plan with the deepest setting and the live limit for it; no limit means none is known."""

    area_id: int
    area: str
    depth_min_mm: Decimal
    depth_max_mm: Decimal
    limit_min_mm: Decimal | None
    limit_max_mm: Decimal | None
    usual_max_mm: Decimal | None = None
    reason: str = ""
    block_reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a protocol version wants to do, next to the catalogue's live figures."""

    modality: str
    version_id: int | None = None
    indication_block_reason: str = ""
    steps: tuple[Step, ...] = ()
    lines: tuple[Line, ...] = ()
    pairs: Mapping[frozenset[int], str] = field(default_factory=dict)
    soft_max_depth_mm: Decimal | None = None
    min_age_years: int | None = None
    skin_caution_from: int | None = None
    consent_scope: str = ""
    requires_consultation: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """An earlier session of the same kind on the same skin, and the days that must pass after it."""

    on: date
    gap_days: int


@dataclass(frozen=True, slots=True)
class Treatment:
    """One visit to come: the plan narrowed to the treated areas, the rules of its modality and what went before."""

    plan: Plan
    rules: tuple[Rule, ...] = ()
    area_ids: frozenset[int] = frozenset()
    done: tuple[Done, ...] = ()
    is_without_anaesthetic: bool = False

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(each for each in self.plan.lines if not (each.is_anaesthetic and self.is_without_anaesthetic))

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(each for each in self.plan.steps if each.area_id in self.area_ids)

    @property
    def ingredient_ids(self) -> frozenset[int]:
        return frozenset(each.substance.id for each in self.lines)
