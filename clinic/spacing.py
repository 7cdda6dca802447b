"""How far apart the sessions of one series must lie: every rule about the day of one of them. Pure: no database.

The minimum is hard on both sides: not too soon after the session before, and not so late that the booked one after it
comes too soon. The maximum is soft: a visit after it is late, not forbidden.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from treatments.windows import PlannedSession, Window, course


@dataclass(frozen=True, slots=True)
class Breach:
    """The rule that a day breaks: its code, the day that it names (if any), and the session it is about."""

    code: str
    day: date | None
    number: int


@dataclass(frozen=True)
class Course:
    """One session of a series among the others, as they are done or booked; skipped and cancelled ones left out."""

    number: int
    others: tuple[PlannedSession, ...]
    first_possible_on: date

    @classmethod
    def around(cls, number: int, sessions: Iterable[PlannedSession], first_possible_on: date) -> "Course":
        """The course around the session of that number, which is taken out of the diary."""
        return cls(
            number,
            tuple(replace(each, booked_on=None) if each.number == number else each for each in sessions),
            first_possible_on,
        )

    @cached_property
    def window(self) -> Window | None:
        """When the session is best; None for one that is skipped, cancelled or used up."""
        return course(self.others, self.first_possible_on).get(self.number)

    def breaches(self, on: date) -> list[Breach]:
        """What a visit on that local day would break; empty if nothing."""
        if self.window is None:
            return [Breach("not_open", None, self.number)]
        found = []
        if on < self.window.earliest:
            found.append(Breach("before_window", self.window.earliest, self.number))
        if self.window.is_late(on):
            found.append(Breach("after_window", self.window.latest, self.number))
        return found + self._too_close_to_next(on)

    def _too_close_to_next(self, on: date) -> list[Breach]:
        later = [each for each in self.others if each.number > self.number and each.booked_on and not each.done_on]
        if not later:
            return []
        then = course(
            (replace(each, booked_on=on) if each.number == self.number else each for each in self.others),
            self.first_possible_on,
        )
        for each in sorted(later, key=lambda session: session.number):
            if each.booked_on < then[each.number].earliest:
                return [Breach("too_close_to_next", each.booked_on, each.number)]
        return []
