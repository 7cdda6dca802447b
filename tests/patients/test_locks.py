import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from patients import locks


def held():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (classid::bigint << 32) + objid::bigint FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.django_db
def test_take_locks_resources_and_patients_apart():
    with transaction.atomic():
        locks.take(resources=[7, 3], patients=[3])

        assert held() == [3, 7, 2**62 + 3]


@pytest.mark.django_db
def test_take_uses_one_locking_statement_however_many():
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        locks.take(resources=range(50, 0, -1), patients=[1, 1, 2])

    assert sum("pg_advisory_xact_lock" in query["sql"] for query in queries) == 1


@pytest.mark.django_db
def test_take_waits_no_longer_than_three_seconds():
    with transaction.atomic():
        locks.take(resources=[1])

        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone()[0] == "3s"


@pytest.mark.django_db(transaction=True)
def test_take_is_refused_outside_a_transaction():
    with pytest.raises(transaction.TransactionManagementError, match="there is none"):
        locks.take(resources=[1])
