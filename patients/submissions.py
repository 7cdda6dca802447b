"""Every form that creates something is answered once: a second copy of the request gets the first one's answer."""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from patients import locks
from patients.models import Submission, User
from patients.refusals import Refused

NOT_TYPED = ("csrfmiddlewaretoken",)


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


def once(sent: Sent, *, user: User | None, verb: str) -> str | None:
    """Return what this submission was answered with, None if it is new.

    Holds the key until the transaction ends, so call it first and `record` the answer in the same transaction.
    Raises `DifferentBody` when the key answered another user, another verb or another body.
    """
    locks.take_submission(sent.key)
    earlier = Submission.objects.filter(pk=sent.key).first()
    if earlier is None:
        return None
    if (earlier.user_id, earlier.verb, earlier.body_hash) != (user and user.pk, verb, digest(sent.body)):
        raise DifferentBody
    return earlier.result


def record(sent: Sent, *, user: User | None, verb: str, result: str) -> Submission:
    """Store the answer; it counts once the caller's transaction commits."""
    return Submission.objects.create(key=sent.key, user=user, verb=verb, body_hash=digest(sent.body), result=result)


def answer(sent: Sent, *, user: User | None, verb: str, act: Callable[[], str]) -> str:
    """Do `act` in a transaction and return its answer, or return the stored one without doing it again."""
    with locks.or_busy(), transaction.atomic():
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
