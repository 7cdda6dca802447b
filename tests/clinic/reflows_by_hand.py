"""A booked course of which one visit moves, in plain Python: every change of the rest is tried. Imports no product.

Days are dates, times of day wall minutes; a start is (day, wall, person). Persons are numbers until they are stored.
"""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

ZONES = ["Europe/Berlin", "America/New_York"]
FIRSTS = [date(2026, 2, 2), date(2026, 9, 7), date(2026, 6, 1), date(2026, 1, 12)]
DAYS, GRID, MINUTES, A_DAY = 190, 60, 45, 1440
LONG, SHORT = 300, 200
HOURS = [(480, 600), (540, 720), (840, 960), (600, 660), (600, 700)]


@dataclass
class Step:
    """A session and the interval to it; `at` is its booked start, None while it waits to be booked again."""

    least: int
    ideal: int
    most: int
    at: tuple | None = None


@dataclass
class Booked:
    """`hours` by person and ISO weekday, `taken` by person as (day, from, until); the clinic is closed on days."""

    zone: str
    first: date
    hours: list
    taken: list
    closed: set
    steps: list
    moved: int  # the place of the session that is moved
    days: int = LONG  # from the first on that can be booked
    keys: list = field(default_factory=list)

    def is_free(self, day, wall, person):
        begins, ends = self.hours[person].get(day.isoweekday(), (0, 0))
        # A session before the one that is moved keeps its time, for the patient too.
        before = [(*step.at[:2], step.at[1] + MINUTES) for step in self.steps[: self.moved]]
        taken = [*self.taken[person], *before]
        is_taken = any(on == day and start < wall + MINUTES and end > wall for on, start, end in taken)
        return begins <= wall and wall + MINUTES <= ends and day not in self.closed and not is_taken

    @cached_property
    def starts(self):
        """Every free start by day, as if nothing of the course itself were booked."""
        found = {}
        for day in (self.first + timedelta(days=n) for n in range(self.days)):
            starts = [
                (day, wall, person)
                for person in range(len(self.hours))
                for wall in range(480, 1080, GRID)
                if self.is_free(day, wall, person)
            ]
            if starts:
                found[day] = starts
        return found

    def least(self, place, offset):
        """(nowhere, late, moved, minutes) of the least change after that session moved by so many days."""
        before = self.steps[place].at[0] + timedelta(days=offset)
        rest = self.steps[place + 1 :]
        begins = self.first_wrong(rest, before)
        if begins is None:
            return 0, 0, 0, 0
        for step in rest[:begins]:
            before = step.at[0]
        starts = {day: [wall for _day, wall, _person in found] for day, found in self.starts.items()}
        options = [self.options(step, starts) for step in rest[begins:]]
        return min(self.every(rest[begins:], options, before))

    def first_wrong(self, rest, before):
        for place, step in enumerate(rest):
            if step.at is None or self.is_wrong(step, before):
                return place
            before = step.at[0]
        return None

    def is_wrong(self, step, before):
        day = step.at[0]
        return not step.least <= (day - before).days <= step.most or not self.stands(step)

    def stands(self, step):
        return step.at[0] not in self.closed

    @staticmethod
    def options(step, starts):
        """The minutes to each day on which something is free."""
        if step.at is None:
            return dict.fromkeys(starts, 0)
        was, wall = step.at[0], step.at[1]
        return {
            day: abs((day - was).days) * A_DAY + min(abs(each - wall) for each in walls)
            for day, walls in starts.items()
        }

    def every(self, rest, options, before):
        """The rank of every change: all combinations of staying and of days."""
        if not rest:
            yield 0, 0, 0, 0
            return
        step = rest[0]
        earliest, ideal, latest = (before + timedelta(days=n) for n in (step.least, step.ideal, step.most))
        if step.at is None:
            yield from self.with_rest((1, 0, 0, 0), rest, options, max(ideal, self.first))
        else:
            is_nowhere = step.at[0] < earliest or not self.stands(step)
            is_late = step.at[0] > latest and not is_nowhere
            yield from self.with_rest((int(is_nowhere), int(is_late), 0, 0), rest, options, step.at[0])
        for day, minutes in options[0].items():
            if day >= earliest:
                more = minutes if step.at is not None else abs((day - ideal).days) * A_DAY
                yield from self.with_rest((0, int(day > latest), 1, more), rest, options, day)

    def with_rest(self, own, rest, options, day):
        best = min(self.every(rest[1:], options[1:], day))
        yield tuple(one + other for one, other in zip(own, best, strict=True))


def random_booked(seed):
    """A course of three or four sessions with room for all of them; None when the dice leave none."""
    rng = random.Random(seed)
    count = rng.choice([3, 3, 3, 4])
    people = rng.choice([1, 1, 2]) if count == 3 else 1
    first = rng.choice(FIRSTS)
    hours = [
        {weekday: rng.choice(HOURS) for weekday in rng.sample(range(1, 8), rng.choice([1, 1, 2]) if count == 3 else 1)}
        for _person in range(people)
    ]
    days = [first + timedelta(days=n) for n in range(DAYS)]
    taken = [
        [(day, start, start + 90) for day in rng.sample(days, 30) for start in [rng.choice([480, 540, 600, 840])]]
        for _person in range(people)
    ]
    world = Booked(rng.choice(ZONES), first, hours, taken, set(rng.sample(days, 12)), [], 0)
    before, starts = None, world.starts
    for _number in range(count):
        least = rng.choice([5, 7, 14, 21])
        ideal = least + rng.choice([0, 1, 3])
        step = Step(least, ideal, ideal + rng.choice([1, 4, 7]))
        # The first has days to be moved earlier.
        earliest, latest = (35, 45) if before is None else (step.least, step.most)
        base = first if before is None else before
        fitting = [one for n in range(earliest, latest + 1) for one in starts.get(base + timedelta(days=n), ())]
        if not fitting:
            return None
        step.at = rng.choice(fitting)
        before = step.at[0]
        world.steps.append(step)
    world.moved = rng.randrange(len(world.steps) - 2)
    world.days = LONG if len(world.steps) - world.moved < 4 else SHORT
    if rng.random() < 0.2:
        world.steps[rng.randrange(world.moved + 1, len(world.steps) - 1)].at = None
    if rng.random() < 0.3:
        away = rng.choice([step for step in world.steps[world.moved + 1 :] if step.at])
        world.closed |= {away.at[0] + timedelta(days=n) for n in range(rng.choice([1, 3, 10]))}
    del world.starts  # they are found again, with all of this
    return world
