"""Locations with their hours, closures and reminders; rooms and devices."""

from django import forms
from django.contrib import admin
from django.db import models
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic import premises
from clinic.admin.bookable import BookableAdmin, BookableForm
from clinic.models import Closure, Device, Location, LocationReminderRule, OpeningHours, Room
from patients.administration import CadenceAdmin, CadenceTabularInline


class OpeningHoursInline(CadenceTabularInline):
    model = OpeningHours


class ClosureInline(CadenceTabularInline):
    model = Closure


class ReminderRuleInline(CadenceTabularInline):
    model = LocationReminderRule
    labels = {"key": _("short name")}


@admin.register(Location)
class LocationAdmin(CadenceAdmin):
    purpose = _("Where you work: address, opening hours, days closed, and when patients are reminded.")
    list_display = ("name", "phone", "time_zone", "is_active")
    search_fields = ("name",)
    inlines = (OpeningHoursInline, ClosureInline, ReminderRuleInline)
    fieldsets = (
        (None, {"fields": ("name", "address", "phone", "time_zone", "currency", "is_active")}),
        (_("Booking"), {"fields": ("grid_minutes", "notice_minutes", "horizon_days", "free_cancel_hours")}),
        (_("Quiet hours for messages"), {"fields": (("quiet_from", "quiet_until"),)}),
    )
    help_texts = {"time_zone": _("A name like Europe/London. It stays as it is once the location is made.")}

    def get_readonly_fields(self, request: HttpRequest, obj: Location | None = None) -> tuple[str, ...]:
        return () if obj is None else ("time_zone",)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponse:
        """Closures are typed and shown in the wall time of the location."""
        place = object_id and self.get_object(request, object_id)
        with timezone.override(place.zone if place else timezone.get_current_timezone()):
            answer = super().changeform_view(request, object_id, form_url, extra_context)
            return answer.render() if hasattr(answer, "render") else answer

    def save_model(self, request: HttpRequest, obj: Location, form: forms.ModelForm, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        premises.keep_location(obj)

    def save_formset(
        self,
        request: HttpRequest,
        form: forms.ModelForm,
        formset: BaseInlineFormSet,
        change: bool,  # noqa: FBT001 (Django's own signature)
    ) -> None:
        saved = formset.save(commit=False)
        premises.keep_parts(form.instance, saved=saved, removed=formset.deleted_objects)


class RoomForm(BookableForm):
    class Meta:
        model = Room
        exclude = ("resource",)


class DeviceForm(BookableForm):
    class Meta:
        model = Device
        exclude = ("resource",)


@admin.register(Room)
class RoomAdmin(BookableAdmin):
    purpose = _("Where visits take place. A room for several people at once is entered once for each place.")
    form = RoomForm
    list_display = ("name", "kind", "location", "is_in_use")
    list_filter = ("kind", "resource__is_active")
    own_fields = tuple(field.name for field in Room._meta.fields if field.name != "resource")


@admin.register(Device)
class DeviceAdmin(BookableAdmin):
    purpose = _("Pens and injectors that visits need; one that is not in use is not offered.")
    form = DeviceForm
    list_display = ("name", "kind", "location", "serial", "calibration_due_on", "is_in_use")
    list_filter = ("kind", "resource__is_active")
    own_fields = tuple(field.name for field in Device._meta.fields if field.name != "resource")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).order_by("resource__name", "pk")
