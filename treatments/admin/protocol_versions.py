"""The page of one version: a draft is edited, checked and published here; what was published can only be read."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from patients import locks
from patients.administration import CadenceAdmin
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD, has_role
from treatments import contents, differences, drafting, protocols
from treatments.admin import protocol_pages
from treatments.admin.protocol_forms import VersionForm, consent_titles
from treatments.admin.protocol_parts import INLINES
from treatments.models import (
    FollowUpRuleQuestion,
    PhotoPoint,
    Protocol,
    ProtocolVersion,
    VersionCheck,
    VersionScale,
    VersionSource,
)

PUBLISH, SHOW_ONLY = "_publish", ("_check", "_move", "_add")
State = ProtocolVersion.State


@admin.register(ProtocolVersion)
class ProtocolVersionAdmin(CadenceAdmin):
    changed_by = (ADMINISTRATOR, CLINICAL_LEAD)
    may_delete = True
    form = VersionForm
    inlines = INLINES
    fields = (*VersionForm.Meta.fields, "photos", "scales", "checks", "taken_from", "is_checked")
    change_form_template = "admin/treatments/version.html"
    delete_confirmation_template = "admin/treatments/version_delete.html"

    # -- Who may do what ----------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Versions have no list of their own: each is opened from its protocol."""
        return obj is not None and super().has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.state == State.DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.state == State.DRAFT)

    def may_write(self, request: HttpRequest, obj: models.Model | None) -> bool:
        """Rows are never typed on a page that adds a version: there is none."""
        return self.has_change_permission(request, obj)

    # -- Addresses ----------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        own = [
            ("<path:object_id>/check/", self.check_view, "check"),
            ("<path:object_id>/draft/", self.draft_view, "draft"),
            ("<path:object_id>/retire/", self.retire_view, "retire"),
            ("<path:object_id>/compare/", self.compare_view, "compare"),
        ]
        name = "treatments_protocolversion"
        kept = [each for each in super().get_urls() if each.name != f"{name}_add"]
        return [*(path(at, self.admin_site.admin_view(view), name=f"{name}_{act}") for at, view, act in own), *kept]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:treatments_protocol_changelist"))

    # -- The form -----------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        related = ("protocol__indication", "protocol__service", "checked_by")
        return super().get_queryset(request).select_related(*related)

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest | None, **kwargs: object
    ) -> forms.Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name != "consent_scope":
            return field
        titles, scope = consent_titles(), getattr(request, "scope", "")
        choices = [*titles.items(), *([(scope, scope)] if scope and scope not in titles else [])]
        return forms.ChoiceField(label=field.label, choices=choices)

    def get_form(
        self,
        request: HttpRequest,
        obj: models.Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 (Django's own signature)
        **kwargs: object,
    ) -> type[forms.ModelForm]:
        """The form; one that only shows what was typed for the buttons that save nothing."""
        request.scope = obj.consent_scope if obj else ""
        form = super().get_form(request, obj, change=change, **kwargs)
        is_shown_only = any(name in request.POST for name in SHOW_ONLY)

        class Wished(form):
            must_be_checked = PUBLISH in request.POST

            def is_valid(self) -> bool:
                return super().is_valid() and not is_shown_only

        return Wished

    def also_seen(self, obj: models.Model) -> list[models.QuerySet]:
        chosen = (PhotoPoint, VersionScale, VersionCheck, VersionSource)
        questions = FollowUpRuleQuestion.objects.filter(rule__version=obj)
        return [questions, *(model.objects.filter(version=obj) for model in chosen)]

    # -- Saving -------------------------------------------------------------------------------------------------------

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        version = self._opened(request, object_id)
        request.modality = version.protocol.modality
        if "_move" in request.POST:
            request.POST = protocol_pages.moved(request.POST, request.POST["_move"])
        elif "_add" in request.POST:
            request.POST = protocol_pages.grown(request.POST, request.POST["_add"])
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _crossed(self, request: HttpRequest, object_id: str | None) -> ValidationError | None:
        """The protocol is locked first, as publishing does; rows that are gone meanwhile become new ones."""
        locks.take()
        Protocol.objects.select_for_update(of=("self",)).filter(versions=unquote(object_id)).first()
        refusal = super()._crossed(request, object_id)
        if refusal is not None:
            version = self.get_object(request, unquote(object_id))
            for inline in INLINES:
                prefix = inline.model.version.field.remote_field.related_name
                rows = inline.model.objects.filter(version=version).values_list("pk", flat=True)
                request.POST = protocol_pages.with_lost_rows(request.POST, prefix, set(map(str, rows)))
        return refusal

    def save_model(self, request: HttpRequest, obj: models.Model, form: forms.ModelForm, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        """The version is saved together with its rows."""

    def save_related(self, request: HttpRequest, form: forms.ModelForm, formsets: list, change: bool) -> None:  # noqa: FBT001 (Django's own signature)
        for formset in formsets:
            formset.save(commit=False)
        draft = protocol_pages.draft_of(form, formsets)
        drafting.write(draft, by=request.user)
        if PUBLISH in request.POST:
            protocols.publish(draft.version, by=request.user, now=timezone.now())

    def response_change(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        words = {"number": obj.number}
        if PUBLISH in request.POST:
            messages.success(request, _("Version %(number)s is published. New series follow it.") % words)
            return HttpResponseRedirect(protocol_page(obj))
        messages.success(request, _("The draft is saved. Nothing changes for patients until it is published."))
        return HttpResponseRedirect(request.path)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        drafting.delete_draft(obj, by=request.user)

    def get_deleted_objects(self, objs: list, request: HttpRequest) -> tuple:
        """The page names the draft; its rows go with it and are not listed."""
        return [str(each) for each in objs], {}, set(), []

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        messages.success(request, _("The draft is deleted."))
        return HttpResponseRedirect(reverse("admin:treatments_protocol_changelist"))

    # -- Showing ------------------------------------------------------------------------------------------------------

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: object, **kwargs: object
    ) -> TemplateResponse:
        version, form = kwargs["obj"], context["adminform"].form
        parts = [(each.opts, each.formset) for each in context["inline_admin_formsets"]]
        found = protocol_pages.sections(form, version, parts)
        is_open = self.has_change_permission(request, version)
        if form.is_bound:
            protocol_pages.mark(getattr(getattr(request, "refusal", None), "complaints", ()), form, found)
            of = protocol_pages.typed(form, [formset for _inline, formset in parts])
        else:
            of = contents.of(version)
        protocol_pages.draw(of, found)
        running = protocols.running_series(version.protocol)
        context.update(
            self.admin_site.each_context(request),
            sections=found,
            version=version,
            protocol=version.protocol,
            form=form,
            is_open=is_open,
            may_publish=is_open and has_role(request.user, CLINICAL_LEAD),
            may_retire=version.state == State.PUBLISHED and has_role(request.user, CLINICAL_LEAD),
            problems=protocol_pages.problems(form, found) if form.is_bound else [],
            running=sum(running.values()),
            runs_here=running.get(version.pk, 0),
            others=version.protocol.versions.exclude(pk=version.pk).order_by("-number"),
            **(protocol_pages.worked_out(of, found) if is_open else {}),
        )
        answer = super().render_change_form(request, context, *args, **kwargs)
        if context["problems"] and not any(name in request.POST for name in SHOW_ONLY):
            answer.status_code = 422
        return answer

    def check_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What was typed, added up and held against the limits; nothing is saved."""
        version = self._opened(request, object_id)
        if request.method != "POST" or not self.has_change_permission(request, version):
            raise PermissionDenied
        request.modality = version.protocol.modality
        form = self.get_form(request, version, change=True, fields=self.fields)(request.POST, instance=version)
        formsets, inlines = self._create_formsets(request, version, change=True)
        form.is_valid()
        found = protocol_pages.sections(form, version, zip(inlines, formsets, strict=True))
        of = protocol_pages.typed(form, formsets)
        protocol_pages.draw(of, found)
        context = {
            "sections": found,
            "version": version,
            "is_fragment": True,
            **protocol_pages.worked_out(of, found),
        }
        return TemplateResponse(request, "admin/treatments/_worked_out.html", context)

    def draft_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A new draft from this version."""
        version = self._opened(request, object_id)
        if request.method != "POST" or not has_role(request.user, *self.changed_by):
            raise PermissionDenied
        try:
            draft = drafting.new_draft(version, by=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return HttpResponseRedirect(protocol_page(version))
        messages.success(request, _("Version %(number)s is your draft.") % {"number": draft.number})
        return HttpResponseRedirect(reverse("admin:treatments_protocolversion_change", args=[draft.pk]))

    def retire_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then take a version out of use."""
        version = self._opened(request, object_id)
        if not has_role(request.user, CLINICAL_LEAD):
            raise PermissionDenied(_("Only a clinical lead retires a protocol."))
        if request.method == "POST":
            try:
                protocols.retire(version, by=request.user, now=timezone.now())
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
            else:
                messages.success(request, _("Version %(number)s is out of use.") % {"number": version.number})
            return HttpResponseRedirect(protocol_page(version))
        running = protocols.running_series(version.protocol).get(version.pk, 0)
        return self._page(request, "admin/treatments/version_retire.html", version, running=running)

    def compare_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What is different between this version and another one of the protocol, the one before unless asked."""
        version = self._opened(request, object_id)
        others = list(version.protocol.versions.exclude(pk=version.pk).order_by("-number"))
        wanted = request.GET.get("with", "")
        older = next((each for each in others if each.number < version.number), others[0] if others else None)
        other = next((each for each in others if str(each.number) == wanted), None) if wanted else older
        if wanted and other is None:
            raise Http404
        groups = differences.differences(contents.of(other), contents.of(version)) if other else []
        return self._page(
            request, "admin/treatments/version_compare.html", version, other=other, others=others, groups=groups
        )

    def _opened(self, request: HttpRequest, object_id: str | None) -> ProtocolVersion:
        version = self.get_object(request, unquote(object_id or ""))
        if version is None:
            raise Http404
        if not self.has_view_permission(request, version):
            raise PermissionDenied
        return version

    def _page(self, request: HttpRequest, template: str, version: ProtocolVersion, **context: object) -> HttpResponse:
        shown = {"opts": self.opts, "version": version, "protocol": version.protocol, "original": version}
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **shown, **context})


def protocol_page(version: ProtocolVersion) -> str:
    """The address of the page that lists the versions of a protocol."""
    return reverse("admin:treatments_protocol_change", args=[version.protocol_id])
