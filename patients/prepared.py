"""Statements that each database connection parses and plans once; psycopg2 does not do that by itself.

For those that every page waits for and that take the database longer to plan than to answer.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connection, models

_known: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()


class Prepared:
    """One statement with `%(name)s` parameters and their PostgreSQL types."""

    def __init__(self, name: str, statement: str, **types: str) -> None:
        self.name, self.names = name, list(types)
        places = {parameter: f"${place}" for place, parameter in enumerate(self.names, start=1)}
        text = re.sub(r"%\((\w+)\)s", lambda found: places[found[1]], statement)
        self.prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {text}"
        given = ", ".join(f"%({parameter})s::{kind}" for parameter, kind in types.items())
        self.execute = f"EXECUTE {name} ({given})"

    def rows(self, values: Mapping[str, object]) -> list[tuple]:
        """Everything that it finds with these values, one for each parameter."""
        with _without_history(), connection.cursor() as cursor:
            known = _known.setdefault(cursor.connection, set())
            if self.name not in known:
                cursor.cursor.execute(self.prepare)
                known.add(self.name)
            cursor.execute(self.execute, values)
            return cursor.fetchall()


class PreparedRows(Prepared):
    """The same for whole rows of one table, as instances of its model.

    `which` is what follows the table, called `this`: joins, conditions, order. Half the time of `Model.objects.raw`.
    """

    def __init__(self, name: str, model: type[models.Model], which: str, **types: str) -> None:
        fields = model._meta.concrete_fields
        self.model, self.fields = model, [field.attname for field in fields]
        columns = ", ".join(f'this."{field.column}"' for field in fields)
        super().__init__(name, f"SELECT {columns} FROM {model._meta.db_table} this {which}", **types)  # noqa: S608 (the text is our own)

    def all(self, **values: object) -> list[models.Model]:
        """Every row."""
        return [self.model.from_db(DEFAULT_DB_ALIAS, self.fields, row) for row in self.rows(values)]

    def first(self, **values: object) -> models.Model | None:
        """The first row, if there is one."""
        return next(iter(self.all(**values)), None)


@contextmanager
def _without_history() -> Iterator[None]:
    """Who does it and where is written in front of every statement that is no plain SELECT; these only read."""
    wrappers, connection.execute_wrappers = connection.execute_wrappers, []
    try:
        yield
    finally:
        connection.execute_wrappers = wrappers
