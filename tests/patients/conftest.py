"""Staff at the keyboard, signed in."""

import pytest

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
