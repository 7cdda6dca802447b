"""A board as it would be: what visits give up is free on it, and what others of the same call take is taken.

Pure: the board is changed in memory, the diary is not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from clinic.calendars import Board, Calendar
from clinic.fitting import Offer
from clinic.minutes import epoch_minute
from clinic.timespans import Span

Taken = Mapping[int, list[Span]]


def give_back(board: Board, taken: Taken, present: Iterable[Span] = ()) -> None:
    """Free what is taken, by resource, and the time for which the patient is present there.

    The spans must be whole claims: two of one resource never overlap, so nothing else becomes free with them.
    """
    for calendar in _calendars(board):
        for span in taken.get(calendar.resource_id, ()):
            calendar.taken &= ~_minutes(board, span)
    for span in present:
        board.patient_busy &= ~_minutes(board, span)


def lay(board: Board, offer: Offer, way: int = 0) -> None:
    """Note what an offer takes; `way` are the minutes that people travel from its location to that of the board."""
    for take in offer.takes:
        span = Span(take.starts_at, take.ends_at)
        for calendar in _calendars(board):
            if calendar.resource_id == take.resource_id:
                calendar.taken |= _minutes(board, span)
                if way and calendar.is_person:
                    calendar.travelling |= _minutes(board, span, way)


def only(board: Board, resources: Iterable[int]) -> Board:
    """The same, with nobody and nothing else than these."""
    wanted = frozenset(resources)
    groups = {key: [each for each in group if each.resource_id in wanted] for key, group in board.groups.items()}
    return replace(board, groups=groups)


def _calendars(board: Board) -> Iterable[Calendar]:
    return (calendar for group in board.groups.values() for calendar in group)


def _minutes(board: Board, span: Span, way: int = 0) -> int:
    """Whole minutes, rounded outwards as the diary is read."""
    ruler = board.ruler
    return ruler.between(epoch_minute(span.start) - ruler.base - way, ruler.minute_up(span.end) + way)
