"""Free times around the visits of somebody who is away: what `joint` chooses from, read for all of them at once.

The places that these visits have count as free. A wish for one person alone is kept, and so are the days off that a
patient named; too early for its course is no time at all, and a late one is asked for where there is nothing else.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from django.db.models import Q
from django.utils.translation import gettext as _

from clinic import availability, timespans
from clinic.calendars import Request
from clinic.minutes import epoch_minute
from clinic.models import Appointment, Claim, Wishes
from clinic.scheduling import nearby_kinds
from clinic.scheduling.course_rows import moment_of
from clinic.scheduling.joint_table import Apart, Candidate, Takes
from clinic.scheduling.nearby_days import Days, why_nothing
from clinic.scheduling.nearby_kinds import Kind, Start
from clinic.scheduling.wishing import SAME, Wish
from clinic.timespans import Span

REACH = timedelta(days=42)
MOST = 100
MOST_LATE = 30


@dataclass(frozen=True)
class Looked:
    """Starts (minute since 1970, person) for one visit, the nearest first; `why` if there are none, or all are late."""

    starts: tuple[Start, ...]
    why: str = ""


class Nearby:
    """All visits that move together, as `for_lists` reads them; `patients` of merged people count as one."""

    def __init__(self, visits: Sequence[Appointment], now: datetime) -> None:
        self.visits, self.now = {visit.pk: visit for visit in visits}, now
        days = [timespans.date_of(visit.location.zone, visit.starts_at) for visit in visits]
        self.first, self.last = min(days) - REACH, max(days) + REACH
        self._kinds: dict[tuple, Kind | None] = {}
        self._requests: dict[tuple, Request] = {}
        self._shapes: dict[tuple, tuple] = {}

    # -- Looking at one visit -----------------------------------------------------------------------------------------

    def look(self, visit: Appointment) -> Looked:
        """The nearest free starts of one visit, as if no other got a new time."""
        kind = self.kind(visit)
        wish = self.wishes.get(visit.session.series_id if visit.session else None, Wish())
        moving = self._siblings(visit)
        days = Days(visit, wish, moving, (self.first, self.last))
        found, late = [], []
        for start, person in self._outwards(kind, visit, wish):
            says = days.says(start)
            if says == "good":
                found.append((start, person))
            elif says == "late" and len(late) < MOST_LATE:
                late.append((start, person))
            if len(found) == MOST:
                break
        if found:
            # Next to sessions that move too, only a late day may be far enough from them.
            return Looked(tuple(found + late if moving else found))
        if late:
            return Looked(tuple(late), _("Later than planned: nothing is free on its best days."))
        return Looked((), why_nothing(wish, days))

    def _outwards(self, kind: Kind | None, visit: Appointment, wish: Wish) -> Iterator[Start]:
        """Free starts of the people who may be asked, the nearest first; of equal ones who is wished."""
        if kind is None:
            return
        was_at = epoch_minute(visit.starts_at)
        busy = [(epoch_minute(span.start), epoch_minute(span.end)) for span in self.busy[self.patient_of(visit)]]
        minutes, length = kind.starts, kind.request.shape.minutes
        after = bisect_left(minutes, was_at, key=lambda each: each[0])
        before = after - 1
        while before >= 0 or after < len(minutes):
            is_after = before < 0 or (after < len(minutes) and minutes[after][0] - was_at < was_at - minutes[before][0])
            start, person = minutes[after if is_after else before]
            after, before = (after + 1, before) if is_after else (after, before - 1)
            may = wish.who != SAME or person in (wish.practitioner_id, None)
            if may and not any(begins < start + length and start < ends for begins, ends in busy):
                yield start, person

    # -- As the engine takes it ---------------------------------------------------------------------------------------

    def candidates(self, visit: Appointment, starts: Iterable[Start]) -> tuple[Candidate, ...]:
        """The starts with what they take; those that are not free any more are left out."""
        kind, was_at = self.kind(visit), epoch_minute(visit.starts_at)
        if kind is None:
            return ()
        known, patient = set(kind.starts), self.patient_of(visit)
        shared = patient in self.patients_of_several
        wished = self.wishes.get(visit.session.series_id if visit.session else None, Wish()).practitioner_id
        found = []
        for start, person in starts:
            if (start, person) not in known:
                continue
            fixed, either = self._shape(kind, start, person)
            if shared:
                fixed += ((-patient, start, start + kind.request.shape.minutes),)
            day = timespans.date_of(visit.location.zone, moment_of(start)).toordinal() if visit.session else 0
            found.append(Candidate(start, abs(start - was_at), person, fixed, either, day))
        found.sort(key=lambda each: (each.cost, each.person != wished, each.start, each.person or 0))
        return tuple(found)

    @staticmethod
    def resources_of(takes: Takes) -> set[int]:
        """The people, rooms and devices of what a candidate takes; a patient, whose key is below zero, is none."""
        return {what for what, _from, _until in takes if what > 0}

    def _shape(self, kind: Kind, start: int, person: int | None) -> tuple:
        key = (id(kind), start, person)
        if key not in self._shapes:
            self._shapes[key] = kind.takes(start, person)
        return self._shapes[key]

    @cached_property
    def bonds(self) -> list[Apart]:
        """Sessions of one course that both move: the later one stays so many days after the earlier one."""
        by_series = defaultdict(list)
        for visit in self.visits.values():
            if visit.session is not None:
                by_series[visit.session.series_id].append(visit)
        found = []
        for visits in by_series.values():
            visits.sort(key=lambda visit: visit.session.number)
            for earlier, later in pairwise(visits):
                found.append(Apart(earlier.pk, later.pk, later.session.phase.interval_min_days))
        return found

    # -- What is read -------------------------------------------------------------------------------------------------

    def kind(self, visit: Appointment) -> Kind | None:
        """What the visit needs with all free starts; None if no day around it may be booked."""
        request = self._request(visit)
        key = (request.location.pk, request.service.pk, request.shape, request.technique_ids)
        if key not in self._kinds:
            self._kinds[key] = nearby_kinds.read(request, (self.first, self.last), self.now, self._given_back)
        return self._kinds[key]

    def _request(self, visit: Appointment) -> Request:
        key = (visit.location_id, visit.service_id, visit.session and visit.session.series_id)
        if key not in self._requests:
            details = {"location": visit.location, "service": visit.service, "session": visit.session}
            self._requests[key] = replace(availability.request_for(**details), session=None)
        return self._requests[key]

    @cached_property
    def _given_back(self) -> dict[int, list[Span]]:
        found = defaultdict(list)
        rows = Claim.objects.filter(appointment__in=list(self.visits), live=True).order_by()
        for resource, starts_at, ends_at in rows.values_list("resource_id", "starts_at", "ends_at"):
            found[resource].append(Span(starts_at, ends_at))
        return found

    @cached_property
    def wishes(self) -> dict[int | None, Wish]:
        series = {visit.session.series_id for visit in self.visits.values() if visit.session}
        return {row.series_id: Wish.of(row) for row in Wishes.objects.filter(series__in=series)}

    @cached_property
    def busy(self) -> dict[int, list[Span]]:
        """Where each patient is, apart from these visits."""
        people = {self.patient_of(visit) for visit in self.visits.values()}
        rows = Appointment.objects.live().exclude(pk__in=list(self.visits))
        rows = rows.filter(Q(patient__in=people) | Q(patient__merged_into__in=people)).order_by()
        rows = rows.filter(ends_at__gt=self.now)
        found = defaultdict(list)
        columns = ("patient_id", "patient__merged_into_id", "starts_at", "ends_at")
        for patient, merged, starts_at, ends_at in rows.values_list(*columns):
            found[merged or patient].append(Span(starts_at, ends_at))
        return found

    @cached_property
    def patients_of_several(self) -> set[int]:
        """Patients with more than one of the visits: they can be at one of them at a time."""
        seen, several = set(), set()
        for visit in self.visits.values():
            (several if self.patient_of(visit) in seen else seen).add(self.patient_of(visit))
        return several

    @staticmethod
    def patient_of(visit: Appointment) -> int:
        return visit.patient.merged_into_id or visit.patient_id

    def _siblings(self, visit: Appointment) -> set[int]:
        """The numbers of other sessions of the course that move as well."""
        if visit.session is None:
            return set()
        mine = visit.session.series_id
        return {
            other.session.number
            for other in self.visits.values()
            if other.session and other.session.series_id == mine and other.pk != visit.pk
        }
