"""What tests of the diary share: a desk, and a clock that stands still for pages that ask it."""

import pytest

from tests.factories import NOW, Desk


@pytest.fixture
def desk(db):
    return Desk()


@pytest.fixture
def stopped_clock(monkeypatch):
    """Pages think that it is `NOW`."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
