"""Reads the shipped JSON files and holds every record against its shape; nothing here touches the database."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from treatments.starter_shapes import DEPTHS_OF, SHAPES, Parts, Shape

STARTER = Path(__file__).parent / "starter"
SHIPPED_ONLY = ("record_fields",)

Record = dict[str, Any]
Tables = dict[str, list[Record]]


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one record."""

    file: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.what}"


class BrokenStarter(Exception):
    """The files were refused before anything was written; one line for each fault."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class _Duplicate(Exception):
    pass


def _record(pairs: list[tuple[str, object]]) -> Record:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Duplicate(f"'{next(name for name in names if names.count(name) > 1)}' stands twice in one record")
    return record


def file_of(table: str) -> str:
    """The file in which a table stands: `aftercare.steps` is a list inside aftercare.json."""
    return f"{table.partition('.')[0]}.json"


def name_of(record: Record) -> str:
    """How a record is named in a fault."""
    return str(record.get("key") or record.get("scope") or "?")


def read(folder: Path) -> Tables:
    """Read every file of the folder into tables of records, figures as Decimal; raises `BrokenStarter`."""
    faults: list[Fault] = []
    files = {stem: _read_file(folder / f"{stem}.json", faults) for stem in (*_stems(), *SHIPPED_ONLY)}
    if faults:
        raise BrokenStarter(faults)
    tables = {}
    for table in SHAPES:
        stem, _, part = table.partition(".")
        tables[table] = files[stem].get(part) if part and isinstance(files[stem], dict) else files[stem]
        faults += _misshapen(table, tables[table])
    if faults:
        raise BrokenStarter(faults)
    return tables


def _stems() -> list[str]:
    return sorted({table.partition(".")[0] for table in SHAPES})


def _read_file(path: Path, faults: list[Fault]) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, object_pairs_hook=_record)
    except FileNotFoundError:
        faults.append(Fault(path.name, "file", "is missing"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        faults.append(Fault(path.name, "file", f"is not JSON: {error}"))
    except _Duplicate as error:
        faults.append(Fault(path.name, "file", str(error)))
    return None


def _misshapen(table: str, records: object) -> Iterator[Fault]:
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        yield Fault(file_of(table), "file", "is not a list of records")
        return
    for record in records:
        shape = SHAPES[table]
        if table == "protocols":
            shape = {**shape, "areas": Parts(DEPTHS_OF.get(record.get("modality"), {}))}
        for what in _differences(record, shape):
            yield Fault(file_of(table), name_of(record), what)


def _differences(record: Record, shape: Shape, prefix: str = "", *, is_partial: bool = False) -> Iterator[str]:
    for field in record:
        if field not in shape:
            yield f"{prefix}{field} is not a known field"
    for field, check in shape.items():
        if field not in record:
            if not is_partial:
                yield f"{prefix}{field} is missing"
        elif isinstance(check, Parts):
            yield from _differences_inside(record[field], check, f"{prefix}{field}")
        elif what := check(record[field]):
            yield f"{prefix}{field} {what}"


def _differences_inside(value: object, parts: Parts, name: str) -> Iterator[str]:
    if value is None and parts.optional:
        return
    records = [value] if parts.single else value
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        yield f"{name} is not {'a record' if parts.single else 'a list of records'}"
        return
    for place, record in enumerate(records, start=1):
        prefix = f"{name} " if parts.single else f"{name} {place} "
        yield from _differences(record, parts.shape, prefix, is_partial=parts.partial)
