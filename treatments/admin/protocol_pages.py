"""The page of a version as its template shows it: sections of rows, what was worked out, where each complaint is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django import forms
from django.db import models
from django.http import QueryDict
from django.utils.html import format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from treatments import contents, differences, drafting, protocols, sheets, sums, timelines
from treatments.admin.protocol_forms import RowForm, RowFormSet, VersionForm, consent_titles, rows_chosen
from treatments.admin.protocol_parts import RowInline
from treatments.body_maps import BodyMap
from treatments.contents import Contents, Message
from treatments.models import FollowUpRule, ProtocolVersion
from treatments.protocols import Complaint
from treatments.sums import Sum
from treatments.timelines import Timeline

# By which column of a row a complaint names it.
NAMED_BY = {"depth_steps": "area_id", "cocktail_lines": "ingredient_id", "anaesthetic_lines": "ingredient_id"}
UP, DOWN = "up", "down"
BASICS = "basics"
# What is typed by mistake may be a course of ten thousand sessions or years: that is not drawn.
MOST_SESSIONS, MOST_DAYS = 60, 20 * 365
# Which fields of the version stand in which section.
FIELDS = {
    BASICS: (
        "sessions_min", "sessions_typical", "sessions_max", "min_age_years", "fitzpatrick_caution_from",
        "requires_consultation", "consent_scope", "confidence", "evidence", "disagreement", "taken_from",
    ),
    "depth_steps": ("soft_max_depth_mm", "max_depth_mm", "max_points"),
    "cocktail_lines": ("total_volume_ml", "max_total_ml", "max_mg", "mg_per_cm2"),
    "segments": ("endpoint", "device_note", "photos", "scales", "checks"),
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """One sentence about something that is wrong, and the element of the page that it is about."""

    target: str
    message: str


@dataclass
class Section:
    """A stretch of the page: fields of the version and the rows of one kind; texts instead once it is published."""

    key: str
    title: object
    form: VersionForm
    version: ProtocolVersion
    inline: RowInline | None = None
    formset: RowFormSet | None = None
    problems: list[str] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    timeline: Timeline | None = None
    depth_map: BodyMap | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether a picture of it has its place on the page."""
        return self.key in (sums.PHASES, sums.DEPTHS)

    @property
    def fields(self) -> list[forms.BoundField]:
        return [self.form[name] for name in FIELDS.get(self.key, ()) if name in self.form.fields]

    @property
    def rows(self) -> list[RowForm]:
        return self.formset.in_order if self.formset is not None else []

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The fields of the version in words, without empty ones."""
        chosen = {
            "photos": [row.get_when_display() for row in self.version.photo_points.all()],
            "scales": [str(row) for row in self.version.scales.select_related("scale")],
            "checks": [str(row) for row in self.version.checks.select_related("condition")],
            "taken_from": [str(row) for row in self.version.sources.all()],
        }
        names = FIELDS.get(self.key, ())
        said = _said(self.version, [name for name in names if name not in chosen and name != "consent_scope"])
        if "consent_scope" in names:
            said.append((_("Consent"), consent_titles().get(self.version.consent_scope, _("not written yet"))))
        listed = [
            (str(VersionForm.base_fields[name].label), ", ".join(chosen[name])) for name in names if name in chosen
        ]
        return [(label, text) for label, text in [*said, *listed] if text]

    @property
    def texts(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Title and fields of each saved row, in words."""
        names = [name for name in self.inline.fields if name not in ("place", "sort", "questions")]
        labels = self.inline.labels
        return [(str(row), [*_said(row, names, labels), *_asked(row)]) for row in self.formset.get_queryset()]


def sections(
    form: VersionForm, version: ProtocolVersion, parts: Iterable[tuple[RowInline, RowFormSet]]
) -> dict[str, Section]:
    """The sections of the page in their order, by the name of their rows; the first has no rows."""
    found = {BASICS: Section(BASICS, _("Basics"), form, version)}
    for inline, formset in parts:
        found[formset.prefix] = Section(formset.prefix, inline.title, form, version, inline, formset)
    return found


def typed(form: VersionForm, formsets: Sequence[RowFormSet]) -> Contents:
    """The version as it is typed, without the rows that have an error in them."""
    rows = {formset.prefix: [each for each in formset.kept if not each.errors] for formset in formsets}
    for each in (each for found in rows.values() for each in enumerate(found, start=1)):
        place, row = each
        row.instance.position = place
    saved = {name: [row.instance for row in found] for name, found in rows.items()}
    chosen = form.cleaned_data
    return Contents(
        version=form.instance,
        phases=saved["phases"],
        steps=saved["depth_steps"],
        mix=saved["cocktail_lines"],
        numbing=saved["anaesthetic_lines"],
        segments=saved["segments"],
        aftercare=saved["aftercare"],
        messages=[Message(row.instance, tuple(row.asked)) for row in rows["follow_up_rules"]],
        photos=chosen.get("photos", ()),
        scales=list(chosen.get("scales", ())),
        checks=list(chosen.get("checks", ())),
        sources=list(chosen.get("taken_from", ())),
    )


def draft_of(form: VersionForm, formsets: Sequence[RowFormSet]) -> drafting.Draft:
    """What the valid forms of the page ask for."""
    rows = {formset.model: [each.instance for each in formset.kept] for formset in formsets}
    messages = next(formset for formset in formsets if formset.model is FollowUpRule)
    questions = [(each.instance, each.asked) for each in messages.kept]
    return drafting.Draft(form.instance, {**rows, **rows_chosen(form)}, questions)


def draw(of: Contents, found: dict[str, Section]) -> None:
    """Draw the phases over time and the depth of each area on the body, where there is something to draw."""
    sessions = sum(phase.sessions for phase in of.phases)
    days = sum(phase.sessions * phase.interval_max_days for phase in of.phases)
    if 0 < sessions <= MOST_SESSIONS and days <= MOST_DAYS:
        found[sums.PHASES].timeline = timelines.preview(of.phases)
    if of.steps:
        found[sums.DEPTHS].depth_map = sheets.depth_map(of.steps)


def worked_out(of: Contents, found: dict[str, Section]) -> dict[str, object]:
    """Sums by section, what publishing would refuse, and the difference to the version in use."""
    for each in sums.sums(of):
        found[each.section].sums.append(each)
    in_use = ProtocolVersion.objects.published().filter(protocol=of.version.protocol_id).first()
    return {
        "complaints": [Problem(target(each, found), each.message) for each in protocols.complaints_about(of)],
        "in_use": in_use,
        "differences": differences.differences(contents.of(in_use), of) if in_use else [],
    }


def target(complaint: Complaint, found: dict[str, Section]) -> str:
    """The id of the element that a complaint is about."""
    section = found.get(complaint.part)
    row = _row_of(complaint, section) if section else None
    if row is not None:
        return row[complaint.column].id_for_label if complaint.column in row.fields else f"row-{row.prefix}"
    return f"id_{complaint.column}" if complaint.column else f"section-{complaint.part}"


def mark(complaints: Iterable[Complaint], form: VersionForm, found: dict[str, Section]) -> None:
    """Put each complaint beside the field that it is about."""
    for complaint in complaints:
        section = found.get(complaint.part)
        row = _row_of(complaint, section) if section else None
        if row is not None and complaint.column in row.fields:
            row.add_error(complaint.column, complaint.message)
        elif row is None and complaint.column in form.fields:
            if complaint.message not in form.errors.get(complaint.column, []):
                form.add_error(complaint.column, complaint.message)
        elif section is not None:
            section.problems.append(complaint.message)


def problems(form: forms.BaseForm, found: dict[str, Section]) -> list[Problem]:
    """Every error of the page with the field that it is in, in the order of the page."""
    listed = []
    for section in found.values():
        listed += [Problem(f"section-{section.key}", text) for text in section.problems]
        for number, row in enumerate(section.rows, start=1):
            if row not in section.formset.deleted_forms:
                listed += _of_form(row, f"{section.title} {number}")
    told = {text for section in found.values() for text in section.problems}
    told |= {problem.message.partition(": ")[2] for problem in listed}
    return [*(each for each in _of_form(form, "") if each.message not in told), *listed]


def moved(post: QueryDict, wish: str) -> QueryDict:
    """The same answers after one row has changed places with its neighbour; `wish` is "phases-2:up"."""
    row, _colon, direction = wish.partition(":")
    prefix, _dash, index = row.rpartition("-")
    order = _order(post, prefix)
    if direction not in (UP, DOWN) or not index.isdigit() or int(index) not in order:
        return post
    place = order.index(int(index))
    other = place - 1 if direction == UP else place + 1
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
    changed = post.copy()
    for number, each in enumerate(order, start=1):
        changed[f"{prefix}-{each}-place"] = str(number)
    return changed


def grown(post: QueryDict, prefix: str) -> QueryDict:
    """The same answers with one more empty row at the end."""
    count = len(_order(post, prefix))
    changed = post.copy()
    changed[f"{prefix}-TOTAL_FORMS"] = str(count + 1)
    changed[f"{prefix}-{count}-place"] = str(count + 1)
    return changed


def with_lost_rows(post: QueryDict, prefix: str, known: set[str]) -> QueryDict:
    """The same answers, where rows that somebody else has removed meanwhile become new rows."""
    order = sorted(range(len(_order(post, prefix))))
    there = [index for index in order if post.get(f"{prefix}-{index}-id") in known]
    renamed = {old: new for new, old in enumerate([*there, *(index for index in order if index not in there)])}
    changed = post.copy()
    for name in list(post):
        if name.startswith(f"{prefix}-") and name.removeprefix(f"{prefix}-")[:1].isdigit():
            del changed[name]
    for name in list(post):
        index, _dash, column = name.removeprefix(f"{prefix}-").partition("-")
        if name.startswith(f"{prefix}-") and index.isdigit() and int(index) in renamed:
            changed.setlist(f"{prefix}-{renamed[int(index)]}-{column}", post.getlist(name))
    for new in range(len(there), len(order)):
        changed[f"{prefix}-{new}-id"] = ""
    changed[f"{prefix}-INITIAL_FORMS"] = str(len(there))
    return changed


def _order(post: QueryDict, prefix: str) -> list[int]:
    """The numbers of the forms of one kind, in the order of their places."""
    total = post.get(f"{prefix}-TOTAL_FORMS", "")
    numbers = range(min(int(total), 200) if total.isdigit() else 0)
    places = [post.get(f"{prefix}-{number}-place", "") for number in numbers]
    keys = [int(place) if place.isdigit() else 1000 + number for number, place in zip(numbers, places, strict=True)]
    return sorted(numbers, key=keys.__getitem__)


def _row_of(complaint: Complaint, section: Section) -> RowForm | None:
    named_by = NAMED_BY.get(section.key)
    if complaint.row is None or named_by is None:
        return None
    rows = [row for row in section.formset.forms if getattr(row.instance, named_by, None) == complaint.row]
    return next((row for row in rows if row not in section.formset.deleted_forms), None)


def _of_form(form: forms.BaseForm, where: str) -> list[Problem]:
    listed = []
    for name, errors in form.errors.items():
        if name in form.fields:
            label, spot = str(form.fields[name].label or capfirst(name)), form[name].id_for_label
            listed += [Problem(spot, f"{where} · {label}: {text}" if where else f"{label}: {text}") for text in errors]
        else:
            listed += [Problem("section-basics", f"{where} · {text}" if where else text) for text in errors]
    return listed


def _said(
    row: models.Model, names: Iterable[str], labels: Mapping[str, object] | None = None
) -> list[tuple[str, str]]:  # fmt: skip
    words = {name: row._meta.get_field(name).verbose_name for name in names} | dict(labels or {})
    return [(capfirst(str(words[name])), differences.said(row, name)) for name in names]


def _listed(texts: list[str], name: str) -> str:
    """Titles of other people's works are marked as such."""
    return format_html_join(", ", "<cite>{}</cite>" if name == "taken_from" else "{}", ((text,) for text in texts))


def _asked(row: models.Model) -> list[tuple[str, str]]:
    if not isinstance(row, FollowUpRule):
        return []
    return [(_("Question"), question.text) for question in row.questions.all()]
