"""The arithmetic of a protocol version next to its limits: volumes, doses, depths, minutes, sessions and weeks.

It works on what is given, saved or not, and on the same plan that publishing looks at.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from treatments import assessment
from treatments.contents import Contents
from treatments.facts import Plan
from treatments.limits import plain
from treatments.models import CocktailLine, Phase

FINE, LOOK, WRONG = "ok", "warn", "stop"
# The parts of a version, named as its rows are.
PHASES, DEPTHS, MIX, VISIT = "phases", "depth_steps", "cocktail_lines", "segments"
# A phase that leaves less from the first to the last day makes a visit late at every holiday.
NARROW_DAYS = 3


@dataclass(frozen=True, slots=True)
class Sum:
    """One figure that was worked out, what it is held against, and whether it is fine."""

    section: str
    label: str
    figure: str
    against: str = ""
    level: str = FINE


def sums(of: Contents) -> list[Sum]:
    """Return every figure by section; the catalogue's limits of today count."""
    plan = assessment.plan_with(of.version, of.steps, of.mix, of.numbing)
    return [*course(of), *_depths(of, plan), *_mix(of, plan), *visit(of)]


def course(of: Contents) -> Iterator[Sum]:
    """How many sessions the phases hold, how long it is from the first to the last, and what has next to no window."""
    counted = [phase for phase in of.phases if not phase.is_maintenance]
    sessions, usual = sum(phase.sessions for phase in counted), of.version.sessions_typical
    yield Sum(
        PHASES, _("Sessions of the phases together"), str(sessions), _("usual number %(count)s") % {"count": usual},
        FINE if counted and sessions == usual else WRONG,
    )  # fmt: skip
    if counted:
        yield _length(counted)
    first = counted[:1] if counted and counted[0].sessions == 1 else []  # nothing comes before it
    yield from _narrow(phase for phase in of.phases if phase not in first)


def _length(counted: Sequence[Phase]) -> Sum:
    least, ideal, most = (
        sum(getattr(phase, name) * phase.sessions for phase in counted) - getattr(counted[0], name)
        for name in ("interval_min_days", "interval_ideal_days", "interval_max_days")
    )
    words = {"least": _weeks(least), "most": _weeks(most)}
    weeks = ngettext("%(weeks)s week", "%(weeks)s weeks", round(ideal / 7)) % {"weeks": _weeks(ideal)}
    return Sum(PHASES, _("From the first to the last session"), weeks, _("from %(least)s to %(most)s weeks") % words)


def _narrow(phases: Iterable[Phase]) -> Iterator[Sum]:
    """Phases whose days are so few that a clinician has to say that they are meant so."""
    for phase in phases:
        days = phase.interval_max_days - phase.interval_min_days
        if days < NARROW_DAYS:
            every = ngettext("Every %(count)s day", "Every %(count)s days", phase.interval_ideal_days)
            room = ngettext("%(count)s day of room", "%(count)s days of room", days) % {"count": days}
            told = _("to be confirmed by a clinician: with less than %(least)s days a holiday makes a visit late")
            yield Sum(
                PHASES, every % {"count": phase.interval_ideal_days}, room, told % {"least": NARROW_DAYS}, LOOK,
            )  # fmt: skip


def _depths(of: Contents, plan: Plan) -> Iterator[Sum]:
    own = of.version.max_depth_mm
    for row, step in zip(of.steps, plan.steps, strict=True):
        most = step.limit_max_mm if own is None else min(own, step.limit_max_mm or own)
        is_blocked = bool(step.block_reason) or step.limit_max_mm is None
        is_shallow = step.limit_min_mm is not None and step.depth_min_mm < step.limit_min_mm
        is_over = most is not None and step.depth_max_mm > most
        is_unusual = step.usual_max_mm is not None and step.depth_max_mm > step.usual_max_mm
        level = WRONG if is_blocked or is_over or is_shallow else LOOK if is_unusual else FINE
        against = [
            _("usual %(span)s mm") % {"span": span(step.limit_min_mm, step.usual_max_mm)} if step.usual_max_mm else "",
            _("never deeper than %(limit)s mm") % {"limit": plain(most)} if most is not None else "",
            step.block_reason or ("" if step.limit_max_mm is not None else _("no limit in the catalogue")),
        ]
        figure = f"{span(row.depth_min_mm, row.depth_max_mm)} mm"
        yield Sum(DEPTHS, step.area, figure, ", ".join(filter(None, against)), level)


def _mix(of: Contents, plan: Plan) -> Iterator[Sum]:
    if not of.mix:
        return
    volume, version = sum((line.volume_ml or 0 for line in of.mix), Decimal()), of.version
    against = [
        _("given as %(total)s ml") % {"total": plain(version.total_volume_ml)} if version.total_volume_ml else "",
        _("at most %(most)s ml") % {"most": plain(version.max_total_ml)} if version.max_total_ml is not None else "",
    ]
    is_wrong = version.total_volume_ml not in (None, volume) or (version.max_total_ml or volume) < volume
    figure = _("%(volume)s ml") % {"volume": plain(volume)}
    yield Sum(MIX, _("Volume together"), figure, ", ".join(filter(None, against)), WRONG if is_wrong else FINE)
    yield Sum(MIX, _("Doses together"), doses(of.mix))
    for line, planned in zip(of.mix, plan.lines, strict=False):
        unit = line.get_unit_display()
        limits = [planned.substance.max_per_session, version.max_mg if line.unit == "mg" else None]
        most = min((limit for limit in limits if limit is not None), default=None)
        words = {"most": "" if most is None else plain(most), "unit": unit}
        against = _("at most %(most)s %(unit)s") % words if most is not None else _("until a clinician sets a maximum")
        is_over = bool(planned.substance.block_reason) or (most is not None and line.amount > most)
        level = WRONG if is_over else LOOK if most is None else FINE
        yield Sum(MIX, line.ingredient.name, f"{plain(line.amount)} {unit}", against, level)


def doses(mix: Iterable[CocktailLine]) -> str:
    """The amounts of a mix together, for each unit."""
    together: dict[str, Decimal] = {}
    for line in mix:
        unit = line.get_unit_display()
        together[unit] = together.get(unit, Decimal()) + line.amount
    return ", ".join(f"{plain(amount)} {unit}" for unit, amount in together.items())


def visit(of: Contents) -> Iterator[Sum]:
    """How long a visit takes for one area, for three, and for all."""
    most = max(len(of.steps), 1)
    for areas in dict.fromkeys((1, min(3, most), most)):
        minutes = sum(part.minutes(areas) for part in of.segments)
        practitioner = sum(part.minutes(areas) for part in of.segments if part.holds_practitioner)
        yield Sum(
            VISIT,
            ngettext("A visit for %(count)s area", "A visit for %(count)s areas", areas) % {"count": areas},
            _("%(minutes)s minutes") % {"minutes": minutes},
            _("%(minutes)s of them with the practitioner") % {"minutes": practitioner},
            FINE if practitioner else WRONG,
        )


def span(least: Decimal | None, most: Decimal | None) -> str:
    """Two figures as a range, one if they are the same."""
    return "–".join(dict.fromkeys(plain(figure) for figure in (least, most) if figure is not None))


def _weeks(days: int) -> str:
    return plain(Decimal(days * 2 // 7) / 2)
