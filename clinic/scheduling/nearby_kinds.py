"""Every free start of one kind of visit at one place, and what each of them takes: a board, read once."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clinic import boards, calendars, fitting, reasons, timespans
from clinic.boards import Taken
from clinic.calendars import LEAD, Board, Calendar, Key, Request
from clinic.fitting import HELPER
from clinic.minutes import bits
from clinic.scheduling.joint_table import Takes

Start = tuple[int, int | None]


@dataclass
class Kind:
    """Visits that need the same, at one place: the board, and every free start with the people who have it."""

    request: Request
    board: Board
    starts: list[Start]
    parts: dict[Key, list[tuple[Calendar, int]]]

    def takes(self, start: int, person: int | None) -> tuple[Takes, tuple[tuple[Takes, ...], ...]]:
        """What a start takes for certain, and the alternatives of each kind of room, device and assistant."""
        minute = start - self.board.ruler.base
        fixed: Takes = ()
        if LEAD in self.board.groups:
            leader = next(each for each in self.board.groups[LEAD] if each.resource_id == person)
            fixed = self._held(LEAD, leader, start)
        either = []
        for key, part in self.parts.items():
            able = [calendar for calendar, mask in part if mask >> minute & 1]
            group = tuple(self._held(key, each, start) for each in able if key != HELPER or each.resource_id != person)
            if len(group) == 1:
                fixed += group[0]
            else:
                either.append(group)
        return fixed, tuple(either)

    def _held(self, key: Key, calendar: Calendar, start: int) -> Takes:
        spans = self.request.held(key, calendar.turnaround_minutes)
        return tuple((calendar.resource_id, start + begins, start + ends) for begins, ends in spans)


def read(request: Request, stretch: tuple[date, date], now: datetime, given_back: Taken) -> Kind | None:
    """The free starts between two local days, with what is given back; None if no day of them may be booked."""
    earliest = now + timedelta(minutes=request.notice_minutes)
    first = max(stretch[0], timespans.date_of(request.location.zone, earliest))
    last = min(stretch[1], reasons.last_day(request, now))
    if first > last:
        return None
    board = calendars.read(request, first, last, now)
    boards.give_back(board, given_back)
    ruler = board.ruler
    starts = ruler.grid(request.location.grid_minutes) & ruler.between(max(ruler.minute_up(earliest), 0), ruler.length)
    if LEAD in board.groups:
        masks = fitting.starts_by_leader(request, board, starts)
    else:
        masks = {None: fitting.starts_without_leader(request, board, starts)}
    free = sorted(
        ((ruler.base + minute, person) for person, mask in masks.items() for minute in bits(mask)),
        key=lambda each: (each[0], each[1] or 0),
    )
    parts = {
        key: [(calendar, fitting.fits(request, key, calendar)) for calendar in group]
        for key, group in board.groups.items()
        if key != LEAD
    }
    return Kind(request, board, free, parts)
