"""Statements that each database connection parses and plans once; psycopg2 does not do that by itself.

For those that every page waits for and that take the database longer to plan than to answer.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from django.db import connection

_known: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()


class Prepared:
    """One statement with `%(name)s` parameters and their PostgreSQL types."""

    def __init__(self, name: str, statement: str, **types: str) -> None:
        self.name, self.names = name, list(types)
        places = {parameter: f"${place}" for place, parameter in enumerate(self.names, start=1)}
        text = re.sub(r"%\((\w+)\)s", lambda found: places[found[1]], statement)
        self.prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {text}"
        self.execute = f"EXECUTE {name} ({', '.join(f'%({parameter})s' for parameter in self.names)})"

    def rows(self, values: Mapping[str, object]) -> list[tuple]:
        """Everything that it finds with these values, one for each parameter."""
        with _without_history(), connection.cursor() as cursor:
            known = _known.setdefault(cursor.connection, set())
            if self.name not in known:
                cursor.cursor.execute(self.prepare)
                known.add(self.name)
            cursor.execute(self.execute, values)
            return cursor.fetchall()


@contextmanager
def _without_history() -> Iterator[None]:
    """Who does it and where is written in front of every statement that is no plain SELECT; these only read."""
    wrappers, connection.execute_wrappers = connection.execute_wrappers, []
    try:
        yield
    finally:
        connection.execute_wrappers = wrappers
