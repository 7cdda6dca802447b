"""Random visits that all need other times, and the best plan, found by trying everything; it shares no code.

Minutes count from a midnight. A place is (start, person); rooms are as good as one another but for what they have.
"""

import random
from dataclasses import dataclass, field
from itertools import combinations

LEFT = 10**9
DAY = 1440


@dataclass
class Case:
    """`visits` holds (was_at, minutes), `free` the free stretches of people (1…) and rooms (101…).

    `apart` holds (earlier visit, later visit, days); visits of one patient are in `together`.
    """

    visits: list[tuple[int, int]]
    free: dict[int, list[tuple[int, int]]]
    grid: int
    rooms: list[int]
    horizon: int
    apart: list[tuple[int, int, int]] = field(default_factory=list)
    together: list[tuple[int, int]] = field(default_factory=list)

    @property
    def people(self) -> list[int]:
        return sorted(who for who in self.free if who < 100)

    def is_free(self, who: int, start: int, end: int) -> bool:
        return any(begins <= start and end <= ends for begins, ends in self.free[who])

    def places(self, visit: int) -> list[tuple[int, int, int]]:
        """(cost, start, person) of a visit on its own, the cheapest first."""
        was_at, minutes = self.visits[visit]
        return sorted(
            (abs(start - was_at), start, who)
            for start in range(0, self.horizon, self.grid)
            for who in self.people
            if self.is_free(who, start, start + minutes)
            and (not self.rooms or any(self.is_free(room, start, start + minutes) for room in self.rooms))
        )

    def clashes(self, plan: dict[int, tuple[int, int, int | None]]) -> list[str]:
        """What is wrong with a plan: by visit (start, person, room)."""
        wrong = []
        for visit, (start, who, room) in plan.items():
            minutes = self.visits[visit][1]
            for what in (who, room) if self.rooms else (who,):
                if not self.is_free(what, start, start + minutes):
                    wrong.append(f"{what} is not free for visit {visit}")
        for one, other in combinations(sorted(plan), 2):
            if _overlap(self, one, plan[one][0], other, plan[other][0]):
                if plan[one][1] == plan[other][1] or (self.rooms and plan[one][2] == plan[other][2]):
                    wrong.append(f"visits {one} and {other} have the same")
                if (one, other) in self.together:
                    wrong.append(f"visits {one} and {other} are of one patient")
        for earlier, later, days in self.apart:
            if earlier in plan and later in plan and plan[later][0] // DAY - plan[earlier][0] // DAY < days:
                wrong.append(f"visits {earlier} and {later} are too close")
        return wrong

    def cost(self, plan: dict[int, tuple[int, int, int | None]]) -> tuple[int, int]:
        """How many are left out, and the minutes of the others."""
        return len(self.visits) - len(plan), sum(abs(plan[each][0] - self.visits[each][0]) for each in plan)


def random_case(number: int, *, most: int = 6) -> Case:
    """A case that depends on the number alone."""
    rng = random.Random(number)
    days, grid = rng.randint(2, 4), rng.choice((30, 60))
    lengths = [grid * rng.randint(1, 3) for _ in range(rng.choice((1, 2)))]
    count, away = rng.randint(2, most), rng.randrange(days)
    visits = sorted((away * DAY + 480 + grid * rng.randrange(6), rng.choice(lengths)) for _ in range(count))
    rooms = [101 + each for each in range(rng.choice((0, 1, 2)))]
    free = {who: _stretches(rng, days, grid) for who in [*range(1, rng.randint(2, 4)), *rooms]}
    apart, together = [], []
    if rng.random() < 0.3:
        pair = tuple(sorted(rng.sample(range(count), 2)))
        together.append(pair)
        if rng.random() < 0.5:
            apart.append((*pair, rng.randint(0, 1)))
    return Case(visits, free, grid, rooms, days * DAY, apart, together)


def alike_case(number: int) -> Case:
    """Visits of one length that all want one person, and nothing else."""
    rng = random.Random(number)
    days, minutes = rng.randint(1, 3), rng.choice((30, 60, 90))
    visits = sorted((480 + 30 * rng.randrange(20 * days), minutes) for _ in range(rng.randint(2, 7)))
    return Case(visits, {1: _stretches(rng, days, 30)}, 30, [], days * DAY)


def best(case: Case) -> tuple[int, int]:
    """The fewest left out, then the fewest minutes: every combination, but those already dearer than one found."""
    places = [case.places(visit) for visit in range(len(case.visits))]
    limit = [LEFT * len(case.visits) + 1]
    least = [0]
    for each in reversed(places):
        least.insert(0, least[0] + (each[0][0] if each else LEFT))

    def place(visit: int, plan: dict, cost: int) -> None:
        if cost + least[visit] >= limit[0]:
            return
        if visit == len(places):
            limit[0] = cost
            return
        for minutes, start, who in places[visit]:
            if cost + minutes + least[visit + 1] >= limit[0]:
                break
            for room in case.rooms or [None]:
                mine = {**plan, visit: (start, who, room)}
                if not _new_clash(case, mine, visit):
                    place(visit + 1, mine, cost + minutes)
        place(visit + 1, plan, cost + LEFT)

    place(0, {}, 0)
    return divmod(limit[0], LEFT)


def one_by_one(case: Case) -> tuple[int, int]:
    """What it comes to if each visit, in order of time, takes the nearest that is free."""
    plan: dict[int, tuple] = {}
    for visit in range(len(case.visits)):
        for _minutes, start, who in case.places(visit):
            room = next(
                (
                    room
                    for room in case.rooms or [None]
                    if not _new_clash(case, {**plan, visit: (start, who, room)}, visit)
                ),
                LEFT,
            )
            if room != LEFT:
                plan[visit] = (start, who, room)
                break
    return case.cost(plan)


def _stretches(rng: random.Random, days: int, grid: int) -> list[tuple[int, int]]:
    found = []
    for day in range(days):
        minute = day * DAY + 480
        while minute < day * DAY + 480 + 10 * grid:
            length = grid * rng.randint(1, 4)
            if rng.random() < 0.5:
                found.append((minute, minute + length))
            minute += length + grid * (rng.random() < 0.7)
    return found


def _overlap(case: Case, one: int, start: int, other: int, begins: int) -> bool:
    return start < begins + case.visits[other][1] and begins < start + case.visits[one][1]


def _new_clash(case: Case, plan: dict, visit: int) -> bool:
    start, who, room = plan[visit]
    minutes = case.visits[visit][1]
    if room is not None and not case.is_free(room, start, start + minutes):
        return True
    for other, (begins, whom, where) in plan.items():
        if other != visit and _overlap(case, visit, start, other, begins):
            pair = tuple(sorted((visit, other)))
            if who == whom or (room is not None and room == where) or pair in case.together:
                return True
    for earlier, later, days in case.apart:
        if earlier in plan and later in plan and plan[later][0] // DAY - plan[earlier][0] // DAY < days:
            return True
    return False
