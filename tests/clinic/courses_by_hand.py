"""The cheapest course in plain Python: every combination of starts is tried. What the planner is compared with.

It imports nothing of the product. Free starts are given, as (minute of the world, person); costs are in days.
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


@dataclass
class CourseByHand:
    """`free` are (minute, person) with the day and wall minute of each in `when`; `others` (day, days apart)."""

    sessions: list
    first_possible: date
    first: date
    last: date
    free: list
    when: dict
    wished: Wished
    prices: Prices
    others: list

    def best(self):
        """(cost, {number: (minute, person)}): most sessions placed, then least cost, then what begins earliest."""
        starts = [one for one in self.free if self.may_be_at(*one)]
        found = []
        self.go_on(0, None, None, {}, 0, True, starts, found)
        _placed, cost, _order, chosen = min(found)
        return (cost if chosen else 0), dict(chosen)

    def may_be_at(self, minute, person):
        day, _wall = self.when[minute]
        wished = self.wished
        is_asked = wished.who != "same" or person == wished.person
        return self.first <= day <= self.last and day not in wished.not_on and is_asked

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

    def go_on(self, number, before, person, chosen, cost, is_placing, starts, found):  # noqa: PLR0917 (a recursion)
        if number == len(self.sessions):
            order = [(minute, who) for _number, (minute, who) in sorted(chosen.items())]
            found.append((-len(chosen), cost, order, sorted(chosen.items())))
            return
        session = self.sessions[number]
        least, ideal, most = self.window(session, before)
        rest = (starts, found)
        if session.state in ("done", "booked"):
            after_open = any(each.state == "open" for each in self.sessions[:number])
            if session.state == "booked" and after_open:
                if chosen and session.day < least:
                    return
                cost += self.distance(session.day, ideal, most) + self.change(person, session.person)
            self.go_on(number + 1, session.day, session.person, chosen, cost, is_placing, *rest)
            return
        if session.state == "open" and is_placing:
            for minute, who in starts:
                day, _wall = self.when[minute]
                if day < least or self.is_too_close(session, day):
                    continue
                more = self.distance(day, ideal, most) + self.own(minute, who) + self.change(person, who)
                self.go_on(number + 1, day, who, chosen | {number + 1: (minute, who)}, cost + more, True, *rest)
        is_placing = is_placing and session.state != "open"
        self.go_on(number + 1, ideal, person, chosen, cost, is_placing, *rest)

    def distance(self, day, ideal, most):
        late = (day - most).days
        return abs((day - ideal).days) + (self.prices.late + late * self.prices.late_day if late > 0 else 0)

    def change(self, one, other):
        return self.prices.change if one is not None and other is not None and one != other else 0

    def own(self, minute, who):
        day, wall = self.when[minute]
        wished, cost = self.wished, 0
        if wished.weekdays and day.isoweekday() not in wished.weekdays:
            cost += self.prices.weekday
        if (wished.earliest is not None and wall < wished.earliest) or (
            wished.latest is not None and wall > wished.latest
        ):
            cost += self.prices.time
        if wished.who == "prefer" and who != wished.person:
            cost += self.prices.person
        return cost

    def is_too_close(self, session, day):
        return any(
            abs((day - other).days) < (max(gap, session.least) if same else gap) for other, gap, same in self.others
        )
