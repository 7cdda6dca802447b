"""Protocols: what each is about, and the list of its versions. The versions have pages of their own."""

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.administration import CadenceAdmin
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD, has_role
from treatments import drafting, protocols
from treatments.models import Modality, Protocol, ProtocolVersion, Service

State = ProtocolVersion.State


class ProtocolForm(CadenceAdmin.form):
    """The visit belongs to the same kind of treatment."""

    def clean(self) -> dict:
        given = super().clean()
        service, modality = given.get("service"), given.get("modality", self.instance.modality)
        if service and modality and service.modality != modality:
            words = {"kind": Modality(modality).label}
            self.add_error("service", _("Choose a visit for this kind of treatment: %(kind)s.") % words)
        return given


@admin.register(Protocol)
class ProtocolAdmin(CadenceAdmin):
    purpose = gettext_lazy("What a series is made of: sessions, days between them, depths and mixes.")
    place = "protocols"
    changed_by = (ADMINISTRATOR, CLINICAL_LEAD)
    form = ProtocolForm
    list_display = ("name", "modality", "indication", "in_use", "open_draft", "running", "is_retired")
    list_filter = ("modality", "is_retired")
    list_select_related = ("indication",)
    search_fields = ("name", "key")
    fields = ("name", "modality", "indication", "service", "is_retired")
    labels = {
        "modality": gettext_lazy("Kind of treatment"),
        "indication": gettext_lazy("What is treated"),
        "service": gettext_lazy("Visit"),
    }
    change_form_template = "admin/treatments/protocol.html"

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        return self.fields if obj else self.fields[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        """Mixes and depths belong to one kind of treatment: it stays what it was made for; so does what series book
        and what is treated, as some things must not be."""
        if obj is None:
            return ()
        return (
            ("modality", "indication", "service") if obj.versions.exclude(state=State.DRAFT).exists() else ("modality",)
        )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        of_state = {state: models.Q(versions__state=state) for state in (State.PUBLISHED, State.DRAFT)}
        going = ~models.Q(versions__series__state__in=protocols.ENDED) & models.Q(versions__series__isnull=False)
        return (
            super()
            .get_queryset(request)
            .annotate(
                number_in_use=models.Max("versions__number", filter=of_state[State.PUBLISHED]),
                number_of_draft=models.Max("versions__number", filter=of_state[State.DRAFT]),
                many_running=models.Count("versions__series", filter=going, distinct=True),
            )
        )

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest | None, **kwargs: object
    ) -> forms.ModelChoiceField:
        if db_field.related_model is Service:
            kwargs["queryset"] = Service.objects.filter(kind=Service.Kind.TREATMENT)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=gettext_lazy("in use"), ordering="number_in_use", empty_value="–")
    def in_use(self, protocol: Protocol) -> str | None:
        number = protocol.number_in_use
        return _("version %(number)s") % {"number": number} if number else None

    @admin.display(description=gettext_lazy("draft"), ordering="number_of_draft", empty_value="–")
    def open_draft(self, protocol: Protocol) -> str | None:
        number = protocol.number_of_draft
        return _("version %(number)s") % {"number": number} if number else None

    @admin.display(description=gettext_lazy("running series"), ordering="many_running")
    def running(self, protocol: Protocol) -> int:
        return protocol.many_running

    def save_model(self, request: HttpRequest, obj: Protocol, form: forms.ModelForm, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        """A new protocol begins with its first draft."""
        if change:
            super().save_model(request, obj, form, change)
            return
        names = ("name", "modality", "indication", "service")
        draft = drafting.new_protocol(**{name: form.cleaned_data[name] for name in names}, by=request.user)
        obj.pk, obj.first_draft = draft.protocol_id, draft

    def response_add(self, request: HttpRequest, obj: Protocol, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, _("The protocol is there, with an empty draft. Fill it in here."))
        return HttpResponseRedirect(reverse("admin:treatments_protocolversion_change", args=[obj.first_draft.pk]))

    def response_change(self, request: HttpRequest, obj: Protocol) -> HttpResponse:
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(request.path)

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: object, **kwargs: object
    ) -> TemplateResponse:
        """The list of versions stands above what is edited here."""
        protocol = kwargs.get("obj")
        if protocol is not None:
            running = protocols.running_series(protocol)
            versions = list(protocol.versions.select_related("checked_by").order_by("-number"))
            context.update(
                versions=[(version, running.get(version.pk, 0)) for version in versions],
                has_draft=any(version.state == State.DRAFT for version in versions),
                may_retire=has_role(request.user, CLINICAL_LEAD),
            )
        return super().render_change_form(request, context, *args, **kwargs)
