"""Visits to come that no longer fit: someone or something is away, closed, moved, due or gone since they were booked.

Derived from what is stored now, never kept: a number of queries that does not depend on how many visits there are, then
arithmetic in memory. What staff allowed for a visit at its time is not held against it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from operator import attrgetter

from django.db.models import F, Max, Q
from django.utils.translation import gettext as _

from clinic import availability, rotas, timespans, visits
from clinic.models import (
    Absence,
    Appointment,
    AppointmentChange,
    Closure,
    DevicePlace,
    Practitioner,
    Qualification,
    Resource,
    RuleOverride,
)
from clinic.timespans import Span
from treatments.models import DepthStep, SeriesArea, ServiceSegment, VersionSegment

WAITING = (Appointment.Status.BOOKED, Appointment.Status.CONFIRMED)
PROPOSALS = 3
# Rather somebody else than the same person weeks away.
NEAR = timedelta(days=14)
THINGS = (visits.ROOM, visits.DEVICE)
COLUMNS = {
    "starts": F("starts_at"),
    "ends": F("ends_at"),
    "place": F("location_id"),
    "what": F("service_id"),
    "technique": F("service__technique_id"),
    "who": F("practitioner_id"),
    "series": F("session__series_id"),
    "protocol": F("session__series__protocol_version_id"),
    "taken_from": F("claims__starts_at"),
    "taken_until": F("claims__ends_at"),
    "resource": F("claims__resource_id"),
    "type": F("claims__resource__type"),
    "name": F("claims__resource__name"),
    "is_active": F("claims__resource__is_active"),
    "home": F("claims__resource__location_id"),
    "due_on": F("claims__resource__device__calibration_due_on"),
}


@dataclass(frozen=True)
class Displaced:
    """A visit and, for each thing that stands in its way, a sentence."""

    visit: Appointment
    reasons: list[str]


@dataclass(frozen=True)
class Proposal:
    """A time that is free, and with whom."""

    starts_at: datetime
    practitioner: Practitioner | None
    is_same_time: bool


def found(now: datetime, *, within: Q | None = None, planned: rotas.Planned | None = None) -> dict[int, list[str]]:
    """Why each visit to come no longer fits, by key and in order of time; `within` narrows which are looked at.

    `planned` are hours as they would be, to look before something is changed.
    """
    rows = Appointment.objects.filter(within or Q(), status__in=WAITING, starts_at__gte=now)
    rows = (
        rows.filter(Q(claims__live=True) | Q(claims=None)).annotate(**COLUMNS).order_by("starts_at", "pk", "claims__pk")
    )
    takes = list(rows.values_list("pk", *COLUMNS, named=True))
    if not takes:
        return {}
    world = World(now, takes, planned)
    result = {}
    for pk, group in groupby(takes, key=attrgetter("pk")):
        allowed = world.allowed[pk]
        reasons = [text for code, text in world.why(list(group)) if code not in allowed]
        if reasons:
            result[pk] = list(dict.fromkeys(reasons))
    return result


def count(now: datetime, *, within: Q | None = None) -> int:
    """How many visits have to be moved."""
    return len(found(now, within=within))


def listed(reasons: Mapping[int, list[str]]) -> list[Displaced]:
    """The visits of what was `found`, in its order."""
    rows = Appointment.objects.for_lists().in_bulk(list(reasons))
    return [Displaced(rows[pk], said) for pk, said in reasons.items() if pk in rows]


def taking(resources: Iterable[int], span: Span | None = None) -> Q:
    """Visits that take one of these people, rooms or devices (in the span): what a change of them may reach."""
    taken = Q(claims__live=True, claims__resource__in=list(resources))
    if span is not None:
        taken &= Q(claims__starts_at__lt=span.end, claims__ends_at__gt=span.start)
    return Q(pk__in=Appointment.objects.filter(taken).values("pk"))


# -- What stands in the way -------------------------------------------------------------------------------------------


class World:
    """Everything that decides about some takes, each table read once."""

    def __init__(self, now: datetime, takes: list, planned: rotas.Planned | None) -> None:
        self.takes, self.now = takes, now
        self.since = (now - timedelta(days=1)).date()
        self.rota = rotas.read(self.since, people={take.resource for take in takes} - {None}, planned=planned)
        self.closures, self.absences = defaultdict(list), defaultdict(list)
        for place, *span in Closure.objects.filter(ends_at__gt=now).values_list("location_id", "starts_at", "ends_at"):
            self.closures[place].append(Span(*span))
        away = Absence.objects.filter(ends_at__gt=now, resource__in=self._keys("resource"))
        for resource, *span in away.values_list("resource_id", "starts_at", "ends_at"):
            self.absences[resource].append(Span(*span))
        rows = DevicePlace.objects.filter(on__gte=self.since)
        self.elsewhere = {(device, on): place for device, on, place in rows.values_list("device", "on", "location")}

    def _keys(self, name: str) -> set[int]:
        return {getattr(take, name) for take in self.takes} - {None}

    @cached_property
    def allowed(self) -> dict[int, set[str]]:
        """The rules that staff allowed for a visit since it was last moved."""
        moves = Max("appointment__changes__at", filter=Q(appointment__changes__kind=AppointmentChange.Kind.MOVED))
        rows = RuleOverride.objects.filter(appointment__in=self._keys("pk")).annotate(moved_at=moves)
        result = defaultdict(set)
        for pk, rule, allowed_at, moved_at in rows.values_list("appointment_id", "rule", "allowed_at", "moved_at"):
            if moved_at is None or allowed_at >= moved_at:
                result[pk].add(rule)
        return result

    @cached_property
    def qualified_until(self) -> dict[tuple[int, int], date | None]:
        rows = Qualification.objects.filter(practitioner__in=self._keys("who"))
        return {(who, what): until for who, what, until in rows.values_list("practitioner", "technique", "valid_until")}

    @cached_property
    def techniques(self) -> dict[int, set[int]]:
        result = defaultdict(set)
        rows = DepthStep.objects.filter(version__in=self._keys("protocol")).order_by()
        for version, technique in rows.values_list("version_id", "technique_id").distinct():
            result[version].add(technique)
        return result

    @cached_property
    def segments(self) -> dict[tuple[str, int], list]:
        """By what they belong to: a session's protocol version, else the service."""
        result = defaultdict(list)
        for row in VersionSegment.objects.filter(version__in=self._keys("protocol")):
            result["protocol", row.version_id].append(row)
        for row in ServiceSegment.objects.filter(service__in=self._keys("what")):
            result["what", row.service_id].append(row)
        return result

    @cached_property
    def areas(self) -> dict[int, int]:
        result = defaultdict(int)
        for series in SeriesArea.objects.filter(series__in=self._keys("series")).values_list("series_id", flat=True):
            result[series] += 1
        return result

    def day(self, take: tuple) -> date:
        return timespans.date_of(self.rota.zones[take.place], take.starts)

    def why(self, takes: list) -> Iterator[tuple[str, str]]:
        """Code and sentence of everything in the way of one visit."""
        visit = takes[0]
        present = Span(visit.starts, visit.ends)
        is_closed = any(span.overlaps(present) for span in self.closures[visit.place])
        if is_closed or not self.rota.is_open(visit.place, present):
            yield "closed", _("The clinic is closed then.")
        for take in takes:
            if take.resource is not None:
                yield from self._about(take)

    def _about(self, take: tuple) -> Iterator[tuple[str, str]]:
        name, taken = {"name": take.name}, Span(take.taken_from, take.taken_until)
        if any(span.overlaps(taken) for span in self.absences[take.resource]):
            yield "absent", _("%(name)s is away then.") % name
        if take.type == Resource.Type.PRACTITIONER:
            yield from self._about_person(take, name)
        elif take.type == Resource.Type.DEVICE:
            yield from self._about_device(take, name)
        elif take.home != take.place or not take.is_active:
            yield "no_room", _("%(name)s is no longer in use there.") % name

    def _about_person(self, take: tuple, name: dict) -> Iterator[tuple[str, str]]:
        if not take.is_active:
            yield "not_in_use", _("%(name)s no longer works here.") % name
        elif not self.rota.is_at_work(take.resource, take.place, take.what, self._in_use(take)):
            yield "outside_hours", _("%(name)s does not work then.") % name
        if take.resource == take.who and not self._is_qualified(take):
            yield "not_qualified", _("%(name)s is not qualified for this treatment.") % name

    def _about_device(self, take: tuple, name: dict) -> Iterator[tuple[str, str]]:
        day = self.day(take)
        if not take.is_active:
            yield "not_in_use", _("%(name)s is no longer in use.") % name
        if take.due_on and take.due_on < day:
            yield "device_due", _("%(name)s is due for calibration before then.") % name
        if self.elsewhere.get((take.resource, day), take.home) != take.place:
            yield "device_elsewhere", _("%(name)s is at another location that day.") % name

    def _is_qualified(self, take: tuple) -> bool:
        needed = ({take.technique} - {None}) | (self.techniques[take.protocol] if take.protocol else set())
        held = [self.qualified_until.get((take.who, technique), date.min) for technique in needed]
        return all(until is None or until >= self.day(take) for until in held)

    def _in_use(self, take: tuple) -> Span:
        """The span without the turnaround, which hours do not bind."""
        owner = ("protocol", take.protocol) if take.protocol else ("what", take.what)
        shape = visits.shape_of(self.segments[owner], self.areas[take.series] if take.series else 1)
        after = (take.taken_from - take.starts) // timespans.ONE_MINUTE
        uses = {need.start_minutes: need.in_use_until for need in shape.needs if need.what not in THINGS}
        ends = take.starts + timedelta(minutes=uses[after]) if after in uses else take.ends
        return Span(take.taken_from, max(min(ends, take.taken_until), take.taken_from + timespans.ONE_MINUTE))


# -- What could be instead --------------------------------------------------------------------------------------------


def proposals(visit: Appointment, now: datetime) -> list[Proposal]:
    """Up to three free times: the same one with somebody else, the nearest with the same person, the nearest at all."""
    asked = {"location": visit.location, "service": visit.service, "session": visit.session}
    anybody = availability.request_for(**asked, patient=visit.patient, ignore=visit)
    same_time = availability.offer_at(anybody, visit.starts_at, now)
    offers = [same_time] if same_time else []
    if visit.practitioner is not None:
        with_them = availability.request_for(
            **asked, patient=visit.patient, ignore=visit, practitioner=visit.practitioner
        )
        nearest = availability.nearest(with_them, visit.starts_at, PROPOSALS - len(offers), now)
        offers += [offer for offer in nearest if abs(offer.starts_at - visit.starts_at) <= NEAR]
    if len(offers) < PROPOSALS:
        offers += availability.nearest(anybody, visit.starts_at, PROPOSALS + 1, now)
    people = Practitioner.objects.select_related("resource").in_bulk(
        {offer.practitioner_id for offer in offers} - {None}
    )
    wanted = {(offer.starts_at, offer.practitioner_id): None for offer in offers}
    return [
        Proposal(starts_at, people.get(who), starts_at == visit.starts_at)
        for starts_at, who in list(wanted)[:PROPOSALS]
    ]
