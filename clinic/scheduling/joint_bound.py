"""What no plan for many visits can go below, however they are put together. Pure: no database, no clock.

To begin with the sum of what each would cost alone. Then a price is put on every stretch of a diary that several
visits want: what each pays at least with the prices, less all prices once, is a bound for any prices, and dearer
crowded stretches raise it.
"""

from collections import defaultdict
from collections.abc import Sequence
from math import ceil

from clinic.scheduling.joint_table import Candidate, Item

Spots = tuple[tuple[int, int], ...]
EDGES = 400_000


def least(items: Sequence[Item], upper: int) -> int:
    """A bound for the cost of these visits; `upper` is what some plan of them costs. Never above the cheapest plan."""
    alone = sum(item.candidates[0].cost for item in items)
    if alone >= upper:
        return upper
    step = min((end - start for item in items for each in item.candidates for _w, start, end in each.takes), default=0)
    if not step:
        return alone
    # What costs more than the whole plan may cost above the rest is in no cheaper plan: it need not be looked at.
    room = upper - alone
    choices = [
        [(each.cost, _spots(each, step)) for each in item.candidates if each.cost <= item.candidates[0].cost + room]
        for item in items
    ]
    edges = sum(map(len, choices)) or 1
    return min(upper, max(alone, _raised(choices, upper, rounds=max(4, min(60, EDGES // edges)))))


def _spots(candidate: Candidate, step: int) -> Spots:
    """The marks on the diaries of what it takes, a step apart: no two visits can have the same one."""
    found = []
    for what, start, end in candidate.takes:
        found += [(what, mark) for mark in range(-(-start // step), -(-end // step))]
    return tuple(found)


def _raised(choices: list[list[tuple[int, Spots]]], upper: int, rounds: int) -> int:
    prices: dict[tuple[int, int], float] = defaultdict(float)
    best, pace = 0.0, 1.0
    for _round in range(rounds):
        total, wanted = 0.0, defaultdict(int)
        for options in choices:
            price, spots = min((cost + sum(prices.get(spot, 0.0) for spot in spots), spots) for cost, spots in options)
            total += price
            for spot in spots:
                wanted[spot] += 1
        total -= sum(prices.values())
        best, pace = (total, pace) if total > best else (best, pace * 0.9)
        turns = {spot: wanted.get(spot, 0) - 1 for spot in {*wanted, *prices}}
        size = sum(turn * turn for turn in turns.values() if turn)
        if not size or total >= upper:
            break
        stride = pace * (upper - total) / size
        for spot, turn in turns.items():
            prices[spot] = max(0.0, prices[spot] + stride * turn)
            if not prices[spot]:
                del prices[spot]
    return ceil(best - 1e-6)
