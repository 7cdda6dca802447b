"""The rules of a diary in plain Python, minute by minute: what the state machine is compared with.

It imports nothing of the product. Minutes are counted from 1970 in UTC; whether a wall time is reached is found by
looking at every minute of the date.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEEPS_ITS_TIME = {"booked", "confirmed", "arrived", "in_treatment", "completed"}
STEPS = {
    "confirm": ({"booked"}, "confirmed"),
    "check_in": ({"booked", "confirmed"}, "arrived"),
    "start": ({"arrived"}, "in_treatment"),
    "complete": ({"in_treatment"}, "completed"),
    "cancel": ({"booked", "confirmed"}, "cancelled"),
    "no_show": ({"booked", "confirmed"}, "no_show"),
    "enter_in_error": (KEEPS_ITS_TIME | {"cancelled", "no_show"}, "entered_in_error"),
}
TAKEN_BACK = {
    "confirmed": "booked",
    "arrived": "booked",
    "in_treatment": "arrived",
    "completed": "in_treatment",
    "cancelled": "booked",
    "no_show": "booked",
}
# What a kind of visit holds: (kind of thing, from, in use until, held until) in minutes after its start.
SHAPES = {
    "talk": (30, [("person", 0, 30, 30)]),
    "treatment": (60, [("person", 30, 60, 60), ("room", 0, 60, 75), ("device", 30, 60, 60)]),
}


def moment(minute: int) -> datetime:
    return EPOCH + timedelta(minutes=minute)


def minute_of(when: datetime) -> int:
    return int((when - EPOCH).total_seconds()) // 60


@dataclass
class Thing:
    """A person, room or device; `hours` are wall minutes of every day, for people."""

    kind: str
    turnaround: int = 0
    hours: tuple = ()


@dataclass
class Booked:
    """A visit or a time kept: whose, when, and what it takes as {thing: (start, end)}."""

    kind: str
    patient: int
    start: int
    takes: dict[int, tuple[int, int]]
    status: str = "booked"
    kept_until: int | None = None

    @property
    def person(self) -> int:
        return min(self.takes)  # people were made first

    @property
    def end(self) -> int:
        return self.start + SHAPES[self.kind][0]


@dataclass
class Diary:
    """What is where; `now` only goes forward."""

    zone: ZoneInfo
    now: int
    grid: int
    opening: tuple[int, int]
    things: dict[int, Thing]
    visits: dict[int, Booked] = field(default_factory=dict)
    kept: dict[int, Booked] = field(default_factory=dict)
    absences: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    closures: dict[int, tuple[int, int]] = field(default_factory=dict)

    def taken(self, *, besides: Booked | None = None) -> list[tuple[int, int, int]]:
        """Every (thing, start, end) that counts now."""
        rows = [one for one in self.visits.values() if one.status in KEEPS_ITS_TIME]
        rows += [one for one in self.kept.values() if one.status == "kept" and one.kept_until > self.now]
        return [(thing, *span) for one in rows if one is not besides for thing, span in one.takes.items()]

    def can_have(
        self, kind: str, patient: int, start: int, person: int | None = None, besides: Booked | None = None,
        is_put_back: bool = False,
    ) -> bool:  # fmt: skip
        """Whether the visit is possible; one that is put back was in the diary before, so hours do not bind it."""
        stay = range(start, start + SHAPES[kind][0])
        for one in self.visits.values():
            met = one.status in KEEPS_ITS_TIME and one is not besides and one.patient == patient
            if met and one.start < stay.stop and start < one.end:
                return False
        wall = wall_of(self.zone.key, start)[1]
        if not is_put_back and (start < self.now or wall % self.grid or not self.is_open(stay)):
            return False
        taken = self.taken(besides=besides)
        return all(
            any(
                self.serves(pk, part, start, taken, is_put_back=is_put_back)
                for pk, thing in self.things.items()
                if thing.kind == part[0] and (person in (None, pk) or part[0] != "person")
            )
            for part in SHAPES[kind][1]
        )

    def is_open(self, stay: range) -> bool:
        closed = any(start < stay.stop and stay.start < end for start, end in self.closures.values())
        return not closed and all(in_hours(self.zone.key, minute, self.opening) for minute in stay)

    def serves(self, pk: int, part: tuple, start: int, taken: list, *, is_put_back: bool = False) -> bool:
        """Whether the thing is free for its part, there, and at work."""
        thing, (_kind, begins, in_use, _held) = self.things[pk], part
        span = self.span(pk, part, start)
        if any(one == pk and begin < span[1] and span[0] < end for one, begin, end in taken):
            return False
        if is_put_back and thing.kind == "person":
            return True
        if any(one == pk and begin < span[1] and span[0] < end for one, begin, end in self.absences.values()):
            return False
        minutes = range(start + begins, start + in_use)
        return thing.kind != "person" or all(
            any(in_hours(self.zone.key, minute, hours) for hours in thing.hours) for minute in minutes
        )

    def span(self, pk: int, part: tuple, start: int) -> tuple[int, int]:
        _kind, begins, in_use, held = part
        return start + begins, start + max(held, in_use + self.things[pk].turnaround)

    def fits(self, one: Booked, *, is_put_back: bool = False) -> bool:
        """Whether what was picked is what the visit needs, and was free."""
        parts = {part[0]: part for part in SHAPES[one.kind][1]}
        taken = self.taken(besides=one)
        return len(one.takes) == len(parts) and all(
            span == self.span(pk, parts[self.things[pk].kind], one.start)
            and self.serves(pk, parts[self.things[pk].kind], one.start, taken, is_put_back=is_put_back)
            for pk, span in one.takes.items()
        )


@cache
def wall_of(zone: str, minute: int) -> tuple[date, int]:
    """The local date and the minutes on the clock."""
    local = moment(minute).astimezone(ZoneInfo(zone))
    return local.date(), local.hour * 60 + local.minute


@cache
def minutes_of_day(zone: str, day: date) -> list[tuple[int, int]]:
    """Every minute of a local date with what the clock shows."""
    noon = minute_of(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    around = range(noon - 30 * 60, noon + 30 * 60)
    return [(minute, wall_of(zone, minute)[1]) for minute in around if wall_of(zone, minute)[0] == day]


def reached(zone: str, day: date, wall: int) -> int:
    """The first minute of the date at which the clock shows this much or more; the end of the date if it never does."""
    minutes = minutes_of_day(zone, day)
    return next((minute for minute, shown in minutes if shown >= wall), minutes[-1][0] + 1)


@cache
def in_hours(zone: str, minute: int, hours: tuple[int, int]) -> bool:
    """Whether the minute lies in these hours of its own date."""
    day = wall_of(zone, minute)[0]
    return reached(zone, day, hours[0]) <= minute < reached(zone, day, hours[1])
