"""What can be booked, and the parts that a visit has."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from patients.administration import CadenceTabularInline
from patients.exchange import ExchangeAdmin
from treatments.admin.sourced import SourcedAdmin
from treatments.admin.tables import ServiceResource
from treatments.models import Service, ServiceSegment


class ServicePartInline(CadenceTabularInline):
    model = ServiceSegment
    verbose_name = _("part of the visit")
    verbose_name_plural = _("parts of the visit")
    labels = {
        "position": _("order"),
        "base_minutes": _("minutes"),
        "minutes_per_area": _("and for each area"),
        "holds_practitioner": _("practitioner needed"),
        "needs_assistant": _("assistant needed"),
    }


@admin.register(Service)
class ServiceAdmin(SourcedAdmin, ExchangeAdmin):
    resource_class = ServiceResource
    place = "clinic"
    purpose = _("What can be booked, how long each part takes, and what it needs: a room, a device, a practitioner.")
    list_display = ("name", "kind", "modality", "is_active", "is_online", "is_desk")
    list_filter = ("kind", "modality", "is_active", "is_online")
    search_fields = ("name", "key")
    inlines = (ServicePartInline,)
    figures = (
        "name", "key", "kind", "modality", "technique", "is_active", "is_online", "is_desk",
        ("fulfils", "fulfils_days"),
    )  # fmt: skip
