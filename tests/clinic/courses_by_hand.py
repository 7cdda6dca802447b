"""The cheapest course in plain Python: every combination of starts is tried. What the planner is compared with.

It imports nothing of the product. Free starts are given, as (minute of the world, place, person); costs are in days.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass
class Session:
    """One session and the interval to it. `state`: open, done, booked or on_hold; `day` of one done or booked."""

    least: int
    ideal: int
    most: int
    state: str = "open"
    day: date | None = None
    person: int | None = None
    not_before: date | None = None
    best: date | None = None
    not_after: date | None = None


@dataclass
class Wished:
    weekdays: set = field(default_factory=set)
    earliest: int | None = None  # wall minutes
    latest: int | None = None
    who: str = "any"
    person: int | None = None
    not_on: set = field(default_factory=set)


@dataclass
class Prices:
    weekday: int = 2
    time: int = 2
    person: int = 3
    change: int = 2
    late: int = 5
    late_day: int = 1
    place: int = 7


@dataclass
class CourseByHand:
    """`free` are (minute, place, person), `when` has the day and wall minute of each (minute, place).

    `others` are (day, days apart, whether of the same area), `by_hand` {number: (minute, person or None)}.
    """

    sessions: list
    first_possible: date
    first: date
    last: date
    free: list
    when: dict
    wished: Wished
    prices: Prices
    others: list
    home: int
    today: date
    is_forbidden: object = None
    by_hand: dict = field(default_factory=dict)

    @property
    def open_ones(self):
        return [number for number, each in enumerate(self.sessions, start=1) if each.state == "open"]

    def planned(self):
        """The best around what was chosen by hand: what is before a choice is where it would be without that choice.

        If all was chosen and can be at the usual location, it is there, though another one may be cheaper.
        """
        if self.by_hand and set(self.by_hand) == set(self.open_ones):
            at_home = {number: [one for one in self.chosen(number) if one[1] == self.home] for number in self.by_hand}
            found = self.best(at_home)
            if set(found[1]) == set(self.open_ones):
                return found
        held = {}
        for number in sorted(self.by_hand):
            before = [each for each in self.open_ones if each < number and each not in held]
            settled = self.best(held)[1] if before else {}
            held |= {each: [settled[each]] for each in before if each in settled}
            held[number] = self.chosen(number)
        return self.best(held)

    def chosen(self, number):
        """The starts that a choice may mean."""
        minute, person = self.by_hand[number]
        return [one for one in self.free if one[0] == minute and person in (None, one[2])]

    def best(self, held=None):
        """(cost, {number: (minute, place, person)}): most sessions placed, least cost, then what begins earliest.

        `held` has the only starts of some sessions, by number.
        """
        starts = {number: self.starts_of(number, (held or {}).get(number, self.free)) for number in self.open_ones}
        self.found = (1, 0, [], {})
        self.go_on(0, None, None, {}, 0, True, starts)
        _placed, cost, _order, chosen = self.found
        return (cost if chosen else 0), chosen

    def starts_of(self, number, among):
        """With the day of each and what it costs by itself, once for all combinations."""
        session = self.sessions[number - 1]
        return [
            (one, self.when[one[:2]][0], self.own(*one))
            for one in among
            if self.may_be_at(*one) and not self.is_too_close(session, self.when[one[:2]][0])
        ]

    def may_be_at(self, minute, place, person):
        day, _wall = self.when[minute, place]
        wished = self.wished
        is_asked = wished.who != "same" or person == wished.person
        is_forbidden = self.is_forbidden is not None and self.is_forbidden(day)
        return self.first <= day <= self.last and day not in wished.not_on and is_asked and not is_forbidden

    def late(self, chosen):
        """The numbers of the sessions that are late, if these are the starts; asserts that none is too early."""
        found, before = set(), None
        for number, session in enumerate(self.sessions, start=1):
            least, ideal, most = self.window(session, before)
            before = session.day or max(ideal, self.today)
            if number in chosen:
                before = self.when[chosen[number][:2]][0]
                assert before >= least, f"session {number} on {before}, before {least}"
                found |= {number} if before > most else set()
        return found

    def window(self, session, before):
        if before is None:
            least = ideal = self.first_possible
            most = self.first_possible + timedelta(days=session.most)
        else:
            least, ideal, most = (before + timedelta(days=n) for n in (session.least, session.ideal, session.most))
        least = max(least, session.not_before) if session.not_before else least
        most = session.not_after or max(most, session.best or most)
        most = max(most, least)
        ideal = min(max(session.best or ideal, least), most)
        return least, ideal, most

    def go_on(self, number, before, person, chosen, cost, is_placing, starts):
        if number == len(self.sessions):
            order = [one for _number, one in sorted(chosen.items())]
            self.found = min(self.found, (-len(chosen), cost, order, chosen), key=lambda each: each[:3])
            return
        session = self.sessions[number]
        least, ideal, most = self.window(session, before)
        if session.state in ("done", "booked"):
            after_open = any(each.state == "open" for each in self.sessions[:number])
            if session.state == "booked" and after_open:
                if chosen and session.day < least:
                    return
                cost += self.distance(session.day, ideal, most) + self.change(person, session.person)
            self.go_on(number + 1, session.day, session.person, chosen, cost, is_placing, starts)
            return
        if session.state == "open" and is_placing:
            for one, day, own in starts[number + 1]:
                if day >= least:
                    more = self.distance(day, ideal, most) + own + self.change(person, one[2])
                    self.go_on(number + 1, day, one[2], chosen | {number + 1: one}, cost + more, True, starts)
        is_placing = is_placing and session.state != "open"
        self.go_on(number + 1, max(ideal, self.today), person, chosen, cost, is_placing, starts)

    def distance(self, day, ideal, most):
        late = (day - most).days
        return abs((day - ideal).days) + (self.prices.late + late * self.prices.late_day if late > 0 else 0)

    def change(self, one, other):
        return self.prices.change if one is not None and other is not None and one != other else 0

    def own(self, minute, place, who):
        day, wall = self.when[minute, place]
        wished, cost = self.wished, 0
        if wished.weekdays and day.isoweekday() not in wished.weekdays:
            cost += self.prices.weekday
        if (wished.earliest is not None and wall < wished.earliest) or (
            wished.latest is not None and wall > wished.latest
        ):
            cost += self.prices.time
        if wished.who == "prefer" and who != wished.person:
            cost += self.prices.person
        return cost + (self.prices.place if place != self.home else 0)

    def is_too_close(self, session, day):
        return any(
            abs((day - other).days) < (max(gap, session.least) if same else gap) for other, gap, same in self.others
        )
