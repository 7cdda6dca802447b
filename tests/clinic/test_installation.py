"""What this database is: no demo data in production, and what follows from the clinic's place."""

import pytest

from clinic import installation, tasks
from clinic.models import Installation
from patients.forms import PhoneField
from tests.factories import location


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


@pytest.mark.django_db
@pytest.mark.parametrize(("country", "stored"), [("DE", "+49301234567"), ("GB", "+44301234567"), ("", "+44301234567")])
def test_a_number_without_a_country_code_is_of_the_clinics_country(country, stored):
    Installation.objects.create(pk=1, country=country)

    assert str(PhoneField().clean("030 1234567")) == stored


@pytest.mark.django_db
def test_phone_region_of_a_country_that_has_no_numbers_is_the_default(settings):
    Installation.objects.create(pk=1, country="ZZ")

    assert installation.phone_region() == settings.PHONENUMBER_DEFAULT_REGION


@pytest.mark.django_db
def test_zone_name_is_the_first_locations():
    assert installation.zone_name() == "UTC"
    location("Closed", time_zone="Asia/Tokyo", is_active=False)
    location("Open", time_zone="Europe/Berlin")
    assert installation.zone_name() == "Europe/Berlin"
