"""Pages of the catalogue: a changed figure never goes on claiming the old source unless somebody says so."""

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.administration import CadenceForm, KeyedAdmin
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD
from treatments.models import Confidence

CLINICAL = (ADMINISTRATOR, CLINICAL_LEAD)
ORIGIN = ("confidence", "sources", "note")
KEEPS = "keeps_sources"


class SourcedForm(CadenceForm):
    keeps_sources = forms.BooleanField(
        label=gettext_lazy("The sources below say this too"),
        required=False,
        help_text=gettext_lazy(
            "Tick this if you changed a value and the named sources and confidence still hold for it."
        ),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        """The sources that are named come first; there are many."""
        super().__init__(*args, **kwargs)
        if "sources" in self.fields:
            named = {source.pk for source in self.initial.get("sources", ())}
            choices = [(key, format_html("<cite>{}</cite>", title)) for key, title in self.fields["sources"].choices]
            self.fields["sources"].choices = sorted(choices, key=lambda choice: choice[0].value not in named)

    def clean(self) -> dict:
        cleaned = super().clean()
        changed = [name for name in self.changed_data if name not in (*ORIGIN, KEEPS)]
        is_claimed = self.instance.pk and (self._had_sources() or self.initial.get("confidence") != Confidence.PROPOSED)
        is_answered = cleaned.get(KEEPS) or {"sources", "confidence"} & set(self.changed_data)
        if changed and is_claimed and not is_answered:
            names = ", ".join(capfirst(str(self.fields[name].label)) for name in changed)
            self.add_error(
                KEEPS,
                _(
                    "You changed: %(names)s. Say where the new value comes from: change the sources or the confidence, "
                    "or tick this."
                )
                % {"names": names},
            )
        return cleaned

    def _had_sources(self) -> bool:
        return bool(self.initial.get("sources"))


class CatalogueAdmin(KeyedAdmin):
    changed_by = CLINICAL
    place = "catalogue"


class SourcedAdmin(CatalogueAdmin):
    """`figures` are the fields of the row itself; where they come from follows in a part of its own."""

    form = SourcedForm
    figures: tuple = ()

    def get_fieldsets(self, request: HttpRequest, obj: object = None) -> list:
        origin = (*ORIGIN, KEEPS) if obj is not None and self.has_change_permission(request, obj) else ORIGIN
        return self.with_fixed_key(
            [(None, {"fields": self.figures}), (_("Where this comes from"), {"fields": origin})], obj
        )
