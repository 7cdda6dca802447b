"""What of a course is used up and what is left: counted from the rows of its sessions and visits, never stored.

A session is used when it was done, or when a visit of it that did not take place uses it up (a late cancellation, a
missed visit) and it was not booked again. Maintenance visits stand outside the count.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinic.models import Appointment
from treatments.models import TreatmentSession

State = TreatmentSession.State


@dataclass(frozen=True)
class Count:
    """`lost` of the used ones were not treated; `left` are those to come, in the diary or not."""

    planned: int
    done: int
    lost: int

    @property
    def used(self) -> int:
        return self.done + self.lost

    @property
    def left(self) -> int:
        return self.planned - self.used

    @property
    def in_words(self) -> str:
        words = {"used": self.used, "planned": self.planned, "left": self.left, "lost": self.lost}
        if self.lost:
            return _("%(used)s of %(planned)s used (%(lost)s without a treatment), %(left)s left") % words
        return _("%(used)s of %(planned)s used, %(left)s left") % words


def count(sessions: Iterable[TreatmentSession], used_up: Collection[int]) -> Count:
    """Count sessions in hand, each with its phase; `used_up` are the numbers of those lost to a visit."""
    counted = [
        session
        for session in sessions
        if not session.phase.is_maintenance and session.state not in TreatmentSession.OUT_OF_THE_COURSE
    ]
    done = sum(session.state == State.DONE for session in counted)
    return Count(len(counted), done, sum(session.number in used_up for session in counted))


def used_up(series_ids: Iterable[int]) -> dict[int, set[int]]:
    """The numbers of the sessions that a visit has used up though it did not take place, by series; one query."""
    found: dict[int, set[int]] = {key: set() for key in series_ids}
    lost = Appointment.objects.filter(session__series__in=found).using_up()
    for key, number in lost.order_by().values_list("session__series", "session__number"):
        found[key].add(number)
    return found
