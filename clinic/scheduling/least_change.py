"""The smallest change that brings a course back into its windows. Pure: no database, no clock.

Least by, in this order: visits that fit nowhere, visits later than is best, visits moved, minutes that they move in
all, those with another person, what the wishes cost; of equal ones the earlier starts. Only the day of the session
before counts for the next one, so the least of what follows each day gives the least of the whole. Days are ordinals.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate

from clinic.minutes import MINUTES_OF_A_DAY
from clinic.scheduling.search import Option
from treatments import windows
from treatments.windows import PlannedSession

# One number instead of six: each part has more room than a course of hundreds of visits can fill.
MINUTE, MOVED, LATE, NOWHERE = 1 << 24, 1 << 56, 1 << 66, 1 << 76
OTHER_PERSON, MOST_DAYS = 1 << 14, 60


@dataclass(frozen=True, slots=True)
class Start:
    """The best start of one day for one session; `minutes` from its present start, of an open one none."""

    option: Option
    minutes: int
    is_other_person: bool = False

    @property
    def cost(self) -> int:
        return MOVED + self.minutes * MINUTE + self.is_other_person * OTHER_PERSON + min(self.option.cost, MOST_DAYS)


@dataclass(frozen=True)
class Step:
    """One session from the first that may move on.

    `day` is where it is, done or in the diary; `days` has the starts of one that may move or be placed. `stands`: its
    present time still fits the diary; `may_be_late`: that it is late was allowed.
    """

    session: PlannedSession
    day: int | None
    days: Mapping[int, Start] | None = None
    stands: bool = True
    may_be_late: bool = False

    @property
    def is_open(self) -> bool:
        return self.day is None


@dataclass(frozen=True)
class Least:
    """The starts of those that move, by number; those that fit nowhere, and those that are late where they are."""

    starts: dict[int, Start]
    nowhere: set[int]
    late: set[int]
    minutes: int

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """Fitting nowhere, late, moved, minutes."""
        return len(self.nowhere), len(self.late), len(self.starts), self.minutes


def least(steps: Sequence[Step], before: int | None, first_possible_on: date, today: int) -> Least:
    """The least change of these sessions after the day of the one before them (None if they are the first)."""
    change = _Change(steps, first_possible_on, today)
    starts, nowhere, late, minutes, day = {}, set(), set(), 0, before
    for place, step in enumerate(steps):
        chosen = min(change.choices(place, day), key=lambda choice: (choice.cost, choice.rank))
        number = step.session.number
        nowhere |= {number} if chosen.is_nowhere else set()
        late |= {number} if chosen.is_late else set()
        if chosen.start is not None:
            starts[number] = chosen.start
            minutes += chosen.minutes
        day = chosen.day
    return Least(starts, nowhere, late, minutes)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What may become of a session; the cost is of it and of all that follows."""

    cost: int
    day: int
    start: Start | None = None
    is_late: bool = False
    is_nowhere: bool = False
    minutes: int = 0

    @property
    def rank(self) -> tuple[int, int, int]:
        return self.start.option.rank if self.start is not None else (0, 0, 0)


@dataclass(frozen=True)
class _Days:
    """The starts of one session in the order of days, with the cost of each and what follows it."""

    days: list[int]
    costs: list[int]
    least_from: list[int]


@dataclass
class _Change:
    steps: Sequence[Step]
    first_possible_on: date
    today: int
    _least: dict[tuple[int, int | None], int] = field(default_factory=dict)
    _days: dict[int, _Days] = field(default_factory=dict)

    def choices(self, place: int, before: int | None) -> Iterator[_Choice]:
        """Everything that may become of a session after that day."""
        step = self.steps[place]
        earliest, ideal, latest = self._window(place, before)
        yield self._as_it_is(place, earliest, ideal, latest)
        for day, start in (step.days or {}).items():
            if day >= earliest:
                extra, minutes = self._extra(step, day, ideal), start.minutes
                minutes += extra // MINUTE
                late = LATE if day > latest else 0
                cost = start.cost + extra + late + self.after(place + 1, day)
                yield _Choice(cost, day, start, is_late=bool(late), minutes=minutes)

    def after(self, place: int, before: int | None) -> int:
        """The least cost of this session and all after it, if the one before is on that day."""
        if place == len(self.steps):
            return 0
        found = self._least.get((place, before))
        if found is None:
            step = self.steps[place]
            earliest, ideal, latest = self._window(place, before)
            found = self._as_it_is(place, earliest, ideal, latest).cost
            if step.days:
                moved = self._nearest_to(place, earliest, ideal, latest) if step.is_open else None
                found = min(found, self._moved(place, earliest, latest) if moved is None else moved)
            self._least[place, before] = found
        return found

    def _as_it_is(self, place: int, earliest: int, ideal: int, latest: int) -> _Choice:
        """It stays, or goes on waiting."""
        step = self.steps[place]
        if step.day is None:
            then = max(ideal, self.today)
            is_nowhere = step.days is not None
            return _Choice(is_nowhere * NOWHERE + self.after(place + 1, then), then, is_nowhere=is_nowhere)
        is_done = step.session.done_on is not None
        is_nowhere = not is_done and (not step.stands or step.day < earliest)
        is_late = not is_done and not is_nowhere and step.day > latest and not step.may_be_late
        cost = is_nowhere * NOWHERE + is_late * LATE + self.after(place + 1, step.day)
        return _Choice(cost, step.day, is_late=is_late, is_nowhere=is_nowhere)

    def _moved(self, place: int, earliest: int, latest: int) -> int:
        """The least cost of a visit that moves: in its window, or later."""
        found = self._sorted(place)
        first, beyond = bisect_left(found.days, earliest), bisect_right(found.days, max(latest, earliest - 1))
        in_time = min(found.costs[first:beyond], default=None)
        late = found.least_from[beyond] + LATE if beyond < len(found.days) else None
        return min((each for each in (in_time, late) if each is not None), default=len(self.steps) * NOWHERE)

    def _nearest_to(self, place: int, earliest: int, ideal: int, latest: int) -> int:
        """The same of a session that waits, which is best on its ideal day."""
        found, step = self._sorted(place), self.steps[place]
        costs = (
            cost + self._extra(step, day, ideal) + (LATE if day > latest else 0)
            for day, cost in zip(found.days, found.costs, strict=True)
            if day >= earliest
        )
        return min(costs, default=len(self.steps) * NOWHERE)

    def _sorted(self, place: int) -> _Days:
        found = self._days.get(place)
        if found is None:
            days = sorted(self.steps[place].days)
            costs = [self.steps[place].days[day].cost + self.after(place + 1, day) for day in days]
            found = _Days(days, costs, list(accumulate(reversed(costs), min))[::-1])
            self._days[place] = found
        return found

    def _window(self, place: int, before: int | None) -> tuple[int, int, int]:
        """Earliest, ideal and last day in time."""
        day = None if before is None else date.fromordinal(before)
        window = windows.after(self.steps[place].session, day, self.first_possible_on)
        latest = min(window.latest, window.expires_on or window.latest)
        return window.earliest.toordinal(), window.ideal.toordinal(), latest.toordinal()

    @staticmethod
    def _extra(step: Step, day: int, ideal: int) -> int:
        """What a session that waits is from its best day."""
        return abs(day - ideal) * MINUTES_OF_A_DAY * MINUTE if step.is_open else 0
