"""Aftercare by the hour: which advice counts now, which comes next, which is over. Pure.

Hours are counted from the real end of the visit and are hours that pass: a night in which the clocks change does not
shorten them. What to call about is never over and never waits: it is always shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from treatments.models import AdviceKind, VersionAftercare

_IN_ORDER = (AdviceKind.AVOID, AdviceKind.DO, AdviceKind.EXPECT)


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice with the moments between which it counts."""

    kind: str
    title: str
    text: str
    starts_at: datetime
    ends_at: datetime

    @property
    def asks_something(self) -> bool:
        """Whether it asks the patient to do or avoid something; the rest says what is normal."""
        return self.kind in (AdviceKind.DO, AdviceKind.AVOID)


@dataclass(frozen=True, slots=True)
class Hours:
    """All advice of a visit as of one moment; `alarms` are the signs to call about."""

    alarms: list[Advice]
    now: list[Advice]
    soon: list[Advice]
    over: list[Advice]

    @property
    def is_asking(self) -> bool:
        """Whether there is something to do or avoid at this moment."""
        return any(each.asks_something for each in self.now)


def by_the_hour(steps: Iterable[VersionAftercare], ended_at: datetime, now: datetime) -> Hours:
    """Sort the advice of a protocol version for a visit that ended then; an end does not count any more."""
    advice = [_timed(step, ended_at) for step in steps]
    told = [each for each in advice if each.kind != AdviceKind.ESCALATE]
    return Hours(
        alarms=sorted((each for each in advice if each.kind == AdviceKind.ESCALATE), key=lambda each: each.starts_at),
        now=sorted((each for each in told if each.starts_at <= now < each.ends_at), key=_most_pressing),
        soon=sorted((each for each in told if now < each.starts_at), key=lambda each: each.starts_at),
        over=sorted((each for each in told if each.ends_at <= now), key=lambda each: each.ends_at, reverse=True),
    )


def _timed(step: VersionAftercare, ended_at: datetime) -> Advice:
    starts_at = ended_at + timedelta(hours=step.starts_after_hours)
    ends_at = ended_at + timedelta(hours=step.ends_after_hours)
    return Advice(step.kind, step.title, step.text, starts_at, ends_at)


def _most_pressing(advice: Advice) -> tuple[int, datetime]:
    return _IN_ORDER.index(advice.kind), advice.ends_at
