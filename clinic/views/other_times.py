"""The smallest change of a course as the page shows it: each visit with its old and its new time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import timespans
from clinic.models import Location, Practitioner
from clinic.scheduling import Reflow, ReflowVisit
from clinic.views.cards import Card, Step
from treatments import timelines
from treatments.marks import PROPOSED, Mark
from treatments.timelines import Timeline


@dataclass(frozen=True)
class Row:
    """One visit that has to change; `was` and `new` are moments, shown in the zone of their places."""

    step: Step
    found: ReflowVisit
    was: datetime | None
    was_at: Location | None
    new: datetime | None
    place: Location | None
    who: Practitioner | None

    @property
    def number(self) -> int:
        return self.step.session.number

    @property
    def is_other_person(self) -> bool:
        """Whether somebody else than before treats."""
        return self.who is not None and self.step.visit is not None and self.step.visit.practitioner_id != self.who.pk

    @property
    def days(self) -> int:
        """By how many local days it moves; negative when it comes earlier."""
        return self.found.days

    @property
    def shift(self) -> str:
        """How far it moves, in words."""
        if self.was is None:
            return _("had no time yet")
        if not self.days:
            return _("the same day")
        count = abs(self.days)
        words = (
            ngettext("%(count)s day later", "%(count)s days later", count)
            if self.days > 0
            else ngettext("%(count)s day earlier", "%(count)s days earlier", count)
        )
        return words % {"count": count}

    @property
    def mark(self) -> str:
        """What tells this new time from any other: when, where and with whom."""
        who = self.who.resource.public_id if self.who else ""
        return f"{self.number}:{self.new.isoformat()}|{self.place.public_id}|{who}"

    @property
    def pictured(self) -> Mark:
        mark = self.step.pictured
        if self.new is None:
            return mark
        window = self.found.window
        days = {"earliest": window.earliest, "ideal": window.ideal, "latest": window.latest}
        return replace(mark, state=PROPOSED, on=timespans.date_of(self.place.zone, self.new), **days)


@dataclass(frozen=True)
class Change:
    """All visits that no longer fit; those with a new time can be proposed or moved together."""

    card: Card
    reflow: Reflow
    rows: list[Row]

    @cached_property
    def moved(self) -> list[Row]:
        return [row for row in self.rows if row.new is not None]

    @property
    def stuck(self) -> list[Row]:
        """Those for which no time was found."""
        return [row for row in self.rows if row.new is None]

    @property
    def marks(self) -> dict[str, str]:
        """The new times as the page marks them, by number."""
        return dict(row.mark.partition(":")[::2] for row in self.moved)

    @property
    def can_be_made(self) -> bool:
        """Whether there is something to do, and what was asked for is possible."""
        return self.reflow.can_be_made

    @property
    def timeline(self) -> Timeline:
        """The course as it would be."""
        new = {row.number: row.pictured for row in self.rows}
        return timelines.timeline([new.get(step.session.number, step.pictured) for step in self.card.steps], self.on)

    @property
    def on(self) -> date:
        return self.card.on

    @property
    def summary(self) -> str:
        """How many visits move, and how far all of them together."""
        count = len(self.moved)
        words = ngettext("%(count)s visit gets another time", "%(count)s visits get other times", count)
        days = sum(abs(row.days) for row in self.moved)
        said = words % {"count": count}
        if not days:
            return said
        further = ngettext("%(days)s day in all", "%(days)s days in all", days) % {"days": days}
        return _("%(visits)s, %(days)s") % {"visits": said, "days": further}


def change(card: Card, reflow: Reflow) -> Change:
    """The change in words, in the order of the visits; people and places are read once."""
    steps: Mapping[int, Step] = {step.session.number: step for step in card.steps}
    chosen = [visit.chosen for visit in reflow.visits if visit.chosen is not None]
    people = Practitioner.objects.select_related("resource").in_bulk({one.practitioner_id for one in chosen} - {None})
    places = Location.objects.in_bulk({one.location_id for one in chosen})
    rows = []
    for found in reflow.visits:
        step, new = steps[found.number], found.chosen
        rows.append(
            Row(
                step=step,
                found=found,
                was=step.visit and step.visit.starts_at,
                was_at=step.visit and step.visit.location,
                new=new and new.starts_at,
                place=new and places[new.location_id],
                who=new and people.get(new.practitioner_id),
            )
        )
    return Change(card, reflow, rows)
