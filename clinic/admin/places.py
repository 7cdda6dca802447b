"""Locations with their hours, closures and reminders; rooms and devices."""

from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic import premises
from clinic.admin.bookable import BookableAdmin, BookableForm, InItsOwnTime, KeepsParts, SaysWhatNoLongerFits
from clinic.models import (
    Closure,
    Device,
    DevicePlace,
    ExtraOpening,
    Location,
    LocationReminderRule,
    OpeningHours,
    Resource,
    Room,
    TravelTime,
)
from patients.administration import CadenceAdmin, CadenceTabularInline


class OpeningHoursInline(CadenceTabularInline):
    model = OpeningHours


class ExtraOpeningInline(CadenceTabularInline):
    model = ExtraOpening


class ClosureInline(CadenceTabularInline):
    model = Closure


class ReminderRuleInline(CadenceTabularInline):
    model = LocationReminderRule
    labels = {"key": _("short name")}


@admin.register(Location)
class LocationAdmin(KeepsParts, SaysWhatNoLongerFits, InItsOwnTime, CadenceAdmin):
    purpose = _("Where you work: address, opening hours, days closed, and when patients are reminded.")
    list_display = ("name", "phone", "time_zone", "is_active")
    search_fields = ("name",)
    inlines = (OpeningHoursInline, ExtraOpeningInline, ClosureInline, ReminderRuleInline)
    fieldsets = (
        (None, {"fields": ("name", "address", "phone", "time_zone", "currency", "is_active")}),
        (
            _("Booking"),
            {"fields": ("grid_minutes", "hold_minutes", ("notice_minutes", "horizon_days"), "free_cancel_hours")},
        ),
        (
            _("Planning a course"),
            {
                "fields": (
                    ("visits_ahead", "apart_days"),
                    ("late_cancel_counts", "no_show_counts"),
                    ("cost_of_weekday", "cost_of_time"),
                    ("cost_of_practitioner", "cost_of_change", "cost_of_location"),
                    ("cost_of_lateness", "cost_of_each_late_day"),
                ),
                "classes": ("collapse",),
            },
        ),
        (_("When patients book"), {"fields": (("online_notice_minutes", "online_horizon_days"),)}),
        (_("Quiet hours for messages"), {"fields": (("quiet_from", "quiet_until"),)}),
    )
    help_texts = {"time_zone": _("A name like Europe/London. It stays as it is once the location is made.")}

    def get_readonly_fields(self, request: HttpRequest, obj: Location | None = None) -> tuple[str, ...]:
        return () if obj is None else ("time_zone",)

    def zone_of(self, row: Location) -> ZoneInfo:
        return row.zone

    def reached(self, row: Location) -> models.Q:
        return models.Q(location=row)

    def save_model(self, request: HttpRequest, obj: Location, form: forms.ModelForm, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        premises.keep_location(obj)


class RoomForm(BookableForm):
    places = forms.IntegerField(
        label=_("Places"), required=False, min_value=1, max_value=premises.MOST_PLACES, initial=1,
        help_text=_("How many people can be in it at once, each with a visit of their own. A lounge has several."),
    )  # fmt: skip

    class Meta:
        model = Room
        exclude = ("resource", "place_of")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["name"] = premises.room_name(self.instance)
            self.initial["places"] = premises.number_of_places(self.instance)

    def clean_places(self) -> int:
        """Left empty: as it was, and one at first."""
        return self.cleaned_data["places"] or self.initial.get("places", 1)


class DeviceForm(BookableForm):
    class Meta:
        model = Device
        exclude = ("resource",)


@admin.register(Room)
class RoomAdmin(BookableAdmin):
    purpose = _("Where visits take place, and how many people each room serves at once.")
    form = RoomForm
    list_display = ("name", "kind", "places", "location", "is_in_use")
    list_filter = ("kind", "resource__is_active")
    own_fields = ("kind", "serves_all", "places")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        """A room of several places once: as the first of them."""
        same = Room.objects.exclude(place_of="").filter(
            place_of=OuterRef("place_of"), resource__location=OuterRef("resource__location")
        )
        working = same.filter(resource__is_active=True).order_by().values("place_of")
        rows = (
            super()
            .get_queryset(request)
            .annotate(
                is_repeated=Exists(same.filter(pk__lt=OuterRef("pk"))),
                in_use=models.Subquery(working.annotate(count=models.Count("pk")).values("count")),
            )
        )
        return rows.filter(is_repeated=False)

    def get_readonly_fields(self, request: HttpRequest, obj: Room | None = None) -> tuple[str, ...]:
        return () if self.may_write(request, obj) else (*super().get_readonly_fields(request, obj), "places")

    def also_seen(self, obj: Room) -> list[models.QuerySet]:
        return [Resource.objects.filter(pk__in=[row.pk for row in premises.places_of(obj)])]

    def resources(self, row: Room) -> list[int]:
        return [place.pk for place in premises.places_of(row)]

    def called(self, row: Room) -> str:
        return premises.room_name(row)

    def save_model(self, request: HttpRequest, obj: Room, form: RoomForm, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        premises.keep_places(obj, form.resource, places=form.cleaned_data["places"], now=timezone.now())

    @admin.display(description=_("name"), ordering="resource__name")
    def name(self, row: Room) -> str:
        return premises.room_name(row)

    @admin.display(description=_("places"))
    def places(self, row: Room) -> int:
        return getattr(row, "in_use", None) or 1


class DevicePlaceInline(CadenceTabularInline):
    model = DevicePlace


@admin.register(Device)
class DeviceAdmin(KeepsParts, BookableAdmin):
    purpose = _("Pens and injectors that visits need; one that is not in use is not offered.")
    form = DeviceForm
    list_display = ("name", "kind", "location", "serial", "calibration_due_on", "is_in_use")
    list_filter = ("kind", "resource__is_active")
    inlines = (DevicePlaceInline,)
    own_fields = tuple(field.name for field in Device._meta.fields if field.name != "resource")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).order_by("resource__name", "pk")


@admin.register(TravelTime)
class TravelTimeAdmin(CadenceAdmin):
    purpose = _("How long it takes between two locations; whoever works at both is not booked closer together.")
    may_delete = True
    fields = (("start", "end"), "minutes")
    list_display = ("way", "minutes")
    list_select_related = ("start", "end")
    ordering = ("start__name", "end__name", "pk")

    def save_model(self, request: HttpRequest, obj: TravelTime, form: forms.ModelForm, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        premises.keep_travel_time(obj, before=TravelTime.objects.filter(pk=obj.pk).first())

    def delete_model(self, request: HttpRequest, obj: TravelTime) -> None:
        premises.end_travel_time(obj)

    @admin.display(description=_("between"))
    def way(self, row: TravelTime) -> str:
        return str(row)
