"""What is different between two versions of a protocol, in the words of a clinician. Pure: it compares what it gets.

Rows are matched by what they are known by: an area, an ingredient, the key of an advice or a message, or their place.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from treatments.contents import Contents, Message
from treatments.limits import plain
from treatments.models import CocktailLine, DepthStep, Phase, PhotoPoint, VersionAftercare, VersionSegment
from treatments.sums import span

BASICS = (
    "sessions_min", "sessions_typical", "sessions_max", "min_age_years", "fitzpatrick_caution_from",
    "requires_consultation", "consent_scope", "endpoint", "device_note", "total_volume_ml", "max_total_ml",
    "soft_max_depth_mm", "max_depth_mm", "max_points", "max_mg", "mg_per_cm2", "evidence", "disagreement", "confidence",
)  # fmt: skip

Figures = list[tuple[str, str]]  # what is said of a row: a label, which may be empty, and a value


@dataclass(frozen=True, slots=True)
class Group:
    """The differences of one section of the page."""

    title: str
    lines: list[str]


def differences(old: Contents, new: Contents) -> list[Group]:
    """Return the sections in which the versions differ, in the order of the page; nothing when they are the same."""
    groups = [
        Group(_("Basics"), list(_basics(old, new))),
        Group(_("Phases"), _rows(old.phases, new.phases, _place, _phase_name, _phase)),
        Group(_("Depths"), _rows(old.steps, new.steps, lambda row: row.area_id, lambda row: row.area.label, _depth)),
        Group(_("Mix"), _rows(old.mix, new.mix, _substance, lambda row: row.ingredient.name, _dose)),
        Group(_("Numbing"), _rows(old.numbing, new.numbing, _place, lambda row: row.agent, _numbing)),
        Group(_("Visit"), _rows(old.segments, new.segments, _place, _part_name, _part)),
        Group(_("Aftercare"), _rows(old.aftercare, new.aftercare, lambda row: row.key, _advice_name, _advice)),
        Group(_("Messages"), _rows(old.messages, new.messages, _rule_key, lambda each: each.rule.purpose, _message)),
        Group(_("Photos"), _names(_photos(old), _photos(new))),
        Group(_("Scales"), _names(map(str, old.scales), map(str, new.scales))),
        Group(_("Questions before each session"), _names(map(str, old.checks), map(str, new.checks))),
        Group(_("Sources"), _names(map(str, old.sources), map(str, new.sources))),
    ]
    return [group for group in groups if group.lines]


def _basics(old: Contents, new: Contents) -> Iterator[str]:
    for name in BASICS:
        before, after = said(old.version, name), said(new.version, name)
        if before != after:
            label = capfirst(str(new.version._meta.get_field(name).verbose_name))
            yield _changed(label, before, after)


def said(row: models.Model, name: str) -> str:
    """One field of a row in words."""
    value = getattr(row, name)
    if name == "consent_scope":
        return value.replace("_", " ")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Decimal):
        return plain(value)
    label = getattr(row, f"get_{name}_display", None)
    return str(label() if label else value if value is not None else "")


def _rows(
    old: Sequence, new: Sequence, key: Callable[[object], Hashable], name: Callable[[object], str],
    figures: Callable[[object], Figures],
) -> list[str]:  # fmt: skip
    before, after = {key(row): row for row in old}, {key(row): row for row in new}
    lines = []
    for known_by, row in after.items():
        if known_by in before:
            pairs = zip(figures(before[known_by]), figures(row), strict=True)
            moved = [_changed(label, was, now) for (label, was), (_same, now) in pairs if was != now]
            lines += [f"{name(row)}: {line}" for line in moved]
        else:
            told = [f"{label} {value}".strip() for label, value in figures(row) if value]
            lines.append(_("added: %(name)s") % {"name": ", ".join([name(row), *told])})
    gone = [name(row) for known_by, row in before.items() if known_by not in after]
    return [*lines, *(_("removed: %(name)s") % {"name": each} for each in gone)]


def _names(old: Iterable[str], new: Iterable[str]) -> list[str]:
    before, after = list(old), list(new)
    added = [_("added: %(name)s") % {"name": name} for name in after if name not in before]
    return [*added, *(_("removed: %(name)s") % {"name": name} for name in before if name not in after)]


def _changed(label: str, before: str, after: str) -> str:
    """A unit that both figures have is said once, after the second."""
    number, _space, unit = before.partition(" ")
    is_measured = number[:1].isdigit() and unit and after.partition(" ")[2] == unit and after[:1].isdigit()
    arrow = f"{number if is_measured else before or _('nothing')} → {after or _('nothing')}"
    return f"{label} {arrow}".strip()


def _place(row: models.Model) -> int:
    return row.position


def _substance(row: CocktailLine) -> int:
    return row.ingredient_id


def _rule_key(each: Message) -> str:
    return each.rule.key


def _phase_name(row: Phase) -> str:
    return _("Phase %(number)s") % {"number": row.position}


def _phase(row: Phase) -> Figures:
    return [
        (_("name"), row.name),
        (_("sessions"), str(row.sessions)),
        (_("kind"), _("maintenance") if row.is_maintenance else _("part of the course")),
        (_("at least"), _days(row.interval_min_days)),
        (_("ideally"), _days(row.interval_ideal_days)),
        (_("at most"), _days(row.interval_max_days)),
        (_("note"), _quoted(row.note)),
    ]


def _depth(row: DepthStep) -> Figures:
    return [
        (_("technique"), row.technique.label),
        (_("depth"), f"{span(row.depth_min_mm, row.depth_max_mm)} mm"),
        (_("usual depth"), _measured(row.depth_typical_mm, "mm")),
        (_("passes"), _counted(row.passes_min, row.passes_max)),
        (_("points"), _counted(row.points_min, row.points_max)),
        (_("volume per point"), _measured(row.volume_per_point_ml, "ml")),
        (_("spacing"), _measured(row.spacing_mm, "mm")),
        (_("why deeper than usual"), _quoted(row.reason)),
    ]


def _dose(row: CocktailLine) -> Figures:
    return [
        ("", _measured(row.amount, row.get_unit_display())),
        (_("volume"), _measured(row.volume_ml, "ml")),
        (_("basis"), row.get_amount_basis_display()),
        (_("note"), _quoted(row.note)),
    ]


def _numbing(row: models.Model) -> Figures:
    return [
        (_("ingredient"), row.ingredient.name),
        (_("product"), row.agent),
        (_("kind"), row.get_kind_display()),
        (_("minutes"), f"{row.minutes_min}/{row.minutes_typical}/{row.minutes_max}"),
        (_("taken off before the treatment"), _yes(is_so=row.is_removed_before)),
        (_("note"), _quoted(row.note)),
    ]


def _part_name(row: VersionSegment) -> str:
    return _("Part %(number)s, %(kind)s") % {"number": row.position, "kind": row.get_kind_display()}


def _part(row: VersionSegment) -> Figures:
    return [
        (_("kind"), row.get_kind_display()),
        ("", _("%(count)s minutes") % {"count": row.base_minutes}),
        (_("for each area"), _("%(count)s minutes") % {"count": row.minutes_per_area}),
        (_("with the practitioner"), _yes(is_so=row.holds_practitioner)),
        (_("with an assistant"), _yes(is_so=row.needs_assistant)),
        (_("room"), row.get_room_kind_display() or _("none")),
        (_("device"), row.get_device_kind_display() or _("none")),
    ]


def _advice_name(row: VersionAftercare) -> str:
    return f"“{row.title}”"


def _advice(row: VersionAftercare) -> Figures:
    return [
        (_("title"), _quoted(row.title)),
        (_("kind"), row.get_kind_display()),
        (_("text"), _quoted(row.text)),
        (_("from"), _hours(row.starts_after_hours)),
        (_("until"), _hours(row.ends_after_hours)),
        (_("sent after"), _hours(row.send_after_hours)),
    ]


def _message(each: Message) -> Figures:
    rule = each.rule
    return [
        (_("purpose"), _quoted(rule.purpose)),
        (_("sent after"), _hours(rule.offset_hours)),
        (_("asks for a photo"), _yes(is_so=rule.asks_photo)),
        (_("only after the last session"), _yes(is_so=rule.is_after_last_only)),
        (_("questions"), " ".join(map(_quoted, each.questions))),
    ]


def _photos(of: Contents) -> list[str]:
    labels = dict(PhotoPoint.When.choices)
    return [str(labels[when]) for when in of.photos]


def _days(count: int) -> str:
    return _("%(count)s days") % {"count": count}


def _hours(count: int) -> str:
    return _("%(count)s hours") % {"count": count}


def _measured(figure: Decimal | None, unit: str) -> str:
    return "" if figure is None else f"{plain(figure)} {unit}"


def _counted(least: int | None, most: int | None) -> str:
    return "–".join(dict.fromkeys(str(each) for each in (least, most) if each is not None))


def _quoted(text: str) -> str:
    return f"“{text}”" if text else ""


def _yes(*, is_so: bool) -> str:
    return _("yes") if is_so else _("no")
