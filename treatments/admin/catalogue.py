"""The live rules about techniques, areas and what is treated, and the sources of all figures."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from patients.exchange import ExchangeAdmin
from treatments.admin.sourced import CatalogueAdmin, SourcedAdmin
from treatments.admin.tables import AreaLimitResource
from treatments.models import AreaLimit, Indication, IngredientClass, ReferenceFigure, Source, Technique


@admin.register(Technique)
class TechniqueAdmin(SourcedAdmin):
    purpose = _("How a treatment is done, and the depths and volumes that belong to it.")
    list_display = ("label", "modality", "depth_min_mm", "depth_max_mm", "confidence")
    list_filter = ("modality", "confidence")
    search_fields = ("label", "key")
    figures = (
        "label", "key", "modality", ("depth_min_mm", "depth_max_mm"),
        ("volume_per_point_min_ml", "volume_per_point_max_ml"), ("spacing_min_mm", "spacing_max_mm"), "needle_angle",
    )  # fmt: skip


@admin.register(AreaLimit)
class AreaLimitAdmin(SourcedAdmin, ExchangeAdmin):
    resource_class = AreaLimitResource
    plural = _("depths per area")
    purpose = _(
        "How deep a technique may go in an area, and where it may not be used. Nothing can be planned beyond it."
    )
    list_display = (
        "area", "technique", "depth_min_mm", "depth_typical_mm", "depth_max_mm", "depth_cap_mm", "is_blocked",
    )  # fmt: skip
    list_filter = ("is_blocked", "technique", "area__group")
    list_select_related = ("area", "technique")
    search_fields = ("area__label", "technique__label")
    figures = (
        "area", "technique", ("depth_min_mm", "depth_typical_mm"), ("depth_max_mm", "depth_cap_mm"), "is_blocked",
        "block_reason",
    )  # fmt: skip


@admin.register(IngredientClass)
class IngredientClassAdmin(SourcedAdmin):
    purpose = _("Groups of ingredients. Blocking a class blocks everything in it.")
    list_display = ("label", "is_blocked", "confidence")
    list_filter = ("is_blocked",)
    search_fields = ("label", "key")
    figures = ("label", "key", "is_blocked", "block_reason")


@admin.register(Indication)
class IndicationAdmin(SourcedAdmin):
    plural = _("what is treated")
    purpose = _("Why somebody is treated. One that is blocked cannot be planned.")
    list_display = ("label", "is_blocked", "confidence")
    list_filter = ("is_blocked",)
    search_fields = ("label", "key")
    figures = ("label", "key", "is_blocked", "block_reason")


@admin.register(ReferenceFigure)
class ReferenceFigureAdmin(SourcedAdmin):
    purpose = _("Figures of the field that are not about one treatment: lead times, buffers, general limits.")
    list_display = ("label", "value", "unit", "confidence")
    list_filter = ("confidence",)
    search_fields = ("label", "key")
    figures = ("label", "key", ("value", "unit"), ("min_value", "max_value"))


@admin.register(Source)
class SourceAdmin(CatalogueAdmin):
    purpose = _("Where figures come from: papers, labels, guidelines. Rows of the catalogue name them.")
    list_display = ("cited", "kind")
    list_filter = ("kind",)
    ordering = ("title", "key")
    search_fields = ("title", "key")
    fields = ("title", "key", "url", "kind")

    @admin.display(description=_("title"), ordering="title")
    def cited(self, row: Source) -> str:
        return format_html("<cite>{}</cite>", row.title)

    def called(self, row: Source) -> str:
        return self.cited(row)
