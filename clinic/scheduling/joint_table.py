"""Who has what at the moment, while new times for many visits are put together. Pure: no database, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# What a visit without a time costs: more than any number of visits can be moved.
LEFT = 1 << 40
BLOCK_MINUTES = 12 * 60

Take = tuple[int, int, int]
Takes = tuple[Take, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One time for a visit: minutes since 1970, what it costs in minutes, and with whom; `day` is a local ordinal.

    It needs all of `takes` (what, from, until), and of each group of `either` one of the alternatives.
    """

    start: int
    cost: int
    person: int | None
    takes: Takes
    either: tuple[tuple[Takes, ...], ...] = ()
    day: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A visit with the minute it was at and its candidates, the cheapest first."""

    key: int
    was_at: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Apart:
    """Of two visits of one course the later one lies so many days after the earlier one, or more."""

    earlier: int
    later: int
    days: int


Placed = tuple[Candidate, Takes]


class Table:
    """The visits that have a time; every change can be taken back to a mark."""

    def __init__(self, items: Iterable[Item], apart: Sequence[Apart] = ()) -> None:
        self.items = {item.key: item for item in items}
        self.least = {key: item.candidates[0].cost if item.candidates else LEFT for key, item in self.items.items()}
        self.placed: dict[int, Placed] = {}
        self.cost = LEFT * len(self.items)
        self._taken: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        self._bonds = defaultdict(list)
        for each in apart:
            if each.earlier in self.items and each.later in self.items:
                self._bonds[each.earlier].append((each.later, each.days, True))
                self._bonds[each.later].append((each.earlier, each.days, False))
        self._log: list[tuple[int, Placed | None]] = []

    # -- Looking ------------------------------------------------------------------------------------------------------

    def cost_of(self, key: int) -> int:
        return self.placed[key][0].cost if key in self.placed else LEFT

    def excess(self, key: int) -> int:
        """How much more it costs than if it were alone."""
        return self.cost_of(key) - self.least[key]

    def look(self, key: int, candidate: Candidate) -> tuple[Takes, set[int]]:
        """What the candidate would take (of alternatives what is in the way least), and whom it would put out."""
        blockers = self._bound(key, candidate)
        for take in candidate.takes:
            blockers |= self._holding(take)
        takes = candidate.takes
        for group in candidate.either:
            best, least = group[0], None
            for alternative in group:
                more = set().union(*(self._holding(take) for take in alternative)) - blockers
                if least is None or len(more) < len(least):
                    best, least = alternative, more
                if not more:
                    break
            takes += best
            blockers |= least
        blockers.discard(key)
        return takes, blockers

    def is_free(self, take: Take) -> bool:
        return not self._holding(take)

    def keeps_apart(self, key: int, candidate: Candidate) -> bool:
        return not self._bound(key, candidate)

    def _holding(self, take: Take) -> set[int]:
        what, start, end = take
        first, last = start // BLOCK_MINUTES, (end - 1) // BLOCK_MINUTES
        found = set()
        for block in range(first, last + 1):
            for begins, ends, key in self._taken.get((what, block), ()):
                if begins < end and start < ends:
                    found.add(key)
        return found

    def _bound(self, key: int, candidate: Candidate) -> set[int]:
        found = set()
        for other, days, is_later in self._bonds.get(key, ()):
            if other in self.placed:
                day = self.placed[other][0].day
                gap = day - candidate.day if is_later else candidate.day - day
                if gap < days:
                    found.add(other)
        return found

    def groups(self) -> list[list[int]]:
        """The visits that may get in each other's way, each group in the order of time."""
        leader = {key: key for key in self.items}

        def head(key: int) -> int:
            while leader[key] != key:
                leader[key] = leader[leader[key]]
                key = leader[key]
            return key

        first: dict[tuple[int, int], int] = {}
        for key, item in self.items.items():
            for spot in {spot for candidate in item.candidates for spot in spots(candidate)}:
                leader[head(first.setdefault(spot, key))] = head(key)
            for other, _days, _is_later in self._bonds.get(key, ()):
                leader[head(other)] = head(key)
        found = defaultdict(list)
        for key in sorted(self.items, key=lambda each: (self.items[each].was_at, each)):
            found[head(key)].append(key)
        return list(found.values())

    def circle(self, key: int, most: int) -> list[int]:
        """The visit, and those that hold what would be nearer to its time."""
        found = [key]
        for candidate in self.items[key].candidates:
            if candidate.cost >= self.cost_of(key) or len(found) >= most:
                break
            _takes, blockers = self.look(key, candidate)
            found += [each for each in sorted(blockers) if each not in found]
        return found[:most]

    # -- Changing -----------------------------------------------------------------------------------------------------

    def put(self, key: int, candidate: Candidate, takes: Takes) -> None:
        self._log.append((key, self.placed.get(key)))
        self._set(key, (candidate, takes))

    def remove(self, key: int) -> None:
        self._log.append((key, self.placed.get(key)))
        self._set(key, None)

    def mark(self) -> int:
        return len(self._log)

    def take_back(self, mark: int) -> None:
        """As it was at the mark."""
        while len(self._log) > mark:
            self._set(*self._log.pop())

    def _set(self, key: int, placed: Placed | None) -> None:
        before = self.placed.pop(key, None)
        self.cost -= before[0].cost if before else LEFT
        if before:
            for what, start, end in before[1]:
                for block in range(start // BLOCK_MINUTES, (end - 1) // BLOCK_MINUTES + 1):
                    self._taken[what, block].remove((start, end, key))
        self.cost += placed[0].cost if placed else LEFT
        if placed:
            self.placed[key] = placed
            for what, start, end in placed[1]:
                for block in range(start // BLOCK_MINUTES, (end - 1) // BLOCK_MINUTES + 1):
                    self._taken[what, block].append((start, end, key))


def spots(candidate: Candidate) -> Iterable[tuple[int, int]]:
    """The stretches of a diary that the candidate may touch."""
    for takes in (candidate.takes, *(alternative for group in candidate.either for alternative in group)):
        for what, start, end in takes:
            for block in range(start // BLOCK_MINUTES, (end - 1) // BLOCK_MINUTES + 1):
                yield what, block
