"""Statements that each database connection parses and plans once; psycopg2 does not do that by itself.

For those that every page waits for and that take the database longer to plan than to answer.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2 import extensions
from psycopg2.extensions import Column

AS_IT_IS = frozenset({
    models.BigIntegerField, models.BooleanField, models.CharField, models.DateField, models.DateTimeField,
    models.ForeignKey, models.IntegerField, models.PositiveIntegerField, models.PositiveSmallIntegerField,
    models.SmallIntegerField, models.TextField, models.UUIDField,
})  # fmt: skip
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

    def rows(self, values: Mapping[str, object], *, after: str = "") -> list[tuple]:
        """Everything that it finds with these values, one for each parameter. `after`: SQL to run just before."""
        return self._executed(values, after)[1]

    def text(self, values: Mapping[str, object]) -> str:
        """The same as SQL to run just before another statement (its `after`), which saves the way there and back."""
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            self._make_known(cursor.cursor)
            return cursor.mogrify(self.execute, values).decode().replace("%", "%%") + ";"

    def named_rows(self, values: Mapping[str, object]) -> list[dict[str, object]]:
        """The same by the names of the columns."""
        columns, rows = self._executed(values)
        names = [column.name for column in columns]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _executed(self, values: Mapping[str, object], after: str = "") -> tuple[Sequence[Column], list[tuple]]:
        """The columns and the rows. Every booking comes here some fifteen times, so it asks for little besides."""
        here = connections[DEFAULT_DB_ALIAS]  # not the proxy, which looks for it at every use
        here.close_if_health_check_failed()
        if here.queries_logged or here.connection is None:
            return self._executed_by_django(here, values, after)
        here.validate_no_broken_transaction()
        with here.wrap_database_errors, here.connection.cursor() as bare:
            bare.tzinfo_factory = here.tzinfo_factory
            self._make_known(bare)
            bare.execute(_first_words(here) + after + self.execute, values)
            return bare.description, bare.fetchall()

    def _executed_by_django(
        self, here: BaseDatabaseWrapper, values: Mapping[str, object], after: str
    ) -> tuple[Sequence[Column], list[tuple]]:
        """The same, slower, for a connection that is to be made first or that counts its statements."""
        with here.cursor() as cursor:
            self._make_known(cursor.cursor)
            words = _first_words(here)
            wrappers, here.execute_wrappers = here.execute_wrappers, []
            try:
                cursor.execute(words + after + self.execute, values)
            finally:
                here.execute_wrappers = wrappers
            return cursor.description, cursor.fetchall()

    def _make_known(self, bare: extensions.cursor) -> None:
        known = _known.setdefault(bare.connection, set())
        if self.name not in known:
            bare.execute(self.prepare)
            known.add(self.name)


class PreparedRows(Prepared):
    """The same for whole rows of one table, as instances of its model.

    `which` is what follows the table, called `this`: joins, conditions, order. `more`: other columns by the name of the
    attribute that they become. Half the time of `Model.objects.raw`.
    """

    def __init__(
        self, name: str, model: type[models.Model], which: str, *, more: Mapping[str, str] | None = None, **types: str
    ) -> None:
        fields, self.more = model._meta.concrete_fields, list(more or ())
        self.model, self.fields = model, [field.attname for field in fields]
        columns = ", ".join([*(f'this."{field.column}"' for field in fields), *(more or {}).values()])
        self.statement = f"SELECT {columns} FROM {model._meta.db_table} this {which}"  # noqa: S608 (the text is our own)
        self.types = types
        super().__init__(name, self.statement, **types)

    @property
    def width(self) -> int:
        """How many columns a row has."""
        return len(self.fields) + len(self.more)

    def made_of(self, row: tuple) -> models.Model:
        """The instance of one row."""
        width = len(self.fields)
        found = self.model.from_db(DEFAULT_DB_ALIAS, self.fields, row[:width])
        vars(found).update(zip(self.more, row[width:], strict=True))
        return found

    def all(self, **values: object) -> list[models.Model]:
        """Every row."""
        return [self.made_of(row) for row in self.rows(values)]

    def first(self, **values: object) -> models.Model | None:
        """The first row, if there is one."""
        return next(iter(self.all(**values)), None)


class PreparedTogether(Prepared):
    """Rows of several tables in one statement, by the name of each part, which finds one row or none."""

    def __init__(self, name: str, **parts: PreparedRows) -> None:
        self.parts = parts
        texts = {part: one.statement.replace("%(", f"%({part}_") for part, one in parts.items()}
        joined = (f"LEFT JOIN ({text}) AS {part} ON true" for part, text in texts.items())
        types = {f"{part}_{given}": kind for part, one in parts.items() for given, kind in one.types.items()}
        super().__init__(name, f"SELECT * FROM (SELECT) AS nothing {' '.join(joined)}", **types)  # noqa: S608 (the text is our own)

    def first(self, **values: object) -> dict[str, models.Model | None]:
        """What each part finds; its parameters are called `<part>_<parameter>`."""
        ((*row,),) = self.rows(values)
        found, begin = {}, 0
        for part, one in self.parts.items():
            columns = row[begin : begin + one.width]
            is_there = columns[one.fields.index(one.model._meta.pk.attname)] is not None
            found[part] = one.made_of(columns) if is_there else None
            begin += one.width
        return found


class PreparedInsert(Prepared):
    """New rows of one table, any number at once. Half the time of `bulk_create`; sends no signals, as that does not.

    For transactions that have said who acts (`locks.writing`) where the table has a history.
    """

    def __init__(self, name: str, model: type[models.Model]) -> None:
        self.columns = _Columns(model)
        super().__init__(name, f"{self.columns.insert} RETURNING id", **self.columns.types)

    def write(self, rows: Iterable[models.Model]) -> None:
        """Insert them all; they have their keys afterwards."""
        rows = list(rows)
        keys = self.rows(self.columns.values(rows)) if rows else ()
        for row, (key,) in zip(rows, keys, strict=True):
            _is_stored(row, key)


class PreparedInsertOfWholes(Prepared):
    """The same of rows of one table together with their parts, rows of another, which refer to them.

    `owner`: the field by which a part refers to its whole. `key`: a unique field of a whole, known beforehand.
    """

    def __init__(
        self, name: str, model: type[models.Model], parts: type[models.Model], *, owner: str, key: str
    ) -> None:
        self.wholes, self.parts, self.key = _Columns(model), _Columns(parts, "part_", without=owner), key
        refers = parts._meta.get_field(owner).column
        names = ", ".join(f'"{column}"' for column in self.parts.names)
        text = f"""WITH WHOLES AS ({self.wholes.insert} RETURNING id, "{key}"), PARTS AS (
            INSERT INTO {parts._meta.db_table} ({names}, "{refers}")
            SELECT {names}, wholes.id FROM unnest({self.parts.given}, %(part_of)s) AS given ({names}, part_of)
            JOIN wholes ON wholes."{key}" = part_of
        ) SELECT "{key}", id FROM wholes"""  # noqa: S608 (the text is our own)
        kind = self.wholes.types[model._meta.get_field(key).column]
        super().__init__(name, text, **self.wholes.types, **self.parts.types, part_of=kind)

    def write(self, wholes: Iterable[tuple[models.Model, Sequence[models.Model]]]) -> None:
        """Insert them all, each with its parts; the wholes have their keys afterwards."""
        wholes = list(wholes)
        of = [str(getattr(whole, self.key)) for whole, parts in wholes for _part in parts]
        values = self.wholes.values([whole for whole, _parts in wholes])
        values |= self.parts.values([part for _whole, parts in wholes for part in parts]) | {"part_of": of}
        made = dict(self.rows(values)) if wholes else {}
        for whole, _parts in wholes:
            _is_stored(whole, made[getattr(whole, self.key)])


class _Columns:
    """What an insertion says of one table; `prefix` is put before the names of its parameters."""

    def __init__(self, model: type[models.Model], prefix: str = "", *, without: str = "") -> None:
        said = [each for each in model._meta.concrete_fields if not each.primary_key and not each.generated]
        self.fields = [each for each in said if each.name != without]
        self.prefix, self.names = prefix, [each.column for each in self.fields]
        # Without its length: a cast to varchar(16) would cut what is too long, which the column refuses.
        kinds = (re.sub(r"\(.*", "", each.db_type(connections[DEFAULT_DB_ALIAS])) + "[]" for each in self.fields)
        self.types = dict(zip([prefix + name for name in self.names], kinds, strict=True))
        self.readers = [(prefix + each.column, _reader(each)) for each in self.fields]
        self.given = ", ".join(f"%({name})s" for name in self.types)
        columns = ", ".join(f'"{name}"' for name in self.names)
        self.insert = f"INSERT INTO {model._meta.db_table} ({columns}) SELECT * FROM unnest({self.given})"  # noqa: S608 (the text is our own)

    def values(self, rows: Sequence[models.Model]) -> dict[str, list]:
        """The parameters of these rows."""
        return {name: [value(row) for row in rows] for name, value in self.readers}


def _reader(field: models.Field) -> Callable[[models.Model], object]:
    """What the driver is given of a row for the field: of most kinds the value as it is, which Django says slowly."""
    if type(field) in AS_IT_IS and not getattr(field, "auto_now", False) and not getattr(field, "auto_now_add", False):
        return attrgetter(field.attname)
    return lambda row: field.get_db_prep_save(field.pre_save(row, add=True), connections[DEFAULT_DB_ALIAS])


def _is_stored(row: models.Model, key: int) -> None:
    state = row._state  # noqa: SLF001 (Django documents it)
    row.pk, state.adding, state.db = key, False, DEFAULT_DB_ALIAS


@contextmanager
def beginning_with(here: BaseDatabaseWrapper, sql: str) -> Iterator[None]:
    """Begin the first statement with `sql`, and with who acts and where, for the history of all that follow it.

    Else that is said again in front of every statement that is no plain SELECT. Stands inside a transaction.
    """
    wrappers, first = here.execute_wrappers, _FirstStatement(here, sql)
    here.execute_wrappers = [first]
    try:
        yield
    finally:
        here.execute_wrappers = wrappers


class _FirstStatement:
    """Takes the place of what Django calls around each statement, and does so once."""

    def __init__(self, here: BaseDatabaseWrapper, sql: str) -> None:
        self.here, self.sql, self.wrappers, self.is_said = here, sql, here.execute_wrappers, False

    def __call__(
        self, execute: Callable, sql: str, params: object, many: bool, context: Mapping[str, object]  # noqa: FBT001 (Django's own signature)
    ) -> object:  # fmt: skip
        words = self.words()
        if words and (many or context["cursor"].cursor.name is not None):
            with self.here.connection.cursor() as bare:
                bare.execute(words)
            words = ""
        return execute((words if params is None else words.replace("%", "%%")) + sql, params, many, context)

    def words(self) -> str:
        """What the first statement is to begin with; nothing when it has been said."""
        if self.is_said:
            return ""
        self.is_said = True
        with self.here.connection.cursor() as bare:
            said = []

            def run(sql: str, params: object, *_of_django: object) -> None:
                said.append(bare.mogrify(sql, params or None).decode())

            for wrapper in self.wrappers:
                run = partial(wrapper, run)
            context = {"connection": self.here, "cursor": bare}
            run(self.sql, None, False, context)  # noqa: FBT003 (Django's own signature)
        return said[0]


def _first_words(here: BaseDatabaseWrapper) -> str:
    """What a statement with parameters has to begin with, if it is the first of its transaction."""
    return "".join(each.words() for each in here.execute_wrappers if isinstance(each, _FirstStatement)).replace(
        "%", "%%"
    )
