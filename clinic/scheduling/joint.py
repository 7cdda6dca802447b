"""New times for many visits at once, as near to their old ones as can be. Pure: no database, no clock.

Each visit has candidates that cost minutes of shift. Placing one by one, in order of time, is what a person does;
the joint plan begins there and only ever gets better: few visits that meet are settled exactly, alike ones on one diary
by dynamic programming, many by chains of visits that make room for one another and by settling small circles of them
exactly. The same input gives the same plan, in one go or with pauses.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from clinic.scheduling import joint_bound, joint_exact, joint_order
from clinic.scheduling.joint_table import LEFT, Apart, Candidate, Item, Placed, Table, Takes

__all__ = ["Apart", "Candidate", "Found", "Item", "Work", "begin", "found", "go_on", "solve"]

SMALL = 8
DEPTH = 3
CHAIN_STEPS = 300
CIRCLE, CIRCLE_STEPS = 6, 1000
EXACT_STEPS = 60_000
PASSES = 5


@dataclass(frozen=True)
class Found:
    """The candidate of each visit with what it takes; `left` are those for which nothing is free next to the others.

    `cost` in minutes of those that have a time; `one_by_one` the same if each took the nearest that the ones before it
    left, None if that leaves more without a time; no plan that places the same visits costs less than `least`.
    """

    chosen: dict[int, Candidate]
    takes: dict[int, Takes]
    left: tuple[int, ...]
    cost: int
    one_by_one: int | None
    least: int


@dataclass
class Work:
    """A plan in the making, which can be kept between two looks: what is placed, and what is still to be tried."""

    items: Sequence[Item]
    apart: Sequence[Apart]
    placed: dict[int, Placed]
    greedy: int
    large: list[list[int]]
    queue: list[list[int]]
    at: int = 0
    passes: int = 0
    cost_before: int = 0

    @property
    def is_done(self) -> bool:
        return self.at >= len(self.queue)


def solve(items: Iterable[Item], apart: Iterable[Apart] = ()) -> Found:
    """The joint plan, worked out to its end."""
    work = begin(items, apart)
    go_on(work, lambda: False)
    return found(work)


def begin(items: Iterable[Item], apart: Iterable[Apart] = (), first: Collection[int] = ()) -> Work:
    """Place one by one; what is left to do are the visits that may get in each other's way.

    The keys in `first` are placed before the others.
    """
    rows, bonds = sorted(items, key=lambda each: (each.was_at, each.key)), tuple(apart)
    table = Table(rows, bonds)
    one_by_one(table, first)
    groups = [group for group in table.groups() if len(group) > 1]
    work = Work(rows, bonds, dict(table.placed), table.cost, [], [])
    for group in groups:
        if len(group) <= SMALL:
            work.queue.append(group)
        elif joint_order.settle(table, group):
            work.placed = dict(table.placed)
        else:
            work.large.append(group)
    _next_pass(work, table)
    return work


def go_on(work: Work, is_enough: Callable[[], bool]) -> None:
    """Try until there is nothing left to try, or it is enough after a step. Never makes the plan worse."""
    table = _table_of(work)
    while not work.is_done:
        group = work.queue[work.at]
        if len(group) > 1:
            joint_exact.settle(table, group, EXACT_STEPS)
        elif table.excess(group[0]):
            _nearer(table, group[0])
        work.at += 1
        if work.is_done:
            _next_pass(work, table)
        if is_enough():
            break
    work.placed = dict(table.placed)


def found(work: Work) -> Found:
    """What the work has come to."""
    chosen = {item.key: work.placed[item.key][0] for item in work.items if item.key in work.placed}
    left = tuple(item.key for item in work.items if item.key not in chosen)
    cost = sum(each.cost for each in chosen.values())
    missing, minutes = divmod(work.greedy, LEFT)
    least = joint_bound.least([item for item in work.items if item.key in chosen], upper=cost)
    takes = {key: work.placed[key][1] for key in chosen}
    return Found(chosen, takes, left, cost, minutes if missing <= len(left) else None, least)


def one_by_one(table: Table, first: Collection[int] = ()) -> None:
    """Each visit in order of time on the nearest time that is still free; one that finds none is left out."""
    for key in sorted(table.items, key=lambda each: (each not in first, table.items[each].was_at, each)):
        for candidate in table.items[key].candidates:
            takes, blockers = table.look(key, candidate)
            if not blockers:
                table.put(key, candidate, takes)
                break


def _table_of(work: Work) -> Table:
    table = Table(work.items, work.apart)
    for key, placed in work.placed.items():
        table.put(key, *placed)
    return table


def _next_pass(work: Work, table: Table) -> None:
    """Another look at each visit of the large groups, the farthest first, as long as the last one was of use."""
    if work.passes >= PASSES or (work.passes and table.cost == work.cost_before):
        return
    work.passes, work.cost_before = work.passes + 1, table.cost
    for group in work.large:
        far = sorted((key for key in group if table.excess(key)), key=lambda each: (-table.excess(each), each))
        work.queue += [[key] for key in far]


# -- Something nearer for one visit -----------------------------------------------------------------------------------


def _nearer(table: Table, key: int) -> None:
    """Something nearer for the visit, if others can make room for less than that saves."""
    mark, limit = table.mark(), table.cost_of(key)
    table.remove(key)
    if not _Chain(table).insert(key, limit, DEPTH, frozenset([key])):
        table.take_back(mark)
        circle = table.circle(key, CIRCLE)
        if len(circle) > 1:
            joint_exact.settle(table, circle, CIRCLE_STEPS)


class _Chain:
    def __init__(self, table: Table) -> None:
        self.table, self.steps = table, CHAIN_STEPS

    def insert(self, key: int, limit: int, depth: int, moving: frozenset[int]) -> bool:
        """Place the visit and whatever it puts out, for less than `limit` in all; else everything is as it was."""
        table = self.table
        for candidate in table.items[key].candidates:
            if candidate.cost >= limit or self.steps <= 0:
                return False
            self.steps -= 1
            takes, blockers = table.look(key, candidate)
            if not blockers:
                table.put(key, candidate, takes)
                return True
            if depth and len(blockers) <= 2 and not blockers & moving:
                mark = table.mark()
                room = limit - candidate.cost + sum(table.cost_of(each) for each in blockers)
                for each in blockers:
                    table.remove(each)
                table.put(key, candidate, takes)
                if self._replace(sorted(blockers), room, depth - 1, moving | blockers):
                    return True
                table.take_back(mark)
        return False

    def _replace(self, keys: list[int], room: int, depth: int, moving: frozenset[int]) -> bool:
        """Place all of these for less than `room`."""
        rest = sum(self.table.least[key] for key in keys)
        for key in keys:
            rest -= self.table.least[key]
            before = self.table.cost
            if not self.insert(key, room - rest, depth, moving):
                return False
            room -= self.table.cost - before + LEFT
        return True
