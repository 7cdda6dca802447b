"""A proposed course as the page shows it: every visit with its date, its other times, and what is said about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import scheduling
from clinic.models import Location
from clinic.plan_forms import PlanForm
from clinic.scheduling import Chosen, Plan, PlannedVisit
from clinic.views.cards import Card, Step
from treatments import timelines
from treatments.marks import AHEAD, PLANNED, PROPOSED, Mark
from treatments.timelines import Timeline
from treatments.windows import Window

OTHERS = 6


@dataclass(frozen=True)
class Time:
    """One start: naive as the clocks of its location show it, and `value` as the form sends it.

    `who` is empty when the clinic has one practitioner, `where` at the wished location.
    """

    wall: datetime
    value: str
    who: str
    where: str
    misses: list[str]
    is_late: bool

    @property
    def id(self) -> str:
        """Part of the id of its field."""
        return f"{self.wall:%Y%m%d-%H%M}"


@dataclass(frozen=True)
class Line:
    """One session of the course: done or booked already, proposed, a date only, or not to be placed."""

    step: Step
    planned: PlannedVisit | None = None
    time: Time | None = None
    mark: str = ""
    others: tuple[Time, ...] = ()
    nearest: tuple[Time, ...] = ()
    not_earlier: tuple[str, ...] = ()
    asked_for: datetime | None = None
    is_fixed: bool = False
    is_left_out: bool = False
    is_moved: bool = False
    is_open: bool = False

    @property
    def number(self) -> int:
        return self.step.session.number

    @property
    def window(self) -> Window | None:
        return self.planned.window if self.planned else self.step.window

    @property
    def is_proposed(self) -> bool:
        """Whether it can be booked with the button."""
        return self.time is not None and not self.planned.is_date_only

    @property
    def choices(self) -> list[Time]:
        """The proposed start among the other ones, in the order of time."""
        return sorted([self.time, *self.others], key=lambda time: time.value)

    @property
    def field(self) -> str:
        return f"fixed_{self.number}"

    @property
    def pictured(self) -> Mark:
        """The session as the picture of the course marks it."""
        mark = self.step.pictured
        if self.planned is None:
            return mark
        days = {"earliest": self.window.earliest, "ideal": self.window.ideal, "latest": self.window.latest}
        if self.time is None:
            return replace(mark, state=PLANNED, **days)
        return replace(mark, state=PROPOSED if self.is_proposed else AHEAD, on=self.time.wall.date(), **days)


@dataclass(frozen=True)
class Proposal:
    """The whole course as it is proposed."""

    lines: list[Line]
    today: date

    @cached_property
    def timeline(self) -> Timeline:
        return timelines.timeline([line.pictured for line in self.lines], self.today)

    @property
    def proposed(self) -> list[Line]:
        return [line for line in self.lines if line.is_proposed]

    @property
    def ticked(self) -> list[Line]:
        return [line for line in self.proposed if not line.is_left_out]

    @property
    def missing(self) -> list[Line]:
        return [line for line in self.lines if line.planned and line.time is None]

    @property
    def dates_only(self) -> list[Line]:
        return [line for line in self.lines if line.time and line.planned.is_date_only]

    @property
    def fixed(self) -> list[int]:
        return [line.number for line in self.lines if line.is_fixed]

    @property
    def moved(self) -> list[int]:
        return [line.number for line in self.lines if line.is_moved]

    @property
    def summary(self) -> str:
        """How many visits are proposed, and from when to when."""
        days = [line.time.wall.date() for line in self.proposed]
        if not days:
            return _("No visit could be placed")
        count = ngettext("%(count)s visit", "%(count)s visits", len(days)) % {"count": len(days)}
        if len(days) == 1:
            return _("%(visits)s on %(day)s") % {"visits": count, "day": date_format(days[0], "j F Y")}
        first = date_format(min(days), "j F" if min(days).year == max(days).year else "j F Y")
        ends = {"first": first, "last": date_format(max(days), "j F Y")}
        return _("%(visits)s from %(first)s to %(last)s") % {"visits": count, **ends}

    @property
    def said(self) -> str:
        """What is read out once the course is planned anew."""
        moved = ", ".join(str(number) for number in self.moved)
        return f"{self.summary}. " + (_("Moved: session %(numbers)s.") % {"numbers": moved} if moved else "")

    @property
    def stuck(self) -> list[Line]:
        """The sessions without a date that say why; those after them wait for them."""
        return [line for line in self.missing if line.planned.reasons]


class Words:
    """Says who, where and what is not as wished, for one page."""

    def __init__(self, form: PlanForm) -> None:
        self.form = form
        self.locations: Mapping[int, Location] = form.locations
        self.people = {one.pk: one.resource.public_id for one in form.people}
        wish = form.wish
        self.usual = wish.location_id or next(iter(form.locations), None)
        self.misses = {
            "weekday": _("not one of the wished weekdays"),
            "time": _("not at the wished time of day"),
            "practitioner": _("not with %(name)s") % {"name": form.names.get(wish.practitioner_id, "")},
            "change": _("somebody else than at the visit before"),
            "location": _("at another location than wished"),
            "late": _("later than planned"),
        }

    def time(self, chosen: Chosen) -> Time:
        place = self.locations[chosen.location_id]
        return Time(
            wall=_wall(chosen.starts_at, place),
            value=chosen.starts_at.isoformat(),
            who=self.form.name_of(chosen.practitioner_id),
            where=place.name if place.pk != self.usual else "",
            misses=[self.misses[code] for code in chosen.misses if code in self.misses and code != "late"],
            is_late=chosen.is_late,
        )

    def asked_for(self, planned: PlannedVisit) -> datetime | None:
        """The start that was chosen by hand and is not possible; an earlier session without a date comes first."""
        start = self.form.fixed.get(planned.number)
        if start is None or planned.is_date_only:
            return None
        return _wall(start, self.locations[self.usual])

    def mark(self, chosen: Chosen) -> str:
        """What tells this proposal of a visit from any other: when and with whom."""
        who = self.people.get(chosen.practitioner_id, "")
        return f"{chosen.starts_at.isoformat()}|{who}"


def proposal(card: Card, plan: Plan, form: PlanForm, now: datetime) -> Proposal:
    """The plan in words, among the sessions that are done or booked."""
    words = Words(form)
    planned = {visit.number: visit for visit in plan.visits}
    lines = [_line(step, planned.get(step.session.number), plan, words, now) for step in card.steps]
    return Proposal(lines, card.on)


def _line(step: Step, planned: PlannedVisit | None, plan: Plan, words: Words, now: datetime) -> Line:
    if planned is None:
        return Line(step)
    if planned.chosen is None:
        nearest = _once(words.time(one) for one in planned.nearest)
        return Line(step, planned, nearest=nearest, asked_for=words.asked_for(planned))
    form, number = words.form, planned.number
    asked = (step.session.series, form.wish, number)
    others = scheduling.alternatives(*asked, plan=plan, now=now, count=OTHERS)
    not_earlier = scheduling.why_not_earlier(*asked, plan=plan, now=now)
    mark = words.mark(planned.chosen)
    return Line(
        step=step,
        planned=planned,
        time=words.time(planned.chosen),
        mark=mark,
        others=_once(words.time(one) for one in others),
        not_earlier=tuple(not_earlier),
        is_fixed=form.fixed.get(number) == planned.chosen.starts_at,
        is_left_out=number in form.left_out,
        is_moved=form.shown.get(number, mark) != mark and number not in form.newly_fixed,
        is_open=number in form.newly_fixed,
    )


def _once(times: Iterable[Time]) -> tuple[Time, ...]:
    """Each start once: a date is chosen by its start, whoever it is with."""
    return tuple({time.value: time for time in reversed(list(times))}.values())[::-1]


def _wall(moment: datetime, place: Location) -> datetime:
    return moment.astimezone(place.zone).replace(tzinfo=None)
