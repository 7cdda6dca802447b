"""Who a request is from, in two statements: the session, then the person with their roles and second step."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.utils import timezone

from patients.models import User
from patients.prepared import Prepared, PreparedRows
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


class Backend(AuthenticationBackend):
    """Allauth's, which brings along what every page asks about whoever is signed in."""

    def get_user(self, user_id: int) -> User | None:
        person = PERSON.first(pk=user_id, factors=list(FACTORS))
        if person is not None:
            person.role_names = frozenset(person.names_of_roles)
        return person


class SessionStore(db.SessionStore):
    """Django's, which reads with a prepared statement, and writes a session that exists with one and no transaction."""

    def _get_session_from_db(self) -> Session | None:
        return SESSION.first(key=self.session_key, now=timezone.now()) or super()._get_session_from_db()

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 (Django's own signature)
        if must_create or self.session_key is None:
            super().save(must_create)
            return
        row = self.create_model_instance(self._get_session())
        values = {"key": row.pk, "data": row.session_data, "expires": row.expire_date}
        if not SAVE_SESSION.rows(values, after=WITHOUT_WAITING):
            raise UpdateError


class NewestMessages(SessionStorage):
    """Django's; of what no page has shown yet the newest are kept, so that a session does not grow with every act."""

    MOST = 5

    def _store(self, messages: list[Message], response: HttpResponse, *args: object, **kwargs: object) -> list[Message]:
        return super()._store(messages[-self.MOST :], response, *args, **kwargs)
