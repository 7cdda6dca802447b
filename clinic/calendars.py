"""The diary of one request as masks of minutes: who and what could take part, and when each of them can."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from clinic import course_reads, diary_rows, presence, timespans, visits
from clinic.diary_rows import HoursOfADay, Pairs, ResourceRow, UsualHours, Wanted
from clinic.minutes import Ruler
from clinic.models import Location, Practitioner
from clinic.spacing import Course
from clinic.timespans import ONE_MINUTE, Span
from patients.models import Patient
from treatments.models import Service, TreatmentSession

DESK, ONLINE = "desk", "online"
LEAD = (visits.PRACTITIONER, "")
OF_A_RESOURCE = frozenset({diary_rows.TAKEN, diary_rows.ABSENT, diary_rows.TRAVEL})

# Starts that are nearer to one another than this are looked at together.
GAP = timedelta(hours=4)

Key = tuple[str, str]
Stretch = tuple[int, int]  # in minutes after the start of the visit


@dataclass(frozen=True)
class Request:
    """What is looked for.

    `ignore_id` is the visit being moved, `ignore_hold_id` the time kept for this visit; `chosen` are people, rooms and
    devices picked by hand, each used wherever the visit needs one like it; `channel` is desk or online.
    """

    location: Location
    service: Service
    session: TreatmentSession | None
    shape: visits.VisitShape
    technique_ids: frozenset[int]
    practitioner: Practitioner | None = None
    patient: Patient | None = None
    ignore_id: int | None = None
    channel: str = DESK
    chosen: frozenset[int] = frozenset()
    ignore_hold_id: int | None = None

    @property
    def keys(self) -> list[Key]:
        """Each kind of person, room and device that the visit needs, once."""
        return list(self._needs)

    def needs(self, key: Key) -> list[visits.Need]:
        return self._needs[key]

    @cached_property
    def _needs(self) -> dict[Key, list[visits.Need]]:
        found: dict[Key, list[visits.Need]] = {}
        for need in self.shape.needs:
            found.setdefault((need.what, need.kind), []).append(need)
        return found

    def held(self, key: Key, turnaround_minutes: int) -> list[Stretch]:
        """From when until when something is taken whose own turnaround is so long: the longer one counts."""
        known = self._held.get((key, turnaround_minutes))
        if known is None:
            *before, last = self._needs[key]
            until = max(last.end_minutes, last.in_use_until + turnaround_minutes)
            known = [*((need.start_minutes, need.end_minutes) for need in before), (last.start_minutes, until)]
            self._held[key, turnaround_minutes] = known
        return known

    def around(self, starts_at: datetime) -> Span:
        """What can matter to one start, but for turnaround and ways: the visit, and what it would lie right beside."""
        minutes = max(self.shape.minutes, *(need.end_minutes for need in self.shape.needs), 0)
        return Span(starts_at - ONE_MINUTE, starts_at + timedelta(minutes=minutes) + ONE_MINUTE)

    @cached_property
    def _held(self) -> dict[tuple[Key, int], list[Stretch]]:
        return {}

    @property
    def notice_minutes(self) -> int:
        place = self.location
        return place.online_notice_minutes if self.channel == ONLINE else place.notice_minutes

    @property
    def horizon_days(self) -> int:
        place = self.location
        return place.online_horizon_days if self.channel == ONLINE else place.horizon_days


@dataclass(slots=True)
class Calendar:
    """One resource in one part, in minutes of the ruler.

    `usable` ends with a qualification or calibration, `here` is when a device is at the location, `at_work` binds
    people alone. `travelling` is a person's time at other locations with the way on both sides. `is_scarce` asks to be
    kept for what nothing else can do.
    """

    resource_id: int
    name: str
    turnaround_minutes: int
    is_person: bool
    is_scarce: bool
    usable: int
    here: int
    taken: int
    absent: int
    at_work: int
    travelling: int


class Rows(NamedTuple):
    """What was read for a board: the resources, what lies in their time, and the course of the session."""

    resources: list[ResourceRow]
    spans: dict[tuple[str, int], Pairs]
    course: Course | None

    def of(self, resources: Collection[int]) -> "Rows":
        """As if nobody and nothing but these resources (keys) had been read."""
        spans = {
            (what, whose): pairs
            for (what, whose), pairs in self.spans.items()
            if pairs and (what not in OF_A_RESOURCE or whose in resources)
        }
        return Rows([row for row in self.resources if row.pk in resources], spans, self.course)

    def but_taken(self) -> "Rows":
        """As if nothing were taken."""
        spans = {(what, whose): pairs for (what, whose), pairs in self.spans.items() if what != diary_rows.TAKEN}
        return Rows(self.resources, spans, self.course)

    def is_taken(self, resource: int, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether the resource (key) is taken at any time between two whole minutes."""
        begin, end = (int(moment.timestamp()) // 60 for moment in (starts_at, ends_at))
        return any(start < end and begin < until for start, until in self.spans.get((diary_rows.TAKEN, resource), ()))


@dataclass
class Board:
    """Everything that decides a start of the request on the ruler's dates.

    `misfits` names what was picked by hand for a part in which it cannot serve: nothing else is offered for it.
    """

    ruler: Ruler
    open: int
    patient_busy: int
    groups: dict[Key, list[Calendar]]
    misfits: dict[Key, str]
    course: Course | None


def read(
    request: Request, first: date, last: date, now: datetime, *, people: frozenset[int] | None = None,
    among: Iterable[int] | None = None,
) -> Board:  # fmt: skip
    """The board for starts on the local dates first to last: one statement, and one more for a session of a series.

    Practitioners are those of `people` where it is given; with `among`, nobody and nothing else takes part. Holds whose
    time is over at `now` do not count.
    """
    ruler = Ruler(request.location.zone, first, last)
    rows = _read(request, ruler, now, _wanted(request, people, among), ruler.span)
    return board_of(request, ruler, rows, people)


def read_starts(
    request: Request, starts: Collection[datetime], now: datetime, *, people: frozenset[int] | None = None,
    among: Iterable[int] | None = None,
) -> Board:  # fmt: skip
    """The same for these starts alone, one or more: no other may be asked for."""
    days = sorted({timespans.date_of(request.location.zone, moment) for moment in starts})
    ruler = Ruler(request.location.zone, days[0], days[-1], days)
    stretches = timespans.near_one_another((request.around(moment) for moment in starts), GAP)
    rows = _read(request, ruler, now, _wanted(request, people, among), ruler.span, stretches)
    return board_of(request, ruler, rows, people)


def read_near(
    request: Request, ruler: Ruler, starts_at: datetime, now: datetime, among: Iterable[int] | None = None, *,
    after: str = "",
) -> Rows:  # fmt: skip
    """The rows for a board on the ruler's dates that knows nothing but what can matter to that start.

    `after`: SQL to run just before they are read.
    """
    return _read(request, ruler, now, _wanted(request, None, among), request.around(starts_at), after=after)


def board_of(request: Request, ruler: Ruler, rows: Rows, people: frozenset[int] | None = None) -> Board:
    """The board that these rows make."""
    parts, misfits = _parts(request, rows.resources, people)
    calendars = _Calendars(ruler, rows.spans)
    return Board(
        ruler,
        presence.opening(ruler, rows.spans),
        presence.mask(ruler, rows.spans.get((diary_rows.PATIENT, 0))),
        {key: [calendars.of(row, key[0]) for row in group] for key, group in parts.items()},
        misfits,
        rows.course,
    )


def on_day(board: Board, day: date) -> Board:
    """The same for starts on one of its dates alone: small numbers instead of long ones."""
    ruler = Ruler(board.ruler.zone, day, day)
    before, whole, everything = ruler.base - board.ruler.base, board.ruler.everything, ruler.everything

    def cut(mask: int) -> int:
        return everything if mask is whole else (mask >> before) & everything if mask else 0

    def of(each: Calendar) -> Calendar:
        return Calendar(
            each.resource_id, each.name, each.turnaround_minutes, each.is_person, each.is_scarce,
            cut(each.usable), cut(each.here), cut(each.taken), cut(each.absent), cut(each.at_work),
            cut(each.travelling),
        )  # fmt: skip

    groups = {key: [of(each) for each in group] for key, group in board.groups.items()}
    return Board(ruler, cut(board.open), cut(board.patient_busy), groups, board.misfits, board.course)


def _wanted(request: Request, people: frozenset[int] | None, among: Iterable[int] | None) -> Wanted:
    """What to read; an assistant may be anybody, else nobody but those asked for."""
    whats = {what for what, _kind in request.keys}
    named = set(request.chosen) | (people or set())
    if request.practitioner is not None:
        named.add(request.practitioner.pk)
    anybody = visits.PRACTITIONER in whats and request.practitioner is None and people is None
    return Wanted(
        location_id=request.location.pk,
        service_id=request.service.pk,
        technique_ids=sorted(request.technique_ids),
        channel=request.channel,
        named=sorted(named),
        room_kinds=[kind for what, kind in request.keys if what == visits.ROOM],
        device_kinds=[kind for what, kind in request.keys if what == visits.DEVICE],
        with_everybody=anybody or visits.ASSISTANT in whats,
        among=None if among is None else sorted(among),
    )


def _read(
    request: Request, ruler: Ruler, now: datetime, wanted: Wanted, span: Span, stretches: Sequence[Span] = (), *,
    after: str = "",
) -> Rows:  # fmt: skip
    patient = request.patient
    resources, spans = diary_rows.near(
        wanted,
        patient_id=(patient.merged_into_id or patient.pk) if patient else None,
        start=span.start,
        end=span.end,
        first=ruler.dates[0],
        last=ruler.dates[-1],
        now=now,
        ignore_id=request.ignore_id,
        ignore_hold_id=request.ignore_hold_id,
        stretches=stretches,
        after=after,
    )
    return Rows(resources, spans, _course(request))


def _course(request: Request) -> Course | None:
    if request.session is None:
        return None
    sessions, first_possible_on = diary_rows.sessions(request.session.series_id, request.ignore_id)
    course = Course.around(request.session.number, sessions, first_possible_on)
    elsewhere = tuple(course_reads.of_other_courses(request.session.series))
    return replace(course, elsewhere=elsewhere, apart_days=request.location.apart_days)


# -- Who and what could take part -------------------------------------------------------------------------------------


def _parts(
    request: Request, rows: list[ResourceRow], people: frozenset[int] | None
) -> tuple[dict[Key, list[ResourceRow]], dict[Key, str]]:
    """For every kind of need those who could serve, picked by hand where somebody was; and what cannot serve at all."""
    parts = {key: [row for row in rows if _is_able(row, key)] for key in request.keys}
    leading = {request.practitioner.pk} if request.practitioner else people
    if leading is None:
        leading = {row.pk for row in parts.get(LEAD, ()) if row.pk in request.chosen} or None
    for key, able in parts.items():
        if key == LEAD:
            parts[key] = [row for row in able if leading is None or row.pk in leading]
        else:
            picked = [row for row in able if row.pk in request.chosen - (leading or set())]
            parts[key] = picked or _turned(able, request.practitioner)
    misfits = {}
    for row in rows:
        keys = [key for key in parts if row.type == (visits.PRACTITIONER if key[0] == visits.ASSISTANT else key[0])]
        if row.pk in request.chosen and keys and not any(row in parts[key] for key in keys):
            misfits[keys[-1]] = row.name
            parts[keys[-1]] = []
    return parts, misfits


def _turned(rows: list[ResourceRow], practitioner: Practitioner | None) -> list[ResourceRow]:
    """The same in an order that begins elsewhere for each practitioner: neighbours reach for different rooms."""
    first = practitioner.pk % len(rows) if practitioner and rows else 0
    return rows[first:] + rows[:first]


def _is_able(row: ResourceRow, key: Key) -> bool:
    what, kind = key
    if not row.is_active:
        return False
    if what == visits.PRACTITIONER:
        return row.type == what and row.treats
    if what == visits.ASSISTANT:
        return row.type == visits.PRACTITIONER and (row.treats or row.may_assist)
    if what == visits.ROOM:
        return row.type == what and row.is_of_location and (row.serves_all or row.kind == kind)
    return row.type == what and row.kind == kind


class _Calendars:
    """Makes the calendars of one board; people with the same hours share their mask."""

    def __init__(self, ruler: Ruler, spans: dict[tuple[str, int], Pairs]) -> None:
        self.ruler = ruler
        self._masks = {key: presence.mask(ruler, found) for key, found in spans.items() if key[0] in OF_A_RESOURCE}
        self._hours: dict[tuple, int] = {}

    def of(self, row: ResourceRow, what: str) -> Calendar:
        is_person, is_assistant = row.type == visits.PRACTITIONER, what == visits.ASSISTANT
        masks = self._masks
        return Calendar(
            resource_id=row.pk,
            name=row.name,
            turnaround_minutes=row.turnaround_minutes,
            is_person=is_person,
            is_scarce=row.treats if is_assistant else row.serves_all,
            usable=self.ruler.everything if is_assistant else presence.until(self.ruler, row.usable_until),
            here=presence.here(self.ruler, row) if what == visits.DEVICE else self.ruler.everything,
            taken=masks.get((diary_rows.TAKEN, row.pk), 0),
            absent=masks.get((diary_rows.ABSENT, row.pk), 0),
            at_work=self._at_work(row, not is_assistant) if is_person else self.ruler.everything,
            travelling=masks.get((diary_rows.TRAVEL, row.pk), 0),
        )

    def _at_work(self, row: ResourceRow, is_booked: bool) -> int:  # noqa: FBT001 (private, called once)
        """Hours that may be booked; an assistant only has to be there, whoever the hours are open for."""
        usual = tuple(UsualHours.of(hours) for hours in row.hours)
        dated = tuple(HoursOfADay(*hours) for hours in row.dated)
        if is_booked:
            usual = tuple(hours for hours in usual if hours.is_open)
        key = (usual, dated, is_booked)
        if key not in self._hours:
            self._hours[key] = self.ruler.mask(presence.hours_of(self.ruler, usual, dated, is_booked=is_booked))
        return self._hours[key]
