"""Tables in and out as CSV, for administrators: by key, with a preview that names each wrong row, all rows or none.

Nothing is kept between the preview and the import: the page carries the file, signed. Each row goes through the same
checks as a form. Cells that a spreadsheet would run as a formula are exported as plain text.
"""

import csv
import io
from collections import Counter

import tablib
from django import forms
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from import_export import resources
from import_export.results import Result, RowResult

from patients import refused_rows
from patients.administration import CadenceAdmin
from patients.roles import ADMINISTRATOR, has_role

MOST_BYTES = 1_000_000
MOST_ROWS = 5_000
SALT = "cadence.import"
GOOD_FOR_SECONDS = 3600
FORMULA = ("=", "+", "-", "@", "\t", "\r")
TEXT_MARK = "'"
CHANGING = (RowResult.IMPORT_TYPE_NEW, RowResult.IMPORT_TYPE_UPDATE)


class Difference:
    """The cells of a row before and after, as pairs of texts."""

    def __init__(self, resource: resources.Resource, original: models.Model | None, new: bool) -> None:  # noqa: FBT001 (called by import-export)
        self.left = self._cells(resource, None if new else original)
        self.right = self.left

    def compare_with(self, resource: resources.Resource, instance: models.Model) -> None:
        self.right = self._cells(resource, instance)

    def as_html(self) -> list[dict[str, str]]:
        return [{"old": old, "new": new} for old, new in zip(self.left, self.right, strict=True)]

    def _cells(self, resource: resources.Resource, row: models.Model | None) -> list[str]:
        fields = resource.get_user_visible_fields()
        return ["" if row is None else str(resource.export_field(field, row) or "") for field in fields]


class CadenceResource(resources.ModelResource):
    """Rows by their key; unchanged ones are left alone, and every rule of the table holds for each."""

    # Columns that a file must have.
    needed: tuple[str, ...] = ("key",)

    class Meta:
        import_id_fields = ("key",)
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = True
        use_transactions = True

    @classmethod
    def get_diff_class(cls) -> type[Difference]:
        return Difference

    def missing(self, dataset: tablib.Dataset) -> list[str]:
        return [name for name in self.needed if name not in (dataset.headers or [])]

    def repeated(self, dataset: tablib.Dataset) -> list[str]:
        """The keys that stand in more than one row: the last would win, and nobody chose that."""
        names = [name for name in self._meta.import_id_fields if name in (dataset.headers or [])]
        keys = Counter(" / ".join(row[name] for name in names) for row in dataset.dict)
        return sorted(key for key, count in keys.items() if count > 1)

    def unknown(self, dataset: tablib.Dataset) -> list[str]:
        known = {field.column_name for field in self.get_import_fields()}
        return [name for name in dataset.headers or [] if name not in known]


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=gettext_lazy("In UTF-8, with the column names in the first row. Export the list to get one to edit."),
    )

    def clean_file(self) -> str:
        upload = self.cleaned_data["file"]
        if upload.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 1 MB. Split it and import the parts."))
        try:
            text = upload.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("The file is not text in UTF-8. Save it as “CSV UTF-8”.")) from error
        if "\x00" in text:
            raise forms.ValidationError(_("The file is not a CSV file."))
        return text


class ExchangeAdmin(CadenceAdmin):
    """A list that administrators may export and import."""

    resource_class: type[CadenceResource]

    def may_exchange(self, request: HttpRequest) -> bool:
        return has_role(request.user, ADMINISTRATOR)

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("import/", view(self.import_view), name=f"{name}_import"),
            path("export/", view(require_POST(self.export_view)), name=f"{name}_export"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_exchange": self.may_exchange(request), **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """The whole table as CSV."""
        if not self.may_exchange(request):
            raise PermissionDenied
        dataset = self.resource_class().export(self.get_queryset(request))
        answer = HttpResponse(written(dataset), content_type="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = f'attachment; filename="{self.opts.model_name}.csv"'
        return answer

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file, show what it would change, and change it when that is confirmed."""
        if not self.may_exchange(request):
            raise PermissionDenied
        if "confirmed" in request.POST:
            return self._import_confirmed(request)
        form = UploadForm(request.POST or None, request.FILES or None)
        context = {"form": form}
        if request.method == "POST" and form.is_valid():
            context |= self._tried(form.cleaned_data["file"])
        return self._import_page(request, context, 422 if form.is_bound and not context.get("confirm") else 200)

    def _import_page(self, request: HttpRequest, context: dict, status: int) -> HttpResponse:
        columns = [field.column_name for field in self.resource_class().get_import_fields()]
        shared = {
            **self.admin_site.each_context(request),
            "title": _("Import: %(list)s") % {"list": self.plural or self.opts.verbose_name_plural},
            "opts": self.opts,
            "page_plural": self.plural,
            "columns": columns,
        }
        return TemplateResponse(request, "admin/import.html", {**shared, **context}, status=status)

    def _tried(self, text: str) -> dict:
        """What an import of this text would do; the signed text to confirm it with, if nothing is wrong."""
        try:
            dataset = read(text)
        except ValueError as error:
            return {"problems": [str(error)]}
        resource = self.resource_class()
        problems = headers_in_words(resource, dataset)
        if problems:
            return {"problems": problems}
        result = resource.import_data(dataset, dry_run=True, raise_errors=False)
        problems = problems_in_words(result, self.model)
        if problems:
            return {"problems": problems}
        return {"confirm": signing.dumps(text, salt=SALT, compress=True), **changes_in_words(result)}

    def _import_confirmed(self, request: HttpRequest) -> HttpResponse:
        try:
            text = signing.loads(request.POST.get("confirmed", ""), salt=SALT, max_age=GOOD_FOR_SECONDS)
        except signing.BadSignature:
            problems = [_("The preview is older than an hour. Choose the file again.")]
            return self._import_page(request, {"form": UploadForm(), "problems": problems}, 422)
        result = self.resource_class().import_data(
            read(text), dry_run=False, raise_errors=False, rollback_on_validation_errors=True
        )
        problems = problems_in_words(result, self.model)
        if problems:
            return self._import_page(request, {"form": UploadForm(), "problems": problems}, 422)
        self._log(request, result)
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    def _log(self, request: HttpRequest, result: Result) -> None:
        rows = [row for row in result.rows if row.import_type in CHANGING]
        found = self.model._base_manager.in_bulk([row.object_id for row in rows])
        for row in rows:
            self.log_change(request, found[row.object_id], _("Imported from a file"))
        said = ngettext("%(count)s row was imported.", "%(count)s rows were imported.", len(rows))
        self.message_user(request, said % {"count": len(rows)})


def read(text: str) -> tablib.Dataset:
    """The rows of a CSV text; raises `ValueError` in words."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(_("The file is not a CSV file: %(error)s.") % {"error": error}) from error
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    rows = [[_plain(cell) for cell in row] for row in rows]
    if len(rows) < 2:
        raise ValueError(_("The file has no rows below the column names."))
    if len(rows) > MOST_ROWS:
        raise ValueError(_("The file has more than %(most)s rows. Split it.") % {"most": MOST_ROWS})
    wrong = [str(number) for number, row in enumerate(rows, start=1) if len(row) != len(rows[0])]
    if wrong:
        raise ValueError(
            _("These rows have more or fewer columns than the first: %(rows)s.") % {"rows": ", ".join(wrong)}
        )
    return tablib.Dataset(*rows[1:], headers=rows[0])


def written(dataset: tablib.Dataset) -> str:
    """CSV in which no cell is a formula; `read` takes the marks away again."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(dataset.headers)
    table.writerows([_guarded(cell) for cell in row] for row in dataset)
    return "\ufeff" + out.getvalue()


def _guarded(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return TEXT_MARK + text if text.startswith((*FORMULA, TEXT_MARK)) else text


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith(TEXT_MARK) and cell[1:].startswith((*FORMULA, TEXT_MARK)) else cell


def headers_in_words(resource: CadenceResource, dataset: tablib.Dataset) -> list[str]:
    """What is wrong with the column names, or with the keys if nothing is."""
    missing, unknown = resource.missing(dataset), resource.unknown(dataset)
    lines = [_("The file has no column “%(name)s”.") % {"name": name} for name in missing]
    lines += [_("There is no column “%(name)s” in this list.") % {"name": name} for name in unknown]
    if lines:
        return lines
    return [_("More than one row has the key “%(key)s”.") % {"key": key} for key in resource.repeated(dataset)]


def problems_in_words(result: Result, model: type[models.Model]) -> list[str]:
    """What is wrong, row by row, as the file counts them: the column names are row 1."""
    lines = [str(error.error) for error in result.base_errors]
    for row in result.error_rows:
        lines += [_row(row.number, _said(error.error)) for error in row.errors]
    for row in result.invalid_rows:
        error = refused_rows.reworded(row.error, model())
        lines += [
            _row(row.number, f"{name}: {' '.join(messages)}" if name != "__all__" else " ".join(messages))
            for name, messages in error.message_dict.items()
        ]
    return lines


def _row(number: int, text: str) -> str:
    return _("Row %(number)s: %(text)s") % {"number": number + 1, "text": text}


def _said(error: Exception) -> str:
    if isinstance(error, models.ObjectDoesNotExist):
        return _("it names something that is not in the catalogue.")
    if isinstance(error, (ValidationError, *refused_rows.OF_THE_DATABASE)):
        return " ".join(refused_rows.as_refusal(error, []).messages)
    return str(error)


def changes_in_words(result: Result) -> dict:
    """The rows of the preview: what is new and what becomes what."""
    rows = [
        {"number": number, "is_new": row.import_type == RowResult.IMPORT_TYPE_NEW, "cells": row.diff}
        for number, row in enumerate(result.rows, start=2)
        if row.import_type in CHANGING
    ]
    return {"headers": result.diff_headers, "rows": rows, "left_alone": len(result.rows) - len(rows)}
