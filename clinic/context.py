"""What every page shows."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, cached_property

from clinic import setup
from clinic.models import Location, Practitioner

PRODUCT_NAME = "Cadence"


def desk(request: HttpRequest) -> dict:
    """The clinic's name, asked of the database only for people who are signed in and only where a page shows it."""
    user = getattr(request, "user", None)
    is_known = user is not None and user.is_authenticated
    return {
        "clinic_name": SimpleLazyObject(clinic_name) if is_known else PRODUCT_NAME,
        "site_url": settings.SITE_URL,
        "demo": False,
        "several": Several(),
        "is_new_clinic": is_new_clinic,
    }


def is_new_clinic() -> bool:
    """Whether nobody has a staff sign-in yet; a template that names it calls it."""
    return not setup.has_staff()


class Several:
    """Of what the clinic has more than one; what it has one of is not shown. Asked once a page, where a page asks."""

    @cached_property
    def locations(self) -> bool:
        return Location.objects.filter(is_active=True).count() > 1

    @cached_property
    def practitioners(self) -> bool:
        return Practitioner.objects.filter(resource__is_active=True).count() > 1


def clinic_name() -> str:
    """The name of the clinic's first location, or the product's before there is one."""
    return Location.objects.order_by("pk").values_list("name", flat=True).first() or PRODUCT_NAME
