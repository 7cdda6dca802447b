"""Free starts, and why a time is not one. Reads only; `clinic.booking` asks again under its locks.

`free_starts` offers exactly the starts for which `explain` has no reason. Every time is UTC; dates are local to the
request's location; `now` is handed in.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from types import SimpleNamespace

from django.utils.translation import gettext as _

from clinic import calendars, fitting, reasons, timespans, visits
from clinic.calendars import DESK, Board, Request
from clinic.fitting import Offer, Take
from clinic.minutes import Ruler, bits
from clinic.models import Appointment, Hold, Location, Practitioner
from clinic.reasons import SOFT, Reason
from clinic.refusals import Refused
from patients.models import Patient
from patients.prepared import PreparedRows
from treatments.models import Service, ServiceSegment, TreatmentSession, VersionSegment

__all__ = [
    "SOFT", "Around", "Offer", "Reason", "Request", "Take", "bare_starts", "explain", "free_starts", "nearest",
    "offer_at", "request_for", "starts_by_person",
]  # fmt: skip

# How many free starts are named when one is not.
ALTERNATIVES = 3
SOON, FURTHER = timedelta(days=2), (timedelta(days=14), timedelta(days=56))
SURELY_NEAREST = 46 * 60  # minutes within which two dates before and after know every start, clock changes included
# No claim may be longer.
LONGEST_MINUTES = 12 * 60
_SEGMENTS = PreparedRows("segments", ServiceSegment, "WHERE service_id = %(service)s", service="bigint")
# Those of the series' version; with each the areas of the series and all techniques of the version.
_SEGMENTS_OF_A_COURSE = PreparedRows(
    "segments_of_a_course", VersionSegment,
    "JOIN treatments_treatmentseries own ON own.protocol_version_id = this.version_id WHERE own.id = %(series)s",
    more={
        "area_ids": "ARRAY(SELECT area_id FROM treatments_seriesarea WHERE series_id = %(series)s)",
        "techniques": "ARRAY(SELECT DISTINCT technique_id FROM treatments_depthstep"
        " WHERE version_id = this.version_id)",
    },
    series="bigint",
)  # fmt: skip


def request_for(
    *, location: Location, service: Service, session: TreatmentSession | None = None,
    practitioner: Practitioner | None = None, chosen: Iterable[int] = (), patient: Patient | None = None,
    ignore: Appointment | None = None, ignore_hold: Hold | None = None, without_numbing: bool = False,
    channel: str = DESK,
) -> Request:  # fmt: skip
    """What a visit needs: a session's protocol version says it for its areas, for every other visit the service.

    `chosen` are primary keys of resources picked by hand; `without_numbing` leaves out what an earlier visit of the
    same patient did right before. Raises `Refused` when nobody has said how long the visit takes.
    """
    segments = _SEGMENTS_OF_A_COURSE.all(series=session.series_id) if session else _segments_of(service)
    areas, techniques = 1, {service.technique_id}
    if session is not None and segments:
        areas, techniques = len(segments[0].area_ids), {*segments[0].techniques, service.technique_id}
    shape = visits.shape_of((each for each in segments if not (without_numbing and each.kind == visits.NUMBING)), areas)
    if not shape.minutes:
        named = service if session is None else session.series.protocol_version
        raise Refused(_("“%(name)s” has no duration yet, so it cannot be booked.") % {"name": named})
    if max(shape.minutes, *(need.end_minutes for need in shape.needs), 0) > LONGEST_MINUTES:
        named = service if session is None else session.series.protocol_version
        raise Refused(_("“%(name)s” takes longer than 12 hours, so it cannot be booked.") % {"name": named})
    return Request(
        location=location,
        service=service,
        session=session,
        shape=shape,
        technique_ids=frozenset(techniques - {None}),
        practitioner=practitioner,
        patient=patient,
        ignore_id=ignore.pk if ignore else None,
        channel=channel,
        chosen=frozenset(chosen),
        ignore_hold_id=ignore_hold.pk if ignore_hold else None,
    )


def _segments_of(service: Service) -> Sequence[visits.SegmentRow]:
    """What `clinic.named` has brought along with the service, or asked now."""
    if "parts" in vars(service):
        return [SimpleNamespace(**part) for part in service.parts or ()]
    return _SEGMENTS.all(service=service.pk)


def free_starts(
    request: Request, first: date, last: date, now: datetime, *, allow: frozenset[str] = frozenset()
) -> list[Offer]:
    """One offer for every free start on the local dates first to last, ascending, each with the least wasteful pick.

    Starts before `now`, inside the notice or beyond the horizon are never offered; of the other soft rules those in
    `allow` are not asked ("after_window" lists what is later than planned, too).
    """
    board, starts = _board(request, first, last, now)
    return fitting.offers(request, board, starts, _allowed(request, allow)) if board else []


def bare_starts(request: Request, first: date, last: date, now: datetime) -> list[datetime]:
    """The free starts on the local dates first to last, ascending, without who and what each takes."""
    board, asked = _board(request, first, last, now)
    if board is None:
        return []
    return [board.ruler.moment(minute) for minute in bits(fitting.possible(request, board, asked))]


def starts_by_person(
    request: Request, first: date, last: date, now: datetime, people: Iterable[int] | None = None
) -> dict[int, list[int]]:
    """The free starts of each practitioner, as whole minutes since 1970; by primary key, ascending.

    `people` are the primary keys of those asked for; without them it is everybody who may do the visit here.
    """
    board, starts = _board(request, first, last, now, people=None if people is None else frozenset(people))
    if board is None:
        return {}
    base = board.ruler.base
    found = fitting.starts_by_leader(request, board, starts)
    return {person: [base + minute for minute in bits(mask)] for person, mask in found.items()}


def offer_at(request: Request, starts_at: datetime, now: datetime, allow: frozenset[str] = frozenset()) -> Offer | None:
    """The offer for one start, or None; the soft rules in `allow` are not asked. Whole minutes only."""
    return OneStart(request, starts_at, now, allow).offer()


class OneStart:
    """One start of a request, to be looked at before the locks and again under them."""

    def __init__(
        self, request: Request, starts_at: datetime, now: datetime, allow: frozenset[str] = frozenset()
    ) -> None:
        self.request, self.starts_at, self.now = request, starts_at, now
        self.allow = _allowed(request, allow)
        day = timespans.date_of(request.location.zone, starts_at)
        self.ruler = Ruler(request.location.zone, day, day)
        self._seen: tuple[calendars.Rows, Offer] | None = None

    def offer(self, among: Collection[int] | None = None, *, after: str = "") -> Offer | None:
        """What is true now. With `among` (keys of resources) only these may take part. `after`: SQL to run before.

        The offer of the look before stands if it takes none but these and nothing of theirs has changed since, but for
        what was taken beside it.
        """
        if self._is_out_of_reach:
            return None
        rows = calendars.read_near(self.request, self.ruler, self.starts_at, self.now, among, after=after)
        if self._stands(rows, among):
            return self._seen[1]
        board = calendars.board_of(self.request, self.ruler, rows)
        minute = self.ruler.minute(self.starts_at)
        offers = fitting.offers(self.request, board, self.ruler.between(minute, minute + 1), self.allow)
        self._seen = (rows, offers[0]) if offers else None
        return offers[0] if offers else None

    @cached_property
    def _is_out_of_reach(self) -> bool:
        found = reasons.about_the_time(self.request, self.starts_at, self.now)
        is_odd = self.starts_at.second or self.starts_at.microsecond
        return bool(is_odd) or any(reason.code not in self.allow for reason in found)

    def _stands(self, rows: calendars.Rows, among: Collection[int] | None) -> bool:
        if self._seen is None or among is None:
            return False
        seen, offer = self._seen
        if not {take.resource_id for take in offer.takes} <= set(among):
            return False
        before, by_now = seen.of(among), rows.of(among)
        is_taken = any(by_now.is_taken(take.resource_id, take.starts_at, take.ends_at) for take in offer.takes)
        return not is_taken and before.but_taken() == by_now.but_taken()


class Around:
    """One start that may not be free, and the dates around it: why, and what is free instead, from one look at both."""

    def __init__(self, request: Request, starts_at: datetime, now: datetime) -> None:
        self.request, self.starts_at, self.now = request, starts_at, now
        self.day = timespans.date_of(request.location.zone, starts_at)

    @cached_property
    def _board(self) -> Board:
        return calendars.read(self.request, self.day - SOON, self.day + SOON, self.now)

    def reasons(self) -> list[Reason]:
        """Why the start is not offered; empty if it is. For patients every rule is hard."""
        return reasons.explain(self.request, self.starts_at, self.now, calendars.on_day(self._board, self.day))

    def nearest(self, n: int) -> list[Offer]:
        """The n free starts nearest to it, nearest first; of two as near the earlier.

        At most two weeks away; when there is none, at most eight: the first safe day of a session may be as far. Two
        days are enough where they have all n.
        """
        minute, free = self._free(self._board, _bookable(self.request, self._board, self.now))
        offers = []
        if sum(abs(each - minute) <= SURELY_NEAREST for each in free) >= n:
            offers = self._offers(self._board, free[:n])
        for stretch in () if offers else FURTHER:
            board, starts = _board(self.request, self.day - stretch, self.day + stretch, self.now)
            if board is not None:
                offers = self._offers(board, self._free(board, starts)[1][:n])
            if offers:
                break
        return sorted(offers, key=lambda offer: (abs(offer.starts_at - self.starts_at), offer.starts_at))

    def _free(self, board: Board, starts: int) -> tuple[int, list[int]]:
        """The board's minute of the start, and those of the free ones, nearest first."""
        minute = board.ruler.minute(self.starts_at)
        free = bits(fitting.possible(self.request, board, starts))
        return minute, sorted(free, key=lambda each: (abs(each - minute), each))

    def _offers(self, board: Board, minutes: list[int]) -> list[Offer]:
        return fitting.offers(self.request, board, sum(1 << each for each in minutes), frozenset())


def explain(request: Request, starts_at: datetime, now: datetime) -> list[Reason]:
    """Why a start is not offered; empty if it is."""
    return Around(request, starts_at, now).reasons()


def nearest(request: Request, starts_at: datetime, n: int, now: datetime) -> list[Offer]:
    """The n free starts nearest to a time, nearest first."""
    return Around(request, starts_at, now).nearest(n)


def _allowed(request: Request, allow: frozenset[str]) -> frozenset[str]:
    """Staff may allow the soft rules; for patients there are none."""
    return allow & SOFT if request.channel == DESK else frozenset()


def _board(
    request: Request, first: date, last: date, now: datetime, *, people: frozenset[int] | None = None
) -> tuple[Board | None, int]:
    """The board of the dates that may be booked at all, and the starts on the grid among them; None if no date may."""
    earliest = now + timedelta(minutes=request.notice_minutes)
    first = max(first, timespans.date_of(request.location.zone, earliest))
    last = min(last, reasons.last_day(request, now))
    if first > last:
        return None, 0
    board = calendars.read(request, first, last, now, people=people)
    return board, _bookable(request, board, now)


def _bookable(request: Request, board: Board, now: datetime) -> int:
    """The starts on the grid of the board's dates that are neither too soon nor too late to be booked at all."""
    ruler = board.ruler
    earliest = ruler.minute_up(now + timedelta(minutes=request.notice_minutes))
    end = ruler.midnight(reasons.last_day(request, now) + timespans.ONE_DAY)
    return ruler.grid(request.location.grid_minutes) & ruler.between(earliest, end)
