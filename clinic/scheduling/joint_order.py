"""Visits of one length that want the same diary: the order they had is never worse than another. Pure: no database.

Two such visits that lie in the other order can change places without costing more, as long as each may have what the
other has. So the best plan is found place by place: the cheapest way to have placed the first so many visits by each
of the free starts.
"""

from bisect import bisect_right
from collections.abc import Sequence

from clinic.scheduling.joint_table import LEFT, Candidate, Item, Table


def settle(table: Table, group: Sequence[int]) -> bool:
    """Place the group at the least cost, if its visits are alike in this way; whether they are."""
    items = sorted((table.items[key] for key in group), key=lambda item: (item.was_at, item.key))
    length = _length(items)
    starts = sorted({candidate.start for item in items for candidate in item.candidates})
    if length is None or not _may_change_places(items, starts):
        return False
    chosen = _cheapest(items, starts, length)
    if LEFT * (len(items) - len(chosen)) + sum(each.cost for each in chosen.values()) < sum(
        table.cost_of(item.key) for item in items
    ):
        for item in items:
            table.remove(item.key)
        for key, candidate in chosen.items():
            table.put(key, candidate, candidate.takes)
    return True


def _length(items: Sequence[Item]) -> int | None:
    """For how long each keeps the others out, if all take the same from their start on and cost what they shift."""
    shapes = set()
    for item in items:
        for candidate in item.candidates:
            if candidate.either or candidate.cost != abs(candidate.start - item.was_at):
                return None
            shapes.add(tuple((what, begins - candidate.start, ends - begins) for what, begins, ends in candidate.takes))
            if len(shapes) > 1:
                return None
    shape = shapes.pop() if shapes else ()
    is_simple = shape and len({what for what, _after, _length in shape}) == len(shape)
    return max(length for _what, _after, length in shape) if is_simple else None


def _may_change_places(items: Sequence[Item], starts: Sequence[int]) -> bool:
    """Whether each has a stretch of the starts, without gaps, that begins and ends no earlier than the one before."""
    place = {start: number for number, start in enumerate(starts)}
    before = (0, 0)
    for item in items:
        numbers = sorted({place[candidate.start] for candidate in item.candidates})
        if not numbers or len(numbers) != numbers[-1] - numbers[0] + 1:
            return False
        if numbers[0] < before[0] or numbers[-1] < before[1]:
            return False
        before = numbers[0], numbers[-1]
    return True


def _cheapest(items: Sequence[Item], starts: Sequence[int], length: int) -> dict[int, Candidate]:
    """The least cost for the first so many visits on the first so many starts, and what it is made of."""
    fits_after = [bisect_right(starts, start - length) for start in starts]
    rows = [[0] * (len(starts) + 1)]
    choices = [{candidate.start: candidate for candidate in reversed(item.candidates)} for item in items]
    for here in choices:
        above = rows[-1]
        row = [above[0] + LEFT]
        for number, start in enumerate(starts):
            cost = min(row[number], above[number + 1] + LEFT)
            if start in here:
                cost = min(cost, above[fits_after[number]] + here[start].cost)
            row.append(cost)
        rows.append(row)
    chosen, number = {}, len(starts)
    for place in range(len(items), 0, -1):
        while number and rows[place][number] == rows[place][number - 1]:
            number -= 1
        if number and rows[place][number] != rows[place - 1][number] + LEFT:
            chosen[items[place - 1].key] = choices[place - 1][starts[number - 1]]
            number = fits_after[number - 1]
    return chosen
