"""A few visits settled exactly among what the others have: branch and bound. Pure: no database, no clock."""

from collections.abc import Iterator, Sequence
from itertools import product

from clinic.scheduling.joint_table import LEFT, Candidate, Table, Takes


def settle(table: Table, group: Sequence[int], steps: int) -> bool:
    """Give the visits of the group their cheapest times together; as they were if nothing is cheaper within the steps.

    Whether anything became better.
    """
    return _Branches(table, group, steps).settle()


class _Branches:
    def __init__(self, table: Table, group: Sequence[int], steps: int) -> None:
        # Those with the fewest choices first: what is impossible shows early.
        self.order = sorted(group, key=lambda each: (len(table.items[each].candidates), table.items[each].was_at, each))
        self.table, self.steps = table, steps
        self.best: dict | None = None
        self.rest = [0]
        for key in reversed(self.order):
            self.rest.insert(0, self.rest[0] + table.least[key])

    def settle(self) -> bool:
        table = self.table
        mark = table.mark()
        self.limit = sum(table.cost_of(key) for key in self.order)
        if self.limit == self.rest[0]:
            return False
        for key in self.order:
            table.remove(key)
        self._branch(0, 0)
        table.take_back(mark)
        if self.best is None:
            return False
        for key in self.order:
            table.remove(key)
        for key, placed in self.best.items():
            table.put(key, *placed)
        return True

    def _branch(self, place: int, cost: int) -> None:
        if place == len(self.order):
            self.limit = cost
            self.best = {key: self.table.placed[key] for key in self.order if key in self.table.placed}
            return
        key = self.order[place]
        for candidate in self.table.items[key].candidates:
            if cost + candidate.cost + self.rest[place + 1] >= self.limit or self.steps <= 0:
                return
            self.steps -= 1
            for takes in self._ways(key, candidate):
                mark = self.table.mark()
                self.table.put(key, candidate, takes)
                self._branch(place + 1, cost + candidate.cost)
                self.table.take_back(mark)
                if cost + candidate.cost + self.rest[place + 1] >= self.limit:
                    break
        if cost + LEFT + self.rest[place + 1] < self.limit:
            self._branch(place + 1, cost + LEFT)

    def _ways(self, key: int, candidate: Candidate) -> Iterator[Takes]:
        """Each way to have what the candidate needs that is free."""
        table = self.table
        if not table.keeps_apart(key, candidate) or not all(map(table.is_free, candidate.takes)):
            return
        groups = [[each for each in group if all(map(table.is_free, each))] for group in candidate.either]
        for chosen in product(*groups):
            yield candidate.takes + tuple(take for takes in chosen for take in takes)
