"""Web and worker do not start in production on demo data."""

import pytest

from clinic import installation, tasks
from clinic.models import Installation


@pytest.fixture
def kept_connection(monkeypatch):
    monkeypatch.setattr(type(installation.connection), "close", lambda self: None, raising=False)


@pytest.mark.parametrize(
    ("is_production", "is_demo", "starts"), [(True, True, False), (True, False, True), (False, True, True)]
)
def test_worker_starts_unless_production_holds_demo_data(db, settings, kept_connection, is_production, is_demo, starts):
    settings.IS_PRODUCTION = is_production
    Installation.objects.update_or_create(pk=1, defaults={"is_demo": is_demo})

    if starts:
        tasks.refuse_demo_data()
    else:
        with pytest.raises(SystemExit, match="demo data"):
            tasks.refuse_demo_data()
        with pytest.raises(installation.DemoInProduction):
            installation.refuse_demo_in_production()
