"""Visits of one patient back to back: checked in together, numbed once, announced once."""

import uuid
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from clinic import reminders
from clinic.booking import records
from clinic.booking.records import Status
from clinic.models import Appointment
from clinic.refusals import Refused
from treatments.models import ServiceSegment

NUMBS = Q(session=None, service__segments__kind=ServiceSegment.Kind.NUMBING) | Q(
    session__series__protocol_version__segments__kind=ServiceSegment.Kind.NUMBING
)


def together_with(visit: Appointment) -> list[Appointment]:
    """The visit and the live ones that the patient has back to back with it, in their order."""
    return [visit] if visit.visit_group is None else list(_live(visit).for_lists().order_by("starts_at", "pk"))


def is_numbed_already(visit: Appointment, starts_at: datetime) -> bool:
    """Whether an earlier visit of the group does the numbing for one at this time."""
    if visit.visit_group is None or starts_at != visit.starts_at:
        return False
    return _live(visit).exclude(pk=visit.pk).filter(NUMBS, ends_at__lte=starts_at).exists()


def leave(visit: Appointment) -> None:
    """A visit that gets another time stands alone; refused while a later one of the group relies on its numbing."""
    refuse_while_relied_on(visit)
    visit.visit_group = None


def refuse_while_relied_on(visit: Appointment) -> None:
    """Raise `Refused` if a later visit of the group was booked without numbing because this one does it."""
    if visit.visit_group is None or is_numbed_already(visit, visit.starts_at):
        return
    numbing = _live(visit).filter(NUMBS)
    relies = numbing.filter(starts_at__gte=visit.ends_at, status__in=(Status.BOOKED, Status.CONFIRMED))
    if numbing.filter(pk=visit.pk).exists() and relies.exists():
        raise Refused(_("The visit right after this one needs its numbing. Move or cancel that one first."))


def speak_of_the_next(visit: Appointment, group: uuid.UUID | None, at: datetime, now: datetime) -> None:
    """The first of several visits is spoken of for all: plan anew for the next when one before it, at `at`, changed."""
    if group is None:
        return
    following = Appointment.objects.live().filter(visit_group=group).exclude(pk=visit.pk)
    after = following.for_lists().order_by("starts_at", "pk").first()
    if after is not None and after.starts_at > at:
        after.plan_version += 1
        records.save(after, "plan_version")
        reminders.replan(after, now)


def numbs_any(visits: list[Appointment]) -> bool:
    """Whether one of the visits has numbing of its own."""
    return Appointment.objects.filter(NUMBS, pk__in=[visit.pk for visit in visits]).exists()


def _live(visit: Appointment) -> QuerySet[Appointment]:
    return Appointment.objects.live().filter(visit_group=visit.visit_group)
