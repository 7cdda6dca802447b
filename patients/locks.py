"""The order of everything that books: transaction locks on resources and patients, taken at once and sorted.

Whoever writes the diary of a room, device or practitioner, or what is medically known of a patient, holds its lock.
One sorted statement cannot deadlock with another; what is read in the next statement is newer than the lock.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction

from patients.prepared import Prepared, beginning_with
from patients.refusals import Busy

PATIENT_OFFSET = 2**62
WAIT = "3s"
LOCK_NOT_AVAILABLE = "55P03"
_TAKE = Prepared(
    "take_locks",
    "SELECT pg_advisory_xact_lock(one) FROM (SELECT unnest(%(keys)s) one ORDER BY 1) every",
    keys="bigint[]",
)


@contextmanager
def or_busy() -> Iterator[None]:
    """Turn a lock that was not given in time into `Busy`; stands outside the transaction, which rolls back."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) == LOCK_NOT_AVAILABLE:
            raise Busy from error
        raise


@contextmanager
def writing() -> Iterator[None]:
    """A transaction that says at its beginning who acts and where, for the history of everything that it changes.

    Else that is said again in front of each of its statements. They wait at most three seconds for a lock.
    """
    with transaction.atomic(), beginning_with(connections[DEFAULT_DB_ALIAS], patience()):
        yield


def take(*, resources: Iterable[int] = (), patients: Iterable[int] = ()) -> None:
    """Lock these resources and patients (primary keys) until the transaction ends.

    Waits at most three seconds for all later statements too; then the database raises 55P03 (lock not available).
    """
    _TAKE.rows(_keys(resources, patients), after=patience())


def taking(*, resources: Iterable[int] = (), patients: Iterable[int] = ()) -> str:
    """The same as SQL to run just before a prepared statement, which then reads what is true under the locks."""
    return patience() + _TAKE.text(_keys(resources, patients))


def _keys(resources: Iterable[int], patients: Iterable[int]) -> dict[str, list[int]]:
    return {"keys": sorted({*resources, *(PATIENT_OFFSET + key for key in patients)})}


def patience() -> str:
    """SQL to put before a statement that may wait: at most three seconds from here to the end of the transaction."""
    require()
    return f"SET LOCAL lock_timeout = '{WAIT}';"


def require() -> None:
    """Raise where no transaction has begun that could hold a lock."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Locks are held by a transaction and there is none.")
