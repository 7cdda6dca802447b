"""Loads the shipped catalogue. What is missing is inserted; what is there stays as the clinic has it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from django.db import models, transaction

from patients.models import BodyArea, Condition, ConsentText, SubstanceTag
from treatments import catalogue_rows, protocol_rows, starter_files, starter_protocols, starter_rules
from treatments.models import (
    AdverseEventKind,
    AftercareAdvice,
    AreaLimit,
    Contraindication,
    FollowUp,
    FollowUpRule,
    Indication,
    Ingredient,
    IngredientClass,
    OutcomeScale,
    Protocol,
    ProtocolVersion,
    ReferenceFigure,
    Service,
    Source,
    Technique,
)
from treatments.shelf import Shelf, insert
from treatments.starter_files import STARTER, BrokenStarter, Record, Tables

Builder = Callable[[Record, int, Shelf], models.Model]

KEYED: tuple[tuple[str, type[models.Model], Builder], ...] = (
    ("sources", Source, catalogue_rows.source),
    ("areas", BodyArea, catalogue_rows.area),
    ("techniques", Technique, catalogue_rows.technique),
    ("ingredient_classes", IngredientClass, catalogue_rows.ingredient_class),
    ("indications", Indication, catalogue_rows.indication),
    ("substances", SubstanceTag, catalogue_rows.substance_tag),
    ("ingredients", Ingredient, catalogue_rows.ingredient),
    ("conditions", Condition, catalogue_rows.condition),
    ("outcome_scales", OutcomeScale, catalogue_rows.outcome_scale),
    ("aftercare.steps", AftercareAdvice, catalogue_rows.advice),
    ("aftercare.adverse_events", AdverseEventKind, catalogue_rows.adverse_event),
    ("aftercare.follow_ups", FollowUp, catalogue_rows.follow_up),
    ("clinic_constants", ReferenceFigure, catalogue_rows.figure),
    ("services", Service, catalogue_rows.service),
    ("protocols", Protocol, protocol_rows.protocol),
)

PARTS: tuple[tuple[str, type[models.Model], Callable[[Record, Shelf], Iterator[models.Model]]], ...] = (
    ("ingredients", Ingredient, catalogue_rows.ingredient_parts),
    ("outcome_scales", OutcomeScale, catalogue_rows.scale_parts),
    ("aftercare.steps", AftercareAdvice, catalogue_rows.advice_parts),
    ("aftercare.follow_ups", FollowUp, catalogue_rows.follow_up_parts),
    ("services", Service, catalogue_rows.service_parts),
)


@dataclass(frozen=True)
class Loaded:
    """How many records of one table the files hold, and how many of them were missing in the database."""

    table: str
    shipped: int
    blocked: int
    added: int


def load(folder: Path = STARTER) -> list[Loaded]:
    """Insert every record of the starter files that is missing; never change or bring back a row of a known record.

    Rows that hang off a record (limits, tags, contraindications, questions, segments) come with it, once. Protocols
    come as version 1, a draft. Everything is checked first: raises `BrokenStarter` before anything is written.
    """
    tables = checked(folder)
    with transaction.atomic():
        shelf = Shelf()
        for table, model, build in KEYED:
            shelf.put(model, (build(record, place, shelf) for place, record in enumerate(tables[table], start=1)))
        _parts(tables, shelf)
        _area_limits(tables, shelf)
        _contraindications(tables, shelf)
        _incompatible_pairs(tables, shelf)
        _links(tables, shelf)
        _versions(tables, shelf)
        texts = _consent_texts(tables)
    counts = [_loaded(table, tables[table], shelf.added(model)) for table, model, _ in KEYED]
    return [*counts, _loaded("consent_texts", tables["consent_texts"], texts)]


def checked(folder: Path) -> Tables:
    """Read the files and hold them against every rule; raises `BrokenStarter` with all faults of the first layer."""
    tables = starter_files.read(folder)
    for check in (starter_rules.check, starter_protocols.check):
        faults = check(tables)
        if faults:
            raise BrokenStarter(faults)
    return tables


def _loaded(table: str, records: list[Record], added: int) -> Loaded:
    blocked = sum(1 for record in records if record.get("blocked") or record.get("blocked_by_default"))
    return Loaded(table=table, shipped=len(records), blocked=blocked, added=added)


def _fresh(tables: Tables, table: str, model: type[models.Model], shelf: Shelf) -> list[Record]:
    return [record for record in tables[table] if shelf.is_new(model, record["key"])]


def _parts(tables: Tables, shelf: Shelf) -> None:
    insert(
        part
        for table, model, build in PARTS
        for record in _fresh(tables, table, model, shelf)
        for part in build(record, shelf)
    )


def _area_limits(tables: Tables, shelf: Shelf) -> None:
    rows, sources = [], []
    for record in tables["areas"]:
        for technique in shelf.of(Technique):
            if shelf.is_new(BodyArea, record["key"]) or shelf.is_new(Technique, technique.key):
                rows.append(catalogue_rows.area_limit(record, technique, shelf))
                sources.append(record["source"])
    _insert_with_sources(AreaLimit, rows, sources, shelf)


def _contraindications(tables: Tables, shelf: Shelf) -> None:
    rows, sources = [], []
    for record in tables["conditions"]:
        for row in catalogue_rows.contraindications(record, shelf):
            is_new = row.ingredient and shelf.is_new(Ingredient, row.ingredient.key)
            if is_new or shelf.is_new(Condition, record["key"]):
                rows.append(row)
                sources.append(record["source"])
    _insert_with_sources(Contraindication, rows, sources, shelf)


def _incompatible_pairs(tables: Tables, shelf: Shelf) -> None:
    insert(
        pair
        for one, other in combinations(tables["ingredients"], 2)
        if shelf.is_new(Ingredient, one["key"]) or shelf.is_new(Ingredient, other["key"])
        if (pair := catalogue_rows.incompatible_pair(one, other, shelf))
    )


def _insert_with_sources(
    model: type[models.Model], rows: list[models.Model], sources: list[list[str]], shelf: Shelf
) -> None:
    model.objects.bulk_create(rows)
    _link(model, zip(rows, sources, strict=True), shelf)


def _link(model: type[models.Model], rows: Iterator[tuple[models.Model, list[str]]], shelf: Shelf) -> None:
    through = model.sources.through
    column = f"{model.__name__.lower()}_id"
    insert(through(**{column: row.pk, "source_id": shelf.get(Source, key).pk}) for row, keys in rows for key in keys)


def _links(tables: Tables, shelf: Shelf) -> None:
    for table, model, _ in KEYED:
        if hasattr(model, "sources"):
            fresh = _fresh(tables, table, model, shelf)
            _link(model, ((shelf.get(model, record["key"]), record["source"]) for record in fresh), shelf)
    through = OutcomeScale.indications.through
    insert(
        through(outcomescale_id=shelf.get(OutcomeScale, record["key"]).pk, indication_id=shelf.get(Indication, key).pk)
        for record in _fresh(tables, "outcome_scales", OutcomeScale, shelf)
        for key in record["for_indications"]
    )


def _versions(tables: Tables, shelf: Shelf) -> None:
    records = _fresh(tables, "protocols", Protocol, shelf)
    versions = ProtocolVersion.objects.bulk_create([protocol_rows.version(record, shelf) for record in records])
    parts = [
        part
        for record, version in zip(records, versions, strict=True)
        for part in protocol_rows.parts(record, version, shelf)
    ]
    insert(parts)
    follow_ups = starter_rules.keyed(tables["aftercare.follow_ups"])
    rules = [part for part in parts if isinstance(part, FollowUpRule)]
    insert(question for rule in rules for question in protocol_rows.questions(rule, follow_ups[rule.key]))


def _consent_texts(tables: Tables) -> int:
    known = set(ConsentText.objects.values_list("scope", "language"))
    new = [record for record in tables["consent_texts"] if (record["scope"], record["language"]) not in known]
    return len(ConsentText.objects.bulk_create([catalogue_rows.consent_text(record) for record in new]))
