"""The three ways a booking can fail, each with its HTTP status; nothing is half written when one is raised."""

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from patients.refusals import Busy, Refused

__all__ = ["AgainstARule", "Busy", "Refused", "Taken"]


class Taken(ValidationError):
    """Somebody else has the time; `alternatives` are free starts near it (UTC), best first."""

    status_code = 409

    def __init__(self, message: str = "", *, alternatives: Sequence[datetime] = ()) -> None:
        super().__init__(message or _("This time has just been taken. Nothing you typed is lost: choose another time."))
        self.alternatives = list(alternatives)


class AgainstARule(Refused):
    """Only rules that staff may allow stand in the way; `rules` are their codes."""

    def __init__(self, message: object, *, rules: Sequence[str]) -> None:
        super().__init__(message)
        self.rules = list(rules)
