"""Why a session has no time, or no earlier one, in words: day by day, days with the same reason together."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clinic import fitting, timespans, visits
from clinic.calendars import LEAD, Calendar, Key
from clinic.fitting import HELPER
from clinic.scheduling.course_rows import Pin, moment_of
from clinic.scheduling.ground import Ground, Place
from clinic.scheduling.search import Option
from clinic.scheduling.wishing import LATE, LOCATION, PRACTITIONER, SAME, TIME, WEEKDAY
from clinic.spacing import Elsewhere
from treatments.models import TreatmentSession
from treatments.windows import Window

MOST_LINES = 8
BUT: Mapping[str, Promise] = {
    WEEKDAY: _lazy("Something is free, but not on a day of the week that is wished."),
    TIME: _lazy("Something is free, but not at a time of day that is wished."),
    PRACTITIONER: _lazy("Something is free, but not with the person who is wished."),
    LOCATION: _lazy("Something is free, but at another location."),
}


def in_words(day: date) -> str:
    return date_format(day, "D j F Y")


def after_one_without_a_time(number: int) -> str:
    return _("Session %(number)d before it has no time yet.") % {"number": number}


def why_nowhere(ground: Ground, session: TreatmentSession, window: Window, fits: Callable[[date], bool]) -> list[str]:
    """Why no day suits, from the first possible one to the last that may be booked; `fits`: the course allows it."""
    first = max(window.earliest, ground.first)
    if first > ground.last:
        words = {"day": in_words(first), "last": in_words(ground.last)}
        return [_("Its earliest safe day is %(day)s; visits can be booked until %(last)s.") % words]

    def reason(day: date) -> str:
        if ground.options.get(day.toordinal()) and not ground.is_forbidden(session, day) and not fits(day):
            return _("It would be too close to a later session that is in the diary.")
        return why_not_on(ground, session, day)

    return by_stretch(first, ground.last, reason)


def why_not_then(ground: Ground, session: TreatmentSession, window: Window, pin: Pin) -> str:
    """Why a start that was chosen is not possible."""
    day = timespans.date_of(ground.home.zone, moment_of(pin.start))
    if day < window.earliest:
        return _("Too early: the earliest safe day for this session is %(day)s.") % {"day": in_words(window.earliest)}
    if ground.days_of(session).get(day.toordinal()):
        return _("This time is no longer free.")
    return why_not_on(ground, session, day)


def why_later(ground: Ground, session: TreatmentSession, first: date, last: date, best: date) -> list[str]:
    """Why the days from the first to the last were passed over, where a later one was chosen."""

    def reason(day: date) -> str:
        found = ground.days_of(session).get(day.toordinal())
        return _but(ground, found, day, best) if found else why_not_on(ground, session, day)

    return by_stretch(first, last, reason)


def by_stretch(first: date, last: date, reason: Callable[[date], str]) -> list[str]:
    """One line for each stretch of days with the same reason."""
    found: list[tuple[date, date, str]] = []
    for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
        why = reason(day)
        if found and found[-1][2] == why:
            found[-1] = (found[-1][0], day, why)
        else:
            found.append((day, day, why))
    return [_line(*each) for each in found[:MOST_LINES]] + ["…"] * (len(found) > MOST_LINES)


def _line(first: date, last: date, why: str) -> str:
    if first == last:
        return f"{in_words(first)}: {why}"
    return _("%(first)s to %(last)s: %(why)s") % {"first": in_words(first), "last": in_words(last), "why": why}


def _but(ground: Ground, found: Iterable[Option], day: date, best: date) -> str:
    option = min(found, key=lambda each: (each.cost, each.rank))
    misses = ground.misses(ground.places[option.place], option.start, option.person)
    if misses and misses[0] != LATE:
        return str(BUT[misses[0]])
    if abs(day - best) > timedelta(0) and day < best:
        return _("Something is free, but the best day is %(day)s.") % {"day": in_words(best)}
    return _("Something is free, but the course as a whole fits better later.")


def next_to(close: Elsewhere) -> str:
    """That a day is too near to a visit of another course."""
    return _("Too close to a visit of another course on %(day)s.") % {"day": in_words(close.day)}


def why_not_on(ground: Ground, session: TreatmentSession, day: date) -> str:
    """Why a session has no start on a local day."""
    blocked, close = ground.is_blocked(session, day), ground.is_too_close(session, day)
    if blocked is not None:
        return _("Not now: %(reason)s") % {"reason": blocked.findings[0].desk_message}
    if close is not None:
        return next_to(close)
    if day in ground.wish.not_on:
        return _("This day does not suit the patient.")
    place = ground.places.get(ground.home.pk)
    if place is None or day not in place.board.ruler.dates:
        return _("This is too soon to be booked.")
    return _nothing_free(ground, place, day)


def _nothing_free(ground: Ground, place: Place, day: date) -> str:
    request, board = place.request, place.board
    whole_day = board.ruler.between(*board.ruler.minutes_of(day))
    opened = fitting.room_for(board.open, 0, request.shape.minutes) & whole_day
    if not opened:
        return _("The clinic is closed.")
    leaders = board.groups.get(LEAD)
    if leaders is not None:
        asked = [each for each in leaders if ground.wish.who != SAME or each.resource_id == ground.wish.practitioner_id]
        why = _about_people(asked, whole_day)
        if why:
            return why
    for key, group in board.groups.items():
        if key not in (LEAD, HELPER) and not _can(place, key, group, opened):
            return _none_free(key)
    if ground.wish.who == SAME and leaders:
        named = next((each.name for each in leaders if each.resource_id == ground.wish.practitioner_id), "")
        return _("%(name)s has nothing free.") % {"name": named}
    return _("Everything is taken.")


def _about_people(asked: list[Calendar], whole_day: int) -> str:
    if not asked:
        return _("Nobody works here who could do this visit.")
    usable = [each for each in asked if each.usable & whole_day]
    if not usable:
        return _("%(name)s is not qualified for this treatment.") % {"name": asked[0].name}
    working = [each for each in usable if each.at_work & whole_day]
    if not working:
        alone = len(usable) == 1
        return (
            _("%(name)s does not work then.") % {"name": usable[0].name} if alone else _("Nobody works who does this.")
        )
    present = [each for each in working if each.at_work & whole_day & ~each.absent]
    if not present:
        alone = len(working) == 1
        return (
            _("%(name)s is away then.") % {"name": working[0].name} if alone else _("Everybody who does this is away.")
        )
    return ""


def _can(place: Place, key: Key, group: list[Calendar], opened: int) -> bool:
    return bool(opened & fitting.union(fitting.fits(place.request, key, calendar) for calendar in group))


def _none_free(key: Key) -> str:
    return _("No room of the right kind is free.") if key[0] == visits.ROOM else _("No suitable device is free.")
