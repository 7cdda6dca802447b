"""Every form that creates something is answered once: a second copy of the request gets the first one's answer."""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import connection
from django.http import QueryDict
from django.utils.translation import gettext as _

from patients import locks
from patients.models import Submission, User
from patients.prepared import Prepared
from patients.refusals import Refused

NOT_TYPED = ("csrfmiddlewaretoken",)
# Waits for a transaction that has written the same key and has not ended.
NOTE = Prepared(
    "note_submission",
    "INSERT INTO patients_submission (key, user_id, verb, body_hash, result, created_at)"
    " VALUES (%(key)s, %(user)s, %(verb)s, %(body)s, %(result)s, now()) ON CONFLICT (key) DO NOTHING RETURNING key",
    key="uuid", user="bigint", verb="text", body="text", result="text",
)  # fmt: skip
ANSWER = """
    UPDATE patients_submission SET result = %s WHERE key = %s AND user_id IS NOT DISTINCT FROM %s AND verb = %s
"""


@dataclass(frozen=True)
class Sent:
    """What a rendered form sent: the key it was rendered with, and its fields."""

    key: uuid.UUID
    body: Mapping


class DifferentBody(Refused):
    """The key has already answered a request that said something else."""

    def __init__(self) -> None:
        super().__init__(
            _("This form was already sent with other details, and that was saved. Check it before you save again.")
        )


def once(sent: Sent, *, user: User | None, verb: str, result: str = "") -> str | None:
    """Return what this submission was answered with, None if it is new.

    Inside `locks.writing`. Holds the key until the transaction ends, so call it first, with the `result` where it is
    known beforehand, or `record` it in the same transaction; a parallel copy waits here for the end of this one.
    Raises `DifferentBody` when the key answered another user, another verb or another body.
    """
    locks.require()
    who, body = user and user.pk, digest(sent.body)
    if NOTE.rows({"key": str(sent.key), "user": who, "verb": verb, "body": body, "result": result}):
        return None
    earlier = Submission.objects.get(pk=sent.key)
    if (earlier.user_id, earlier.verb, earlier.body_hash) != (who, verb, body):
        raise DifferentBody
    return earlier.result


def answered(sent: Sent, *, user: User | None, verb: str) -> str | None:
    """Return what an earlier copy was answered with, None if there was none. Only looks: it neither waits nor notes."""
    same = {"key": sent.key, "user": user, "verb": verb, "body_hash": digest(sent.body)}
    return Submission.objects.filter(**same).values_list("result", flat=True).first()


def is_used(key: uuid.UUID, *, user: User | None) -> bool:
    """Whether a form with that key was answered for this user, whatever it said. Only looks."""
    return Submission.objects.filter(key=key, user=user).exists()


def record(sent: Sent, *, user: User | None, verb: str, result: str) -> None:
    """Write the answer to what `once` has noted; it counts once the caller's transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(ANSWER, [result, sent.key, user and user.pk, verb])


def answer(sent: Sent, *, user: User | None, verb: str, act: Callable[[], str]) -> str:
    """Do `act` in a transaction and return its answer, or return the stored one without doing it again."""
    with locks.or_busy(), locks.writing():
        earlier = once(sent, user=user, verb=verb)
        if earlier is None:
            earlier = act()
            record(sent, user=user, verb=verb, result=earlier)
        return earlier


def digest(body: Mapping) -> str:
    """Return the SHA-256 of what was sent, without the CSRF token; the order of the fields does not matter."""
    fields = dict(body.lists()) if isinstance(body, QueryDict) else dict(body)
    typed = {name: value for name, value in fields.items() if name not in NOT_TYPED}
    return hashlib.sha256(json.dumps(typed, sort_keys=True, default=str).encode()).hexdigest()
