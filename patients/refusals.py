"""How a verb says no to something a person did; the app above adds its own kinds."""

from django.core.exceptions import ValidationError


class Refused(ValidationError):
    """A rule forbids it; nothing was written."""

    status_code = 422


class Conflict(Refused):
    """Somebody else saved the same record in between; nothing was written."""

    status_code = 409
