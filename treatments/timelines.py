"""A course of treatment as a picture over time, with the table that says the same. Pure: no rows, no clock.

Across, every place is a share of the width, so that the picture fits any column while its words keep their size; down,
each session has one row of fixed height. Words are placed for the narrowest column of each of two layouts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from treatments.marks import (
    LATE,
    MISSED,
    OFF,
    PLANNED,
    STATES,
    CountedDays,
    Dates,
    Mark,
    in_full,
    in_short,
    sentence,
    state_words,
)
from treatments.windows import PlannedSession, course

LEFT, RIGHT = 3.0, 97.0
TOP_PX, ROW_PX, FOOT_PX = 26, 38, 24
WIDE_PX, NARROW_PX, LETTER_PX, GAP_PX = 544, 232, 6.8, 12
SHORTEST = timedelta(days=28)
NEARBY = timedelta(days=60)
IN_WEEKS = timedelta(days=70)
NOTIONAL_START = date(2001, 1, 1)


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of days; both are percentages of the width."""

    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Words:
    """Words that begin at a percentage of the width, or end there."""

    x: str
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Row:
    """One session in the picture and in the table; `y` is the middle of its bar in pixels."""

    mark: Mark
    y: int
    bar: Bar | None
    overdue: Bar | None
    ideal_x: str
    shape_x: str
    full: Words
    short: Words
    state: str
    between: str
    on: str

    @property
    def text_y(self) -> int:
        return self.y - 12

    @property
    def bar_y(self) -> int:
        return self.y - 6


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything `treatments/_timeline.html` shows."""

    rows: list[Row]
    ticks: list[Words]
    few_ticks: list[Words]
    today: Words | None
    is_today_late: bool
    bottom: int
    height: int
    summary: str
    states: list[tuple[str, str]]
    is_preview: bool

    @property
    def has_bars(self) -> bool:
        return any(row.bar for row in self.rows)


class PhaseLike(Protocol):
    sessions: int
    is_maintenance: bool
    interval_min_days: int
    interval_ideal_days: int
    interval_max_days: int


def timeline(marks: Sequence[Mark], today: date | None, *, counted_from: date | None = None) -> Timeline:
    """Lay out the sessions in the order given; with `counted_from` days are counted from there instead of named."""
    dates = CountedDays(counted_from) if counted_from else Dates()
    axis = _axis(marks, today)
    has_days = any(mark.days for mark in marks)
    line = today if has_days and today is not None and axis.first <= today <= axis.last else None
    present = {mark.state for mark in marks}
    bottom = TOP_PX + ROW_PX * len(marks)
    return Timeline(
        rows=[_row(mark, index, axis, today, dates) for index, mark in enumerate(marks)],
        ticks=_ticks(axis, counted_from, WIDE_PX) if has_days else [],
        few_ticks=_ticks(axis, counted_from, NARROW_PX) if has_days else [],
        today=Words(axis.x(line), dates.today(line)) if line else None,
        is_today_late=line is not None and axis.share(line) > 50,
        bottom=bottom,
        height=bottom + (FOOT_PX if line else 0),
        summary=sentence(marks, dates),
        states=[(state, state_words(state)) for state in STATES if state in present and state not in (PLANNED, OFF)],
        is_preview=counted_from is not None,
    )


def of_phases(phases: Iterable[PhaseLike], starts_on: date) -> list[Mark]:
    """The sessions of a protocol as they would ideally fall if the first one were on that day."""
    spread = [phase for phase in phases for _each in range(phase.sessions)]
    planned = [
        PlannedSession(
            number=number,
            interval_min_days=phase.interval_min_days,
            interval_ideal_days=phase.interval_ideal_days,
            interval_max_days=phase.interval_max_days,
            not_after_on=starts_on if number == 1 else None,
        )
        for number, phase in enumerate(spread, start=1)
    ]
    spans = course(planned, starts_on)
    labels = [
        _("Maintenance") if phase.is_maintenance else _("Session %(number)s") % {"number": number}
        for number, phase in enumerate(spread, start=1)
    ]
    return [
        Mark(number, label, PLANNED, None, spans[number].earliest, spans[number].ideal, spans[number].latest)
        for number, label in enumerate(labels, start=1)
    ]


def preview(phases: Iterable[PhaseLike]) -> Timeline:
    """A protocol's course counted in days from its first session: no date is real yet."""
    return timeline(of_phases(phases, NOTIONAL_START), None, counted_from=NOTIONAL_START)


@dataclass(frozen=True, slots=True)
class _Axis:
    first: date
    last: date

    def share(self, day: date) -> float:
        return LEFT + (RIGHT - LEFT) * (day - self.first).days / (self.last - self.first).days

    def x(self, day: date) -> str:
        return _percent(self.share(day))

    def bar(self, start: date, end: date) -> Bar:
        return Bar(self.x(start), _percent(max(self.share(end) - self.share(start), 0.6)))


def _axis(marks: Iterable[Mark], today: date | None) -> _Axis:
    """From the first to the last day of the sessions; today belongs to it when it is near or something is overdue."""
    marks = list(marks)
    days = [day for mark in marks for day in mark.days] or [today or NOTIONAL_START]
    first, last = min(days), max(days)
    is_overdue = any(mark.state == LATE for mark in marks)
    if today is not None and (is_overdue or first - NEARBY <= today <= last + NEARBY):
        first, last = min(first, today), max(last, today)
    return _Axis(first, max(last, first + SHORTEST))


def _row(mark: Mark, index: int, axis: _Axis, today: date | None, dates: Dates) -> Row:
    has_bar = mark.earliest is not None and mark.latest is not None and mark.state != OFF
    is_overdue = has_bar and mark.state == LATE and today is not None and mark.latest < today
    shape_on = _shape_on(mark, today)
    starts = axis.share(min(mark.days, default=axis.first))
    ends = axis.share(max(mark.days, default=axis.first))
    counted = isinstance(dates, CountedDays)
    return Row(
        mark=mark,
        y=TOP_PX + ROW_PX * index + 26,
        bar=axis.bar(mark.earliest, mark.latest) if has_bar and mark.earliest < mark.latest else None,
        overdue=axis.bar(mark.latest, today) if is_overdue else None,
        ideal_x=axis.x(mark.ideal) if has_bar and mark.ideal else "",
        shape_x=axis.x(shape_on) if shape_on else "",
        full=_beside(starts, ends, in_full(mark, dates), WIDE_PX),
        short=_beside(starts, ends, in_short(mark, dates), NARROW_PX),
        state=state_words(mark.state),
        between="" if mark.state == OFF else dates.between(mark.earliest, mark.latest),
        on=dates.day(mark.ideal if counted else mark.on),
    )


def _shape_on(mark: Mark, today: date | None) -> date | None:
    """The day that the session's own shape stands on; one still to be booked has its bar alone."""
    if mark.state in (PLANNED, OFF):
        return None
    if mark.state == LATE:
        return today or mark.latest
    return mark.on or (mark.ideal if mark.state == MISSED else None)


def _beside(starts: float, ends: float, text: str, width_px: int) -> Words:
    """Words over a bar: from where it begins if they have room there, else up to where it ends."""
    most = int(width_px / LETTER_PX)
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    room = taken(text, width_px)
    if starts + room <= 100:
        return Words(_percent(starts), text)
    return Words(_percent(max(ends, room)), text, "end")


def taken(text: str, width_px: int) -> float:
    """The share of a picture of that width which the words take, generously."""
    return 100 * len(text) * LETTER_PX / width_px


def _ticks(axis: _Axis, counted_from: date | None, width_px: int) -> list[Words]:
    """As many weeks or months as have room for their names, evenly thinned out."""
    if counted_from is not None:
        steps, named = (1, 2, 4, 8, 13, 26, 52), _counted_weeks
    elif axis.last - axis.first <= IN_WEEKS:
        steps, named = (1, 2, 4, 8), _mondays
    else:
        steps, named = (1, 2, 3, 6, 12, 24, 60, 120), _months
    for step in steps:
        places = [(axis.share(day), text) for day, text in named(axis, step)]
        kept = [(share, text) for share, text in places if share + taken(text, width_px) <= 100]
        if not _touch(kept, width_px):
            return [Words(_percent(share), text) for share, text in kept]
    return []


def _touch(named: list[tuple[float, str]], width_px: int) -> bool:
    gap = 100 * GAP_PX / width_px
    ends = [share + taken(text, width_px) + gap for share, text in named]
    return any(end > share for end, (share, _text) in zip(ends, named[1:], strict=False))


def _counted_weeks(axis: _Axis, step: int) -> list[tuple[date, str]]:
    weeks = range(0, (axis.last - axis.first).days // 7 + 1, step)
    return [
        (axis.first + timedelta(weeks=week), _("week %(number)s") % {"number": week} if week else _("start"))
        for week in weeks
    ]


def _mondays(axis: _Axis, step: int) -> list[tuple[date, str]]:
    monday = axis.first + timedelta(days=-axis.first.weekday() % 7)
    weeks = range(0, (axis.last - monday).days // 7 + 1, step)
    return [(day, date_format(day, "j M")) for day in (monday + timedelta(weeks=week) for week in weeks)]


def _months(axis: _Axis, step: int) -> list[tuple[date, str]]:
    """The first of every month, or of every `step` months; the year is told at first and in every January."""
    counts = range(axis.first.year * 12 + axis.first.month - 1, axis.last.year * 12 + axis.last.month)
    days = [date(count // 12, count % 12 + 1, 1) for count in counts if count % step == 0]
    days = [day for day in days if axis.first <= day <= axis.last]
    return [(day, date_format(day, "M Y" if index == 0 or day.month == 1 else "M")) for index, day in enumerate(days)]


def _percent(share: float) -> str:
    """As an SVG attribute: with a point in every language."""
    return f"{share:.2f}%"
