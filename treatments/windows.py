"""When each session of a series is best: earliest, ideal and latest local day. Pure: no models, no clock.

An interval belongs to the session it leads to, also where a new phase begins. It is counted from the day the session
before was really done, else from the day it is booked, else from the day it would ideally be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Window:
    """Local days at the clinic. Nothing may happen before `earliest`; after `latest` a visit is late, not forbidden.

    With `expires_on` a visit after that day is late too, even if it cannot be any earlier.
    """

    earliest: date
    ideal: date
    latest: date
    expires_on: date | None = None

    def is_late(self, on: date) -> bool:
        return on > min(self.latest, self.expires_on or self.latest)

    def begun_anew(self, on: date) -> "Window":
        """The same from that day on: best then, with the days after it that there were; as it is if best later."""
        if self.ideal >= on:
            return self
        return Window(max(self.earliest, on), on, on + (self.latest - self.ideal), self.expires_on)


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """One session with the interval that leads to it; the own dates are the practitioner's and come with a reason.

    `expires_on` is the last day on which its series may be used.
    """

    number: int
    interval_min_days: int
    interval_ideal_days: int
    interval_max_days: int
    done_on: date | None = None
    booked_on: date | None = None
    not_before_on: date | None = None
    best_on: date | None = None
    not_after_on: date | None = None
    expires_on: date | None = None


def course(
    sessions: Iterable[PlannedSession], first_possible_on: date, *, today: date | None = None
) -> dict[int, Window]:
    """The window of every session by number; leave skipped and cancelled ones out.

    The first window opens on `first_possible_on`. With `today`, a session that is neither done nor booked is not
    expected in the past, so those after it do not move into the past either.
    """
    windows: dict[int, Window] = {}
    before: date | None = None
    for session in sorted(sessions, key=lambda each: each.number):
        window = after(session, before, first_possible_on)
        windows[session.number] = window
        before = session.done_on or session.booked_on or max(window.ideal, today or window.ideal)
    return windows


def after(session: PlannedSession, before: date | None, first_possible_on: date) -> Window:
    """The window of one session, if the one before it is on that local day; without one before it is the first."""
    return _with_own_dates(session, _by_interval(session, before, first_possible_on))


def _by_interval(session: PlannedSession, before: date | None, first_possible_on: date) -> Window:
    if before is None:
        return Window(
            first_possible_on, first_possible_on, first_possible_on + timedelta(days=session.interval_max_days)
        )
    return Window(
        before + timedelta(days=session.interval_min_days),
        before + timedelta(days=session.interval_ideal_days),
        before + timedelta(days=session.interval_max_days),
    )


def _with_own_dates(session: PlannedSession, window: Window) -> Window:
    earliest = max(window.earliest, session.not_before_on or window.earliest)
    latest = session.not_after_on or max(window.latest, session.best_on or window.latest)
    latest = max(earliest, min(latest, session.expires_on or latest))
    ideal = min(max(session.best_on or window.ideal, earliest), latest)
    return Window(earliest, ideal, latest, session.expires_on)
