"""The writer of where and when can be worked: locations, rooms, devices, people in the diary, their hours and absences.

What is bookable is read under the locks of its resources, so whoever changes it holds the same locks: a booking comes
before the change or after it, never in between. Visits already booked stay as they are.
"""

from collections.abc import Iterable, Sequence

from django.db import models, transaction
from django.db.models import Q

from clinic.models import Absence, Device, Location, Practitioner, Resource, Room
from patients import locks

KIND_OF = {Room: Resource.Type.ROOM, Device: Resource.Type.DEVICE, Practitioner: Resource.Type.PRACTITIONER}


def resources_of(owner: models.Model | None) -> list[int]:
    """The keys of the resources whose diary a change of this row touches; of a location all that work there."""
    if owner is None or owner.pk is None:
        return []
    if isinstance(owner, Location):
        here = Q(location=owner) | Q(practitioner__working_hours__location=owner)
        return list(Resource.objects.filter(here).order_by().distinct().values_list("pk", flat=True))
    return [owner.pk if isinstance(owner, Resource) else owner.resource_id]


def keep_location(location: Location) -> Location:
    """Save a location under the locks of all that work there."""
    with locks.or_busy(), transaction.atomic():
        locks.take(resources=resources_of(location))
        location.save()
    return location


def keep_bookable(row: Room | Device | Practitioner, resource: Resource) -> Room | Device | Practitioner:
    """Save a room, a device or a practitioner together with its row in the diary."""
    with locks.or_busy(), transaction.atomic():
        locks.take(resources=[resource.pk] if resource.pk else [])
        resource.type = KIND_OF[type(row)]
        resource.save()
        row.resource = resource
        row.save()
    return row


def keep_absence(absence: Absence, *, before: Iterable[int] = ()) -> Absence:
    """Save an absence; `before` are the resources it was of until now."""
    with locks.or_busy(), transaction.atomic():
        locks.take(resources={absence.resource_id, *before})
        absence.save()
    return absence


def end_absence(absence: Absence) -> None:
    """Take an absence away: the time can be booked again."""
    with locks.or_busy(), transaction.atomic():
        locks.take(resources=[absence.resource_id])
        absence.delete()


def keep_parts(owner: models.Model, *, saved: Sequence[models.Model], removed: Sequence[models.Model]) -> None:
    """Save and delete hours, closures, qualifications or reminders of a location or a practitioner."""
    with locks.or_busy(), transaction.atomic():
        locks.take(resources=resources_of(owner))
        for part in removed:
            part.delete()
        for part in saved:
            part.save()
