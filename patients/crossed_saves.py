"""Whether a row is still what somebody saw when they began to type: a digest of it and of the rows edited with it."""

import hashlib
import json
from collections.abc import Iterable

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from patients.encryption import EncryptedTextField

SEEN = "_seen"


def digest(row: models.Model, parts: Iterable[models.QuerySet] = ()) -> str:
    """Return 64 hex digits over the stored values of the row and of these further rows; one query for each table."""
    querysets = [type(row)._base_manager.filter(pk=row.pk), *parts]
    said = json.dumps([_values(rows) for rows in querysets], cls=DjangoJSONEncoder)
    return hashlib.sha256(said.encode()).hexdigest()


def _values(rows: models.QuerySet) -> list:
    """The stored values in the order of the keys; encrypted text is left out, its cipher differs at each writing."""
    fields = [field.attname for field in rows.model._meta.concrete_fields if not isinstance(field, EncryptedTextField)]
    plain = list(rows.order_by("pk").values_list(*fields))
    links = [
        list(rows.order_by("pk", f"{field.name}__pk").values_list("pk", f"{field.name}__pk"))
        for field in rows.model._meta.many_to_many
    ]
    return [rows.model._meta.label, plain, links]
