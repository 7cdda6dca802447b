"""The rows of a draft, section by section: what is typed in each, and in which order of fields."""

from django.db import models
from django.db.models import QuerySet
from django.forms import Field
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from patients.administration import CadenceStackedInline
from treatments.admin import protocol_forms
from treatments.models import (
    AnaestheticLine,
    CocktailLine,
    DepthStep,
    FollowUpRule,
    Ingredient,
    Phase,
    Technique,
    VersionAftercare,
    VersionSegment,
)


class RowInline(CadenceStackedInline):
    """Rows of one kind. `is_placed` rows are put in order by people, the others by what is in them (`order`)."""

    formset = protocol_forms.RowFormSet
    title: object = ""
    add_label: object = _("Add a row")
    related: tuple[str, ...] = ()
    prefetched: tuple[str, ...] = ()
    is_placed = False
    order: tuple[str, ...] = ("position",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request).order_by(*self.order)
        return rows.select_related(*self.related).prefetch_related(*self.prefetched)

    def formfield_for_foreignkey(self, column: models.ForeignKey, request: HttpRequest, **kwargs: object) -> Field:
        if column.related_model is Ingredient:
            kwargs["queryset"] = Ingredient.objects.select_related("ingredient_class")
        if column.related_model is Technique:
            kwargs["queryset"] = Technique.objects.filter(modality=request.modality)
        return super().formfield_for_foreignkey(column, request, **kwargs)


class PhaseInline(RowInline):
    model, form, is_placed = Phase, protocol_forms.PhaseForm, True
    title, add_label = _("Phases"), _("Add a phase")
    fields = (
        "name", "sessions", "interval_min_days", "interval_ideal_days", "interval_max_days", "is_maintenance", "note",
        "place",
    )  # fmt: skip


class AreasFormSet(protocol_forms.RowFormSet):
    once = "area"


class IngredientsFormSet(protocol_forms.RowFormSet):
    once = "ingredient"


class DepthInline(RowInline):
    model, form, formset = DepthStep, protocol_forms.DepthForm, AreasFormSet
    title, add_label = _("Depths"), _("Add an area")
    fields = (
        "area", "technique", "depth_min_mm", "depth_typical_mm", "depth_max_mm", "passes_min", "passes_max",
        "points_min", "points_max", "volume_per_point_ml", "spacing_mm", "reason", "place",
    )  # fmt: skip
    related = ("area", "technique")
    order = ("area__position", "area__label")


class MixInline(RowInline):
    model, form, formset, is_placed = CocktailLine, protocol_forms.MixForm, IngredientsFormSet, True
    title, add_label = _("Mix"), _("Add an ingredient")
    fields = ("ingredient", "amount", "unit", "volume_ml", "amount_basis", "note", "place")
    related = ("ingredient__ingredient_class",)


class NumbingInline(RowInline):
    model, form, is_placed = AnaestheticLine, protocol_forms.NumbingForm, True
    title, add_label = _("Numbing"), _("Add an anaesthetic")
    fields = (
        "ingredient", "agent", "kind", "minutes_min", "minutes_typical", "minutes_max", "is_removed_before", "note",
        "place",
    )  # fmt: skip
    related = ("ingredient__ingredient_class",)


class PartInline(RowInline):
    model, form, is_placed = VersionSegment, protocol_forms.PartForm, True
    labels = {"holds_practitioner": _("Needs the practitioner")}
    title, add_label = _("Visit"), _("Add a part")
    fields = (
        "kind", "base_minutes", "minutes_per_area", "room_kind", "device_kind", "holds_practitioner",
        "needs_assistant", "place",
    )  # fmt: skip


class AdviceInline(RowInline):
    model, form, formset, section = (
        VersionAftercare,
        protocol_forms.AdviceForm,
        protocol_forms.KeyedFormSet,
        "aftercare",
    )
    title, add_label = _("Aftercare"), _("Add an advice")
    fields = ("title", "kind", "starts_after_hours", "ends_after_hours", "send_after_hours", "text", "place")
    order = ("send_after_hours", "key")


class MessageInline(RowInline):
    model, form, formset = FollowUpRule, protocol_forms.MessageForm, protocol_forms.MessageFormSet
    title, add_label = _("Messages"), _("Add a message")
    fields = ("purpose", "sort", "offset_hours", "asks_photo", "is_after_last_only", "questions", "place")
    prefetched = ("questions",)
    order = ("offset_hours", "key")


INLINES = (PhaseInline, DepthInline, MixInline, NumbingInline, PartInline, AdviceInline, MessageInline)
