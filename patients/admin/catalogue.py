"""Anatomy, substances and the questions of the medical history: the words in which rules are written."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from patients.administration import KeyedAdmin
from patients.models import BodyArea, Condition, SubstanceTag
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD

CLINICAL = (ADMINISTRATOR, CLINICAL_LEAD)


class CatalogueAdmin(KeyedAdmin):
    changed_by = CLINICAL
    place = "catalogue"


@admin.register(BodyArea)
class BodyAreaAdmin(CatalogueAdmin):
    purpose = _("Where on the body a treatment takes place. Depths and answers are given per area.")
    list_display = ("label", "group", "is_bony", "position")
    list_filter = ("group",)
    search_fields = ("label", "key")
    fields = ("label", "key", "group", "skin_class", "epidermis_um", "epidermis_note", "is_bony", "position")


@admin.register(SubstanceTag)
class SubstanceTagAdmin(CatalogueAdmin):
    purpose = _("What somebody may be allergic to and an ingredient may contain.")
    list_display = ("label",)
    search_fields = ("label", "key")
    fields = ("label", "key")


@admin.register(Condition)
class ConditionAdmin(CatalogueAdmin):
    purpose = _("What patients are asked before a treatment. What a yes means is set under reasons not to treat.")
    list_display = ("label", "kind", "scope", "is_active", "position")
    list_filter = ("is_active", "kind", "scope")
    search_fields = ("label", "key", "question")
    fields = ("label", "key", "question", "kind", "scope", "answered_by", "position", "is_active")
