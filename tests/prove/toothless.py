"""The product with protections taken away, for the teeth checks only: served instead of `clinic.wsgi`.

CADENCE_PROVE_WITHOUT names what goes: `locks`, `submissions`, `versions`.
"""

import os

from clinic.wsgi import application
from patients import locks, submissions

WITHOUT = frozenset(os.environ["CADENCE_PROVE_WITHOUT"].split())
__all__ = ["application"]


def _nothing(*positional, **named):
    """Stand where a protection was."""


if "locks" in WITHOUT:
    locks.take = _nothing
if "submissions" in WITHOUT:
    submissions.once = _nothing
    submissions.record = _nothing
if "versions" in WITHOUT:
    from clinic import booking
    from clinic.models import Appointment

    booking._current = lambda appointment, version: Appointment.objects.for_lists().get(pk=appointment.pk)
