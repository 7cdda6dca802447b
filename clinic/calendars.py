"""Reads the diary of one request into masks of minutes: one query per table for the whole range, whatever its size."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import models
from django.db.models import F, Q, Value

from clinic import timespans, visits
from clinic.minutes import Ruler
from clinic.models import (
    Absence,
    Appointment,
    Claim,
    Closure,
    Location,
    OpeningHours,
    Practitioner,
    Qualification,
    Resource,
    WorkingHours,
)
from patients.models import Patient
from treatments.models import Service, TreatmentSession

LONGEST_CLAIM = timedelta(hours=12)


@dataclass(frozen=True)
class Request:
    """What is looked for. `ignore_id` is the visit being moved; `channel` is desk or online."""

    location: Location
    service: Service
    session: TreatmentSession | None
    shape: visits.VisitShape
    technique_ids: frozenset[int]
    practitioner: Practitioner | None = None
    patient: Patient | None = None
    ignore_id: int | None = None
    channel: str = "desk"


@dataclass(slots=True)
class Calendar:
    """One resource, in minutes of the ruler: taken, absent, at work, and until when it may be used at all."""

    resource_id: int
    public_id: UUID
    name: str
    turnaround_minutes: int
    taken: int = 0
    absent: int = 0
    at_work: int = 0
    usable: int = 0


@dataclass
class Board:
    """Everything that decides a start of the request on the ruler's dates."""

    ruler: Ruler
    open: int = 0
    patient_busy: int = 0
    groups: dict[tuple[str, str], list[Calendar]] = field(default_factory=dict)


class EpochMinutes(models.Func):
    """Minutes since 1970 as a whole number; `round` is FLOOR or CEIL."""

    template = "%(round)s(EXTRACT(EPOCH FROM %(expressions)s) / 60)::int"
    output_field = models.IntegerField()


CLOSED, PATIENT, ABSENT, TAKEN = "closed", "patient", "absent", "taken"


def read(request: Request, first: date, last: date, now: datetime) -> Board:
    """The board for starts on the local dates first to last; holds whose time is over at `now` do not count."""
    ruler = Ruler(request.location.zone, first, last)
    board = Board(ruler, groups={(need.what, need.kind): [] for need in request.shape.needs})
    calendars = _resources(request, board)
    spans = _spans(request, calendars, ruler, now)
    board.open = _open_hours(request.location, ruler) & ~ruler.mask(spans[CLOSED, 0])
    board.patient_busy = ruler.mask(spans[PATIENT, 0])
    for resource_id, calendar in calendars.items():
        calendar.absent = ruler.mask(spans[ABSENT, resource_id])
        calendar.taken = ruler.mask(spans[TAKEN, resource_id])
    return board


def _spans(
    request: Request, resource_ids: Iterable[int], ruler: Ruler, now: datetime
) -> dict[tuple[str, int], list[tuple[int, int]]]:
    """All time that is not to be had, by why and (for absences and claims) whose: four tables in one statement."""
    resource_ids = list(resource_ids)
    nobody = Value(0, output_field=models.BigIntegerField())
    parts = [
        _part(CLOSED, nobody, Closure.objects.filter(location=request.location), ruler),
        _part(ABSENT, F("resource_id"), Absence.objects.filter(resource_id__in=resource_ids), ruler),
        _part(TAKEN, F("resource_id"), _claims(request, resource_ids, ruler, now), ruler),
    ]
    if request.patient is not None:
        parts.append(_part(PATIENT, nobody, _visits_of_the_patient(request), ruler))
    found = defaultdict(list)
    for why, whose, start, end in parts[0].union(*parts[1:], all=True):
        found[why, whose].append((start - ruler.base, end - ruler.base))
    return found


def _part(why: str, whose: models.Expression | F, rows: models.QuerySet, ruler: Ruler) -> models.QuerySet:
    """The rows that reach into the ruler: why, whose, and the span in minutes since 1970, rounded outwards."""
    rows = rows.filter(starts_at__lt=ruler.span.end, ends_at__gt=ruler.span.start).order_by()
    start, end = EpochMinutes(F("starts_at"), round="FLOOR"), EpochMinutes(F("ends_at"), round="CEIL")
    return rows.values_list(Value(why, output_field=models.CharField()), whose, start, end)


def _claims(request: Request, resource_ids: list[int], ruler: Ruler, now: datetime) -> models.QuerySet:
    """Live claims; the bound on their start keeps the index scan as short as the ruler."""
    claims = Claim.objects.filter(Q(hold=None) | Q(hold__kept_until__gt=now), live=True, resource_id__in=resource_ids)
    if request.ignore_id:
        claims = claims.filter(~Q(appointment_id=request.ignore_id) | Q(appointment=None))
    return claims.filter(starts_at__gt=ruler.span.start - LONGEST_CLAIM)


def _visits_of_the_patient(request: Request) -> models.QuerySet:
    """Here or at another location, under any record merged into the same one."""
    patient_id = request.patient.merged_into_id or request.patient.pk
    own = Appointment.objects.live().filter(Q(patient_id=patient_id) | Q(patient__merged_into_id=patient_id))
    return own.exclude(pk=request.ignore_id)


def _open_hours(location: Location, ruler: Ruler) -> int:
    """A location that states no opening hours is open whenever somebody works."""
    hours = list(OpeningHours.objects.filter(location=location).order_by().values_list("weekday", "opens", "closes"))
    spans = [
        ruler.wall_minutes(day, opens, closes)
        for day in ruler.dates
        for weekday, opens, closes in hours
        if weekday == day.isoweekday()
    ]
    return ruler.mask(spans) if hours else ruler.everything


def _resources(request: Request, board: Board) -> dict[int, Calendar]:
    """The calendars of everybody and everything that could take part, filed in the board's groups."""
    wanted = Q(pk__in=[])
    for what, kind in board.groups:
        wanted |= _who(request) if what == visits.PRACTITIONER else _which(request, what, kind)
    columns = ("pk", "public_id", "type", "name", "turnaround_minutes", "room__kind", "room__serves_all")
    rows = Resource.objects.filter(wanted, is_active=True).order_by("pk")
    calendars = {}
    for pk, public_id, what, name, turnaround, room_kind, serves_all, device_kind, due_on in rows.values_list(
        *columns, "device__kind", "device__calibration_due_on"
    ):
        calendar = calendars[pk] = Calendar(pk, public_id, name, turnaround, usable=_until(board.ruler, due_on))
        for group in board.groups:
            if group == (what, room_kind or device_kind or "") or (serves_all and group[0] == what):
                board.groups[group].append(calendar)
    people = {calendar.resource_id: calendar for calendar in board.groups.get((visits.PRACTITIONER, ""), ())}
    _hours(request, board.ruler, people)
    _qualified(request, board.ruler, people)
    return calendars


def _who(request: Request) -> Q:
    if request.practitioner is not None:
        return Q(pk=request.practitioner.pk, type=Resource.Type.PRACTITIONER)
    works_here = WorkingHours.objects.filter(location=request.location).values("practitioner_id")
    return Q(type=Resource.Type.PRACTITIONER) & (Q(location=request.location) | Q(pk__in=works_here))


def _which(request: Request, what: str, kind: str) -> Q:
    fits = Q(**{f"{what}__kind": kind})
    if what == visits.ROOM:
        fits |= Q(room__serves_all=True)
    return Q(fits, type=what, location=request.location)


def _until(ruler: Ruler, last: date | None) -> int:
    """The minutes up to the end of a local date, or all of them."""
    return ruler.everything if last is None else ruler.between(0, ruler.midnight(last + timespans.ONE_DAY))


def _hours(request: Request, ruler: Ruler, people: dict[int, Calendar]) -> None:
    rows = WorkingHours.objects.filter(
        Q(services=None) | Q(services=request.service),
        Q(valid_until=None) | Q(valid_until__gte=ruler.dates[0]),
        practitioner_id__in=people,
        location=request.location,
        valid_from__lte=ruler.dates[-1],
        **{f"is_open_{request.channel}": True},
    )
    spans = defaultdict(list)
    for row in rows.order_by("pk").distinct():
        for day in ruler.dates:
            if works_on(row, day):
                spans[row.practitioner_id].append(ruler.wall_minutes(day, row.starts, row.ends))
    for resource_id, calendar in people.items():
        calendar.at_work = ruler.mask(spans[resource_id])


def works_on(hours: WorkingHours, day: date) -> bool:
    """Whether the row holds on a date: the weekday, the week of the cycle, and its validity."""
    if day.isoweekday() != hours.weekday or day < hours.valid_from or (hours.valid_until and day > hours.valid_until):
        return False
    monday = hours.valid_from - timedelta(days=hours.valid_from.weekday())
    return (day - monday).days // 7 % hours.cycle_weeks == hours.cycle_week - 1


def _qualified(request: Request, ruler: Ruler, people: dict[int, Calendar]) -> None:
    """Nobody may start after the first of the needed qualifications has run out, or without one of them."""
    if not request.technique_ids:
        return
    held = defaultdict(dict)
    rows = Qualification.objects.filter(practitioner_id__in=people, technique_id__in=request.technique_ids)
    for practitioner_id, technique_id, valid_until in rows.values_list(
        "practitioner_id", "technique_id", "valid_until"
    ):
        held[practitioner_id][technique_id] = _until(ruler, valid_until)
    for resource_id, calendar in people.items():
        for technique_id in request.technique_ids:
            calendar.usable &= held[resource_id].get(technique_id, 0)
