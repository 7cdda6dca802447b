"""The rows that decide free times, in one statement whatever the size of the diary, and one more for a series.

Plain SQL, prepared, because it is asked before and under the locks of every booking and for months of many people at
once: the database packs what belongs together into arrays, and a bounded index range finds the claims. Moments are
whole minutes since 1970, rounded outwards where time is taken and inwards where it is given; dates are ordinals; times
of day are minutes after local midnight, 1440 at its end.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from clinic import timespans, visits
from clinic.models import Appointment
from patients.prepared import Prepared
from treatments.models import TreatmentSession
from treatments.windows import PlannedSession

CLOSED, PATIENT, ABSENT, TAKEN, TRAVEL, OPENING, EXTRA = (
    "closed", "patient", "absent", "taken", "travel", "opening", "extra"
)  # fmt: skip
FOREVER = date.max.toordinal()

Pairs = list[tuple[int, int]]


class ResourceRow(NamedTuple):
    """One person, room or device. `hours`, `dated` and `places` are the rows below, each an array of numbers."""

    pk: int
    type: str
    name: str
    turnaround_minutes: int
    is_active: bool
    is_of_location: bool
    kind: str
    serves_all: bool
    treats: bool
    may_assist: bool
    usable_until: int | None
    hours: list[list[int]]
    dated: list[list[int]]
    places: list[list[int]]


class UsualHours(NamedTuple):
    """Weekly hours; `valid_until` is the last date, `is_open` whether this channel and service may use them."""

    weekday: int
    starts: int
    ends: int
    cycle_weeks: int
    cycle_week: int
    is_open: int
    valid_from: date
    valid_until: date

    @classmethod
    def of(cls, numbers: list[int]) -> "UsualHours":
        return cls(*numbers[:6], *map(date.fromordinal, numbers[6:]))


class HoursOfADay(NamedTuple):
    """Hours of one date; `is_here` is false for a day off and for hours at another location."""

    on: int
    replaces_usual: int
    is_here: int
    starts: int
    ends: int
    is_open: int


@dataclass(frozen=True)
class Wanted:
    """Which resources to read: those named, the rooms and devices of these kinds, and everybody who works there.

    With `among` none but these.
    """

    location_id: int
    service_id: int
    technique_ids: list[int]
    channel: str
    named: list[int]
    room_kinds: list[str]
    device_kinds: list[str]
    with_everybody: bool
    among: list[int] | None = None


_RESOURCES = """
SELECT r.id, r.type, r.name, r.turnaround_minutes, r.is_active,
  r.location_id IS NOT DISTINCT FROM %(location_id)s,
  COALESCE(room.kind, device.kind, ''), COALESCE(room.serves_all, false),
  COALESCE(person.treats, false), COALESCE(person.may_assist, false),
  CASE WHEN person.resource_id IS NULL THEN
    COALESCE(device.calibration_due_on - DATE '0001-01-01' + 1, %(forever)s)
  ELSE (
    SELECT CASE WHEN count(*) = cardinality(%(technique_ids)s::bigint[]) THEN
      COALESCE(min(COALESCE(q.valid_until - DATE '0001-01-01' + 1, %(forever)s)), %(forever)s) END
    FROM clinic_qualification q
    WHERE q.practitioner_id = r.id AND q.technique_id = ANY(%(technique_ids)s::bigint[])
  ) END,
  COALESCE(CASE WHEN person.resource_id IS NOT NULL THEN (
    SELECT array_agg(ARRAY[h.weekday,
      ceil(date_part('epoch', h.starts) / 60)::int,
      CASE h.ends WHEN '00:00' THEN 1440 ELSE floor(date_part('epoch', h.ends) / 60)::int END,
      h.cycle_weeks, h.cycle_week,
      (CASE %(channel)s WHEN 'online' THEN h.is_open_online ELSE h.is_open_desk END AND (
        EXISTS (SELECT FROM clinic_workinghours_services s
          WHERE s.workinghours_id = h.id AND s.service_id = %(service_id)s)
        OR NOT EXISTS (SELECT FROM clinic_workinghours_services s WHERE s.workinghours_id = h.id)))::int,
      h.valid_from - DATE '0001-01-01' + 1, COALESCE(h.valid_until - DATE '0001-01-01' + 1, %(forever)s)
    ] ORDER BY h.id) FROM clinic_workinghours h
    WHERE h.practitioner_id = r.id AND h.location_id = %(location_id)s
      AND h.valid_from <= %(last)s AND (h.valid_until IS NULL OR h.valid_until >= %(first)s)) END, '{}'),
  COALESCE(CASE WHEN person.resource_id IS NOT NULL THEN (
    SELECT array_agg(ARRAY[d."on" - DATE '0001-01-01' + 1, d.replaces_usual::int,
      COALESCE(d.location_id = %(location_id)s, false)::int,
      COALESCE(ceil(date_part('epoch', d.starts) / 60)::int, 0),
      COALESCE(CASE d.ends WHEN '00:00' THEN 1440 ELSE floor(date_part('epoch', d.ends) / 60)::int END, 0),
      CASE %(channel)s WHEN 'online' THEN d.is_open_online ELSE d.is_open_desk END::int
    ] ORDER BY d.id) FROM clinic_datedhours d
    WHERE d.practitioner_id = r.id AND d."on" BETWEEN %(first)s AND %(last)s) END, '{}'),
  COALESCE(CASE WHEN device.resource_id IS NOT NULL THEN (
    SELECT array_agg(ARRAY[p."on" - DATE '0001-01-01' + 1, (p.location_id = %(location_id)s)::int])
    FROM clinic_deviceplace p WHERE p.device_id = r.id AND p."on" BETWEEN %(first)s AND %(last)s) END, '{}')
FROM clinic_resource r
LEFT JOIN clinic_room room ON room.resource_id = r.id
LEFT JOIN clinic_device device ON device.resource_id = r.id
LEFT JOIN clinic_practitioner person ON person.resource_id = r.id
WHERE (%(among)s::bigint[] IS NULL OR r.id = ANY(%(among)s::bigint[]))
AND (r.id = ANY(%(named)s::bigint[]) OR (r.is_active AND (
  (r.location_id = %(location_id)s AND cardinality(%(room_kinds)s::text[]) > 0
    AND (room.kind = ANY(%(room_kinds)s::text[]) OR room.serves_all))
  OR (device.kind = ANY(%(device_kinds)s::text[]) AND (r.location_id = %(location_id)s OR EXISTS (
    SELECT FROM clinic_deviceplace p WHERE p.device_id = r.id AND p.location_id = %(location_id)s
      AND p."on" BETWEEN %(first)s AND %(last)s)))
  OR (%(with_everybody)s AND person.resource_id IS NOT NULL AND (r.location_id = %(location_id)s
    OR EXISTS (SELECT FROM clinic_workinghours h WHERE h.practitioner_id = r.id AND h.location_id = %(location_id)s)
    OR EXISTS (SELECT FROM clinic_datedhours d WHERE d.practitioner_id = r.id AND d.location_id = %(location_id)s
      AND d."on" BETWEEN %(first)s AND %(last)s)))
)))
"""

# The bound on the start of a claim or a visit, which lasts at most 12 hours (`availability.LONGEST_MINUTES`), keeps the
# index range as short as the time asked for. Turnaround comes after that time, and a way of up to 12 hours around it.
_TURNAROUND = "(SELECT max(turnaround_minutes) FROM found) * INTERVAL '1 minute'"
_SPANS = f"""
SELECT 'taken', c.resource_id, array_agg(floor(date_part('epoch', c.starts_at) / 60)::int),
  array_agg(ceil(date_part('epoch', c.ends_at) / 60)::int)
FROM (taken claims) c LEFT JOIN clinic_hold h ON h.id = c.hold_id
WHERE c.live AND c.resource_id = ANY(ARRAY(SELECT pk FROM found))
  AND c.starts_at > %(start)s - INTERVAL '12 hours' AND c.starts_at < %(end)s + {_TURNAROUND}
  AND c.ends_at > %(start)s
  AND (c.hold_id IS NULL OR (h.kept_until > %(now)s AND c.hold_id <> %(ignore_hold)s))
  AND c.appointment_id IS DISTINCT FROM %(ignore)s
GROUP BY c.resource_id
UNION ALL
SELECT 'travel', c.resource_id, array_agg(floor(date_part('epoch', c.starts_at) / 60)::int - t.minutes),
  array_agg(ceil(date_part('epoch', c.ends_at) / 60)::int + t.minutes)
FROM (claims elsewhere) c
LEFT JOIN clinic_hold h ON h.id = c.hold_id
LEFT JOIN clinic_appointment a ON a.id = c.appointment_id
JOIN clinic_traveltime t ON %(location_id)s IN (t.start_id, t.end_id)
  AND COALESCE(a.location_id, h.location_id) IN (t.start_id, t.end_id)
WHERE EXISTS (SELECT FROM clinic_traveltime WHERE %(location_id)s IN (start_id, end_id))
  AND COALESCE(a.location_id, h.location_id) <> %(location_id)s
  AND c.live AND c.resource_id = ANY(ARRAY(SELECT pk FROM found WHERE type = %(person)s))
  AND c.starts_at > %(start)s - INTERVAL '24 hours' AND c.starts_at < %(end)s + INTERVAL '12 hours'
  AND c.ends_at > %(start)s - INTERVAL '12 hours'
  AND (c.hold_id IS NULL OR (h.kept_until > %(now)s AND c.hold_id <> %(ignore_hold)s))
  AND c.appointment_id IS DISTINCT FROM %(ignore)s
GROUP BY c.resource_id
UNION ALL
SELECT 'absent', resource_id, array_agg(floor(date_part('epoch', starts_at) / 60)::int),
  array_agg(ceil(date_part('epoch', ends_at) / 60)::int)
FROM clinic_absence
WHERE resource_id = ANY(ARRAY(SELECT pk FROM found)) AND starts_at < %(end)s + {_TURNAROUND} AND ends_at > %(start)s
GROUP BY resource_id
UNION ALL
SELECT 'patient', 0, array_agg(floor(date_part('epoch', a.starts_at) / 60)::int),
  array_agg(ceil(date_part('epoch', a.ends_at) / 60)::int)
FROM clinic_appointment a JOIN patients_patient p ON p.id = a.patient_id
WHERE (p.id = %(patient)s OR p.merged_into_id = %(patient)s) AND a.status = ANY(%(live)s)
  AND a.starts_at > %(start)s - INTERVAL '12 hours' AND a.starts_at < %(end)s AND a.ends_at > %(start)s
  AND a.id <> %(ignore)s
HAVING count(*) > 0
UNION ALL
SELECT 'closed', 0, array_agg(floor(date_part('epoch', starts_at) / 60)::int),
  array_agg(ceil(date_part('epoch', ends_at) / 60)::int)
FROM clinic_closure WHERE location_id = %(location_id)s AND starts_at < %(end)s AND ends_at > %(start)s
HAVING count(*) > 0
UNION ALL
SELECT 'opening', weekday, array_agg(ceil(date_part('epoch', opens) / 60)::int),
  array_agg(CASE closes WHEN '00:00' THEN 1440 ELSE floor(date_part('epoch', closes) / 60)::int END)
FROM clinic_openinghours WHERE location_id = %(location_id)s GROUP BY weekday
UNION ALL
SELECT 'extra', "on" - DATE '0001-01-01' + 1, array_agg(ceil(date_part('epoch', opens) / 60)::int),
  array_agg(CASE closes WHEN '00:00' THEN 1440 ELSE floor(date_part('epoch', closes) / 60)::int END)
FROM clinic_extraopening WHERE location_id = %(location_id)s AND "on" BETWEEN %(first)s AND %(last)s GROUP BY "on"
"""  # noqa: S608 (the text is our own)
_TYPES = {
    "location_id": "bigint", "service_id": "bigint", "technique_ids": "bigint[]", "channel": "text",
    "named": "bigint[]", "room_kinds": "text[]", "device_kinds": "text[]", "with_everybody": "boolean",
    "among": "bigint[]", "first": "date", "last": "date", "forever": "int", "patient": "bigint", "person": "text",
    "start": "timestamptz", "end": "timestamptz", "now": "timestamptz", "ignore": "bigint", "ignore_hold": "bigint",
    "live": "text[]",
}  # fmt: skip


def _claims_of_stretches(*, around: str, after: str) -> str:
    """For stretches that are far apart: what was booked between them is not read."""
    return f"""unnest(%(begins)s, %(finishes)s) AS stretch (begins, finishes)
CROSS JOIN found
CROSS JOIN LATERAL (SELECT * FROM clinic_claim WHERE live AND resource_id = found.pk
  AND starts_at > stretch.begins - {around} - INTERVAL '12 hours' AND starts_at < stretch.finishes + {after}
  AND ends_at > stretch.begins - {around} OFFSET 0) c"""  # noqa: S608 (the text is our own)


def _of(taken: str, elsewhere: str) -> str:
    """The whole statement: what lies in the time of those that it found, then who and what these are."""
    spans = _SPANS.replace("(taken claims) c", taken).replace("(claims elsewhere) c", elsewhere)
    return f"""
WITH found ({", ".join(ResourceRow._fields)}) AS ({_RESOURCES})
SELECT spans.*, NULL::json FROM ({spans}) AS spans
UNION ALL SELECT 'resources', 0, NULL, NULL, COALESCE(json_agg(found), '[]') FROM found
"""  # noqa: S608 (the text is our own)


_ROWS = Prepared("diary_rows", _of("clinic_claim c", "clinic_claim c"), **_TYPES)
_ROWS_OF_STRETCHES = Prepared(
    "diary_rows_of_stretches",
    _of(
        _claims_of_stretches(around="INTERVAL '0'", after=_TURNAROUND),
        _claims_of_stretches(around="INTERVAL '12 hours'", after="INTERVAL '12 hours'"),
    ),
    **_TYPES, begins="timestamptz[]", finishes="timestamptz[]",
)  # fmt: skip

_SESSIONS = Prepared("diary_sessions", """
SELECT s.number, phase.interval_min_days, phase.interval_ideal_days, phase.interval_max_days, s.done_on,
  s.not_before_on, s.best_on, s.not_after_on, series.expires_on, a.starts_at, place.time_zone,
  series.first_possible_on
FROM treatments_treatmentsession s
JOIN treatments_treatmentseries series ON series.id = s.series_id
JOIN treatments_phase phase ON phase.id = s.phase_id
LEFT JOIN clinic_appointment a ON a.session_id = s.id AND a.status = ANY(%(live)s) AND a.id <> %(ignore)s
LEFT JOIN clinic_location place ON place.id = a.location_id
WHERE s.series_id = %(series)s AND s.state <> ALL(%(out)s)
  -- One that a visit has used up though it did not take place (as `AppointmentQuerySet.using_up` says it) is over.
  AND NOT (s.state = ANY(%(open)s) AND EXISTS (
    SELECT FROM clinic_appointment lost JOIN clinic_location was_at ON was_at.id = lost.location_id
    WHERE lost.session_id = s.id AND lost.id <> %(ignore)s AND lost.status IN ('cancelled', 'no_show')
      AND COALESCE(lost.uses_session, CASE lost.status WHEN 'no_show' THEN was_at.no_show_counts
        ELSE was_at.late_cancel_counts AND lost.is_late_cancellation AND lost.cancelled_by = 'patient' END)))
ORDER BY s.number
""", series="bigint", ignore="bigint", live="text[]", out="text[]", open="text[]")  # fmt: skip

_LIVE = [status.value for status in Appointment.LIVE]
_OUT_OF_THE_COURSE = [state.value for state in TreatmentSession.OUT_OF_THE_COURSE]
_OPEN = [state.value for state in TreatmentSession.OPEN]


def near(
    wanted: Wanted, *, patient_id: int | None, start: datetime, end: datetime, now: datetime, ignore_id: int | None,
    ignore_hold_id: int | None, first: date, last: date, stretches: Sequence[timespans.Span] = (), after: str = "",
) -> tuple[list[ResourceRow], dict[tuple[str, int], Pairs]]:  # fmt: skip
    """Everybody and everything that could take part on the local dates first to last, the one made first first.

    And what lies between two moments, by what it is and whose: a resource, a weekday (opening), a date (extra) or 0.
    Holds whose time is over at `now` do not count. `travel` is a person's time elsewhere, with the way on both sides.
    Turnarounds after the end and ways around both are looked at too. With `stretches`, what was booked outside them is
    left out. `after`: SQL to run just before.
    """
    asked = vars(wanted) | {
        "patient": patient_id or 0, "start": start, "end": end, "now": now, "ignore": ignore_id or 0,
        "ignore_hold": ignore_hold_id or 0, "first": first, "last": last, "live": _LIVE, "forever": FOREVER,
        "person": visits.PRACTITIONER,
    }  # fmt: skip
    statement = _ROWS
    if stretches:
        statement = _ROWS_OF_STRETCHES
        asked |= {"begins": [each.start for each in stretches], "finishes": [each.end for each in stretches]}
    resources, spans = [], defaultdict(list)
    for what, whose, starts, ends, rows in statement.rows(asked, after=after):
        if rows is None:
            spans[what, whose] = list(zip(starts, ends, strict=True))
        else:
            resources = sorted(ResourceRow(*row.values()) for row in rows)
    return resources, spans


def sessions(series_id: int, ignore_id: int | None) -> tuple[list[PlannedSession], date | None]:
    """The sessions of a series with the local day each is booked on, and the first day that is possible at all.

    Those that are skipped, cancelled or used up are left out.
    """
    states = {"live": _LIVE, "out": _OUT_OF_THE_COURSE, "open": _OPEN}
    rows = _SESSIONS.rows({"series": series_id, "ignore": ignore_id or 0, **states})
    planned = [
        PlannedSession(
            number=number,
            interval_min_days=least,
            interval_ideal_days=ideal,
            interval_max_days=most,
            done_on=done_on,
            booked_on=timespans.date_of(ZoneInfo(zone), starts_at) if starts_at else None,
            not_before_on=not_before_on,
            best_on=best_on,
            not_after_on=not_after_on,
            expires_on=until,
        )
        for number, least, ideal, most, done_on, not_before_on, best_on, not_after_on, until, starts_at, zone, _ in rows
    ]
    return planned, rows[0][-1] if rows else None
