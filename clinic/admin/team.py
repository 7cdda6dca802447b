"""Who stands in the diary: their hours, what they are qualified for, and when they or a room or device are away."""

from datetime import tzinfo

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import premises, to_move
from clinic.admin.bookable import BookableAdmin, BookableForm, InItsOwnTime, KeepsParts, SaysWhatNoLongerFits
from clinic.models import Absence, DatedHours, Practitioner, Qualification, WorkingHours
from clinic.timespans import Span
from patients.administration import CadenceAdmin, CadenceForm, CadenceStackedInline, CadenceTabularInline


class WorkingHoursInline(CadenceStackedInline):
    model = WorkingHours
    fields = (
        ("weekday", "starts", "ends", "location"), ("valid_from", "valid_until", "cycle_weeks", "cycle_week"),
        ("is_open_desk", "is_open_online"), "services",
    )  # fmt: skip


class DatedHoursInline(CadenceStackedInline):
    model = DatedHours
    fields = (("on", "starts", "ends", "location"), "replaces_usual", ("is_open_desk", "is_open_online"), "reason")


class QualificationInline(CadenceTabularInline):
    model = Qualification


class PractitionerForm(BookableForm):
    location = None

    class Meta:
        model = Practitioner
        fields = ("user", "job_title", "treats", "may_assist")


@admin.register(Practitioner)
class PractitionerAdmin(KeepsParts, BookableAdmin):
    plural = gettext_lazy("practitioners and their hours")
    purpose = gettext_lazy("Who treats, when and where they work, and which techniques they may use.")
    form = PractitionerForm
    list_display = ("name", "job_title", "user", "treats", "is_in_use")
    list_filter = ("resource__is_active",)
    list_select_related = ("resource", "resource__location", "user")
    search_fields = ("resource__name", "user__email")
    inlines = (QualificationInline, WorkingHoursInline, DatedHoursInline)
    own_fields = ("user", "job_title", "treats", "may_assist")
    labels = {"user": gettext_lazy("sign-in of this person")}
    help_texts = {"user": gettext_lazy("Made under “people and their roles”.")}


class AbsenceForm(CadenceForm):
    """Times are wall times where the person, room or device is, whichever zone the page was opened in."""

    def clean(self) -> dict:
        cleaned = super().clean()
        resource = cleaned.get("resource")
        zones = premises.zones_of([resource.pk]) if resource else {}
        for name in ("starts_at", "ends_at"):
            if resource and cleaned.get(name):
                wall = timezone.make_naive(cleaned[name])
                cleaned[name] = timezone.make_aware(wall, zones[resource.pk])
        starts_at, ends_at = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", ValidationError(_("It must end after it begins.")))
        return cleaned


@admin.register(Absence)
class AbsenceAdmin(SaysWhatNoLongerFits, InItsOwnTime, CadenceAdmin):
    purpose = gettext_lazy("Leave, illness, a device in repair. Nothing is offered then; visits already booked stay.")
    form = AbsenceForm
    may_delete = True
    fields = ("resource", ("starts_at", "ends_at"), "reason")
    list_display = ("resource", "starts_at", "ends_at", "reason")
    list_filter = ("resource__type",)
    list_select_related = ("resource",)
    search_fields = ("resource__name", "reason")
    ordering = ("-starts_at", "-pk")
    labels = {"resource": gettext_lazy("who or what is away")}

    def zone_of(self, row: Absence) -> tzinfo:
        return premises.zones_of([row.resource_id])[row.resource_id]

    def reached(self, row: Absence) -> models.Q:
        return to_move.taking([row.resource_id], Span(row.starts_at, row.ends_at))

    def save_model(self, request: HttpRequest, obj: Absence, form: forms.ModelForm, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        before = [form.initial["resource"]] if change else []
        premises.keep_absence(obj, before=before)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        premises.end_absence(obj)
