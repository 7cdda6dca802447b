"""What no plan may go beyond: blocked substances and areas, depth caps, doses, mixes. Pure, and always live.

The safety check turns a breach into a stop; publishing refuses it and names the field.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from django.utils.translation import gettext as _

from treatments.facts import Line, Plan, Step

INDICATION, STEPS, MIX, NUMBING = "indication", "depth_steps", "cocktail_lines", "anaesthetic_lines"


@dataclass(frozen=True, slots=True)
class Breach:
    """One limit that is not kept; `field` names the part of the protocol version.

    `row` is the area or the ingredient of the row that breaks it, `column` the field of that row.
    """

    code: str
    field: str
    message: str
    area: str = ""
    row: int | None = None
    column: str = ""


def breaches(plan: Plan, steps: Sequence[Step], lines: Sequence[Line]) -> list[Breach]:
    """Return every limit that these areas and this mix break, on the catalogue's figures of today."""
    return [*_blocked_indication(plan), *_areas(steps), *_substances(lines), *_doses(lines), *_mixes(plan, lines)]


def dose_by_weight(lines: Sequence[Line], weight_kg: Decimal) -> list[Breach]:
    """Return the doses that are too much for this person's weight."""
    return [
        _over("dose_for_weight", line, amount, line.substance.max_per_kg * weight_kg)
        for line, amount in _totals(lines)
        if line.substance.max_per_kg is not None and amount > line.substance.max_per_kg * weight_kg
    ]


def _blocked_indication(plan: Plan) -> Iterator[Breach]:
    if plan.indication_block_reason:
        yield Breach("indication_blocked", INDICATION, plan.indication_block_reason)


def _areas(steps: Sequence[Step]) -> Iterator[Breach]:
    for step in steps:
        if step.block_reason:
            words = _("%(area)s is not treated: %(reason)s") % {"area": step.area, "reason": step.block_reason}
            yield Breach("area_blocked", STEPS, words, step.area, step.area_id, "area")
        elif step.limit_max_mm is None:
            words = _("%(area)s has no depth limit in the catalogue, so it is not treated.") % {"area": step.area}
            yield Breach("area_without_limit", STEPS, words, step.area, step.area_id, "area")
        elif step.depth_max_mm > step.limit_max_mm:
            words = _("%(area)s: %(depth)s mm is deeper than the limit of %(limit)s mm.") % {
                "area": step.area,
                "depth": plain(step.depth_max_mm),
                "limit": plain(step.limit_max_mm),
            }
            yield Breach("depth_over_limit", STEPS, words, step.area, step.area_id, "depth_max_mm")


def _substances(lines: Sequence[Line]) -> Iterator[Breach]:
    for line in lines:
        if line.substance.block_reason:
            words = _("%(name)s is not used: %(reason)s") % {
                "name": line.substance.name,
                "reason": line.substance.block_reason,
            }
            part = NUMBING if line.is_anaesthetic else MIX
            yield Breach("ingredient_blocked", part, words, row=line.substance.id, column="ingredient")


def _doses(lines: Sequence[Line]) -> Iterator[Breach]:
    for line, amount in _totals(lines):
        limit = line.substance.max_per_session
        if limit is not None and amount > limit:
            yield _over("dose_over_limit", line, amount, limit)


def _mixes(plan: Plan, lines: Sequence[Line]) -> Iterator[Breach]:
    mixed = {line.substance.id: line.substance for line in lines if not line.is_anaesthetic}
    for first, second in combinations(mixed.values(), 2):
        words = {"first": first.name, "second": second.name}
        reason = plan.pairs.get(frozenset({first.id, second.id}))
        if reason is not None:
            text = _("%(first)s and %(second)s must not be mixed.") % words
            yield Breach("mix_incompatible", MIX, f"{text} {reason}".strip(), row=second.id, column="ingredient")
        elif first.is_used_alone or second.is_used_alone:
            alone = first if first.is_used_alone else second
            text = _("%(name)s is used alone.") % {"name": alone.name}
            yield Breach("mix_not_alone", MIX, text, row=alone.id, column="ingredient")


def _totals(lines: Sequence[Line]) -> list[tuple[Line, Decimal]]:
    """The sum per substance, on the first line that holds it."""
    amounts: dict[int, Decimal] = defaultdict(Decimal)
    first: dict[int, Line] = {}
    for line in lines:
        first.setdefault(line.substance.id, line)
        amounts[line.substance.id] += line.amount or 0
    return [(line, amounts[key]) for key, line in first.items()]


def _over(code: str, line: Line, amount: Decimal, limit: Decimal) -> Breach:
    words = {"name": line.substance.name, "amount": plain(amount), "limit": plain(limit), "unit": line.substance.unit}
    text = _("%(name)s: %(amount)s %(unit)s is more than the maximum of %(limit)s %(unit)s.") % words
    return Breach(code, MIX, text, row=line.substance.id, column="amount")


def plain(number: Decimal) -> str:
    """A figure without trailing zeros: 0.50 reads 0.5."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"
