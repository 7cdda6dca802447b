"""For a visit that may move, the best free start of each day: the one nearest to its present time of day.

How far a visit moves is counted in minutes as people see it: the whole days between, and on the new day the minutes
from the same time on the wall. So a week later at the same hour is nearer than a week later an hour before.
"""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from clinic import timespans
from clinic.minutes import MINUTES_OF_A_DAY
from clinic.models import Appointment
from clinic.scheduling.ground import Ground, Place
from clinic.scheduling.least_change import Start
from clinic.scheduling.search import Option
from clinic.scheduling.wishing import SAME
from treatments.models import TreatmentSession


class Nearest:
    """The free starts of a ground; of equal distance with the person that the visit has, then as is wished."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def of(self, session: TreatmentSession, visit: Appointment | None) -> dict[int, Start]:
        """By day; a visit stays at its location, a session that waits comes to the usual one, as the wishes say."""
        ground = self.ground
        place = ground.places.get(ground.home.pk if visit is None else visit.location_id)
        if place is None:
            return {}
        if visit is None:
            options = self._waiting(session)
        else:
            options = {day: self._nearest(place, day, visit) for day in place.board.ruler.dates[1:-1]}
        return {
            day.toordinal(): start
            for day, start in options.items()
            if start is not None and day not in ground.wish.not_on and not ground.is_forbidden(session, day)
        }

    def _waiting(self, session: TreatmentSession) -> dict[date, Start]:
        usual, home = self._usual_person(session), self.ground.home.pk
        found = {}
        for day, options in self.ground.options.items():
            here = [Start(option, 0, _is_other(option, usual)) for option in options if option.place == home]
            found[date.fromordinal(day)] = min(here, key=_rank, default=None)
        return found

    def _usual_person(self, session: TreatmentSession) -> int | None:
        visits = [self.ground.rows.visits[number] for number in sorted(self.ground.rows.visits)]
        before = [visit.practitioner_id for visit in visits if visit.session.number < session.number]
        return before[-1] if before else None

    def _nearest(self, place: Place, day: date, visit: Appointment) -> Start | None:
        ruler = place.board.ruler
        same_hour = ruler.minute(at_the_same_hour(visit.starts_at, day, ruler.zone))
        further = minutes_between(visit.starts_at, day, ruler.zone)
        found = [
            (further + abs(minute - same_hour), ruler.base + minute, person)
            for person, free in self._people(place)
            for minute in _around(free, ruler.minutes_of(day), same_hour)
        ]
        least = min((minutes for minutes, _start, _person in found), default=None)
        starts = [
            Start(option, minutes, _is_other(option, visit.practitioner_id))
            for minutes, start, person in found
            if minutes == least
            for option in [self.ground.option(place, start, person)]
        ]
        return min(starts, key=_rank, default=None)

    def _people(self, place: Place) -> list[tuple[int | None, str]]:
        """Who may be asked, with the free starts as a line of zeros and ones from the ruler's base on."""
        return self._lines[place.location.pk]

    @cached_property
    def _lines(self) -> dict[int, list[tuple[int | None, str]]]:
        wish = self.ground.wish
        return {
            key: [
                (person, bin(mask)[:1:-1])
                for person, mask in place.starts.items()
                if wish.who != SAME or person in (wish.practitioner_id, None)
            ]
            for key, place in self.ground.places.items()
        }


def shift_minutes(was_at: datetime, starts_at: datetime, zone: ZoneInfo) -> int:
    """How far a visit moves: the days between, and the minutes from the same time of day."""
    day = timespans.date_of(zone, starts_at)
    same_hour = at_the_same_hour(was_at, day, zone)
    return minutes_between(was_at, day, zone) + abs(starts_at - same_hour) // timespans.ONE_MINUTE


def at_the_same_hour(was_at: datetime, day: date, zone: ZoneInfo) -> datetime:
    return timespans.at(zone, day, was_at.astimezone(zone).time())


def minutes_between(was_at: datetime, day: date, zone: ZoneInfo) -> int:
    """The whole days from that of a moment to another one, in minutes."""
    return abs((day - timespans.date_of(zone, was_at)).days) * MINUTES_OF_A_DAY


def _around(free: str, day: tuple[int, int], was: int) -> Iterator[int]:
    """The last free start of the day up to a minute, and the first from there."""
    begin, end = day
    for found in (free.rfind("1", begin, min(was + 1, end)), free.find("1", max(was, begin), end)):
        if found >= 0:
            yield found


def _is_other(option: Option, person: int | None) -> bool:
    return None not in (option.person, person) and option.person != person


def _rank(start: Start) -> tuple:
    return start.cost, start.option.rank
