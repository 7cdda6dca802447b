"""The cheapest days and people for all open sessions of one course together. Pure: no database, no clock.

Cost is counted in days: for each session how far it is from the best day that the session before it leaves, what its
own start costs, lateness, and a change of practitioner from visit to visit. So it depends on neighbours alone, and the
least cost to each (day, practitioner) of one session gives the least cost to those of the next. Days are ordinals.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import inf

from treatments import windows
from treatments.windows import PlannedSession

State = tuple[int | None, int | None]
FIRST_GUESS = 8
START: State = (None, None)


@dataclass(frozen=True, slots=True, order=True)
class Option:
    """The best start of one day with one person; of equal cost the earlier, then the lower keys.

    `start` in minutes since 1970, `place` the key of a location, `cost` in days.
    """

    start: int
    place: int
    person: int | None
    cost: int

    @property
    def rank(self) -> tuple[int, int, int]:
        return self.start, self.place, self.person or 0


@dataclass(frozen=True)
class Step:
    """One session of the course. Open ones have `days` with their options; `person` is of one done or booked."""

    session: PlannedSession
    person: int | None = None
    days: Mapping[int, Sequence[Option]] | None = None

    @property
    def is_open(self) -> bool:
        return self.days is not None

    @property
    def day(self) -> int | None:
        """When it is, if it is done or in the diary."""
        day = self.session.done_on or self.session.booked_on
        return day.toordinal() if day else None


@dataclass(frozen=True)
class Prices:
    """In days, as the location says."""

    change: int
    late: int
    each_late_day: int


@dataclass(frozen=True)
class Found:
    """For each open step that could be placed its option, by the number of the session; and the cost of all."""

    options: dict[int, Option]
    cost: int


def best(steps: Sequence[Step], first_possible_on: date, prices: Prices, today: int = 0) -> Found:
    """Place as many sessions as can be, from the first on without a gap, and these as cheaply as can be.

    Of plans that cost the same the one whose first session begins earliest, then its lower keys, then the next one's.
    A session that is neither done, booked nor open is expected on its best day, but not before `today`.
    """
    search = _Search(steps, first_possible_on, prices, today)
    most = sum(step.is_open for step in steps)
    placed = next((count for count in range(most, 0, -1) if search.is_possible(count)), 0)
    return search.cheapest(placed)


class _Search:
    def __init__(self, steps: Sequence[Step], first_possible_on: date, prices: Prices, today: int = 0) -> None:
        self.steps, self.prices, self._today = steps, prices, today
        self._first_possible_on = first_possible_on
        self._windows: dict[tuple[int, int | None], tuple[int, int, int]] = {}

    def window(self, place: int, before: int | None) -> tuple[int, int, int]:
        """Earliest, ideal and last day in time of a step after that day."""
        found = self._windows.get((place, before))
        if found is None:
            day = None if before is None else date.fromordinal(before)
            window = windows.after(self.steps[place].session, day, self._first_possible_on)
            latest = min(window.latest, window.expires_on or window.latest)
            found = window.earliest.toordinal(), window.ideal.toordinal(), latest.toordinal()
            self._windows[place, before] = found
        return found

    def is_possible(self, count: int) -> bool:
        """Whether the first so many open sessions can be placed: each as early as it may, which hinders none later."""
        before, open_ones = None, 0
        for place, step in enumerate(self.steps):
            earliest, ideal, _latest = self.window(place, before)
            if step.is_open and open_ones < count:
                before = min((day for day in step.days if day >= earliest), default=None)
                if before is None:
                    return False
            elif step.day is None:
                before = max(ideal, self._today)
            else:
                if open_ones and step.session.done_on is None and step.day < earliest:
                    return False
                before = step.day
            open_ones += step.is_open
        return True

    def cheapest(self, count: int) -> Found:
        """Guess an upper bound for the cost, and a higher one when nothing is as cheap as that."""
        if not count:
            return Found({}, 0)
        most = FIRST_GUESS
        while True:
            layers = self._layers(count, most)
            if layers[-1]:
                return self._read_off(count, layers)
            most *= 4

    def _layers(self, count: int, most: int) -> list[dict[State, int]]:
        """The least cost to each (day, practitioner) after each step, as far as it is not above `most`."""
        layers, open_ones = [{START: 0}], 0
        for place, step in enumerate(self.steps):
            if step.is_open and open_ones < count:
                layers.append(self._choices(place, layers[-1], most))
            else:
                reached: dict[State, int] = {}
                for state, cost in layers[-1].items():
                    then, more = self._follow(place, state, after_open=bool(open_ones))
                    if cost + more <= most and cost + more < reached.get(then, inf):
                        reached[then] = cost + more
                layers.append(reached)
            open_ones += step.is_open
        return layers

    def _choices(self, place: int, layer: dict[State, int], most: int) -> dict[State, int]:
        by_day: dict[int | None, dict[int | None, int]] = defaultdict(dict)
        for (before, person), cost in layer.items():
            by_day[before][person] = cost
        days, reached, change = self.steps[place].days, {}, self.prices.change
        for before, costs in by_day.items():
            earliest, ideal, latest = self.window(place, before)
            least = min(costs.values())
            room = most - least
            for day in range(max(earliest, ideal - room), ideal + room + 1):
                for option in days.get(day, ()):
                    person = option.person
                    cost = abs(day - ideal) + self._lateness(day, latest) + option.cost
                    if person is None:
                        cost += least
                    else:
                        cost += min(costs.get(person, inf), costs.get(None, inf), least + change)
                    if cost <= most and cost < reached.get((day, person), inf):
                        reached[day, person] = cost
        return reached

    def _follow(self, place: int, state: State, *, after_open: bool) -> tuple[State, float]:
        """The state after a step without a choice, and what it adds: one that is booked too soon is impossible."""
        step, (before, person) = self.steps[place], state
        earliest, ideal, latest = self.window(place, before)
        if step.day is None:
            return (max(ideal, self._today), person), 0
        then = (step.day, step.person)
        if not after_open or step.session.done_on is not None:
            return then, 0
        if step.day < earliest:
            return then, inf
        return then, abs(step.day - ideal) + self._lateness(step.day, latest) + self._change(person, step.person)

    def _price(self, place: int, state: State, day: int, option: Option) -> float:
        """What an option adds after a state."""
        before, person = state
        earliest, ideal, latest = self.window(place, before)
        if day < earliest:
            return inf
        return abs(day - ideal) + self._lateness(day, latest) + option.cost + self._change(person, option.person)

    def _lateness(self, day: int, latest: int) -> int:
        return self.prices.late + (day - latest) * self.prices.each_late_day if day > latest else 0

    def _change(self, person: int | None, other: int | None) -> int:
        return self.prices.change if person is not None and other is not None and person != other else 0

    # -- Which of the cheapest --------------------------------------------------------------------------------------

    def _read_off(self, count: int, layers: list[dict[State, int]]) -> Found:
        """Go back over the states of cheapest plans, then forward, each time to the first of the options."""
        cost = min(layers[-1].values())
        marked = [{state for state, least in layers[-1].items() if least == cost}]
        for place in range(len(self.steps) - 1, -1, -1):
            marked.insert(0, self._leading_to(place, count, (layers[place], layers[place + 1]), marked[0]))
        state, options = START, {}
        for place, (step, (here, there)) in enumerate(zip(self.steps, pairwise(layers), strict=True)):
            if not self._is_chosen(place, count):
                state = self._follow(place, state, after_open=self._is_after_open(place))[0]
                continue
            fitting = [
                (option, (day, person))
                for day, person in marked[place + 1]
                for option in step.days[day]
                if option.person == person
                and here[state] + self._price(place, state, day, option) == there[day, person]
            ]
            options[step.session.number], state = min(fitting, key=lambda pair: pair[0].rank)
        return Found(options, int(cost))

    def _leading_to(
        self, place: int, count: int, between: tuple[dict[State, int], dict[State, int]], marked: set[State]
    ) -> set[State]:
        """Those states of the layer before from which a cheapest plan goes on to one of the marked."""
        here, there = between
        if not self._is_chosen(place, count):
            after_open = self._is_after_open(place)
            followed = {state: self._follow(place, state, after_open=after_open) for state in here}
            return {
                state
                for state, (then, more) in followed.items()
                if then in marked and here[state] + more == there[then]
            }
        days = self.steps[place].days
        aims = [(day, option) for day, person in marked for option in days[day] if option.person == person]
        return {
            state
            for state, cost in here.items()
            if any(cost + self._price(place, state, day, option) == there[day, option.person] for day, option in aims)
        }

    def _is_chosen(self, place: int, count: int) -> bool:
        return self.steps[place].is_open and sum(step.is_open for step in self.steps[:place]) < count

    def _is_after_open(self, place: int) -> bool:
        return any(step.is_open for step in self.steps[:place])
