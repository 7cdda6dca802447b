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


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A visit of another course of the patient, and the days that must lie between it and one of this course."""

    visit: int
    day: date
    number: int
    interval_min_days: int
    is_same_area: bool
    name: str

    def is_too_close(self, day: date, least_days: int, apart_days: int) -> bool:
        """Whether a visit on that day, of a course with that least interval, is too near to it.

        On the same area the longer of both intervals has to pass, elsewhere on the skin the days of the location.
        """
        gap = max(least_days, self.interval_min_days) if self.is_same_area else apart_days
        return abs((day - self.day).days) < gap


def too_close(others: Iterable[Elsewhere], day: date, *, least_days: int, apart_days: int) -> Elsewhere | None:
    """The visit of another course that is too near to that day; one on the same area first."""
    near = (each for each in others if each.is_too_close(day, least_days, apart_days))
    return min(near, key=lambda each: not each.is_same_area, default=None)


@dataclass(frozen=True)
class Course:
    """One session of a series among the others, as they are done or booked; skipped and cancelled ones left out.

    `elsewhere` are visits of the patient's other courses, `apart_days` how far those on other skin must be.
    """

    number: int
    others: tuple[PlannedSession, ...]
    first_possible_on: date
    elsewhere: tuple[Elsewhere, ...] = ()
    apart_days: int = 0

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
        return found + self._too_close_to_next(on) + self._too_close_to_other_courses(on)

    def _too_close_to_other_courses(self, on: date) -> list[Breach]:
        least = next((each.interval_min_days for each in self.others if each.number == self.number), 0)
        close = too_close(self.elsewhere, on, least_days=least, apart_days=self.apart_days)
        if close is None:
            return []
        return [Breach("near_same_area" if close.is_same_area else "near_other_area", close.day, self.number)]

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
