"""Prepared statements for rows together with those that they refer to: what `select_related` gives, in half the time.

For what is read whenever a whole course is planned or booked; everything else asks the ORM.
"""

from collections.abc import Iterable, Mapping

from django.db import DEFAULT_DB_ALIAS, connections, models

from patients.prepared import Prepared


class _Part:
    """The columns of one model in the statement: of the rows themselves, or of what the field of another part names."""

    def __init__(self, alias: str, model: type[models.Model], parent: str = "", name: str = "") -> None:
        self.alias, self.model, self.parent, self.name = alias, model, parent, name
        fields = model._meta.concrete_fields
        self.names = [field.attname for field in fields]
        self.columns = [f'"{alias}"."{field.column}"' for field in fields]
        self.key = fields.index(model._meta.pk)
        self.converted = [
            (place, field.from_db_value) for place, field in enumerate(fields) if hasattr(field, "from_db_value")
        ]

    def made_of(self, values: tuple) -> models.Model | None:
        """The instance; None where nothing is referred to."""
        if values[self.key] is None:
            return None
        if self.converted:
            values, here = list(values), connections[DEFAULT_DB_ALIAS]
            for place, convert in self.converted:
                values[place] = convert(values[place], None, here)
        return self.model.from_db(DEFAULT_DB_ALIAS, self.names, values)


class JoinedRows(Prepared):
    """Whole rows of one table, called `this`, as instances of its model with what they refer to already read.

    `along` names the references as `select_related` does, each after the one that it goes on from; they are tables of
    these names for `which` (conditions, order). `more`: other columns by the attribute that they become.
    """

    def __init__(
        self, name: str, model: type[models.Model], which: str, *, along: Iterable[str],
        more: Mapping[str, str] | None = None, **types: str,
    ) -> None:  # fmt: skip
        self.more = list(more or ())
        parts, joins = {"this": _Part("this", model)}, []
        for path in along:
            before, _, attribute = path.rpartition("__")
            parent = parts[before or "this"]
            field = parent.model._meta.get_field(attribute)
            parts[path] = part = _Part(path, field.related_model, parent.alias, attribute)
            key = f'"{path}"."{part.model._meta.pk.column}"'
            joins.append(f'LEFT JOIN {part.model._meta.db_table} "{path}" ON {key} = "{parent.alias}"."{field.column}"')
        self.parts = list(parts.values())
        columns = ", ".join([column for part in self.parts for column in part.columns] + list((more or {}).values()))
        text = f"SELECT {columns} FROM {model._meta.db_table} this {' '.join(joins)} {which}"  # noqa: S608 (the text is our own)
        super().__init__(name, text, **types)

    def all(self, **values: object) -> list[models.Model]:
        """Every row."""
        return [self._made_of(row) for row in self.rows(values)]

    def first(self, **values: object) -> models.Model | None:
        """The first row, if there is one."""
        return next(iter(self.all(**values)), None)

    def _made_of(self, row: tuple) -> models.Model:
        made, begin = {}, 0
        for part in self.parts:
            end = begin + len(part.names)
            made[part.alias] = part.made_of(row[begin:end])
            if part.parent and made[part.parent] is not None:
                setattr(made[part.parent], part.name, made[part.alias])
            begin = end
        vars(made["this"]).update(zip(self.more, row[begin:], strict=True))
        return made["this"]
