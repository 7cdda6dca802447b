"""What a plan stands on: the course, the free starts of every day, and the days that are forbidden.

Read at once for the whole stretch. The rules about the days of the course are left to `search`, which knows the visits
that the diary does not have yet.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property

from clinic import boards, calendars, fitting, gate, reasons, timespans
from clinic.availability import request_for
from clinic.calendars import LEAD, Board, Request
from clinic.fitting import Offer
from clinic.models import Appointment, Location
from clinic.scheduling.course_rows import Asked, CourseRows, Pin, Reach, is_open, moment_of
from clinic.scheduling.search import Option, Prices, Step
from clinic.scheduling.wishing import SAME, Wish
from clinic.spacing import Elsewhere, too_close
from treatments.models import TreatmentSeries, TreatmentSession
from treatments.safety import Blocked
from treatments.windows import PlannedSession

Options = Mapping[int, list[Option]]


@dataclass
class Place:
    """One location with the board of the stretch; `starts` has the free ones of each person as a mask.

    `days` are the boards of single days, as far as they were asked for.
    """

    location: Location
    request: Request
    board: Board
    starts: dict[int | None, int]
    days: dict[date, Board] = field(default_factory=dict, repr=False)

    def offer(self, starts_at: datetime, person: int | None) -> Offer:
        """What a start takes, with that person; it must be a free one."""
        day = timespans.date_of(self.location.zone, starts_at)
        if day not in self.days:
            self.days[day] = calendars.on_day(self.board, day)
        return _offer_on(self.request, self.days[day], starts_at, person)

    def is_free(self, start: int, person: int | None) -> bool:
        minute = start - self.board.ruler.base
        return 0 <= minute < self.board.ruler.length and bool(self.starts[person] >> minute & 1)


def offer_of(request: Request, board: Board, starts_at: datetime, person: int | None) -> Offer | None:
    """What a start takes with that person, on a board of many days; None if it is not free."""
    day = timespans.date_of(request.location.zone, starts_at)
    return _offer_on(request, calendars.on_day(board, day), starts_at, person)


def _offer_on(request: Request, board: Board, starts_at: datetime, person: int | None) -> Offer | None:
    if person is not None:
        leader = [calendar for calendar in board.groups[LEAD] if calendar.resource_id == person]
        groups = {key: _turned(group, person) for key, group in board.groups.items()}
        board = replace(board, groups=groups | {LEAD: leader})
    offers = fitting.offers(request, board, 1 << board.ruler.minute(starts_at), frozenset())
    return offers[0] if offers else None


@dataclass
class Ground:
    """Everything that decides a plan of one series between two local days."""

    series: TreatmentSeries
    wish: Wish
    home: Location
    now: datetime
    asked: Asked
    first: date
    last: date
    sessions: list[TreatmentSession]
    planned: dict[int, PlannedSession]
    visits: dict[int, Appointment]
    places: dict[int, Place]
    elsewhere: list[Elsewhere]
    rows: CourseRows = field(repr=False)
    pins: Mapping[int, Pin] = field(default_factory=dict)
    is_safety_asked: bool = True

    @property
    def open_ones(self) -> list[TreatmentSession]:
        """Those to be placed."""
        return [session for session in self.sessions if is_open(session, self.visits)]

    @property
    def prices(self) -> Prices:
        home = self.home
        return Prices(home.cost_of_change, home.cost_of_lateness, home.cost_of_each_late_day)

    @property
    def today(self) -> date:
        """The local day at the usual location."""
        return timespans.date_of(self.home.zone, self.now)

    @cached_property
    def blocked(self) -> dict[int, list[Blocked]]:
        """The stretches of days on which safety forbids a session, by its number."""
        if not self.is_safety_asked:
            return {}
        return gate.days_blocked(self.series, self.open_ones, self.first, self.last)

    @cached_property
    def everywhere(self) -> "Ground":
        """With all locations: a course is looked for at the usual one first."""
        others = [each for each in self.rows.locations if each.pk not in self.places and each != self.home]
        found = _places(self.rows, others, (self.first, self.last), self.pins, self.now)
        return replace(self, places=self.places | found)

    @property
    def has_all_that_counts(self) -> bool:
        """Whether there is no other location."""
        return len(self.rows.locations) <= len(self.places)

    @cached_property
    def whole(self) -> "Ground":
        """With every day; one that was read for chosen starts alone knows no others."""
        if not self.pins:
            return self
        reach = Reach.of(self.rows, self.asked, self.pins, self.now)
        found = read(self.rows, self.wish, self.asked, (reach.first, reach.likely), self.now)
        return found if self.places.keys() <= found.places.keys() else found.everywhere

    def day_of(self, option: Option) -> date:
        """The local day of an option."""
        return timespans.date_of(self.places[option.place].location.zone, moment_of(option.start))

    @cached_property
    def options(self) -> Options:
        """The best start of each day with each person who may be asked."""
        people = [self.wish.practitioner_id, None] if self.wish.who == SAME else None
        return self.options_with(people, self.wish.not_on)

    def options_with(self, people: Iterable[int | None] | None, not_on: frozenset[date]) -> Options:
        """The same with these people alone (all if None), and not on these days."""
        found: dict[int, dict[int | None, Option]] = defaultdict(dict)
        for place in self.places.values():
            for person in place.starts if people is None else place.starts.keys() & set(people):
                for day, option in self._by_day(place, person):
                    known = found[day.toordinal()].get(person)
                    if day not in not_on and (known is None or (option.cost, option.rank) < (known.cost, known.rank)):
                        found[day.toordinal()][person] = option
        return {day: list(each.values()) for day, each in found.items() if each}

    def _by_day(self, place: Place, person: int | None) -> Iterable[tuple[date, Option]]:
        """For each day the first start within the wished times, or else the first; with what it costs."""
        ruler, home, dear = place.board.ruler, self.home, self.home.cost_of_time
        mask = place.starts[person]
        always = 0 if self.wish.is_with(person) else home.cost_of_practitioner
        always += 0 if place.location.pk == home.pk else home.cost_of_location
        free = bin(mask)[:1:-1]
        wished = bin(mask & self._wished(place))[:1:-1] if self.wish.has_times and dear else free
        for day in ruler.dates[1:-1]:
            begin, end = ruler.minutes_of(day)
            minute, cost = wished.find("1", begin, end), always
            if minute < 0 and wished is not free:
                minute, cost = free.find("1", begin, end), always + dear
            if minute >= 0:
                cost += 0 if self.wish.is_on_a_good_day(day) else home.cost_of_weekday
                yield day, Option(ruler.base + minute, place.location.pk, person, cost)

    def _wished(self, place: Place) -> int:
        """The minutes of the stretch that are within the wished times."""
        ruler, wish = place.board.ruler, self.wish
        first, last = _minute_of_day(wish.earliest or time(0)), _minute_of_day(wish.latest or time(23, 59)) + 1
        usual = [day for day in ruler.dates if not ruler.has_clock_change(day)]
        mask = ruler.mask((ruler.midnight(day) + first, ruler.midnight(day) + last) for day in usual)
        for day in set(ruler.dates) - set(usual):
            minutes = range(*ruler.minutes_of(day))
            mask |= ruler.mask(
                (minute, minute + 1) for minute in minutes if wish.is_at_a_good_time(_wall(place, ruler.moment(minute)))
            )
        return mask

    def option(self, place: Place, start: int, person: int | None) -> Option:
        """A start with what it costs by itself."""
        home = self.home
        prices = {
            "weekday": home.cost_of_weekday,
            "time": home.cost_of_time,
            "practitioner": home.cost_of_practitioner,
            "location": home.cost_of_location,
        }
        cost = sum(prices[miss] for miss in self.misses(place, start, person))
        return Option(start, place.location.pk, person, cost)

    def misses(self, place: Place, start: int, person: int | None) -> list[str]:
        """What of the wishes a start does not have."""
        moment = moment_of(start).astimezone(place.location.zone)
        wish = self.wish
        kept = {
            "weekday": wish.is_on_a_good_day(moment.date()),
            "time": wish.is_at_a_good_time(moment.time()),
            "practitioner": wish.is_with(person),
            "location": place.location.pk == self.home.pk,
        }
        return [what for what, is_kept in kept.items() if not is_kept]

    def pinned(self, session: TreatmentSession, pin: Pin) -> Options:
        """The options of a session whose start the person has chosen."""
        found: dict[int, list[Option]] = defaultdict(list)
        for place in self.places.values():
            day = timespans.date_of(place.location.zone, moment_of(pin.start))
            is_asked = self.asked.first <= day <= (self.asked.until or day) and day not in self.wish.not_on
            if not is_asked or self.is_forbidden(session, day):
                continue
            for person in place.starts:
                may_be_asked = self.wish.who != SAME or person in (self.wish.practitioner_id, None)
                if may_be_asked and pin.person in (None, person) and place.is_free(pin.start, person):
                    found[day.toordinal()].append(self.option(place, pin.start, person))
        return found

    def days_of(self, session: TreatmentSession, options: Options | None = None) -> Options:
        """The options of an open session, without the days on which it is forbidden."""
        options = self.options if options is None else options
        if not self.blocked.get(session.number) and not self.elsewhere:
            return options
        return {day: found for day, found in options.items() if not self.is_forbidden(session, date.fromordinal(day))}

    def is_forbidden(self, session: TreatmentSession, day: date) -> bool:
        """Whether safety or another course of the patient keeps the session off that day."""
        return self.is_blocked(session, day) is not None or self.is_too_close(session, day) is not None

    def is_blocked(self, session: TreatmentSession, day: date) -> Blocked | None:
        blocked = self.blocked.get(session.number, ())
        return next((stretch for stretch in blocked if stretch.first <= day <= stretch.last), None)

    def is_too_close(self, session: TreatmentSession, day: date) -> Elsewhere | None:
        """The visit of another course that is too near to that day."""
        least = session.phase.interval_min_days
        return too_close(self.elsewhere, day, least_days=least, apart_days=self.home.apart_days)

    def steps(self, days: Mapping[int, Options]) -> list[Step]:
        """The course for the search; `days` has the options of the open sessions by number."""
        visits = self.visits
        return [
            Step(
                self.planned[session.number],
                visits[session.number].practitioner_id if session.number in visits else None,
                days.get(session.number),
            )
            for session in self.sessions
        ]


def read(
    rows: CourseRows, wish: Wish, asked: Asked, stretch: tuple[date, date], now: datetime, *,
    pins: Mapping[int, Pin] | None = None, is_safety_asked: bool = True,
) -> Ground:  # fmt: skip
    """Read the diary of the usual location for the local days from the first to the last of the stretch.

    With `pins` only the days of these chosen starts: nothing else can be asked of what is found.
    """
    return Ground(
        series=rows.series,
        wish=wish,
        home=rows.home,
        now=now,
        asked=asked,
        first=stretch[0],
        last=stretch[1],
        sessions=rows.sessions,
        planned=rows.planned,
        visits=rows.visits,
        places=_places(rows, [rows.home], stretch, pins or {}, now),
        elsewhere=rows.others,
        rows=rows,
        pins=pins or {},
        is_safety_asked=is_safety_asked,
    )


def stretch_of(pins: Mapping[int, Pin]) -> tuple[date, date]:
    """Local days, wherever, from the first to the last of the chosen starts."""
    days = [moment_of(pin.start).date() for pin in pins.values()]
    return min(days) - timespans.ONE_DAY, max(days) + timespans.ONE_DAY


def _places(
    rows: CourseRows, locations: Iterable[Location], stretch: tuple[date, date], pins: Mapping[int, Pin], now: datetime
) -> dict[int, Place]:
    session = next((each for each in rows.sessions if is_open(each, rows.visits)), None)
    found = {}
    for location in locations if session is not None else ():
        place = _place(rows, location, session, stretch, pins, now)
        if place is not None:
            found[location.pk] = place
    return found


def _place(
    rows: CourseRows, location: Location, session: TreatmentSession, stretch: tuple[date, date],
    pins: Mapping[int, Pin], now: datetime,
) -> Place | None:  # fmt: skip
    """The board of one location without the rules of the course; None if no day of it may be booked."""
    service = rows.series.protocol_version.protocol.service
    asked = request_for(location=location, service=service, session=session, patient=rows.series.patient)
    request = replace(asked, session=None)
    earliest = now + timedelta(minutes=request.notice_minutes)
    first = max(stretch[0], timespans.date_of(location.zone, earliest))
    last = min(stretch[1], reasons.last_day(request, now))
    days = {moment: timespans.date_of(location.zone, moment) for moment in (moment_of(p.start) for p in pins.values())}
    starts = [moment for moment, day in days.items() if first <= day <= last]
    if first > last or (days and not starts):
        return None
    if starts:
        board = calendars.read_starts(request, starts, now, people=_named(pins))
    else:
        board = calendars.read(request, first, last, now)
    known = sorted({days[moment] for moment in starts})
    if rows.present:
        boards.give_back(board, rows.given_back, rows.present)
    by_day = {day: calendars.on_day(board, day) for day in known}
    free: dict[int | None, int] = defaultdict(int)
    for each in by_day.values() if known else [board]:  # days that are far apart are shorter one by one
        for person, mask in _starts(request, each, earliest).items():
            free[person] |= mask << (each.ruler.base - board.ruler.base)
    return Place(location, request, board, dict(free), by_day)


def _starts(request: Request, board: Board, earliest: datetime) -> dict[int | None, int]:
    """The free starts of each person on the board."""
    ruler = board.ruler
    starts = ruler.grid(request.location.grid_minutes) & ruler.between(ruler.minute_up(earliest), ruler.length)
    if LEAD in board.groups:
        return fitting.starts_by_leader(request, board, starts)
    return {None: fitting.starts_without_leader(request, board, starts)}


def _named(pins: Mapping[int, Pin]) -> frozenset[int] | None:
    """The people of the chosen starts; None if anybody may be meant."""
    people = {pin.person for pin in pins.values()}
    return frozenset(people) if people and None not in people else None


def _turned(group: list, person: int) -> list:
    turn = person % len(group) if group else 0
    return group[turn:] + group[:turn]


def _minute_of_day(wall: time) -> int:
    return wall.hour * 60 + wall.minute


def _wall(place: Place, moment: datetime) -> time:
    return moment.astimezone(place.location.zone).time()
