"""What every page shows."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from clinic.models import Location

PRODUCT_NAME = "Cadence"


def desk(request: HttpRequest) -> dict:
    """The clinic's name, asked of the database only for people who are signed in and only where a page shows it."""
    user = getattr(request, "user", None)
    is_known = user is not None and user.is_authenticated
    return {
        "clinic_name": SimpleLazyObject(clinic_name) if is_known else PRODUCT_NAME,
        "site_url": settings.SITE_URL,
        "demo": False,
    }


def clinic_name() -> str:
    """The name of the clinic's first location, or the product's before there is one."""
    return Location.objects.order_by("pk").values_list("name", flat=True).first() or PRODUCT_NAME
