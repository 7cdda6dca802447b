"""Staff at the keyboard, signed in."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.patients import factories


@pytest.fixture
def reception(client, db):
    client.user = factories.user("reception")
    client.force_login(client.user)
    return client


@pytest.fixture
def practitioner(client, db):
    client.user = factories.user("practitioner", name="Dr Bell")
    client.force_login(client.user)
    return client


@pytest.fixture
def queries_of():
    """Count the queries of a page that answers."""

    def count(client, url, **headers):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url, **headers).status_code == 200
        return len(queries)

    return count
