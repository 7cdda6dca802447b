"""The sessions of a course as a picture marks them, and what is said about each in words. Pure: no rows, no clock."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

DONE, BOOKED, PLANNED, LATE, MISSED, OFF = "done", "booked", "planned", "late", "missed", "off"
# On a course that is not booked yet: a date with its time, and a date alone.
PROPOSED, AHEAD = "proposed", "ahead"
STATES = (DONE, BOOKED, PROPOSED, AHEAD, PLANNED, LATE, MISSED, OFF)


@dataclass(frozen=True, slots=True)
class Mark:
    """One session: its state, the day it was or will be, and the days between which it is best."""

    number: int
    label: str
    state: str
    on: date | None = None
    earliest: date | None = None
    ideal: date | None = None
    latest: date | None = None

    @property
    def days(self) -> list[date]:
        return [day for day in (self.on, self.earliest, self.ideal, self.latest) if day is not None]


class Dates:
    """Days are named by their date."""

    def day(self, day: date | None) -> str:
        return date_format(day, "j F Y") if day else ""

    def short(self, day: date) -> str:
        return date_format(day, "j M")

    def today(self, day: date) -> str:
        return _("today, %(day)s") % {"day": self.short(day)}

    def between(self, first: date | None, last: date | None) -> str:
        """For a column headed "Best between"."""
        if first is None or last is None:
            return ""
        if first == last:
            return self.day(first)
        start = date_format(first, "j F") if first.year == last.year else self.day(first)
        return _("%(first)s and %(last)s") % {"first": start, "last": self.day(last)}


class CountedDays(Dates):
    """Days are counted from the first session: nothing is booked yet."""

    def __init__(self, start: date) -> None:
        self.start = start

    def day(self, day: date | None) -> str:
        return _("day %(number)s") % {"number": (day - self.start).days} if day else ""

    def short(self, day: date) -> str:
        return self.day(day)

    def between(self, first: date | None, last: date | None) -> str:
        if first is None or last is None or first == last:
            return self.day(first) if last else ""
        return _("%(first)s and %(last)s") % {"first": self.day(first), "last": self.day(last)}


def state_words(state: str) -> str:
    """The state of a session, for a column or a legend."""
    return {
        DONE: _("Done"),
        BOOKED: _("Booked"),
        PROPOSED: _("Proposed"),
        AHEAD: _("A date, not kept yet"),
        PLANNED: _("To be booked"),
        LATE: _("Overdue"),
        MISSED: _("Did not come"),
        OFF: _("Left out"),
    }[state]


def in_full(mark: Mark, dates: Dates) -> str:
    """One session on one line of a picture with room."""
    said = _said(mark, dates)
    return _("%(session)s: %(words)s") % {"session": mark.label, "words": said} if said else mark.label


def in_short(mark: Mark, dates: Dates) -> str:
    """One session on one line of a narrow picture: its number and its days."""
    if mark.state == OFF:
        words = _("left out")
    elif mark.on is not None:
        words = dates.short(mark.on)
    elif mark.earliest is None or mark.latest is None:
        words = ""
    elif mark.earliest == mark.latest:
        words = dates.short(mark.earliest)
    elif isinstance(dates, CountedDays):
        figures = {"first": (mark.earliest - dates.start).days, "last": (mark.latest - dates.start).days}
        words = _("days %(first)s–%(last)s") % figures
    else:
        words = f"{dates.short(mark.earliest)} – {dates.short(mark.latest)}"
    return f"{mark.number} · {words}" if words else str(mark.number)


def sentence(marks: Sequence[Mark], dates: Dates) -> str:
    """The whole course in a sentence or two, for whoever does not see the picture."""
    days = [day for mark in marks for day in mark.days]
    count = ngettext("%(count)s session", "%(count)s sessions", len(marks)) % {"count": len(marks)}
    if not days:
        return _("%(sessions)s, without days yet.") % {"sessions": count}
    words = {"sessions": count, "first": dates.day(min(days)), "last": dates.day(max(days))}
    whole = _("%(sessions)s from %(first)s to %(last)s.") % words
    if isinstance(dates, CountedDays):
        return whole
    found = Counter(mark.state for mark in marks)
    parts = [f"{state_words(state)}: {found[state]}" for state in STATES if found[state]]
    return f"{whole} {', '.join(parts)}."


def _said(mark: Mark, dates: Dates) -> str:
    best = _best(mark, dates)
    if mark.state == DONE:
        return _("done on %(day)s") % {"day": dates.short(mark.on)} if mark.on else _("done")
    if mark.state == BOOKED:
        return _("booked for %(day)s") % {"day": dates.short(mark.on)} if mark.on else _("booked")
    if mark.state in (PROPOSED, AHEAD) and mark.on:
        on = dates.short(mark.on)
        is_plain = not best or mark.earliest == mark.latest == mark.on
        return on if is_plain else _("%(day)s, %(best)s") % {"day": on, "best": best}
    if mark.state == LATE:
        until = {"day": dates.short(mark.latest)} if mark.latest else {}
        return _("overdue, was best until %(day)s") % until if until else _("overdue")
    if mark.state == MISSED:
        return _("did not come, %(best)s") % {"best": best} if best else _("did not come")
    return _("left out") if mark.state == OFF else best


def _best(mark: Mark, dates: Dates) -> str:
    if mark.earliest is None or mark.latest is None:
        return ""
    if mark.earliest == mark.latest:
        return (
            dates.short(mark.earliest)
            if isinstance(dates, CountedDays)
            else _("best on %(day)s") % {"day": dates.short(mark.earliest)}
        )
    words = {"first": dates.short(mark.earliest), "last": dates.short(mark.latest)}
    return _("best between %(first)s and %(last)s") % words
