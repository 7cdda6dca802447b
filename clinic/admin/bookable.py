"""What rooms, devices and practitioners share: they are edited together with their row in the diary."""

from datetime import tzinfo

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import models
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import premises, to_move
from clinic.models import Location, Resource
from clinic.views.to_move import say_how_many
from patients import refused_rows
from patients.administration import CadenceAdmin, CadenceForm, yes_or_no

SHARED = ("name", "location", "turnaround_minutes", "is_active")


class InItsOwnTime:
    """Moments on the page of a row are wall times where the row belongs, not those of the clinic's first location."""

    def zone_of(self, row: models.Model) -> tzinfo:
        raise NotImplementedError

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponse:
        row = object_id and self.get_object(request, unquote(object_id))
        with timezone.override(self.zone_of(row) if row else timezone.get_current_timezone()):
            answer = super().changeform_view(request, object_id, form_url, extra_context)
            return answer.render() if hasattr(answer, "render") else answer


class SaysWhatNoLongerFits:
    """After a save: how many visits to come no longer fit, with the way to them."""

    def reached(self, row: models.Model) -> models.Q:
        """Which visits a change of the row may touch."""
        raise NotImplementedError

    def _saved(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        answer = super()._saved(request, obj)
        say_how_many(request, self.reached(obj))
        return answer


class KeepsParts:
    """Hours, closures, qualifications and the like are saved under the locks of what they belong to."""

    def save_formset(
        self,
        request: HttpRequest,
        form: forms.ModelForm,
        formset: BaseInlineFormSet,
        change: bool,  # noqa: FBT001 (Django's own signature)
    ) -> None:
        saved = formset.save(commit=False)
        premises.keep_parts(form.instance, saved=saved, removed=formset.deleted_objects)
        formset.save_m2m()


class BookableForm(CadenceForm):
    """The fields of the row in the diary stand in the same form."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    location = forms.ModelChoiceField(label=gettext_lazy("Location"), queryset=Location.objects.order_by("name"))
    turnaround_minutes = forms.IntegerField(
        label=gettext_lazy("Turnaround after a visit, minutes"), min_value=0, max_value=600, initial=0
    )
    is_active = forms.BooleanField(label=gettext_lazy("In use"), required=False, initial=True)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.resource = self.instance.resource if self.instance.pk else Resource()
        if self.instance.pk:
            for name in SHARED:
                if name in self.fields:
                    self.initial[name] = getattr(self.resource, f"{name}_id" if name == "location" else name)

    def clean(self) -> dict:
        cleaned = super().clean()
        for name in SHARED:
            if name in cleaned:
                setattr(self.resource, name, cleaned[name])
        self.resource.type = premises.KIND_OF[type(self.instance)]
        if not self.errors:
            try:
                self.resource.validate_constraints(exclude={"public_id"})
            except ValidationError as error:
                self._update_errors(refused_rows.reworded(error, self.resource))
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        return {*super()._get_validation_exclusions(), "resource"}


class BookableAdmin(SaysWhatNoLongerFits, CadenceAdmin):
    list_select_related = ("resource", "resource__location")
    search_fields = ("resource__name",)
    ordering = ("resource__name", "pk")
    own_fields: tuple[str, ...] = ()

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> list[str]:
        if not self.may_write(request, obj):
            return ["name", "location", *self.own_fields, "is_in_use"]
        return ["name", *self.own_fields, *(name for name in SHARED[1:] if name in self.form.base_fields)]

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        return () if self.may_write(request, obj) else ("name", "location", "is_in_use")

    def also_seen(self, obj: models.Model) -> list[models.QuerySet]:
        return [Resource.objects.filter(pk=obj.resource_id)]

    def resources(self, row: models.Model) -> list[int]:
        """What the row is in the diary."""
        return [row.pk]

    def reached(self, row: models.Model) -> models.Q:
        return to_move.taking(self.resources(row))

    def save_model(self, request: HttpRequest, obj: models.Model, form: BookableForm, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        premises.keep_bookable(obj, form.resource)

    @admin.display(description=gettext_lazy("name"), ordering="resource__name")
    def name(self, row: models.Model) -> str:
        return row.resource.name

    @admin.display(description=gettext_lazy("location"))
    def location(self, row: models.Model) -> str:
        return str(row.resource.location or _("wherever the hours say"))

    @admin.display(description=gettext_lazy("in use"), ordering="resource__is_active")
    def is_in_use(self, row: models.Model) -> str:
        return yes_or_no(row.resource.is_active)
