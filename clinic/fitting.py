"""Which starts fit, and who and what serves at each: arithmetic on the masks of a board. Pure: no database, no clock.

Least wasteful first: what nothing else can do is kept free, then what leaves no new gap on both sides is taken, then on
one side, then the resource made first, counted from a place of the practitioner's own where one is asked for: so two
who are booked at the same moment do not wait for the same room.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from clinic import visits
from clinic.calendars import LEAD, Board, Calendar, Key, Request, Stretch
from clinic.minutes import bits, room_for

HELPER = (visits.ASSISTANT, "")
ABOUT_HOURS = frozenset({"absent", "outside_hours", "travel"})

Pick = list[tuple[int, Calendar]]


@dataclass(frozen=True, slots=True)
class Take:
    """One resource for one span, turnaround included."""

    resource_id: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """A start that is possible, and with whom and what; the patient is present until `ends_at`."""

    starts_at: datetime
    ends_at: datetime
    practitioner_id: int | None
    takes: tuple[Take, ...]


def offers(request: Request, board: Board, starts: int, allow: frozenset[str]) -> list[Offer]:
    """One offer for each of the starts at which everything fits; the soft rules in `allow` are not asked."""
    starts &= _by_the_day(request, board, allow)
    picks: dict[Key, Pick] = {}
    for key in _leader_first(board):
        if key == HELPER and LEAD in picks:
            picks[key] = [
                pair
                for mask, leader in picks[LEAD]
                for pair in _pick(request, key, without(board.groups[key], leader), starts & mask, allow)
            ]
        else:
            group = board.groups[key]
            helped = _helped(request, board, allow) if key == LEAD else {}
            picks[key] = _pick(request, key, group, starts, allow, helped)
        starts = union(mask for mask, _calendar in picks[key])
    return _assemble(request, board, starts, picks)


def starts_by_leader(request: Request, board: Board, starts: int) -> dict[int, int]:
    """For each practitioner of the board the starts that fit, by the primary key; no offers are made of them."""
    starts &= _by_the_day(request, board, frozenset())
    for key, group in board.groups.items():
        if key not in (LEAD, HELPER):
            starts &= union(fits(request, key, calendar) for calendar in group)
    helped = _helped(request, board, frozenset())
    return {
        leader.resource_id: starts & fits(request, LEAD, leader) & helped.get(leader.resource_id, -1)
        for leader in board.groups.get(LEAD, ())
    }


def starts_without_leader(request: Request, board: Board, starts: int) -> int:
    """The starts that fit a visit that needs no practitioner."""
    starts &= _by_the_day(request, board, frozenset())
    for key, group in board.groups.items():
        starts &= union(fits(request, key, calendar) for calendar in group)
    return starts


def possible(request: Request, board: Board, starts: int) -> int:
    """The starts at which everything fits; no offers are made of them."""
    if LEAD in board.groups:
        return union(starts_by_leader(request, board, starts).values())
    return starts_without_leader(request, board, starts)


def fits(request: Request, key: Key, calendar: Calendar, allow: frozenset[str] = frozenset()) -> int:
    """The starts at which the resource can take part. Hours bind people, and not the turnaround."""
    allow = _allowed(calendar, key, allow)
    away = (0 if "absent" in allow else calendar.absent) | (0 if "travel" in allow else calendar.travelling)
    free, found = ~(calendar.taken | away), calendar.usable & calendar.here
    for start, end in request.held(key, calendar.turnaround_minutes):
        found &= room_for(free, start, end)
    if calendar.is_person and "outside_hours" not in allow:
        for need in request.needs(key):
            found &= room_for(calendar.at_work, need.start_minutes, need.in_use_until)
    return found


def overlapping(busy: int, minutes: int) -> int:
    """The starts from which so many minutes would touch a busy one."""
    return ~room_for(~busy, 0, minutes) if busy else 0


def union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def without(group: list[Calendar], leader: Calendar | None) -> list[Calendar]:
    """Those who may assist the practitioner: everybody else."""
    return [calendar for calendar in group if leader is None or calendar.resource_id != leader.resource_id]


def _allowed(calendar: Calendar, key: Key, allow: frozenset[str]) -> frozenset[str]:
    """Only rules about a person's hours may be allowed; for whoever assists they have one name."""
    if not calendar.is_person:
        return frozenset()
    if key == HELPER:
        return ABOUT_HOURS if "no_assistant" in allow else frozenset()
    return allow


def _by_the_day(request: Request, board: Board, allow: frozenset[str]) -> int:
    """The starts that opening hours, the patient's other visits and the series leave."""
    starts = ~overlapping(board.patient_busy, request.shape.minutes)
    if "closed" not in allow:
        starts &= room_for(board.open, 0, request.shape.minutes)
    if board.course is None:
        return starts
    ruler = board.ruler
    good = [day for day in ruler.dates if {breach.code for breach in board.course.breaches(day)} <= allow]
    return starts & ruler.mask(ruler.minutes_of(day) for day in good)


def _leader_first(board: Board) -> list[Key]:
    return sorted(board.groups, key=lambda key: (key != LEAD, key))


def _helped(request: Request, board: Board, allow: frozenset[str]) -> dict[int, int]:
    """For each practitioner the starts at which somebody else can assist; empty where no assistant is needed."""
    if HELPER not in board.groups:
        return {}
    able = {calendar.resource_id: fits(request, HELPER, calendar, allow) for calendar in board.groups[HELPER]}
    anybody = two = 0
    for mask in able.values():
        two |= anybody & mask
        anybody |= mask
    return {
        leader.resource_id: two | (anybody & ~able.get(leader.resource_id, 0)) for leader in board.groups.get(LEAD, ())
    }


def _pick(
    request: Request, key: Key, group: list[Calendar], starts: int, allow: frozenset[str],
    helped: dict[int, int] | None = None,
) -> Pick:  # fmt: skip
    """Each start given to one resource of the group: the rules kept, then allowed; not scarce, tight, made first."""
    found: Pick = []
    for allowed in [frozenset(), allow] if allow else [frozenset()]:
        able = [
            (starts & fits(request, key, calendar, allowed) & (helped or {}).get(calendar.resource_id, -1), calendar)
            for calendar in group
        ]
        for is_scarce in (False, True):
            given = _tightest(request, key, [pair for pair in able if pair[1].is_scarce is is_scarce], starts)
            starts &= ~union(mask for mask, _calendar in given)
            found += given
    return found


def _tightest(request: Request, key: Key, able: Pick, starts: int) -> Pick:
    if len(able) == 1:
        return [(able[0][0] & starts, able[0][1])]
    edges = [_edges(request.held(key, calendar.turnaround_minutes), calendar) for _mask, calendar in able]
    found = []
    for tightness in range(3):
        for (mask, calendar), (before, after) in zip(able, edges, strict=True):
            given = starts & mask & (before & after, before | after, -1)[tightness]
            if given:
                found.append((given, calendar))
                starts &= ~given
        if not starts:
            break
    return found


def _edges(spans: list[Stretch], calendar: Calendar) -> tuple[int, int]:
    """The starts right after other work or at the beginning of the hours, and those that end right before such."""
    occupied = calendar.taken | calendar.absent | ~calendar.at_work
    start, end = spans[0][0], spans[-1][1]
    before = occupied >> (start - 1) if start else occupied << 1
    return before, occupied >> end


def _assemble(request: Request, board: Board, starts: int, picks: dict[Key, Pick]) -> list[Offer]:
    """The picks of all groups, start by start."""
    moment = board.ruler.moment
    chosen = [
        (key, {minute: calendar for mask, calendar in pick for minute in bits(mask & starts)})
        for key, pick in sorted(picks.items())
    ]
    found = []
    for minute in bits(starts):
        leader, takes = None, []
        for key, by_minute in chosen:
            calendar = by_minute[minute]
            if key == LEAD:
                leader = calendar.resource_id
            for start, end in request.held(key, calendar.turnaround_minutes):
                takes.append(Take(calendar.resource_id, moment(minute + start), moment(minute + end)))
        found.append(Offer(moment(minute), moment(minute + request.shape.minutes), leader, _joined(takes)))
    return found


def _joined(takes: list[Take]) -> tuple[Take, ...]:
    """One take where a room serves two kinds of segments of the visit and its turnaround reaches into the next."""
    if len({take.resource_id for take in takes}) == len(takes):
        return tuple(takes)
    joined: list[Take] = []
    for take in sorted(takes, key=lambda each: (each.resource_id, each.starts_at)):
        before = joined[-1] if joined else None
        if before and before.resource_id == take.resource_id and take.starts_at < before.ends_at:
            joined[-1] = Take(take.resource_id, before.starts_at, max(before.ends_at, take.ends_at))
        else:
            joined.append(take)
    return tuple(joined)
