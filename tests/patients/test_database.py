"""The connection that a request is given: known to stand without asking the server, known to be gone when it is."""

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext


@pytest.fixture
def other():
    """A second connection, which may end the first."""
    made = connections.create_connection("default")
    yield made
    made.close()


def kept():
    connection.ensure_connection()
    connection.health_check_enabled, connection.health_check_done = True, False
    return connection.connection


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_stands_is_kept_without_a_statement():
    before = kept()

    with CaptureQueriesContext(connection) as asked:
        connection.close_if_health_check_failed()

    assert connection.connection is before
    assert asked.captured_queries == []


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_has_ended_is_replaced(other):
    before = kept()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [before.info.backend_pid])

    connection.close_if_health_check_failed()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)

    assert connection.connection is not before


@pytest.mark.django_db(transaction=True)
def test_something_that_was_said_on_it_is_no_end(other):
    """A notice makes the connection readable, so the server is asked, and answers."""
    before = kept()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN somebody")
    with other.cursor() as cursor:
        cursor.execute("NOTIFY somebody")

    assert connection.is_usable()
    assert connection.connection is before


@pytest.mark.django_db
def test_a_broken_transaction_is_not_usable():
    with connection.cursor() as cursor, pytest.raises(Exception, match="division"):
        cursor.execute("SELECT 1 / 0")

    assert not connection.is_usable()
