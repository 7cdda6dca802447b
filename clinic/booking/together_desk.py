"""The diary in memory for visits that get new times at once.

The places that the visits leave count as free, and what one of them takes is taken for the next.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q

from clinic import boards, calendars
from clinic.availability import Offer, request_for
from clinic.booking import groups
from clinic.booking.changes import Change, person
from clinic.calendars import LEAD, Board, Request
from clinic.models import Appointment, Claim, TravelTime
from clinic.scheduling.ground import offer_of
from clinic.timespans import Span
from patients import merging


@dataclass(frozen=True)
class Locked:
    """The resources whose locks are held, and what of them each visit has kept for it, or found."""

    kept: Mapping[Change, set[int]]
    resources: frozenset[int]


class Desk:
    """The boards of all that move, one for each location and kind of visit, without what they give up."""

    def __init__(
        self, items: Sequence[Change], visits: Mapping[int, Appointment], locked: Locked, now: datetime
    ) -> None:
        self.kept, self.visits = locked.kept, visits
        self.requests = dict(self._requests(items))
        self.given_back = self._given_back()
        self.boards: dict[tuple, tuple[Request, Board]] = {}
        self.of: dict[Change, tuple] = {}
        for item in items:
            request = self.requests[item]
            key = (request.location.pk, request.service.pk, request.shape, request.technique_ids)
            self.of[item] = key
        for key in dict.fromkeys(self.of.values()):
            mine = [item for item in items if self.of[item] == key]
            request = self.requests[mine[0]]
            board = calendars.read_starts(request, [item.starts_at for item in mine], now)
            board = boards.only(board, locked.resources)
            boards.give_back(board, self.given_back)
            self.boards[key] = request, board
        self.busy = self._busy(items)
        self.ways = self._ways({key[0] for key in self.boards})

    def offer(self, item: Change) -> Offer | None:
        """What the visit takes: of what is kept for it if that is possible; from now on it is taken for the others."""
        request, board = self.boards[self.of[item]]
        people = self._people(item, board)
        first = boards.only(board, self.kept[item] | set(people) - {None}) if self.kept[item] else None
        for one in filter(None, (first, board)):
            for each in people:
                offer = offer_of(request, one, item.starts_at, each)
                if offer is not None:
                    return self._laid(item, offer)
        return None

    def _laid(self, item: Change, offer: Offer) -> Offer | None:
        busy, span = self.busy[person(item)], Span(offer.starts_at, offer.ends_at)
        if any(span.overlaps(other) for other in busy):
            return None
        busy.append(span)
        for (place, *_rest), (_request, board) in self.boards.items():
            boards.lay(board, offer, self.ways.get(frozenset((place, item.location.pk)), 0))
        return offer

    def visit(self, item: Change) -> Appointment | None:
        """The visit as it is now; None for a session that waits."""
        return None if item.appointment is None else self.visits[item.appointment.pk]

    def _people(self, item: Change, board: Board) -> list[int | None]:
        if LEAD not in board.groups:
            return [None]
        if item.practitioner is not None:
            return [item.practitioner.pk]
        visit = self.visit(item)
        return [visit.practitioner_id, None] if visit is not None and visit.practitioner_id else [None]

    def _requests(self, items: Sequence[Change]) -> Iterator[tuple[Change, Request]]:
        """What each needs, asked once for each course and service; without the patient, who is looked at apart."""
        stay = {visit.pk: False for visit in self.visits.values()}
        for item in items:
            if item.appointment is not None:
                stay[item.appointment.pk] = item.starts_at == self.visits[item.appointment.pk].starts_at
        known: dict[tuple, Request] = {}
        for item in items:
            is_numbed = self._is_numbed(item, stay)
            series = item.session.series_id if item.session is not None else None
            key = (item.location.pk, item.service.pk, series, is_numbed)
            if key not in known:
                details = {"location": item.location, "service": item.service, "session": item.session}
                known[key] = _without_course(request_for(**details, without_numbing=is_numbed))
            yield item, known[key]

    def _is_numbed(self, item: Change, stay: Mapping[int, bool]) -> bool:
        """Whether an earlier visit of the group, which keeps its time as well, does the numbing."""
        visit = self.visit(item)
        if visit is None or visit.visit_group is None or not stay[visit.pk]:
            return False
        mates = [other.pk for other in self.visits.values() if other.visit_group == visit.visit_group]
        return all(stay[mate] for mate in mates) and groups.is_numbed_already(visit, item.starts_at)

    def _given_back(self) -> dict[int, list[Span]]:
        found = defaultdict(list)
        rows = Claim.objects.filter(appointment__in=list(self.visits), live=True).order_by()
        for resource, starts_at, ends_at in rows.values_list("resource_id", "starts_at", "ends_at"):
            found[resource].append(Span(starts_at, ends_at))
        return found

    def _busy(self, items: Sequence[Change]) -> dict[int, list[Span]]:
        """Where each patient is around the new times, apart from the visits that move."""
        people = {key for item in items for key in merging.keys_of(item.patient)}
        first = min(item.starts_at for item in items)
        last = max(item.starts_at for item in items) + timedelta(days=1)
        rows = Appointment.objects.live().overlapping(first, last).exclude(pk__in=list(self.visits))
        rows = rows.filter(Q(patient__in=people) | Q(patient__merged_into__in=people)).order_by()
        found = defaultdict(list)
        for patient, merged, starts_at, ends_at in rows.values_list(
            "patient_id", "patient__merged_into_id", "starts_at", "ends_at"
        ):
            found[merged or patient].append(Span(starts_at, ends_at))
        return found

    @staticmethod
    def _ways(places: Collection[int]) -> dict[frozenset, int]:
        if len(places) < 2:
            return {}
        rows = TravelTime.objects.filter(start__in=places, end__in=places).values_list("start_id", "end_id", "minutes")
        return {frozenset((start, end)): minutes for start, end, minutes in rows}


def _without_course(request: Request) -> Request:
    """The rules of the course are asked with all new days in place."""
    return replace(request, session=None)
