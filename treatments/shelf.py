"""The keyed rows of the catalogue at hand while it is loaded: what was there, and what has been added."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class Shelf:
    """Rows by model and key. What was there before is never written."""

    def __init__(self) -> None:
        self._rows: dict[type[models.Model], dict[str, models.Model]] = {}
        self._new: dict[type[models.Model], set[str]] = {}

    def put(self, model: type[models.Model], rows: Iterable[models.Model]) -> None:
        """Insert the rows whose key is missing, with one read and one write."""
        known = model.objects.in_bulk(field_name="key")
        new = model.objects.bulk_create([row for row in rows if row.key not in known])
        self._rows[model] = {**known, **{row.key: row for row in new}}
        self._new[model] = {row.key for row in new}

    def get(self, model: type[Row], key: str) -> Row:
        """The row of a key that is known to be there."""
        return self._rows[model][key]

    def of(self, model: type[Row]) -> list[Row]:
        """Every row of the table, older ones first."""
        return list(self._rows[model].values())

    def is_new(self, model: type[models.Model], key: str) -> bool:
        """Whether this load has added the row."""
        return key in self._new[model]

    def added(self, model: type[models.Model]) -> int:
        """How many rows this load has added."""
        return len(self._new[model])


def insert(rows: Iterable[models.Model]) -> Counter[type[models.Model]]:
    """Insert rows of several tables, one statement for each; returns how many of each."""
    by_model = defaultdict(list)
    for row in rows:
        by_model[type(row)].append(row)
    for model, together in by_model.items():
        model.objects.bulk_create(together)
    return Counter({model: len(together) for model, together in by_model.items()})
