"""When each session of a series is best: earliest, ideal and latest local day. Pure: no models, no clock.

An interval belongs to the session it leads to, also where a new phase begins. It is counted from the day the session
before was really done, else from the day it is booked, else from the day it would ideally be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Window:
    """Local days at the clinic. Nothing may happen before `earliest`; after `latest` a visit is late, not forbidden."""

    earliest: date
    ideal: date
    latest: date

    def is_late(self, on: date) -> bool:
        return on > self.latest


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """One session with the interval that leads to it; the own dates are the practitioner's and come with a reason."""

    number: int
    interval_min_days: int
    interval_ideal_days: int
    interval_max_days: int
    done_on: date | None = None
    booked_on: date | None = None
    not_before_on: date | None = None
    best_on: date | None = None
    not_after_on: date | None = None


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
        window = _with_own_dates(session, _by_interval(session, before, first_possible_on))
        windows[session.number] = window
        before = session.done_on or session.booked_on or max(window.ideal, today or window.ideal)
    return windows


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
    latest = max(earliest, session.not_after_on or max(window.latest, session.best_on or window.latest))
    ideal = min(max(session.best_on or window.ideal, earliest), latest)
    return Window(earliest, ideal, latest)
