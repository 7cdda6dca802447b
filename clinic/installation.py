"""What this database is. A clinic's server must not run on invented patients, nor send them mail."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from phonenumbers import SUPPORTED_REGIONS

from clinic.models import Installation, Location


class DemoInProduction(ImproperlyConfigured):
    """The database holds demo data and CADENCE_ENV is production."""


def zone_name() -> str:
    """The time zone of the clinic's first location, for what belongs to none; UTC before there is one."""
    first = Location.objects.filter(is_active=True).order_by("pk").values_list("time_zone", flat=True).first()
    return first or "UTC"


def phone_region() -> str:
    """The country whose numbers people type without a country code."""
    country = Installation.objects.values_list("country", flat=True).first()
    return country if country in SUPPORTED_REGIONS else settings.PHONENUMBER_DEFAULT_REGION


def refuse_demo_in_production() -> None:
    """Raise `DemoInProduction` where web or worker must not start; leaves no connection open for a fork to share."""
    if not settings.IS_PRODUCTION:
        return
    try:
        is_demo = Installation.objects.filter(is_demo=True).exists()
    finally:
        connection.close()
    if is_demo:
        raise DemoInProduction(
            "This database holds demo data. Use an empty database in production, or set CADENCE_ENV=local."
        )
