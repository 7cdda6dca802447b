"""What is typed about one visit or one kept time: other people and places, company, a time that is over."""

from datetime import timedelta

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clinic import timespans
from clinic.forms import DayField, DayForm, DeskForm, OneOf
from clinic.models import Appointment, Device, Practitioner, Resource, Room
from treatments.models import Service


class AllowedForm(DeskForm):
    """A form that may be sent again with a reason for allowing what stood in the way."""

    allow = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    allow_reason = forms.CharField(label=_("Why is it allowed anyway?"), required=False, max_length=200)

    @property
    def overrides(self) -> dict[str, str]:
        """The rules that are allowed anyway, each with the reason that was typed."""
        typed = self.cleaned_data
        return dict.fromkeys(typed["allow"].split(), typed["allow_reason"]) if typed["allow_reason"] else {}

    @property
    def questions(self) -> list[forms.BoundField]:
        """The fields that are always shown."""
        return [field for field in self.visible_fields() if field.name != "allow_reason"]


class PlacesForm(AllowedForm):
    """Who treats, in which room, with which device. What there is one of is not asked."""

    reason = forms.CharField(label=_("Reason for the change"), required=False, max_length=200)
    version = forms.IntegerField(min_value=1, max_value=10**9, widget=forms.HiddenInput)
    field_order = ("practitioner", "room", "device", "reason")

    def __init__(self, data: QueryDict | None, *, visit: Appointment) -> None:
        super().__init__(data, initial={"version": visit.version})
        claims = {"claims__appointment": visit, "claims__live": True}
        self.has = list(Resource.objects.filter(**claims).select_related("room", "device").distinct())
        here = {"resource__is_active": True, "resource__location": visit.location}
        if visit.practitioner_id is not None:
            people = Practitioner.objects.filter(resource__is_active=True, treats=True)
            self._ask("practitioner", _("Practitioner"), people)
        kinds = {row.room.kind for row in self.has if hasattr(row, "room")}
        fits = Q(kind__in=kinds) | Q(serves_all=True)
        self._ask("room", _("Room"), Room.objects.filter(fits, **here), is_wanted=bool(kinds))
        devices = Device.objects.filter(
            resource__is_active=True, kind__in={row.device.kind for row in self.has if hasattr(row, "device")}
        )
        self._ask("device", _("Device"), devices)
        self.order_fields(self.field_order)

    def _ask(self, name: str, label: str, rows: QuerySet, *, is_wanted: bool = True) -> None:
        others = list(rows.select_related("resource")) if is_wanted else []
        has = {row.pk for row in self.has}
        others = [row for row in others if row.pk not in has]
        if not others:
            return
        kept = ", ".join(row.name for row in self.has if row.type == name)
        empty = _("%(name)s, as planned") % {"name": kept} if kept else _("as planned")
        self.fields[name] = OneOf(others, public_id=lambda row: row.resource.public_id, empty=empty, label=label)

    @property
    def can_change(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.fields.keys() & {"practitioner", "room", "device"})

    @property
    def wanted(self) -> dict:
        """What `booking.change_resources` takes."""
        names = ("practitioner", "room", "device", "reason", "version")
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


def _service_field() -> OneOf:
    services = Service.objects.filter(is_active=True, is_desk=True).order_by("name")
    return OneOf(services, public_id=lambda one: one.public_id, empty=_("Choose…"), label=_("Service"))


class AnotherForm(AllowedForm):
    """One more visit right after another."""

    note = forms.CharField(label=_("Note"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    key = forms.UUIDField(widget=forms.HiddenInput)
    field_order = ("service", "practitioner", "note")

    def __init__(self, data: QueryDict | None) -> None:
        super().__init__(data)
        self.fields["service"] = _service_field()
        people = list(Practitioner.objects.filter(resource__is_active=True, treats=True).select_related("resource"))
        if len(people) > 1:
            self.fields["practitioner"] = OneOf(
                people, public_id=lambda one: one.resource.public_id, empty=_("Anyone"), label=_("Practitioner")
            )
        self.order_fields(self.field_order)

    def clean_service(self) -> Service:
        service = self.cleaned_data["service"]
        if service is None:
            raise forms.ValidationError(_("Choose a service."))
        return service


class PencilForm(DeskForm):
    """For whom a time is pencilled in, and for how long."""

    HOURS = ((4, _("4 hours")), (24, _("1 day")), (48, _("2 days")), (72, _("3 days")))

    kept_for = forms.CharField(label=_("For whom"), required=False, max_length=120)
    hours = forms.TypedChoiceField(label=_("Keep it for"), choices=HOURS, coerce=int, initial=24)
    key = forms.UUIDField(widget=forms.HiddenInput)

    @property
    def lasts(self) -> timedelta:
        return timedelta(hours=self.cleaned_data["hours"])


class PastForm(DayForm):
    """What took place, where, with whom and when; the patient comes on the next page."""

    field_order = ("service", "location", "practitioner", "day", "time")
    day = DayField(label=_("Day"))
    time = forms.TimeField(label=_("Time"), widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}))

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.fields["service"] = _service_field()
        self.order_fields(self.field_order)

    def clean(self) -> dict:
        details = super().clean()
        if not details.get("service") and not self.errors:
            raise forms.ValidationError(_("Choose a service."))
        return details

    @property
    def query(self) -> dict[str, str]:
        """What the address of the booking page says."""
        typed = self.cleaned_data
        start = timespans.at(self.location.zone, typed["day"], typed["time"])
        names = ("service", "location", "practitioner")
        return {name: self.data[name] for name in names if self.data.get(name)} | {"start": start.isoformat()}
