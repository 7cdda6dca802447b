"""What is typed on the page that plans a whole course: wishes, dates chosen by hand, and visits left out."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import zip_longest

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from clinic import course_reads, timespans
from clinic.forms import AsksWithWhom, DayField, MomentField, OneOf, WhereAndWho
from clinic.models import Location, Practitioner, Wishes
from clinic.scheduling import Plan, Wish

MOST_DAYS_AWAY = 366
WISHES = ("first", "weekdays", "earliest_time", "latest_time", "practitioner", "only", "location")
CLOCK = {"format": "%H:%M", "attrs": {"type": "time"}}
Who = Wishes.Who


@dataclass(frozen=True)
class Away:
    """A stretch of days that do not suit, as it is typed: a single day leaves the second field empty."""

    first: str = ""
    last: str = ""

    @classmethod
    def of(cls, days: Iterable[date]) -> "list[Away]":
        """The stretches of the days, those that follow one another together."""
        found: list[list[date]] = []
        for day in sorted(days):
            if found and found[-1][1] + timedelta(days=1) == day:
                found[-1][1] = day
            else:
                found.append([day, day])
        return [cls(first.isoformat(), last.isoformat() if last > first else "") for first, last in found]

    @property
    def days(self) -> set[date]:
        """The days, the last one included. Raises `ValidationError`."""
        first = DayField().clean(self.first or self.last)
        last = DayField().clean(self.last or self.first)
        if last < first:
            raise ValidationError(_("The last day that does not suit lies before the first one."))
        if (last - first).days >= MOST_DAYS_AWAY:
            raise ValidationError(_("Leave out a year at most."))
        return {first + timedelta(days=number) for number in range((last - first).days + 1)}


class PlanForm(AsksWithWhom, WhereAndWho):
    """The wishes for a course; `fixed_<number>` is the start that was chosen by hand for the session of that number.

    `shown` marks the visits that the page proposed, of which `take` are ticked (an address says `out` instead); `later`
    those that are dates only. `asked` is what they were planned from.
    """

    weekdays = forms.TypedMultipleChoiceField(
        label=_("Weekdays"),
        required=False,
        coerce=int,
        choices=[(day + 1, WEEKDAYS_ABBR[day]) for day in WEEKDAYS],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    earliest_time = forms.TimeField(label=_("Not before"), required=False, widget=forms.TimeInput(**CLOCK))
    latest_time = forms.TimeField(label=_("To begin by"), required=False, widget=forms.TimeInput(**CLOCK))
    first = DayField(label=_("First possible day"))
    key = forms.UUIDField(required=False)

    def __init__(self, data: QueryDict, *, numbers: Iterable[int]) -> None:
        super().__init__(data.copy())
        self.numbers = sorted(numbers)
        self.locations = {one.pk: one for one in course_reads.locations()}
        self.ask_with_whom(self.people)
        if len(self.locations) > 1:
            self.fields["location"] = OneOf(
                self.locations.values(), public_id=lambda one: one.public_id, label=_("Location")
            )
        for number in self.numbers:
            names = (_fixed(number), f"day_{number}", f"time_{number}")
            if any(value for name in names for value in self.data.getlist(name)):
                fields = MomentField(required=False), DayField(required=False), forms.TimeField(required=False)
                self.fields.update(zip(names, fields, strict=True))

    @cached_property
    def people(self) -> list[Practitioner]:
        return course_reads.people()

    def today(self, now: datetime) -> date:
        """Today where the clinic is; with several locations, at the first of them."""
        place = next(iter(self.locations.values()), None)
        return timespans.date_of(place.zone, now) if place else now.date()

    @cached_property
    def away(self) -> list[Away]:
        """The stretches that do not suit, as they were typed."""
        pairs = zip_longest(self.data.getlist("away_from"), self.data.getlist("away_to"), fillvalue="")
        return [stretch for stretch in (Away(*pair) for pair in pairs) if stretch != Away()]

    @property
    def away_rows(self) -> list[Away]:
        """With an empty one, to be filled in."""
        return [*self.away, Away()]

    @property
    def next_row(self) -> int:
        """The number of the row after those that are filled in."""
        return len(self.away) + 1

    @property
    def has_room_for_days(self) -> bool:
        """Whether the page still has an empty row."""
        return len(self.data.getlist("away_from")) > len(self.away)

    def clean(self) -> dict:
        details = super().clean()
        earliest, latest = details.get("earliest_time"), details.get("latest_time")
        if earliest and latest and latest < earliest:
            self.add_error("latest_time", _("The visits would have to begin before they may: look at both times."))
        details["not_on"] = frozenset()
        for stretch in self.away:
            details["not_on"] |= stretch.days
        if len(details["not_on"]) > MOST_DAYS_AWAY:
            raise ValidationError(_("Leave out a year at most."))
        self._fix_what_was_typed(details)
        return details

    def _fix_what_was_typed(self, details: dict) -> None:
        """A day and time that were typed count like one that was chosen from the list."""
        place = details.get("location") or next(iter(self.locations.values()), None)
        for number in self.numbers:
            day, clock = details.get(f"day_{number}"), details.get(f"time_{number}")
            if place is not None and day and clock:
                details[_fixed(number)] = timespans.at(place.zone, day, clock)
                self.data[_fixed(number)] = details[_fixed(number)].isoformat()

    @property
    def wish(self) -> Wish:
        """What the planner is asked to respect."""
        typed = self.cleaned_data
        place = typed.get("location")
        wish = Wish(
            weekdays=frozenset(typed["weekdays"]),
            earliest=typed["earliest_time"],
            latest=typed["latest_time"],
            location_id=place and place.pk,
            not_on=typed["not_on"],
        )
        return wish.with_person(**self.person_wished)

    @property
    def fixed(self) -> dict[int, datetime]:
        """The starts chosen by hand, by the number of the session."""
        chosen = {number: self.cleaned_data.get(_fixed(number)) for number in self.numbers}
        return {number: start for number, start in chosen.items() if start}

    @property
    def held(self) -> dict[int, int]:
        """The person of each visit as it was shown, by number; visits that need nobody are left out."""
        return {number: person for number, (_start, person) in self._marked.items() if person}

    @property
    def starts(self) -> dict[int, datetime]:
        """The start (UTC) of each visit as it was shown, by number, those that are dates only among them."""
        return {number: start for number, (start, _person) in self._marked.items()}

    def moved(self, plan: Plan) -> set[int]:
        """The numbers of the visits to book that are not where they were shown, or not with whom."""
        found = {visit.number: visit.chosen for visit in plan.to_book}
        return {
            number
            for number in self.ticked
            if number not in found
            or found[number].starts_at != self.starts[number]
            or found[number].practitioner_id != self.held.get(number)
        }

    @cached_property
    def shown(self) -> dict[int, str]:
        """How the page marked each visit that it proposed, by number."""
        return self._marks("shown")

    @property
    def ticked(self) -> set[int]:
        """The numbers of the visits that are to be booked."""
        return set(self.shown) & self._numbers("take")

    @cached_property
    def left_out(self) -> set[int]:
        """The numbers of the visits that are not to be booked now."""
        return set(self.shown) - self.ticked if self.shown else self._numbers("out")

    @property
    def is_as_shown(self) -> bool:
        """Whether nothing was changed since the page proposed the course, and the form came as the page made it."""
        return self.data.get("asked") == self.asked() and self.ticked <= set(self.starts)

    @property
    def newly_fixed(self) -> set[int]:
        """The numbers of the sessions whose date was chosen since the page proposed the course."""
        before = QueryDict(self.data.get("asked", ""))
        return {number for number in self.fixed if before.get(_fixed(number)) != self.data.get(_fixed(number))}

    def asked(self, fixed: Iterable[int] | None = None) -> str:
        """What the course is planned from, as the part of an address; of what was chosen by hand only these numbers."""
        numbers = self.numbers if fixed is None else fixed
        query = QueryDict(mutable=True)
        for name in (*WISHES, *map(_fixed, numbers)):
            values = [value for value in self.data.getlist(name) if value and name in self.fields]
            if values or name == "first":
                query.setlist(name, values)
        for stretch in self.away:
            query.appendlist("away_from", stretch.first)
            query.appendlist("away_to", stretch.last)
        return query.urlencode()

    @property
    def address(self) -> str:
        """Everything that the page shows, as the part of an address."""
        query = QueryDict(self.asked(), mutable=True)
        query.setlist("out", sorted(self.left_out))
        return query.urlencode()

    @property
    def address_of_wishes(self) -> str:
        """The same without what was chosen by hand."""
        return self.asked(fixed=[])

    @cached_property
    def _marked(self) -> dict[int, tuple[datetime, int | None]]:
        """The start and the person of each mark; what is no mark of this page is dropped."""
        people = {str(one.resource.public_id): one.pk for one in self.people}
        found = {}
        for number, mark in (self._marks("later") | self.shown).items():
            start, _, person = mark.partition("|")
            with suppress(ValidationError):
                found[number] = (MomentField().clean(start), people.get(person))
        return found

    def _marks(self, name: str) -> dict[int, str]:
        marks = dict(value.partition(":")[::2] for value in self.data.getlist(name))
        return {number: marks[str(number)] for number in self.numbers if str(number) in marks}

    @property
    def where(self) -> forms.BoundField | None:
        """The question for the location, where there are several."""
        return self["location"] if "location" in self.fields else None

    def _numbers(self, name: str) -> set[int]:
        typed = set(self.data.getlist(name))
        return {number for number in self.numbers if str(number) in typed}


def _fixed(number: int) -> str:
    return f"fixed_{number}"


def kept(wishes: Wishes | None, first: date, place: Location | None) -> QueryDict:
    """What the form shows at first: the wishes that are kept with the series, and the location."""
    data = QueryDict(mutable=True)
    data["first"] = first.isoformat()
    if place is not None:
        data["location"] = str(place.public_id)
    if wishes is None:
        return data
    data.setlist("weekdays", [str(day) for day in wishes.weekdays])
    for name in ("earliest_time", "latest_time"):
        moment = getattr(wishes, name)
        data[name] = f"{moment:%H:%M}" if moment else ""
    if wishes.practitioner is not None:
        data["practitioner"] = str(wishes.practitioner.resource.public_id)
        data["only"] = "on" if wishes.who == Who.SAME else ""
    for stretch in Away.of(wishes.not_on):
        data.appendlist("away_from", stretch.first)
        data.appendlist("away_to", stretch.last)
    return data
