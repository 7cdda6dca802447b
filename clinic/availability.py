"""Free starts, and why a time is not one. Reads only; `clinic.booking` asks again under its locks.

`free_starts` offers exactly the starts for which `explain` has no reason. Every time is UTC; dates are local to the
request's location; `now` is handed in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from clinic import calendars, timespans, visits
from clinic.calendars import Board, Calendar, Request
from clinic.minutes import bits, room_for
from clinic.models import Appointment, Location, Practitioner
from clinic.refusals import Refused
from patients.models import Patient
from treatments.models import DepthStep, Service, TreatmentSession

__all__ = ["Offer", "Reason", "Request", "Take", "explain", "free_starts", "nearest", "offer_at", "request_for"]

SOFT = frozenset({"closed", "absent", "outside_hours", "inside_notice", "beyond_horizon", "past", "off_grid"})
NEAREST_DAYS = 14


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


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a time is not offered; staff may allow a soft one."""

    code: str
    text: str
    is_soft: bool


def request_for(
    *,
    location: Location,
    service: Service,
    session: TreatmentSession | None = None,
    practitioner: Practitioner | None = None,
    patient: Patient | None = None,
    ignore: Appointment | None = None,
    channel: str = "desk",
) -> Request:
    """What a visit needs: a session's protocol version says it for its areas, for every other visit the service."""
    techniques = {service.technique_id} - {None}
    if session is None:
        owner, areas = service, 1
    else:
        owner, areas = session.series.protocol_version, session.series.series_areas.count()
        steps = DepthStep.objects.filter(version=owner).order_by()
        techniques |= set(steps.values_list("technique_id", flat=True).distinct())
    shape = visits.shape_of(owner.segments.all(), areas)
    if not shape.minutes:
        raise Refused(_("“%(name)s” has no duration yet, so it cannot be booked.") % {"name": owner})
    ignore_id = ignore.pk if ignore else None
    return Request(location, service, session, shape, frozenset(techniques), practitioner, patient, ignore_id, channel)


def free_starts(request: Request, first: date, last: date, now: datetime) -> list[Offer]:
    """One offer for every free start on the local dates first to last, ascending, each with the least wasteful pick.

    Least wasteful: what the visit leaves without a new gap on both sides comes first, then on one side, then the
    resource made first. Starts before `now`, inside the notice or beyond the horizon are not offered.
    """
    earliest, horizon = now + timedelta(minutes=request.location.notice_minutes), _last_day(request, now)
    first, last = max(first, timespans.date_of(request.location.zone, earliest)), min(last, horizon)
    if first > last:
        return []
    board = calendars.read(request, first, last, now)
    ruler = board.ruler
    starts = ruler.grid(request.location.grid_minutes)
    starts &= ruler.between(max(ruler.minute_up(earliest), 0), ruler.length)
    return _offers(request, board, starts, frozenset())


def offer_at(request: Request, starts_at: datetime, now: datetime, allow: frozenset[str] = frozenset()) -> Offer | None:
    """The offer for one start, or None; the soft rules in `allow` are not asked. Whole minutes only."""
    day = timespans.date_of(request.location.zone, starts_at)
    if {reason.code for reason in _about_the_time(request, starts_at, now)} - (allow & SOFT) or _is_odd(starts_at):
        return None
    board = calendars.read(request, day, day, now)
    minute = board.ruler.minute(starts_at)
    offers = _offers(request, board, board.ruler.between(minute, minute + 1), allow & SOFT)
    return offers[0] if offers else None


def explain(request: Request, starts_at: datetime, now: datetime) -> list[Reason]:
    """Why the start is not offered; empty if it is. Without these reasons it would be.

    Of several practitioners the one with the fewest, softest reasons speaks.
    """
    day = timespans.date_of(request.location.zone, starts_at)
    board = calendars.read(request, day, day, now)
    minute = board.ruler.minute(starts_at)
    reasons = [*_about_the_time(request, starts_at, now), *_about_the_day(request, board, minute)]
    for key, group in board.groups.items():
        if key[0] == visits.PRACTITIONER:
            reasons += _about_people(request, board, group, minute)
        elif not any(_fits(request, key, calendar) >> minute & 1 for calendar in group):
            is_room = key[0] == visits.ROOM
            text = _("No room of the right kind is free.") if is_room else _("No suitable device is free.")
            reasons.append(_reason(request, f"no_{key[0]}", text))
    return reasons


def nearest(request: Request, starts_at: datetime, n: int, now: datetime) -> list[Offer]:
    """The n free starts nearest to a time, at most 14 days away, nearest first; of two as near the earlier."""
    day = timespans.date_of(request.location.zone, starts_at)
    span = timedelta(days=NEAREST_DAYS)
    offers = free_starts(request, day - span, day + span, now)
    return sorted(offers, key=lambda offer: (abs(offer.starts_at - starts_at), offer.starts_at))[:n]


# -- What fits --------------------------------------------------------------------------------------------------------


def _offers(request: Request, board: Board, starts: int, allow: frozenset[str]) -> list[Offer]:
    starts &= ~_overlapping(board.patient_busy, request.shape.minutes)
    if "closed" not in allow:
        starts &= room_for(board.open, 0, request.shape.minutes)
    picks = []
    for key, group in board.groups.items():
        pick = _pick(request, key, group, starts, allow)
        starts = _union(mask for mask, _calendar in pick)
        picks.append((_needs(request, key), pick))
    return _assemble(request, board, starts, picks)


def _overlapping(busy: int, minutes: int) -> int:
    """The starts from which so many minutes would touch a busy one."""
    return ~room_for(~busy, 0, minutes) if busy else 0


def _union(masks: Iterable[int]) -> int:
    result = 0
    for mask in masks:
        result |= mask
    return result


def _needs(request: Request, key: tuple[str, str]) -> list[visits.Need]:
    return [need for need in request.shape.needs if (need.what, need.kind) == key]


def _held_until(need: visits.Need, is_last: bool, calendar: Calendar) -> int:  # noqa: FBT001 (private, called once)
    """With turnaround after the last use: the visit's or the resource's own, whichever is longer."""
    return max(need.end_minutes, need.in_use_until + calendar.turnaround_minutes) if is_last else need.end_minutes


def _held(needs: list[visits.Need], calendar: Calendar) -> list[tuple[int, int]]:
    last = needs[-1]
    return [(need.start_minutes, _held_until(need, need is last, calendar)) for need in needs]


def _fits(request: Request, key: tuple[str, str], calendar: Calendar, allow: frozenset[str] = frozenset()) -> int:
    """The starts at which the resource can take part. Hours bind people, and not the turnaround."""
    needs, is_person = _needs(request, key), key[0] == visits.PRACTITIONER
    free, fits = ~calendar.taken, calendar.usable
    if not (is_person and "absent" in allow):
        free &= ~calendar.absent
    for start, end in _held(needs, calendar):
        fits &= room_for(free, start, end)
    if is_person and "outside_hours" not in allow:
        for need in needs:
            fits &= room_for(calendar.at_work, need.start_minutes, need.in_use_until)
    return fits


def _pick(
    request: Request, key: tuple[str, str], group: list[Calendar], starts: int, allow: frozenset[str]
) -> list[tuple[int, Calendar]]:
    """Each start given to one resource of the group: the rules kept, then allowed; the tightest; the first."""
    fitting = [(starts & _fits(request, key, calendar), calendar) for calendar in group]
    rest = starts & ~_union(mask for mask, _calendar in fitting)
    if allow and rest:
        fitting += [(rest & _fits(request, key, calendar, allow), calendar) for calendar in group]
    if len(group) == 1:
        return fitting
    needs, result = _needs(request, key), []
    edges = [_edges(needs, calendar, key[0] == visits.PRACTITIONER) for mask, calendar in fitting]
    for tightness in (2, 1, 0):
        for (mask, calendar), (before, after) in zip(fitting, edges, strict=True):
            tight = (before & after, before | after, -1)[2 - tightness]
            taken = mask & tight & starts
            if taken:
                result.append((taken, calendar))
                starts &= ~taken
    return result


def _edges(needs: list[visits.Need], calendar: Calendar, is_person: bool) -> tuple[int, int]:  # noqa: FBT001 (private, called once)
    """The starts right after other work or at the beginning of the hours, and those that end right before such."""
    occupied = calendar.taken | calendar.absent | (~calendar.at_work if is_person else 0)
    spans = _held(needs, calendar)
    start, end = spans[0][0], spans[-1][1]
    before = occupied >> (start - 1) if start else occupied << 1
    return before, occupied >> end


def _assemble(request: Request, board: Board, starts: int, picks: list) -> list[Offer]:
    """The picks of all groups, start by start."""
    moment = board.ruler.moment
    chosen = [
        (needs, {minute: calendar for mask, calendar in pick for minute in bits(mask & starts)})
        for needs, pick in picks
    ]
    offers = []
    for minute in bits(starts):
        practitioner_id, takes = None, []
        for needs, by_minute in chosen:
            calendar = by_minute[minute]
            if needs[0].what == visits.PRACTITIONER:
                practitioner_id = calendar.resource_id
            for start, end in _held(needs, calendar):
                takes.append(Take(calendar.resource_id, moment(minute + start), moment(minute + end)))
        ends_at = moment(minute + request.shape.minutes)
        offers.append(Offer(moment(minute), ends_at, practitioner_id, _joined(takes)))
    return offers


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


# -- Why not ----------------------------------------------------------------------------------------------------------


def _reason(request: Request, code: str, text: str) -> Reason:
    """For patients every rule is hard."""
    return Reason(code, text, code in SOFT and request.channel == "desk")


def _is_odd(starts_at: datetime) -> bool:
    return bool(starts_at.second or starts_at.microsecond)


def _last_day(request: Request, now: datetime) -> date:
    return timespans.date_of(request.location.zone, now) + timedelta(days=request.location.horizon_days)


def _about_the_time(request: Request, starts_at: datetime, now: datetime) -> list[Reason]:
    place = request.location
    reasons = []
    if not timespans.is_on_grid(starts_at, place.zone, place.grid_minutes):
        text = _("Visits start every %(minutes)s minutes.") % {"minutes": place.grid_minutes}
        reasons.append(Reason("off_grid", text, request.channel == "desk" and not _is_odd(starts_at)))
    if starts_at < now:
        reasons.append(_reason(request, "past", _("This time is over.")))
    elif starts_at < now + timedelta(minutes=place.notice_minutes):
        reasons.append(_reason(request, "inside_notice", _("This is too soon to be booked.")))
    if timespans.date_of(place.zone, starts_at) > _last_day(request, now):
        text = _("Visits can be booked %(days)s days ahead.") % {"days": place.horizon_days}
        reasons.append(_reason(request, "beyond_horizon", text))
    return reasons


def _about_the_day(request: Request, board: Board, minute: int) -> list[Reason]:
    reasons = []
    if not room_for(board.open, 0, request.shape.minutes) >> minute & 1:
        reasons.append(_reason(request, "closed", _("The clinic is closed then.")))
    if _overlapping(board.patient_busy, request.shape.minutes) >> minute & 1:
        reasons.append(_reason(request, "patient_busy", _("The patient already has a visit at this time.")))
    return reasons


def _about_people(request: Request, board: Board, group: list[Calendar], minute: int) -> list[Reason]:
    if not group:
        return [_reason(request, "not_qualified", _("Nobody works here who could do this visit."))]
    found = [[_reason(request, *why) for why in _why_not(request, calendar, minute)] for calendar in group]
    return min(found, key=_how_far_from_free)


def _how_far_from_free(reasons: list[Reason]) -> tuple[bool, int, int]:
    """Somebody who is only busy is nearer than somebody who may never do it."""
    never = any(reason.code == "not_qualified" for reason in reasons)
    return never, sum(not reason.is_soft for reason in reasons), len(reasons)


def _why_not(request: Request, calendar: Calendar, minute: int) -> list[tuple[str, str]]:
    needs = _needs(request, (visits.PRACTITIONER, ""))
    held = [calendar.taken, calendar.absent]
    is_free, is_there = (all(room_for(~m, a, b) >> minute & 1 for a, b in _held(needs, calendar)) for m in held)
    works = all(room_for(calendar.at_work, n.start_minutes, n.in_use_until) >> minute & 1 for n in needs)
    name = {"name": calendar.name}
    rules = (
        (calendar.usable >> minute & 1, "not_qualified", _("%(name)s is not qualified for this treatment.") % name),
        (is_free, "busy", _("%(name)s has another visit then.") % name),
        (is_there, "absent", _("%(name)s is away then.") % name),
        (works, "outside_hours", _("%(name)s does not work then.") % name),
    )
    return [(code, text) for holds, code, text in rules if not holds]
