"""Who a request is from: the session, and the person with their roles and second step, mostly in one statement.

Whose a session is stands inside it, so a process remembers it as a guess: a right one brings the person along with the
session; after a wrong one, or none, a second statement asks. What was read serves one request.
"""

import threading
from collections.abc import Mapping

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import SESSION_KEY
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.core.signals import request_started
from django.http import HttpResponse
from django.utils import timezone

from patients.models import User
from patients.prepared import Prepared, PreparedRows, PreparedTogether
from patients.second_factor import FACTORS

# Raw, because every page waits for it: building the same with the ORM takes longer than asking the database.
ROLES = """ARRAY(
    SELECT role.name FROM auth_group role JOIN patients_user_groups held ON held.group_id = role.id
    WHERE held.user_id = this.id
)"""
SECOND_FACTOR = "EXISTS (SELECT 1 FROM mfa_authenticator WHERE user_id = this.id AND type = ANY (%(factors)s))"
PERSON = PreparedRows(
    "person", User, "WHERE this.id = %(pk)s AND this.is_active",
    more={"names_of_roles": ROLES, "has_second_factor": SECOND_FACTOR}, pk="bigint", factors="text[]",
)  # fmt: skip
SAVE_SESSION = Prepared(
    "save_session",
    "UPDATE django_session SET session_data = %(data)s, expire_date = %(expires)s WHERE session_key = %(key)s"
    " RETURNING session_key",
    key="text", data="text", expires="timestamptz",
)  # fmt: skip
# A message on the next page is not worth waiting for the disk; a new session, and the end of one, are.
WITHOUT_WAITING = "SET LOCAL synchronous_commit = off;"
SESSION = PreparedRows(
    "session", Session, "WHERE session_key = %(key)s AND expire_date > %(now)s", key="text", now="timestamptz"
)


_SIGNED_IN = PreparedTogether("signed_in", session=SESSION, person=PERSON)
_guesses: dict[str, int] = {}
_MOST_GUESSES = 10_000
_arrived = threading.local()


def _forget_who_arrived(**_signal: object) -> None:
    vars(_arrived).clear()


request_started.connect(_forget_who_arrived)


class Backend(AuthenticationBackend):
    """Allauth's, which brings along what every page asks about whoever is signed in."""

    def get_user(self, user_id: int) -> User | None:
        person = vars(_arrived).pop("person", None)
        if person is None or person.pk != user_id:
            person = PERSON.first(pk=user_id, factors=list(FACTORS))
        if person is not None:
            person.role_names = frozenset(person.names_of_roles)
        return person


class SessionStore(db.SessionStore):
    """Django's, which reads with a prepared statement, and writes a session that exists with one and no transaction."""

    def load(self) -> dict[str, object]:
        read = super().load()
        self._remember(read)
        return read

    def _get_session_from_db(self) -> Session | None:
        asked = {"session_key": self.session_key, "session_now": timezone.now()}
        guess = _guesses.get(self.session_key, 0)
        found = _SIGNED_IN.first(**asked, person_pk=guess, person_factors=list(FACTORS))
        _forget_who_arrived()
        if found["session"] is None:
            return super()._get_session_from_db()
        _arrived.person = found["person"]
        return found["session"]

    def _remember(self, read: Mapping[str, object]) -> None:
        """Guess from now on that the session is whose it says."""
        if len(_guesses) >= _MOST_GUESSES:
            _guesses.clear()
        if read.get(SESSION_KEY, "").isdigit():
            _guesses[self.session_key] = int(read[SESSION_KEY])

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 (Django's own signature)
        if must_create or self.session_key is None:
            super().save(must_create)
        else:
            row = self.create_model_instance(self._get_session())
            values = {"key": row.pk, "data": row.session_data, "expires": row.expire_date}
            if not SAVE_SESSION.rows(values, after=WITHOUT_WAITING):
                raise UpdateError
        self._remember(self._get_session(no_load=True))


class NewestMessages(SessionStorage):
    """Django's; of what no page has shown yet the newest are kept, so that a session does not grow with every act."""

    MOST = 5

    def _store(self, messages: list[Message], response: HttpResponse, *args: object, **kwargs: object) -> list[Message]:
        return super()._store(messages[-self.MOST :], response, *args, **kwargs)
