"""What every page shows."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, cached_property

from clinic import setup
from patients.prepared import Prepared

PRODUCT_NAME = "Cadence"
_CLINIC = Prepared(
    "clinic",
    "SELECT (SELECT name FROM clinic_location ORDER BY id LIMIT 1),"
    " (SELECT count(*) > %(one)s FROM clinic_location WHERE is_active),"
    " (SELECT count(*) > %(one)s FROM clinic_practitioner JOIN clinic_resource ON id = resource_id WHERE is_active)",
    one="int",
)


def desk(request: HttpRequest) -> dict:
    """The clinic's name, asked of the database only for people who are signed in and only where a page shows it."""
    user = getattr(request, "user", None)
    is_known = user is not None and user.is_authenticated
    several = Several()
    return {
        "clinic_name": SimpleLazyObject(lambda: several.name) if is_known else PRODUCT_NAME,
        "site_url": settings.SITE_URL,
        "demo": False,
        "several": several,
        "is_new_clinic": is_new_clinic,
    }


def is_new_clinic() -> bool:
    """Whether nobody has a staff sign-in yet; a template that names it calls it."""
    return not setup.has_staff()


class Several:
    """Of what the clinic has more than one; what it has one of is not shown. Asked once a page, where a page asks."""

    @property
    def name(self) -> str:
        """The name of the clinic's first location, or the product's before there is one."""
        return self._known[0] or PRODUCT_NAME

    @property
    def locations(self) -> bool:
        return self._known[1]

    @property
    def practitioners(self) -> bool:
        return self._known[2]

    @cached_property
    def _known(self) -> tuple[str | None, bool, bool]:
        return _CLINIC.rows({"one": 1})[0]


def clinic_name() -> str:
    """The name of the clinic's first location, or the product's before there is one."""
    return Several().name
