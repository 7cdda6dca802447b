"""What is typed about hours, absences and closures. The clinic's only location or person is not asked for."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic import premises, timespans
from clinic.forms import DayField, MomentField, OneOf
from clinic.models import Location, Practitioner, Resource

KINDS = (
    (Resource.Type.PRACTITIONER, _("People")),
    (Resource.Type.ROOM, _("Rooms")),
    (Resource.Type.DEVICE, _("Devices")),
)
EXTRA, INSTEAD, OFF = "extra", "instead", "off"


def clock() -> forms.TimeField:
    return forms.TimeField(required=False, widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}))


def everybody() -> list[Practitioner]:
    return list(Practitioner.objects.filter(resource__is_active=True).select_related("resource"))


def choice(found: Iterable, label: str, *, empty: str = "", is_needed: bool = True) -> OneOf:
    """One of these people or locations."""
    key = lambda one: one.resource.public_id if isinstance(one, Practitioner) else one.public_id  # noqa: E731 (a key)
    field = OneOf(found, public_id=key, empty=empty or _("Choose…"), label=label)
    field.required = is_needed
    return field


class OneOfTheBookable(forms.ChoiceField):
    """A person, room or device, in three groups."""

    def __init__(self, **details: object) -> None:
        rows = Resource.objects.filter(is_active=True).select_related("location").order_by("type", "name", "pk")
        self.found = {str(row.public_id): row for row in rows}
        by_type = {kind: list(group) for kind, group in groupby(self.found.values(), key=lambda row: row.type)}
        groups = [
            (label, [(str(row.public_id), str(row)) for row in by_type[kind]])
            for kind, label in KINDS
            if kind in by_type
        ]
        super().__init__(choices=[("", _("Choose…")), *groups], **details)

    def clean(self, value: object) -> Resource:
        return self.found[super().clean(value)]


class BlockForm(forms.Form):
    """Time in which somebody or something cannot be booked; without times whole days."""

    day = DayField(label=_("Day"))
    starts = clock()
    ends = clock()
    last_day = DayField(label=_("Last day"), required=False, help_text=_("Only if it is more than one day."))
    reason = forms.CharField(label=_("Reason"), max_length=120)
    key = forms.UUIDField(widget=forms.HiddenInput)

    field_order = ("what", "day", "starts", "ends", "last_day", "reason")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["what"] = OneOfTheBookable(label=_("Who or what"))
        self.fields["starts"].label, self.fields["ends"].label = _("From"), _("Until")
        self.fields["ends"].help_text = _("Leave both times empty for the whole day.")
        self.order_fields(self.field_order)

    def clean(self) -> dict:
        typed = super().clean()
        if self.errors:
            return typed
        if (typed["starts"] is None) != (typed["ends"] is None):
            raise ValidationError(_("Give both times, or none for the whole day."))
        zone = premises.zones_of([typed["what"].pk])[typed["what"].pk]
        last = typed["last_day"] or typed["day"]
        starts, ends = typed["starts"] or timespans.MIDNIGHT, typed["ends"] or timespans.MIDNIGHT
        typed["starts_at"] = timespans.at(zone, typed["day"], starts)
        is_midnight = ends == timespans.MIDNIGHT
        typed["ends_at"] = timespans.at(zone, last + timespans.ONE_DAY if is_midnight else last, ends)
        if typed["ends_at"] <= typed["starts_at"]:
            self.add_error("last_day" if last < typed["day"] else "ends", _("It must end after it begins."))
        return typed

    @staticmethod
    def filled(day: date, wall: datetime, what: str) -> dict:
        """What stands in the form at first: on the same day the next half hour."""
        if day != wall.date():
            return {"day": day, "what": what}
        begins = wall.replace(second=0, microsecond=0) + timedelta(minutes=-wall.minute % 15)
        return {"day": day, "what": what, "starts": begins.time(), "ends": (begins + timedelta(minutes=30)).time()}


class FreeForm(forms.Form):
    """Which blocked time can be booked again."""

    resource__public_id = forms.UUIDField()
    starts_at = MomentField()
    ends_at = MomentField()


class DayHoursForm(forms.Form):
    """What one person works on one day."""

    on = DayField(label=_("Day"))
    kind = forms.ChoiceField(
        label=_("What is different?"),
        choices=[
            (EXTRA, _("Works longer: these hours besides the usual ones")),
            (INSTEAD, _("Works at other times: these hours instead of the usual ones")),
            (OFF, _("Is off all day")),
        ],
        widget=forms.RadioSelect,
        initial=OFF,
    )
    starts = clock()
    ends = clock()
    reason = forms.CharField(label=_("Reason"), max_length=120, required=False)

    field_order = ("practitioner", "on", "kind", "location", "starts", "ends", "reason")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["practitioner"] = choice(everybody(), _("Who"))
        locations = list(Location.objects.filter(is_active=True))
        self.only_location = locations[0] if len(locations) == 1 else None
        if self.only_location is None:
            self.fields["location"] = choice(locations, _("Where"), is_needed=False)
        self.fields["starts"].label, self.fields["ends"].label = _("From"), _("Until")
        self.order_fields(self.field_order)

    def clean(self) -> dict:
        typed = super().clean()
        typed["location"] = typed.get("location") or self.only_location
        needed = {"location": _("Say where."), "starts": _("Say from when."), "ends": _("Say until when.")}
        if typed.get("kind") in (EXTRA, INSTEAD):
            for name, sentence in needed.items():
                if typed.get(name) is None and name not in self.errors:
                    self.add_error(name if name in self.fields else None, sentence)
        return typed


class SwapForm(forms.Form):
    """Two people who work each other's hours on one day."""

    on = DayField(label=_("Day"))
    reason = forms.CharField(label=_("Reason"), max_length=120, required=False)
    key = forms.UUIDField(required=False, widget=forms.HiddenInput)

    field_order = ("on", "first", "second", "reason")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        people = everybody()
        self.has_two = len(people) > 1
        self.fields["first"], self.fields["second"] = choice(people, _("Who")), choice(people, _("With whom"))
        self.order_fields(self.field_order)

    def clean(self) -> dict:
        typed = super().clean()
        if typed.get("first") and typed.get("first") == typed.get("second"):
            self.add_error("second", _("Choose two people."))
        return typed


class CopyHoursForm(forms.Form):
    """The usual weeks of one person for another, or for the same one at another location."""

    from_on = DayField(label=_("From this day on"))

    field_order = ("source", "at", "to", "to_location", "from_on")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        people, locations = everybody(), list(Location.objects.filter(is_active=True))
        self.fields["source"], self.fields["to"] = choice(people, _("Copy the hours of")), choice(people, _("To"))
        if len(locations) > 1:
            where = {"is_needed": False}
            self.fields["at"] = choice(locations, _("Only those at"), empty=_("All locations"), **where)
            self.fields["to_location"] = choice(locations, _("As hours at"), empty=_("The same location"), **where)
        self.order_fields(self.field_order)


class ClosuresForm(forms.Form):
    """A calendar file with public holidays."""

    file = forms.FileField(
        label=_("Calendar file"), widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
        help_text=_("A file whose name ends in .ics, as many authorities publish it."),
    )  # fmt: skip

    field_order = ("location", "file")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        locations = list(Location.objects.filter(is_active=True))
        self.only_location = locations[0] if len(locations) == 1 else None
        if len(locations) > 1:
            self.fields["location"] = choice(locations, _("Location"))
        self.order_fields(self.field_order)

    @property
    def place(self) -> Location | None:
        return self.cleaned_data.get("location") or self.only_location


class TakeForm(forms.Form):
    """A proposed time that is taken, and with whom."""

    starts_at = MomentField()
    practitioner = forms.UUIDField(required=False)
    version = forms.IntegerField(min_value=1, max_value=10**9)
