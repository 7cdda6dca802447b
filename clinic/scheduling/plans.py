"""What a plan is: one visit for each open session, with its start or why it has none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from clinic.fitting import Offer
from clinic.minutes import epoch_minute
from clinic.scheduling.course_rows import Pin
from treatments.models import TreatmentSession
from treatments.windows import Window

if TYPE_CHECKING:
    from clinic.scheduling.ground import Ground, Place


@dataclass(frozen=True)
class Chosen:
    """A start (UTC) with whom and what; `day` is local, `cost` in days.

    `misses` holds codes of what is not as wished: weekday, time, practitioner, change, location; and late.
    """

    starts_at: datetime
    ends_at: datetime
    day: date
    location_id: int
    practitioner_id: int | None
    is_late: bool
    cost: int
    misses: tuple[str, ...]
    place: "Place" = field(repr=False, compare=False)

    @property
    def pin(self) -> Pin:
        return Pin(epoch_minute(self.starts_at), self.practitioner_id)

    @cached_property
    def offer(self) -> Offer:
        """What it takes: people, rooms and devices."""
        return self.place.offer(self.starts_at, self.practitioner_id)


@dataclass(frozen=True)
class PlannedVisit:
    """One open session. `is_fixed`: the person chose the start. `is_date_only`: a date that is not kept (yet).

    Without `chosen` the `window` says when it would be best, `reasons` in words why it has no time, and `nearest` what
    would be possible if a wish or a chosen start gave way. One beyond the visits that the location keeps ahead has a
    `chosen` time all the same, which is not booked.
    """

    number: int
    session: TreatmentSession
    window: Window
    chosen: Chosen | None = None
    is_fixed: bool = False
    is_date_only: bool = False
    reasons: tuple[str, ...] = ()
    nearest: tuple[Chosen, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The visits in the order of their numbers, and the cost of all in days: how far they are from what is best."""

    visits: tuple[PlannedVisit, ...]
    cost: int
    ground: "Ground" = field(repr=False, compare=False)
    pins: Mapping[int, Pin] = field(default_factory=dict, repr=False, compare=False)

    @property
    def to_book(self) -> list[PlannedVisit]:
        """Those with a time that may be kept."""
        return [visit for visit in self.visits if visit.chosen is not None and not visit.is_date_only]

    def starts(self) -> dict[int, Pin]:
        """What each visit has, or was to have, by number."""
        return {**self.pins, **{each.number: each.chosen.pin for each in self.visits if each.chosen is not None}}

    def visit(self, number: int) -> PlannedVisit | None:
        return next((visit for visit in self.visits if visit.number == number), None)
