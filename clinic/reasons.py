"""Why a time is not offered: every rule that it breaks, in words. Reads what is in the way when something is.

Of several people (or devices) the one with the fewest, softest reasons speaks; without the named causes the time would
be offered, and with any one of them left it would not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import fitting, timespans, visits
from clinic.calendars import DESK, LEAD, Board, Calendar, Key, Request
from clinic.fitting import HELPER
from clinic.minutes import room_for
from clinic.models import TravelTime
from clinic.spacing import Breach
from patients.prepared import Prepared

SOFT = frozenset(
    {
        "closed", "absent", "outside_hours", "travel", "no_assistant", "inside_notice", "beyond_horizon", "past",
        "off_grid", "after_window", "near_other_area",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a time is not offered; staff may allow a soft one. `resource_id` is whom or what it is about."""

    code: str
    text: str
    is_soft: bool
    resource_id: int | None = None


def explain(request: Request, starts_at: datetime, now: datetime, board: Board) -> list[Reason]:
    """Why the start is not offered; empty if it is. For patients every rule is hard. The board is that of its date."""
    return _Question(request, starts_at, now, board).answer()


def about_the_time(request: Request, starts_at: datetime, now: datetime) -> list[Reason]:
    """What the moment itself breaks, whatever the diary says: the grid, the past, notice and horizon."""
    place = request.location
    found = []
    if not timespans.is_on_grid(starts_at, place.zone, place.grid_minutes):
        text = _("Visits start every %(minutes)s minutes.") % {"minutes": place.grid_minutes}
        is_soft = request.channel == DESK and not starts_at.second and not starts_at.microsecond
        found.append(Reason("off_grid", text, is_soft))
    if starts_at < now:
        found.append(_reason(request, "past", _("This time is over.")))
    elif starts_at < now + timedelta(minutes=request.notice_minutes):
        found.append(_reason(request, "inside_notice", _("This is too soon to be booked.")))
    if timespans.date_of(place.zone, starts_at) > last_day(request, now):
        text = _("Visits can be booked %(days)s days ahead.") % {"days": request.horizon_days}
        found.append(_reason(request, "beyond_horizon", text))
    return found


def last_day(request: Request, now: datetime) -> date:
    """The last local date that may be booked."""
    return timespans.date_of(request.location.zone, now) + timedelta(days=request.horizon_days)


def _reason(request: Request, code: str, text: str, resource_id: int | None = None) -> Reason:
    return Reason(code, text, code in SOFT and request.channel == DESK, resource_id)


class _Question:
    """One time, asked about: the board of its day, and the minute of it."""

    def __init__(self, request: Request, starts_at: datetime, now: datetime, board: Board) -> None:
        self.request, self.starts_at, self.now = request, starts_at, now
        self.zone = request.location.zone
        self.day = timespans.date_of(self.zone, starts_at)
        self.board, self.minute = board, board.ruler.minute(starts_at)

    def answer(self) -> list[Reason]:
        found = [*about_the_time(self.request, self.starts_at, self.now), *self._about_the_day()]
        for key, group in self.board.groups.items():
            if key == LEAD:
                found += self._about_people(group)
            elif key == HELPER:
                found += [] if LEAD in self.board.groups else self._about_assistants(None)
            elif not any(self._holds(fitting.fits(self.request, key, calendar)) for calendar in group):
                found += self._about_things(key, group)
        return list(dict.fromkeys(found))

    def _holds(self, mask: int) -> bool:
        return bool(mask >> self.minute & 1)

    def _say(self, code: str, text: str, calendar: Calendar | None = None) -> Reason:
        return _reason(self.request, code, text, calendar.resource_id if calendar else None)

    def _about_the_day(self) -> list[Reason]:
        minutes, found = self.request.shape.minutes, []
        if not self._holds(room_for(self.board.open, 0, minutes)):
            found.append(self._say("closed", _("The clinic is closed then.")))
        if self._holds(fitting.overlapping(self.board.patient_busy, minutes)):
            found.append(self._say("patient_busy", _("The patient already has a visit at this time.")))
        breaches = self.board.course.breaches(self.day) if self.board.course else []
        return found + [self._say(breach.code, of_the_series(breach)) for breach in breaches]

    # -- People -------------------------------------------------------------------------------------------------------

    def _about_people(self, group: list[Calendar]) -> list[Reason]:
        if not group:
            named = self.board.misfits.get(LEAD) or self.request.practitioner
            text = _("%(name)s does not do this visit.") if named else _("Nobody works here who could do this visit.")
            return [self._say("not_qualified", text % {"name": named}), *self._about_assistants(None)]
        found = [[*self._why_not(calendar), *self._about_assistants(calendar)] for calendar in group]
        return min(found, key=_how_far_from_free)

    def _why_not(self, calendar: Calendar) -> list[Reason]:
        held = self.request.held(LEAD, calendar.turnaround_minutes)
        spans = [(self.minute + start, self.minute + end) for start, end in held]
        needs = self.request.needs(LEAD)
        uses = [(self.minute + need.start_minutes, self.minute + need.in_use_until) for need in needs]
        claims = _Claims(self, calendar, spans)
        name = {"name": calendar.name}
        rules: tuple[tuple[bool, str, Callable[[], str]], ...] = (
            (not self._holds(calendar.usable), "not_qualified",
             lambda: _("%(name)s is not qualified for this treatment.") % name),
            (_touches(calendar.taken, spans), "busy", claims.in_words),
            (_touches(calendar.absent, spans), "absent", lambda: _("%(name)s is away then.") % name),
            (_touches(~calendar.at_work, uses), "outside_hours", lambda: _("%(name)s does not work then.") % name),
            (_touches(calendar.travelling, spans) and claims.are_too_far, "travel", claims.ways_in_words),
        )  # fmt: skip
        return [self._say(code, text(), calendar) for is_broken, code, text in rules if is_broken]

    def _about_assistants(self, leader: Calendar | None) -> list[Reason]:
        """Soft where somebody could assist outside their hours."""
        if HELPER not in self.board.groups:
            return []
        others = fitting.without(self.board.groups[HELPER], leader)

        def is_anybody_free(allow: frozenset[str]) -> bool:
            return any(self._holds(fitting.fits(self.request, HELPER, calendar, allow)) for calendar in others)

        if is_anybody_free(frozenset()):
            return []
        is_soft = self.request.channel == DESK and is_anybody_free(frozenset({"no_assistant"}))
        return [Reason("no_assistant", _("Nobody is free to assist."), is_soft)]

    # -- Rooms and devices --------------------------------------------------------------------------------------------

    def _about_things(self, key: Key, group: list[Calendar]) -> list[Reason]:
        if key in self.board.misfits:
            text = _("%(name)s cannot be used for this visit.") % {"name": self.board.misfits[key]}
            return [self._say(f"no_{key[0]}", text)]
        if not group:
            return [self._say(f"no_{key[0]}", self._none_free(key, None))]
        # A room for everything speaks for all kinds: setting it free frees them all, and one reason is enough.
        group = sorted(group, key=lambda calendar: not calendar.is_scarce)
        return min((self._why_not_used(key, calendar, group) for calendar in group), key=len)

    def _why_not_used(self, key: Key, calendar: Calendar, group: list[Calendar]) -> list[Reason]:
        spans = self.request.held(key, calendar.turnaround_minutes)
        busy, name, found = calendar.taken | calendar.absent, {"name": calendar.name}, []
        if not self._holds(calendar.here):
            found.append(self._say("device_elsewhere", _("%(name)s is at another location that day.") % name, calendar))
        if not self._holds(calendar.usable):
            found.append(self._say("device_due", _("%(name)s is due for calibration by then.") % name, calendar))
        if _touches(busy, [(self.minute + start, self.minute + end) for start, end in spans]):
            is_named = len(group) == 1 and calendar.resource_id in self.request.chosen
            found.append(self._say(f"no_{key[0]}", self._none_free(key, calendar if is_named else None), calendar))
        return found

    def _none_free(self, key: Key, named: Calendar | None) -> str:
        if named is not None:
            return _("%(name)s is not free then.") % {"name": named.name}
        return _("No room of the right kind is free.") if key[0] == visits.ROOM else _("No suitable device is free.")


# Prepared, because everybody who loses a time is told who has it. A claim lasts at most 12 hours.
_TAKEN = Prepared("claims_of_one", """
SELECT c.starts_at, c.ends_at, h.kept_until, place.id, place.name, offer.name FROM clinic_claim c
LEFT JOIN clinic_hold h ON h.id = c.hold_id LEFT JOIN clinic_appointment a ON a.id = c.appointment_id
JOIN clinic_location place ON place.id = COALESCE(a.location_id, h.location_id)
JOIN treatments_service offer ON offer.id = COALESCE(a.service_id, h.service_id)
WHERE c.live AND c.resource_id = %(resource)s AND c.starts_at > %(since)s - INTERVAL '12 hours'
  AND c.starts_at < %(until)s AND c.ends_at > %(since)s AND c.appointment_id IS DISTINCT FROM %(ignore)s
  AND (c.hold_id IS NULL OR (h.kept_until > %(now)s AND c.hold_id <> %(ignore_hold)s))
ORDER BY c.starts_at
""", resource="bigint", since="timestamptz", until="timestamptz", now="timestamptz", ignore="bigint",
    ignore_hold="bigint",
)  # fmt: skip


class _Taken(NamedTuple):
    """One time in a diary, where and for which service; `kept_until` of one that is kept and not booked."""

    starts_at: datetime
    ends_at: datetime
    kept_until: datetime | None
    location_id: int
    location: str
    service: str


class _Claims:
    """What stands in one person's diary around the time asked about; read only when it is in the way."""

    def __init__(self, question: _Question, calendar: Calendar, spans: list[tuple[int, int]]) -> None:
        self.request, self.zone, self.calendar = question.request, question.zone, calendar
        moment = question.board.ruler.moment
        self.now = question.now
        self.spans = [timespans.Span(moment(start), moment(end)) for start, end in spans]

    @cached_property
    def rows(self) -> list[_Taken]:
        far = timedelta(days=1)
        asked = {
            "resource": self.calendar.resource_id, "since": self.spans[0].start - far,
            "until": self.spans[-1].end + far, "now": self.now, "ignore": self.request.ignore_id or 0,
            "ignore_hold": self.request.ignore_hold_id or 0,
        }  # fmt: skip
        return [_Taken(*row) for row in _TAKEN.rows(asked)]

    @cached_property
    def too_far(self) -> list[_Taken]:
        """Those at other locations from which, or to which, the way is too long; what overlaps is busy anyway."""
        here = self.request.location.pk
        minutes = {}
        for way in TravelTime.objects.filter(Q(start_id=here) | Q(end_id=here)):
            minutes[way.start_id + way.end_id - here] = timedelta(minutes=way.minutes)
        found = []
        for claim in self.rows:
            way = minutes.get(claim.location_id)
            if way and not self._overlaps(claim, timedelta(0)) and self._overlaps(claim, way):
                found.append(claim)
        return found

    @property
    def are_too_far(self) -> bool:
        return bool(self.too_far)

    def in_words(self) -> str:
        """Patients are not told what others come for."""
        name = {"name": self.calendar.name}
        if self.request.channel != DESK:
            return _("%(name)s has another visit then.") % name
        visits_then = ", ".join(self._line(claim) for claim in self.rows if self._overlaps(claim, timedelta(0)))
        return _("%(name)s has another visit then: %(visits)s.") % {**name, "visits": visits_then}

    def ways_in_words(self) -> str:
        words = {"name": self.calendar.name}
        if self.request.channel != DESK:
            return _("%(name)s is on the way between two locations then.") % words
        words["visits"] = ", ".join(f"{self._line(claim)} ({claim.location})" for claim in self.too_far)
        return _("%(name)s is on the way then, from or to: %(visits)s.") % words

    def _overlaps(self, claim: _Taken, way: timedelta) -> bool:
        reach = timespans.Span(claim.starts_at - way, claim.ends_at + way)
        return any(span.overlaps(reach) for span in self.spans)

    def _line(self, claim: _Taken) -> str:
        starts, ends = (moment.astimezone(self.zone) for moment in (claim.starts_at, claim.ends_at))
        line = f"{starts:%H:%M}–{ends:%H:%M} {claim.service}"
        if claim.kept_until is None:
            return line
        until = date_format(claim.kept_until.astimezone(self.zone), "H:i")
        return _("%(visit)s (kept until %(time)s)") % {"visit": line, "time": until}


def _touches(mask: int, spans: list[tuple[int, int]]) -> bool:
    return any((mask >> start) & ((1 << (end - start)) - 1) for start, end in spans)


def _how_far_from_free(found: list[Reason]) -> tuple[bool, int, int]:
    """Somebody who is only busy is nearer than somebody who may never do it."""
    never = any(reason.code == "not_qualified" for reason in found)
    return never, sum(not reason.is_soft for reason in found), len(found)


def of_the_series(breach: Breach) -> str:
    """A rule about the day of a session, in words."""
    words = {"number": breach.number, "day": date_format(breach.day, "l j F Y") if breach.day else ""}
    return {
        "not_open": _("Session %(number)d is not open any more: it is used up or left out. Add a visit to the series."),
        "before_window": _("Too early: the earliest safe day for this session is %(day)s."),
        "after_window": _("Later than planned: this session is best by %(day)s. Allow it anyway by giving a reason."),
        "too_close_to_next": _(
            "Session %(number)d is booked on %(day)s, which would be too soon after this one. Move it first."
        ),
        "near_same_area": _("Too close to the visit of another course of the same area on %(day)s. Move one of them."),
        "near_other_area": _("Close to the visit of another course on %(day)s. Allow it anyway by giving a reason."),
    }[breach.code] % words
