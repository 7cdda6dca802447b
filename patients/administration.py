"""What every page of the administration shares: roles instead of permissions, history in words, crossed saves.

Each app's `admin` registers its tables with `CadenceAdmin` and the two inlines. A rule stays a verb: the classes here
turn what a verb or the database refuses into an error beside the form, with everything typed still in it.
"""

from collections.abc import Iterable, Mapping

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import widgets
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models.options import Options
from django.forms.models import _get_foreign_key
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients import changes, crossed_saves, locks, refused_rows
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD, has_role

CHANGES_PER_PAGE = 25


def yes_or_no(value: bool) -> str:  # noqa: FBT001 (the value is what is said)
    """A yes or a no in a list."""
    return _("yes") if value else _("no")


class CadenceForm(forms.ModelForm):
    """Says which rule of the data is broken instead of naming a constraint."""

    def _update_errors(self, errors: ValidationError) -> None:
        super()._update_errors(refused_rows.reworded(errors, self.instance))


class Paragraphs(forms.Textarea):
    """Line ends as they are stored: a browser sends others, and an untouched text would count as changed."""

    def value_from_datadict(self, data: Mapping, files: Mapping, name: str) -> str | None:
        text = super().value_from_datadict(data, files, name)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class Roles:
    """Who may do what, by role alone. `seen_by` may read, `changed_by` may write; deleting is off unless allowed."""

    changed_by: tuple[str, ...] = (ADMINISTRATOR,)
    seen_by: tuple[str, ...] = (ADMINISTRATOR, CLINICAL_LEAD)
    may_delete = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return has_role(request.user, *self.seen_by, *self.changed_by)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return has_role(request.user, *self.changed_by)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return has_role(request.user, *self.changed_by)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may_delete and has_role(request.user, *self.changed_by)


class Fields:
    """Fields as the rest of the product has them: the browser's own date fields, plain lists without pop-ups."""

    form = CadenceForm
    formfield_overrides = {
        models.DateField: {
            "form_class": forms.DateField,
            "widget": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        },
        models.TimeField: {
            "form_class": forms.TimeField,
            "widget": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        },
        models.DateTimeField: {
            "form_class": forms.DateTimeField,
            "widget": forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        },
        models.TextField: {"widget": Paragraphs(attrs={"rows": 3})},
        models.ManyToManyField: {"widget": forms.CheckboxSelectMultiple},
    }
    # Field name -> the label or the help text to show instead of the model's own.
    labels: dict[str, object] = {}
    help_texts: dict[str, object] = {}

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest | None, **kwargs: object
    ) -> forms.Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is None:
            return None
        if isinstance(field.widget, widgets.RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        if isinstance(field, forms.ModelChoiceField):
            # Read once for all rows of the page, not once for each.
            field.choices = list(field.choices)
        field.label = capfirst(str(self.labels.get(db_field.name, field.label)))
        field.help_text = self.help_texts.get(db_field.name, field.help_text)
        return field


class InlineRoles:
    """A part of a page may be changed by whoever may change the page; `page` is the admin class it stands on."""

    page: "CadenceAdmin"

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.page.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.page.may_write(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.page.may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.page.may_write(request, obj)


class CadenceTabularInline(Fields, InlineRoles, admin.TabularInline):
    extra = 0
    show_change_link = False


class CadenceStackedInline(Fields, InlineRoles, admin.StackedInline):
    extra = 0
    show_change_link = False


class CadenceAdmin(Fields, Roles, admin.ModelAdmin):
    # Where the page stands on the first page of the administration, and what it is for, in one plain sentence.
    place = ""
    purpose: object = ""
    plural: object = ""
    actions = None
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False
    view_on_site = False

    def get_urls(self) -> list[URLPattern]:
        """List, add, history, change, and delete where that is allowed at all; nothing else and nothing unnamed."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = [
            ("", self.changelist_view, "changelist"),
            ("add/", self.add_view, "add"),
            ("<path:object_id>/history/", self.history_view, "history"),
            ("<path:object_id>/change/", self.change_view, "change"),
        ]
        if self.may_delete:
            pages.insert(3, ("<path:object_id>/delete/", self.delete_view, "delete"))
        return [path(route, self.admin_site.admin_view(view), name=f"{name}_{act}") for route, view, act in pages]

    def get_list_display(self, request: HttpRequest) -> list:
        """Yes and no are words in a list: a red cross beside "blocked" would read as an alarm."""
        return [self._in_words(name) for name in super().get_list_display(request)]

    def _in_words(self, name: object) -> object:
        field = next((field for field in self.opts.fields if field.name == name), None)
        if not isinstance(field, models.BooleanField):
            return name

        @admin.display(description=field.verbose_name, ordering=field.name)
        def said(row: models.Model) -> str:
            return yes_or_no(getattr(row, field.name))

        said.__name__ = field.name
        return said

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Options, object_id: str) -> HttpResponse:
        """What is not there is not found, here as everywhere."""
        raise Http404

    def called(self, row: models.Model) -> str:
        """What a row is called in headings and messages."""
        return str(row)

    # -- Parts of a page ----------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list:
        """Whoever may only read gets yes and no in words."""
        parts = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return parts
        return [(name, {**part, "fields": self._readable(part["fields"])}) for name, part in parts]

    def _readable(self, names: Iterable) -> list:
        return [self._readable(name) if isinstance(name, (list, tuple)) else self._in_words(name) for name in names]

    def may_write(self, request: HttpRequest, obj: models.Model | None) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)

    def get_inline_instances(self, request: HttpRequest, obj: models.Model | None = None) -> list:
        found = []
        for inline_class in self.get_inlines(request, obj):
            inline = inline_class(self.model, self.admin_site)
            inline.page = self
            if not inline.has_add_permission(request, obj):
                inline.max_num = 0
            found.append(inline)
        return found

    def parts_of(self, request: HttpRequest, obj: models.Model) -> list[tuple[type[models.Model], str]]:
        """The tables edited on the page of a row, each with the name of its key to the row."""
        return [
            (inline.model, _get_foreign_key(self.model, inline.model, fk_name=inline.fk_name).name)
            for inline in self.get_inline_instances(request, obj)
        ]

    def also_seen(self, obj: models.Model) -> Iterable[models.QuerySet]:
        """Further rows, besides the inlines, whose change by somebody else is a crossed save of this page."""
        return ()

    def digest(self, request: HttpRequest, obj: models.Model) -> str:
        """What the page of a row shows, as a digest that the form carries."""
        parts = [model._base_manager.filter(**{key: obj}) for model, key in self.parts_of(request, obj)]
        return crossed_saves.digest(obj, [*parts, *self.also_seen(obj)])

    # -- Saving -------------------------------------------------------------------------------------------------------

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponse:
        """Show or save one row. A crossed save (409) or a refusal (422, 503) shows the form with all that was typed."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        request.refusal = None
        try:
            with locks.or_busy(), transaction.atomic():
                request.refusal = self._crossed(request, object_id)
                answer = super().changeform_view(request, object_id, form_url, extra_context)
        except (ValidationError, *refused_rows.OF_THE_DATABASE) as error:
            request.refusal = refused_rows.as_refusal(error, self.models_here(request, object_id))
            with transaction.atomic():
                answer = super().changeform_view(request, object_id, form_url, extra_context)
        if request.refusal is not None:
            answer.status_code = getattr(request.refusal, "status_code", 422)
        return answer

    def models_here(self, request: HttpRequest, object_id: str | None) -> list[type[models.Model]]:
        """The tables that a save of this page may write."""
        return [self.model, *(inline.model for inline in self.get_inline_instances(request))]

    def get_form(
        self,
        request: HttpRequest,
        obj: models.Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 (Django's own signature)
        **kwargs: object,
    ) -> type[forms.ModelForm]:
        """The form of the page; after a refusal one that shows it and saves nothing."""
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return form if refusal is None else refused_rows.refused_form(form, refusal)

    def _crossed(self, request: HttpRequest, object_id: str | None) -> ValidationError | None:
        """Lock the row and say who was faster, if what the form was filled from is no longer what is stored."""
        obj = object_id and self.get_object(request, unquote(object_id))
        if not obj or not self.has_change_permission(request, obj):
            return None
        locks.take()
        # Without its key: a booking that is being written points to the row and must not wait for this one in turn.
        self.model._base_manager.select_for_update(of=("self",), no_key=True).filter(pk=obj.pk).first()
        if request.POST.get(crossed_saves.SEEN) == self.digest(request, obj):
            return None
        last = changes.newest(obj, self.parts_of(request, obj), limit=1)
        return refused_rows.crossed(last[0] if last else None)

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: object, **kwargs: object
    ) -> TemplateResponse:
        """The page of one row: the digest to compare on saving, and one button to save."""
        obj = kwargs.get("obj")
        context.update(show_save_and_add_another=False, purpose=self.purpose, page_plural=self.plural)
        context["called"] = self.called(obj) if obj is not None and obj.pk else ""
        if obj is not None and obj.pk and self.has_change_permission(request, obj):
            context["seen"] = self.digest(request, obj)
        refusal = getattr(request, "refusal", None)
        context["is_crossed"] = getattr(refusal, "status_code", None) == 409
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(
        self, request: HttpRequest, obj: models.Model, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._saved(request, obj)

    def response_change(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        return self._saved(request, obj)

    def _saved(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        """Say so, and go back to the list or stay."""
        messages.success(request, _("Saved: %(name)s") % {"name": self.called(obj)})
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        stays = "_continue" in request.POST
        address = reverse(f"{name}_change", args=[quote(obj.pk)]) if stays else reverse(f"{name}_changelist")
        return HttpResponseRedirect(address)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        """Ask, then delete; what the database refuses to let go leads back to the row with the reason."""
        try:
            with locks.or_busy(), transaction.atomic():
                return super().delete_view(request, object_id, extra_context)
        except (ValidationError, *refused_rows.OF_THE_DATABASE) as error:
            for line in refused_rows.as_refusal(error, self.models_here(request, object_id)).messages:
                messages.error(request, line)
            return HttpResponseRedirect(
                reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(object_id)])
            )

    # -- History ------------------------------------------------------------------------------------------------------

    def construct_change_message(
        self,
        request: HttpRequest,
        form: forms.ModelForm,
        formsets: list,
        add: bool = False,  # noqa: FBT001, FBT002 (Django's own signature)
    ) -> str:
        """What the administration's log keeps of a save: one line for each difference."""
        return "\n".join(changes.of_forms(form, formsets, is_new=add))

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """The list, headed by what it is for."""
        if any("\x00" in value for values in request.GET.lists() for value in values[1]):
            raise BadRequest
        heading = {"title": capfirst(str(self.plural or self.opts.verbose_name_plural)), "purpose": self.purpose}
        return super().changelist_view(request, {**heading, **(extra_context or {})})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        """Who changed this row, when, and what was different afterwards; newest first."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        page = request.GET.get("page", "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
        start = (max(number, 1) - 1) * CHANGES_PER_PAGE
        rows = changes.newest(obj, self.parts_of(request, obj), limit=CHANGES_PER_PAGE + 1, offset=start)
        context = {
            **self.admin_site.each_context(request),
            "title": _("What changed"),
            "called": self.called(obj),
            "page_plural": self.plural,
            "object": obj,
            "original": obj,
            "opts": self.opts,
            "changes": rows[:CHANGES_PER_PAGE],
            "older": number + 1 if len(rows) > CHANGES_PER_PAGE else None,
            "newer": number - 1 if number > 1 else None,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/object_history.html", context)


class KeyedAdmin(CadenceAdmin):
    """A row is known to imports and to the shipped catalogue by its key, which therefore never changes."""

    help_texts = {"key": gettext_lazy("A short name for imports; it cannot be changed later.")}

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), "fixed_key")

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list:
        return self.with_fixed_key(super().get_fieldsets(request, obj), obj)

    def with_fixed_key(self, parts: list, obj: models.Model | None) -> list:
        """A new row is given its key; afterwards it is only shown."""
        if obj is None:
            return parts
        shown = {"key": "fixed_key"}
        return [(name, {**part, "fields": [shown.get(each, each) for each in part["fields"]]}) for name, part in parts]

    @admin.display(description=gettext_lazy("key"))
    def fixed_key(self, row: models.Model) -> str:
        return format_html("<code>{}</code>", row.key)
