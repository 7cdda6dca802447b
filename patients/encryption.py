"""Clinical free text is encrypted in the column, bound to its row (AES-256-GCM).

Stored as `key id$base64(nonce + ciphertext)`; the associated data is `label:public_id`, so a value copied to another
row or column does not open. The first of settings.FIELD_KEYS writes, all of them read. Reading goes through a model
instance only: `values()` yields an opaque object and `update()` and filters refuse, because neither knows the row.
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models

NONCE_BYTES = 12


class WrongKey(Exception):
    """The value was written with another key, for another row, or was tampered with."""


class Ciphertext:
    """A stored value that has not been opened; any attempt to use it as text raises."""

    def __init__(self, stored: str) -> None:
        self.stored = stored

    def __str__(self) -> str:
        raise FieldError("An encrypted field is read through its model instance, not with values().")

    __bytes__ = __iter__ = __len__ = __format__ = __str__


def _keys() -> dict[str, bytes]:
    entries = (entry.partition(":") for entry in settings.FIELD_KEYS)
    return {name: base64.b64decode(key) for name, _, key in entries}


def encrypt(text: str, *, row: str) -> str:
    """Encrypt for one row (`label:public_id`) with the newest key."""
    name, key = next(iter(_keys().items()))
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, text.encode(), row.encode())
    return f"{name}${base64.b64encode(sealed).decode()}"


def decrypt(stored: str, *, row: str) -> str:
    """Open what `encrypt` sealed for the same row; raises `WrongKey` for anything else."""
    name, _, sealed = stored.partition("$")
    key = _keys().get(name)
    if key is None:
        raise WrongKey(f"Key '{name}' is not in FIELD_KEYS.")
    raw = base64.b64decode(sealed)
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], row.encode()).decode()
    except InvalidTag as error:
        raise WrongKey(f"Key '{name}' does not open this value for {row}.") from error


class _OpenOnRead:
    def __init__(self, field: "EncryptedTextField") -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type) -> object:
        if instance is None:
            return self
        if self.field.attname not in instance.__dict__:
            instance.refresh_from_db(fields=[self.field.attname])
        value = instance.__dict__[self.field.attname]
        if isinstance(value, Ciphertext):
            value = decrypt(value.stored, row=self.field.row_of(instance))
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: models.Model, value: object) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):
    """Text that is encrypted at rest. The model needs a `public_id`; `label` is `table.column` and never changes."""

    def __init__(self, *args: object, label: str, **kwargs: object) -> None:
        self.label = label
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "label": self.label}

    def contribute_to_class(self, cls: type, name: str, **kwargs: object) -> None:
        super().contribute_to_class(cls, name, **kwargs)
        setattr(cls, self.attname, _OpenOnRead(self))

    def row_of(self, instance: models.Model) -> str:
        return f"{self.label}:{instance.public_id}"

    def from_db_value(self, value: str | None, expression: object, connection: object) -> object:
        return Ciphertext(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> object:  # noqa: FBT001 (Django's own signature)
        value = getattr(model_instance, self.attname)
        return Ciphertext(encrypt(value, row=self.row_of(model_instance))) if value else value

    def get_prep_value(self, value: object) -> object:
        if isinstance(value, Ciphertext):
            return value.stored
        if value:
            raise FieldError(f"{self.label} is encrypted: set it on an instance and save that.")
        return value
