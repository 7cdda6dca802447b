"""Making and editing drafts of protocols: the only way in which the rows of a version come to be written by people."""

import copy
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pgtrigger
from django.db import models, transaction
from django.db.models import F
from django.utils.text import slugify
from django.utils.translation import gettext as _

from patients.models import User
from patients.refusals import Refused
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD, has_role
from treatments.models import (
    AnaestheticLine,
    CocktailLine,
    DepthStep,
    FollowUpRule,
    FollowUpRuleQuestion,
    Indication,
    Phase,
    PhotoPoint,
    Protocol,
    ProtocolVersion,
    Service,
    VersionAftercare,
    VersionCheck,
    VersionScale,
    VersionSegment,
    VersionSource,
)

WRITERS = (ADMINISTRATOR, CLINICAL_LEAD)
PARTS = (
    Phase, DepthStep, CocktailLine, AnaestheticLine, VersionSegment, PhotoPoint, VersionAftercare, FollowUpRule,
    VersionScale, VersionCheck, VersionSource,
)  # fmt: skip
# What is not taken over into a copy of a version.
UNCHECKED = {"checked_by": None, "checked_at": None, "published_at": None, "retired_at": None}
PLACED = (Phase, CocktailLine, AnaestheticLine, VersionSegment)  # kinds of rows whose order is the clinic's
# By what else a row is known than by its key; another area in a row makes it another row.
KNOWN_BY = {
    DepthStep: "area_id",
    CocktailLine: "ingredient_id",
    VersionAftercare: "key",
    FollowUpRule: "key",
    PhotoPoint: "when",
    VersionScale: "scale_id",
    VersionCheck: "condition_id",
    VersionSource: "source_id",
}
FIRST_VALUES = {"sessions_min": 1, "sessions_typical": 1, "sessions_max": 1, "min_age_years": 18}
CONSENTS = {"microneedling": "series_consent_microneedling", "mesotherapy": "series_consent_mesotherapy"}
OUT_OF_THE_WAY = 1000


@dataclass(frozen=True)
class Draft:
    """What a draft is to be: the version with its fields, all rows of each kind in their order, all questions."""

    version: ProtocolVersion
    rows: Mapping[type[models.Model], Sequence[models.Model]] = field(default_factory=dict)
    questions: Sequence[tuple[FollowUpRule, Sequence[str]]] = ()


def new_protocol(
    *, name: str, modality: str, indication: Indication, service: Service, by: User
) -> ProtocolVersion:  # fmt: skip
    """Make a protocol with its first draft, which is empty, and return the draft."""
    _refuse_others(by)
    with transaction.atomic():
        protocol = Protocol.objects.create(
            key=_free_key(Protocol.objects.all(), name), name=name, modality=modality, indication=indication,
            service=service,
        )  # fmt: skip
        return ProtocolVersion.objects.create(
            protocol=protocol, number=1, consent_scope=CONSENTS[modality], **FIRST_VALUES
        )


def new_draft(version: ProtocolVersion, *, by: User) -> ProtocolVersion:
    """Copy a version with every row of it into a draft with the next number; locks the protocol.

    Raises `Refused` while the protocol has another draft: two of them would each leave out what the other changes.
    """
    _refuse_others(by)
    with transaction.atomic():
        protocol = Protocol.objects.select_for_update().get(pk=version.protocol_id)
        version = ProtocolVersion.objects.get(pk=version.pk)
        open_draft = protocol.versions.filter(state=ProtocolVersion.State.DRAFT).first()
        if open_draft is not None:
            words = {"number": open_draft.number}
            raise Refused(_("Version %(number)s is a draft already. Edit that one, or delete it first.") % words)
        newest = protocol.versions.order_by("-number").first()
        draft = _copied(
            version, public_id=uuid.uuid4(), number=newest.number + 1, state=ProtocolVersion.State.DRAFT, **UNCHECKED
        )
        draft.save(force_insert=True)
        for model in PARTS:
            rows = model.objects.filter(version=version).order_by("pk")
            model.objects.bulk_create(_copied(row, version=draft) for row in rows)
        _copy_questions(version, draft)
    return draft


def delete_draft(version: ProtocolVersion, *, by: User) -> None:
    """Throw a draft away with all its rows. What was published is kept: series and records point at it."""
    _refuse_others(by)
    with transaction.atomic():
        _locked_draft(version, _("Only a draft can be deleted. What was published is kept for good.")).delete()


def write(draft: Draft, *, by: User) -> ProtocolVersion:
    """Make a draft what it is to be, in one transaction; rows that are not named any more are removed.

    The order of the rows becomes their position. Kinds of rows that are not given stay as they are.
    """
    _refuse_others(by)
    with transaction.atomic():
        _locked_draft(draft.version, _("Only a draft can be changed. Make a new draft from this version."))
        draft.version.save()
        for model, rows in draft.rows.items():
            _write_rows(draft.version, model, rows)
        for rule, texts in draft.questions:
            _write_questions(rule, texts)
    return draft.version


def free_key(title: str, taken: Iterable[str]) -> str:
    """A key made of a title that is not among those taken; at most 60 characters."""
    stem = slugify(title).replace("-", "_")[:50] or "row"
    used, key, number = set(taken), stem, 2
    while key in used:
        key, number = f"{stem}_{number}", number + 1
    return key


def _free_key(rows: models.QuerySet, title: str) -> str:
    return free_key(title, rows.values_list("key", flat=True))


def _refuse_others(by: User) -> None:
    if not has_role(by, *WRITERS):
        raise Refused(_("Only an administrator or a clinical lead edits protocols."))


def _locked_draft(version: ProtocolVersion, otherwise: str) -> ProtocolVersion:
    Protocol.objects.select_for_update().get(pk=version.protocol_id)
    locked = ProtocolVersion.objects.select_for_update().get(pk=version.pk)
    if locked.state != ProtocolVersion.State.DRAFT:
        raise Refused(otherwise)
    return locked


def _copied(row: models.Model, **changes: object) -> models.Model:
    """A new row like this one, not saved yet."""
    twin = copy.copy(row)
    twin.pk = None
    for name, value in changes.items():
        setattr(twin, name, value)
    return twin


def _copy_questions(old: ProtocolVersion, new: ProtocolVersion) -> None:
    rules = dict(new.follow_up_rules.values_list("key", "pk"))
    questions = FollowUpRuleQuestion.objects.filter(rule__version=old).select_related("rule").order_by("pk")
    FollowUpRuleQuestion.objects.bulk_create(
        _copied(question, rule_id=rules[question.rule.key]) for question in questions
    )


def _write_rows(version: ProtocolVersion, model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Removed rows go first, then places are cleared, so that no unique constraint is met on the way."""
    saved = {row.pk: row for row in model.objects.filter(version=version)}
    known_by = KNOWN_BY.get(model)
    keys = {getattr(row, known_by): pk for pk, row in saved.items()} if known_by else {}
    for place, row in enumerate(rows, start=1):
        row.version = version
        if known_by:
            row.pk = keys.get(getattr(row, known_by))
        if model in PLACED:
            row.position = place
    kept = {row.pk for row in rows}
    model.objects.filter(pk__in=[pk for pk in saved if pk not in kept]).delete()
    if model in PLACED:
        _clear_places(model, [row.pk for row in rows if row.pk and row.position != saved[row.pk].position])
    for row in rows:
        if row.pk is None or not _is_same(row, saved[row.pk]):
            row.save(force_insert=row.pk is None)


def _clear_places(model: type[models.Model], moved: Sequence[int]) -> None:
    """Put rows that change places out of the way of each other; history keeps only where they end up."""
    if moved:
        with pgtrigger.ignore(f"treatments.{model.__name__}:update_update"):
            model.objects.filter(pk__in=moved).update(position=F("position") + OUT_OF_THE_WAY)


def _is_same(row: models.Model, saved: models.Model) -> bool:
    return all(vars(row).get(name) == value for name, value in vars(saved).items() if not name.startswith("_"))


def _write_questions(rule: FollowUpRule, texts: Sequence[str]) -> None:
    saved = list(rule.questions.order_by("position"))
    if [row.text for row in saved] == list(texts):
        return
    rule.questions.filter(pk__in=[row.pk for row in saved[len(texts) :]]).delete()
    for row, text in zip(saved, texts, strict=False):
        if row.text != text:
            row.text = text
            row.save(update_fields=["text"])
    after = saved[-1].position if saved else 0
    FollowUpRuleQuestion.objects.bulk_create(
        FollowUpRuleQuestion(rule=rule, position=after + place, text=text)
        for place, text in enumerate(texts[len(saved) :], start=1)
    )
