"""The four staff roles. They are groups: one person may hold several, a solo practitioner holds all."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from patients.models import User

RECEPTION = "reception"
PRACTITIONER = "practitioner"
CLINICAL_LEAD = "clinical lead"
ADMINISTRATOR = "administrator"

LABELS = {
    RECEPTION: _("Reception"),
    PRACTITIONER: _("Practitioner"),
    CLINICAL_LEAD: _("Clinical lead"),
    ADMINISTRATOR: _("Administrator"),
}
ALL = tuple(LABELS)
CLINICAL = (PRACTITIONER, CLINICAL_LEAD)


def has_role(user: "User", *roles: str) -> bool:
    """Whether the person holds at least one of the roles; asks the database once per user object."""
    if not user.is_authenticated or not user.is_active:
        return False
    return not user.role_names.isdisjoint(roles)


def is_staff_login(user: "User") -> bool:
    """Whether the login opens anything that patients must not see."""
    return user.is_staff or user.is_superuser or not user.role_names.isdisjoint(ALL)
