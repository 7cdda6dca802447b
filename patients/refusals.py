"""How a verb says no to something a person did; the app above adds its own kinds."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class Refused(ValidationError):
    """A rule forbids it; nothing was written."""

    status_code = 422


class Conflict(Refused):
    """Somebody else saved the same record in between; nothing was written."""

    status_code = 409


class Busy(Refused):
    """Somebody else held the record for longer than a person should wait; nothing was written."""

    status_code = 503

    def __init__(self) -> None:
        super().__init__(_("Somebody else is saving this at the moment and nothing was saved. Please try again."))
