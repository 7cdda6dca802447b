"""A clinic's calendar in plain Python, minute by minute: what the availability engine is compared with.

It shares nothing with the engine: wall time is found by looking at every minute, a start is free if every minute it
needs is, and a reason is removed by not asking its rule about the person or thing that it is about.
`random_calendars` makes such worlds, `stored_calendars` puts them into the diary.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
PEOPLE = ("practitioner", "assistant")
ROOMS = ("room", "lounge")
NO = {"practitioner": "not_qualified", "assistant": "no_assistant", "room": "no_room", "lounge": "no_room", "device": "no_device"}  # fmt: skip # noqa: E501 (one row of a table)


@dataclass
class Row:
    """Hours on the wall of a weekday or of one date; whoever books may use them only if they are open."""

    on: int | date
    starts: int
    ends: int
    is_open: bool = True
    replaces_usual: bool = False
    is_here: bool = True

    def holds_on(self, day):
        return self.on in (day, day.isoweekday())


@dataclass
class Thing:
    """A person, room or device. Spans are minutes since the first minute of the world; `away` is elsewhere."""

    what: str
    turnaround: int = 0
    hours: list = field(default_factory=list)
    dated: list = field(default_factory=list)
    taken: list = field(default_factory=list)
    away: list = field(default_factory=list)
    absent: list = field(default_factory=list)
    usable_until: date | None = None
    is_usable: bool = True
    treats: bool = True
    assists: bool = False
    serves_all: bool = False
    is_at_home: bool = True
    stays: dict = field(default_factory=dict)
    pk: int = 0

    def serves(self, what):
        if what == "practitioner":
            return self.what == "practitioner" and self.treats
        if what == "assistant":
            return self.what == "practitioner" and (self.treats or self.assists)
        return self.what == what or (self.serves_all and what in ROOMS)

    def is_here(self, day):
        return self.stays.get(day, self.is_at_home)

    def is_about(self, day):
        """Whether it belongs here, or is here as a guest."""
        return self.is_at_home or self.is_here(day)


@dataclass
class Course:
    """The session looked for is the second of three: the first is done, the third may be booked.

    `others` are visits of other courses: the day, the least days of that course, and whether it treats the same area;
    `apart` how many days those on other skin must be away.
    """

    done_on: date
    least: int
    most: int
    next_on: date | None
    next_least: int
    others: list = field(default_factory=list)
    apart: int = 0


@dataclass
class World:
    zone: ZoneInfo
    first: date
    last: date
    now: int
    grid: int
    notice: int
    horizon: int
    channel: str
    opening: list
    extra: list
    closures: list
    things: list
    patient: list
    segments: list
    way: int
    course: Course | None

    def __post_init__(self):
        self.origin = datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC) - timedelta(days=2)
        self.walls = []
        for minute in range(((self.last - self.first).days + 5) * 1440):
            local = (self.origin + minute * MINUTE).astimezone(self.zone)
            self.walls.append((local.date(), local.hour * 60 + local.minute))
        self.days = {}
        for minute, (day, wall) in enumerate(self.walls):
            self.days.setdefault(day, []).append((minute, wall))
        self._seen = {}

    def moment(self, minute):
        return self.origin + minute * MINUTE

    def minute(self, moment):
        return (moment - self.origin) // MINUTE

    def minutes_of(self, rows):
        """The minutes of the rows: from the first whose wall time has reached the one to that of the other."""
        found = set()
        for day, minutes in self.days.items():
            end_of_day = minutes[-1][0] + 1
            for row in rows:
                if row.holds_on(day):
                    start = next((m for m, wall in minutes if wall >= row.starts), end_of_day)
                    end = next((m for m, wall in minutes if wall >= (row.ends or 1440)), end_of_day)
                    found.update(range(start, end))
        return found

    def at_work(self, thing, what):
        """The minutes of the usual hours, but for the days that have others; an assistant only has to be there."""

        def is_open(row):
            return row.is_open or what == "assistant"

        others = {row.on for row in thing.dated if row.replaces_usual}
        usual = self.minutes_of([row for row in thing.hours if is_open(row)])
        dated = self.minutes_of([row for row in thing.dated if row.is_here and is_open(row)])
        return {minute for minute in usual if self.walls[minute][0] not in others} | dated

    def needs(self):
        """(what -> list of (start, end in use, end)), and the minutes the patient is present."""
        clock, present, held = 0, 0, {}
        for kind, length, whats in self.segments:
            for what in whats:
                spans = held.setdefault(what, [])
                use = clock if kind == "turnaround" else clock + length
                if spans and spans[-1][2] == clock:
                    spans[-1] = (spans[-1][0], spans[-1][1] if kind == "turnaround" else use, clock + length)
                else:
                    spans.append((clock, use, clock + length))
            clock += length
            present = present if kind == "turnaround" else clock
        return held, present

    def once(self, key, make):
        """What does not depend on the start is made once."""
        if key not in self._seen:
            self._seen[key] = make()
        return self._seen[key]

    def free_starts(self):
        """Every start the clinic has, by what each minute says."""
        grid = (m for day in self.days if self.first <= day <= self.last for m, wall in self.days[day])
        return [start for start in grid if self.is_free(start)]

    def is_free(self, start, waived=frozenset()):
        """Whether the visit can begin then, if the rules in `waived` (code, whom it is about) are not asked."""
        held, present = self.needs()
        if any((code, None) not in waived for code in self.broken(start, range(start, start + present))):
            return False
        parts = {what: spans for what, spans in held.items() if not self.is_waived(what, start, waived)}
        people = {what: parts.pop(what) for what in PEOPLE if what in parts}
        able = {
            what: [t for t in self.things if t.serves(what) and self.can(t, what, start, spans, waived)]
            for what, spans in [*parts.items(), *people.items()]
        }
        if len(people) == 2:
            pairs = {(one.pk, other.pk) for one in able["practitioner"] for other in able["assistant"]}
            if not any(one != other for one, other in pairs):
                return False
        return all(able.values())

    def is_waived(self, what, start, waived):
        """Whether the visit does without: of rooms and devices only what the clinic does not have in these days."""
        near = [self.walls[start][0] + timedelta(days=n) for n in (-1, 0, 1)]
        has_some = what != "assistant" and any(
            thing.serves(what) and (what in PEOPLE or (thing.is_usable and any(map(thing.is_about, near))))
            for thing in self.things
        )
        return (NO[what], None) in waived and not has_some

    def broken(self, start, stay):
        """The codes of the rules about the time and the day that the start breaks."""
        day, wall = self.walls[start]
        opening = self.once("opening", lambda: self.minutes_of([*self.opening, *self.extra]))
        closed = self.once("closed", lambda: minutes_in(self.closures))
        patient = self.once("patient", lambda: minutes_in(self.patient))
        rules = {
            "off_grid": wall % self.grid,
            "past": start < self.now,
            "inside_notice": self.now <= start < self.now + self.notice,
            "beyond_horizon": day > self.walls[self.now][0] + timedelta(days=self.horizon),
            "closed": any((self.opening and m not in opening) or m in closed for m in stay),
            "patient_busy": any(m in patient for m in stay),
            **self.broken_course(day),
        }
        return [code for code, is_broken in rules.items() if is_broken]

    def broken_course(self, day):
        course = self.course
        if course is None:
            return {}
        near = [
            is_same
            for on, least, is_same in course.others
            if abs((day - on).days) < (max(course.least, least) if is_same else course.apart)
        ]
        return {
            "near_same_area": any(near),
            "near_other_area": near and not any(near),
            "before_window": day < course.done_on + timedelta(days=course.least),
            "after_window": day > course.done_on + timedelta(days=course.most),
            "too_close_to_next": course.next_on and course.next_on < day + timedelta(days=course.next_least),
        }

    def can(self, thing, what, start, spans, waived=frozenset()):
        """Whether the thing is usable that day and free, its turnaround included, and at work where it is a person."""
        if what not in PEOPLE and not thing.is_usable:
            return False
        return all((code, thing.pk) in waived for code in self.why_not(thing, what, start, spans))

    def held(self, thing, start, spans):
        """The minutes for which the thing is taken, after its last use for the longer turnaround."""
        return {minute for stretch in stretches(thing, start, spans) for minute in stretch}

    def why_not(self, thing, what, start, spans):
        """The codes of the rules about one person or thing that the start breaks."""
        day = self.walls[start][0]
        held = stretches(thing, start, spans)
        if what in PEOPLE:
            used = [range(start + begins, start + in_use) for begins, in_use, _ends in spans]
            yield from self.why_not_them(thing, what, held, used)
        elif touches(thing.taken, held) or touches(thing.absent, held):
            yield NO[what]
        is_over = thing.usable_until and day > thing.usable_until
        if what == "practitioner" and (is_over or not thing.is_usable):
            yield "not_qualified"
        if what == "device" and is_over:
            yield "device_due"
        if what == "device" and not thing.is_here(day):
            yield "device_elsewhere"

    def why_not_them(self, person, what, held, used):
        at_work = self.once((id(person), what), lambda: self.at_work(person, what))
        if touches(person.taken + person.away, held):
            yield "busy"
        if touches(person.absent, held):
            yield "absent"
        if any(m not in at_work for minutes in used for m in minutes):
            yield "outside_hours"
        far = [span for span in person.away if not touches([span], held)]
        if touches([(start - self.way, end + self.way) for start, end in far], held):
            yield "travel"


def stretches(thing, start, spans):
    last = len(spans) - 1
    return [
        range(start + begins, start + (max(ends, in_use + thing.turnaround) if number == last else ends))
        for number, (begins, in_use, ends) in enumerate(spans)
    ]


def touches(spans, stretches):
    return any(start < each.stop and each.start < end for start, end in spans for each in stretches if each)


def minutes_in(spans):
    return {minute for start, end in spans for minute in range(start, end)}
