"""Who works where on which date, and when a location is open: the usual weeks with everything said of single days.

Read once for everybody and for all dates from one on, then answered in memory; wall times become UTC spans in the zone
of the location. Which channel may book is not asked here: a visit that is in the diary is judged by presence alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from zoneinfo import ZoneInfo

from django.db.models import Q

from clinic import timespans
from clinic.models import DatedHours, ExtraOpening, Location, OpeningHours, WorkingHours
from clinic.presence import works_on
from clinic.timespans import Span


@dataclass(frozen=True, slots=True)
class Shift:
    """Local times on one date at one location; without services for all of them."""

    location_id: int
    starts: time
    ends: time
    service_ids: frozenset[int] = frozenset()
    is_open_online: bool = True
    is_open_desk: bool = True


Planned = Mapping[tuple[int, date], Sequence[Shift]]


@dataclass
class Rota:
    """What was read. `planned` says of a person's date what it would be, instead of what is stored."""

    zones: dict[int, ZoneInfo]
    usual: dict[int, list[tuple[WorkingHours, frozenset[int]]]]
    dated: dict[tuple[int, date], list[DatedHours]]
    opening: dict[int, dict[int, list[tuple[time, time]]]]
    extra: dict[tuple[int, date], list[tuple[time, time]]]
    planned: Planned = field(default_factory=dict)

    def shifts(self, practitioner_id: int, on: date) -> list[Shift]:
        """When and where somebody works on a date, by location and time."""
        if (practitioner_id, on) in self.planned:
            return sorted(self.planned[practitioner_id, on], key=_by_place_and_time)
        dated = self.dated.get((practitioner_id, on), [])
        found = [
            Shift(row.location_id, row.starts, row.ends, frozenset(), row.is_open_online, row.is_open_desk)
            for row in dated
            if row.starts is not None
        ]
        if not any(row.replaces_usual for row in dated):
            found += [
                Shift(row.location_id, row.starts, row.ends, services, row.is_open_online, row.is_open_desk)
                for row, services in self.usual.get(practitioner_id, ())
                if works_on(row, on)
            ]
        return sorted(found, key=_by_place_and_time)

    def is_at_work(self, practitioner_id: int, location_id: int, service_id: int, span: Span) -> bool:
        """Whether somebody works there for such visits all through the span."""
        zone = self.zones[location_id]
        spans = (
            timespans.wall_span(zone, day, shift.starts, shift.ends)
            for day in _dates(zone, span)
            for shift in self.shifts(practitioner_id, day)
            if shift.location_id == location_id and (not shift.service_ids or service_id in shift.service_ids)
        )
        return covers(spans, span)

    def is_open(self, location_id: int, span: Span) -> bool:
        """Whether the location is open all through the span; one that states no opening hours always is."""
        zone, usual = self.zones[location_id], self.opening.get(location_id)
        if not usual:
            return True
        spans = (
            timespans.wall_span(zone, day, opens, closes)
            for day in _dates(zone, span)
            for opens, closes in [*usual.get(day.isoweekday(), ()), *self.extra.get((location_id, day), ())]
        )
        return covers(spans, span)


def read(since: date, *, people: Iterable[int] | None = None, planned: Planned | None = None) -> Rota:
    """The rota from a date on, of these practitioners or of everybody; six queries whatever there is."""
    whose = Q() if people is None else Q(practitioner__in=list(people))
    usual, dated = defaultdict(list), defaultdict(list)
    rows = WorkingHours.objects.filter(whose, Q(valid_until=None) | Q(valid_until__gte=since)).order_by("pk")
    for row in rows.prefetch_related("services"):
        usual[row.practitioner_id].append((row, frozenset(service.pk for service in row.services.all())))
    for row in DatedHours.objects.filter(whose, on__gte=since).order_by("starts", "pk"):
        dated[row.practitioner_id, row.on].append(row)
    opening, extra = defaultdict(lambda: defaultdict(list)), defaultdict(list)
    for location_id, weekday, *times in OpeningHours.objects.values_list("location_id", "weekday", "opens", "closes"):
        opening[location_id][weekday].append(tuple(times))
    extras = ExtraOpening.objects.filter(on__gte=since)
    for location_id, day, *times in extras.values_list("location_id", "on", "opens", "closes"):
        extra[location_id, day].append(tuple(times))
    zones = {place.pk: place.zone for place in Location.objects.only("time_zone")}
    return Rota(zones, usual, dated, opening, extra, planned or {})


def covers(spans: Iterable[Span | None], wanted: Span) -> bool:
    """Whether the spans together, touching or overlapping, fill the wanted one."""
    reached = wanted.start
    for span in sorted(span for span in spans if span is not None):
        if span.start > reached:
            break
        reached = max(reached, span.end)
    return reached >= wanted.end


def _dates(zone: ZoneInfo, span: Span) -> list[date]:
    return timespans.dates(timespans.date_of(zone, span.start), timespans.date_of(zone, span.end))


def _by_place_and_time(shift: Shift) -> tuple[int, time, time]:
    return shift.location_id, shift.starts, shift.ends
