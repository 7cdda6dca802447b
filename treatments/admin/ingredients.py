"""What is injected: doses, allergens, what does not go together, and reasons not to treat."""

from django.contrib import admin
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from patients.administration import CadenceAdmin, CadenceForm, CadenceTabularInline
from patients.exchange import ExchangeAdmin
from treatments.admin.sourced import CLINICAL, SourcedAdmin
from treatments.admin.tables import IngredientResource, ReasonResource
from treatments.models import (
    Contraindication,
    ExternalInteraction,
    IncompatiblePair,
    Ingredient,
    IngredientInteraction,
    IngredientTag,
)


class IngredientTagInline(CadenceTabularInline):
    model = IngredientTag
    verbose_name = _("substance it contains")
    verbose_name_plural = _("substances it contains")
    labels = {"tag": _("substance")}


class ExternalInteractionInline(CadenceTabularInline):
    model = ExternalInteraction
    verbose_name = _("medicine it does not go with")
    verbose_name_plural = _("medicines it does not go with")


class IngredientInteractionInline(CadenceTabularInline):
    model = IngredientInteraction
    fk_name = "ingredient"
    verbose_name = _("effect together with another ingredient")
    verbose_name_plural = _("effects together with other ingredients")


@admin.register(Ingredient)
class IngredientAdmin(SourcedAdmin, ExchangeAdmin):
    resource_class = IngredientResource
    purpose = _("What a mix is made of, with its greatest doses. A blocked ingredient cannot be used anywhere.")
    list_display = ("name", "ingredient_class", "unit", "max_per_session", "is_blocked", "is_anaesthetic")
    list_filter = ("is_blocked", "is_anaesthetic", "ingredient_class")
    list_select_related = ("ingredient_class",)
    search_fields = ("name", "key")
    inlines = (IngredientTagInline, IngredientInteractionInline, ExternalInteractionInline)
    figures = (
        "name", "key", "ingredient_class", ("unit", "typical_concentration"),
        ("typical_per_session", "max_per_session"), ("max_per_kg", "max_per_cm2"), "max_rule", "dose_basis",
        "clinician_must_set_max", "pregnancy_flag", "vehicle", "is_prescription_only", "use_alone", "is_anaesthetic",
        "is_blocked", "block_reason",
    )  # fmt: skip


class PairForm(CadenceForm):
    """Accepts the two in either order and stores the older row first."""

    def clean(self) -> dict:
        cleaned = super().clean()
        first, second = cleaned.get("first"), cleaned.get("second")
        if first and second and first == second:
            self.add_error("second", _("Choose another ingredient than the first."))
        elif first and second and first.pk > second.pk:
            cleaned["first"], cleaned["second"] = second, first
        return cleaned


@admin.register(IncompatiblePair)
class IncompatiblePairAdmin(CadenceAdmin):
    plural = _("pairs that are never mixed")
    purpose = _("Two ingredients that never share a syringe. A mix that holds both cannot be published.")
    place = "catalogue"
    changed_by = CLINICAL
    form = PairForm
    may_delete = True
    list_display = ("first", "second", "reason")
    list_select_related = ("first", "second")
    search_fields = ("first__name", "second__name")
    fields = ("first", "second", "reason")
    labels = {"first": _("one ingredient"), "second": _("the other ingredient")}


class AboutAMix(admin.SimpleListFilter):
    title = _("what it is about")
    parameter_name = "about"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, object]]:
        return [("treatment", _("the treatment")), ("ingredient", _("an ingredient"))]

    def queryset(self, request: object, queryset: models.QuerySet) -> models.QuerySet:
        return queryset.filter(
            {"treatment": Q(ingredient=None), "ingredient": ~Q(ingredient=None)}.get(self.value(), Q())
        )


@admin.register(Contraindication)
class ContraindicationAdmin(SourcedAdmin, ExchangeAdmin):
    resource_class = ReasonResource
    plural = _("reasons not to treat")
    purpose = _("What a yes to a question means: do not treat, wait so many days, or let a clinician decide.")
    list_display = ("condition", "modality", "ingredient", "action", "washout_days")
    list_filter = ("modality", "action", AboutAMix)
    list_select_related = ("condition", "ingredient")
    search_fields = ("condition__label", "ingredient__name")
    may_delete = True
    figures = (
        "condition", "modality", "ingredient", ("severity", "action"), ("age_below_years", "skin_type_from"),
        "washout_days", ("washout_days_min", "washout_days_max"),
    )  # fmt: skip
    labels = {"condition": _("question"), "ingredient": _("only for mixes that hold")}
    help_texts = {"washout_days": _("How long to wait after the day in the answer.")}
