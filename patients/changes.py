"""The history of a row in words: who, when, what, with old and new values. Encrypted text is never shown."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import pairwise

import pghistory.core
from django import forms
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from patients.encryption import EncryptedTextField
from patients.models import User

SILENT = frozenset({"public_id", "version", "key"})
INSERT, DELETE = "insert", "delete"
LONG = 120


@dataclass(frozen=True)
class Change:
    """One saved change: `lines` say what was different afterwards."""

    at: datetime
    who: str
    title: str
    lines: list[str] = field(default_factory=list)


def event_model(model: type[models.Model]) -> type[models.Model] | None:
    """The table in which triggers record the changes of this one, where there is one."""
    return next(iter(pghistory.core.event_models(tracks_model=model)), None)


def newest(
    row: models.Model, parts: Sequence[tuple[type[models.Model], str]] = (), *, limit: int, offset: int = 0
) -> list[Change]:
    """Return the changes of a row and of its parts (model, name of the key to the row), newest first.

    Recorded events where the tables have them, and the administration's own log. The number of queries depends on the
    number of tables, not of changes.
    """
    if event_model(type(row)) is None:
        return _logged(row, offset + limit)[offset:]
    found = _events(type(row), {"pgh_obj_id": row.pk}, offset + limit)
    for model, key in parts:
        if event_model(model) is not None:
            found += _events(model, {f"{key}_id": row.pk}, offset + limit)
    said = _said(found, row) + [change for change in _logged(row, offset + limit) if change.lines]
    return sorted(said, key=lambda change: change.at, reverse=True)[offset : offset + limit]


def value_in_words(column: models.Field, value: object, names: Mapping[object, str] | None = None) -> str:
    """Say one value as the desk would: choices by their label, yes and no, local dates; empty is "nothing"."""
    if value is None or value == "":
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if column.is_relation:
        return (names or {}).get(value, "") or _("a row that is gone")
    if isinstance(column, models.SlugField):
        return str(value).replace("_", " ")
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    return plain_in_words(value)


def plain_in_words(value: object) -> str:
    """Say a date, a time or a text that belongs to no choice."""
    if isinstance(value, datetime):
        return formats.date_format(timezone.localtime(value), "j F Y, H:i")
    if isinstance(value, date):
        return formats.date_format(value, "j F Y")
    if isinstance(value, time):
        return formats.time_format(value, "H:i")
    said = " ".join(str(value).split())
    return f"“{said[:LONG]}…”" if len(said) > LONG else said


def difference(label: str, old: str, new: str) -> str:
    """One line of a history: what was called what, and is now."""
    return _("%(what)s: %(old)s → %(new)s") % {"what": capfirst(label), "old": old, "new": new}


def of_forms(form: forms.ModelForm, formsets: Iterable[forms.BaseFormSet], *, is_new: bool) -> list[str]:
    """Say what a saved form and its rows of parts changed: one line for each field or row.

    What events record is left to them; they do not record that a row was deleted.
    """
    lines = [] if is_new or event_model(form._meta.model) else _form_lines(form)
    for formset in formsets:
        kind = capfirst(str(formset.model._meta.verbose_name))
        lines += [_("%(kind)s deleted: %(name)s") % {"kind": kind, "name": row} for row in formset.deleted_objects]
        if event_model(formset.model):
            continue
        lines += [_("%(kind)s added: %(name)s") % {"kind": kind, "name": row} for row in formset.new_objects]
        changed = {row.pk for row, _names in formset.changed_objects}
        lines += [
            f"{kind}, {part.instance}: {line}"
            for part in formset.initial_forms
            if part.instance.pk in changed
            for line in _form_lines(part)
        ]
    return lines


def _form_lines(form: forms.ModelForm) -> list[str]:
    lines = []
    for name in form.changed_data:
        column = form.fields[name]
        label = str(column.label or name)
        if _is_secret(form, name):
            lines.append(_("%(what)s: changed") % {"what": capfirst(label)})
            continue
        old = form.initial.get(name, column.initial)
        new = form.cleaned_data.get(name)
        if not _differs_in_line_ends(old, new):
            lines.append(difference(label, _typed(column, old), _typed(column, new)))
    return lines


def _differs_in_line_ends(old: object, new: object) -> bool:
    return isinstance(old, str) and isinstance(new, str) and old.splitlines() == new.splitlines()


def _is_secret(form: forms.ModelForm, name: str) -> bool:
    columns = {
        column.name: column for column in form._meta.model._meta.get_fields() if isinstance(column, models.Field)
    }
    return isinstance(columns.get(name), EncryptedTextField)


def _typed(column: forms.Field, value: object) -> str:
    """Say a value of a form field: a row by its name, a choice by its label."""
    if value is None or value == "":
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(column, forms.ModelMultipleChoiceField) or isinstance(value, (list, tuple, models.QuerySet)):
        rows = sorted(_typed_one(column, one) for one in value)
        return ", ".join(rows) or _("nothing")
    return _typed_one(column, value)


def _typed_one(column: forms.Field, value: object) -> str:
    choices = getattr(column, "choices", None)
    if choices and not isinstance(value, models.Model):
        labels = {str(getattr(key, "value", key)): str(label) for key, label in _flat(choices)}
        return labels.get(str(value), str(value))
    return plain_in_words(value)


def _flat(choices: Iterable) -> Iterable[tuple[object, object]]:
    for key, label in choices:
        if isinstance(label, (list, tuple)):
            yield from label
        else:
            yield key, label


def _logged(row: models.Model, limit: int) -> list[Change]:
    kind = ContentType.objects.get_for_model(type(row), for_concrete_model=False)
    rows = LogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).select_related("user")
    titles = {ADDITION: _("Added"), DELETION: _("Deleted")}
    return [
        Change(
            at=entry.action_time,
            who=str(entry.user),
            title=titles.get(entry.action_flag, _("Changed")),
            lines=[line for line in entry.get_change_message().split("\n") if line],
        )
        for entry in rows.order_by("-action_time", "-pk")[:limit]
    ]


def _events(model: type[models.Model], where: dict, limit: int) -> list[tuple[models.Model, models.Model | None]]:
    """The newest events with, for each, the event before it of the same row."""
    events = event_model(model)
    rows = list(events.objects.filter(**where).select_related("pgh_context").order_by("-pgh_id")[: limit + 1])
    before = events.objects.filter(
        pgh_obj_id__in={row.pgh_obj_id for row in rows}, pgh_id__lt=rows[-1].pgh_id if rows else 0
    )
    older = {row.pgh_obj_id: row for row in before.order_by("pgh_obj_id", "-pgh_id").distinct("pgh_obj_id")}
    chains: dict[object, list] = defaultdict(list)
    for row in rows:
        chains[row.pgh_obj_id].append(row)
    pairs = []
    for key, chain in chains.items():
        pairs += pairwise([*chain, older.get(key)])
    return sorted(pairs, key=lambda pair: pair[0].pgh_id, reverse=True)[:limit]


def _said(page: list[tuple[models.Model, models.Model | None]], row: models.Model) -> list[Change]:
    people, names = _people(event for event, _old in page), _names(page)
    return [
        Change(
            at=event.pgh_created_at,
            who=people.get((event.pgh_context.metadata.get("user") if event.pgh_context else None), _("the software")),
            title=_title(event, row),
            lines=_lines(event, old, names),
        )
        for event, old in page
    ]


def _title(event: models.Model, row: models.Model) -> str:
    words = {INSERT: _("Added"), DELETE: _("Deleted")}
    did = words.get(event.pgh_label, _("Changed"))
    model = type(event).pgh_tracked_model
    return did if isinstance(row, model) else f"{capfirst(model._meta.verbose_name)}: {did.lower()}"


def _columns(event: models.Model) -> list[models.Field]:
    """The fields of the tracked table that a person may read in its history."""
    recorded = {column.attname for column in type(event)._meta.concrete_fields}
    return [
        column
        for column in type(event).pgh_tracked_model._meta.concrete_fields
        if column.attname in recorded and not column.primary_key and column.name not in SILENT
    ]


def _lines(event: models.Model, old: models.Model | None, names: Mapping) -> list[str]:
    lines = []
    for column in _columns(event):
        if isinstance(column, EncryptedTextField):
            continue
        was, now = getattr(old, column.attname, None), getattr(event, column.attname)
        if was == now or (old is None and now in (None, "")):
            continue
        known = names.get(column.related_model) if column.is_relation else None
        new = value_in_words(column, now, known)
        label = str(column.verbose_name)
        lines.append(
            f"{capfirst(label)}: {new}" if old is None else difference(label, value_in_words(column, was, known), new)
        )
    return lines


def _people(events: Iterable[models.Model]) -> dict[object, str]:
    keys = {event.pgh_context.metadata.get("user") for event in events if event.pgh_context}
    return {person.pk: str(person) for person in User.objects.filter(pk__in=keys - {None})}


def _names(page: list[tuple[models.Model, models.Model | None]]) -> dict[type[models.Model], dict[object, str]]:
    """What the rows are called to which the events point: one query for each table."""
    wanted: dict[type[models.Model], set] = defaultdict(set)
    for pair in page:
        for event in filter(None, pair):
            for column in _columns(event):
                if column.is_relation:
                    wanted[column.related_model].add(getattr(event, column.attname))
    return {
        model: {key: str(found) for key, found in model._base_manager.in_bulk(keys - {None}).items()}
        for model, keys in wanted.items()
    }
