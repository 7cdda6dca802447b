"""The writer of where and when can be worked: locations, rooms, devices, people in the diary, their hours and absences.

What is bookable is read under the locks of its resources, so whoever changes it holds the same locks: a booking comes
before the change or after it, never in between. Visits already booked stay as they are; `clinic.to_move` lists those
that can no longer take place.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db import models, transaction
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.models import (
    Absence,
    Claim,
    DatedHours,
    Device,
    DevicePlace,
    Location,
    Practitioner,
    Resource,
    Room,
    TravelTime,
    WorkingHours,
)
from patients import locks
from patients.refusals import Busy, Refused

Result = TypeVar("Result")

KIND_OF = {Room: Resource.Type.ROOM, Device: Resource.Type.DEVICE, Practitioner: Resource.Type.PRACTITIONER}
TRIES = 3
MOST_PLACES = 50


class Grown(Exception):
    """Somebody began to work there between the look and the locks: roll back and look again."""


def locked(resources: Callable[[], Iterable[int]], write: Callable[[], Result]) -> Result:
    """Do `write` in a transaction that holds the locks of all these resources, taken in one statement.

    Who they are is read again under the locks, so that nobody is missing. Raises `Busy` after three seconds.
    """
    for _attempt in range(TRIES):
        try:
            with locks.or_busy(), transaction.atomic():
                wanted = set(resources())
                locks.take(resources=wanted)
                if not set(resources()) <= wanted:
                    raise Grown
                return write()
        except Grown:
            continue
    raise Busy


def resources_of(owner: models.Model | None) -> list[int]:
    """The keys of the resources whose diary a change of this row touches; of a location all that work there."""
    if isinstance(owner, TravelTime):
        return sorted({*resources_of(owner.start), *resources_of(owner.end)})
    if owner is None or owner.pk is None:
        return []
    if isinstance(owner, Location):
        here = Q(location=owner)
        for rows, key in ((WorkingHours, "practitioner"), (DatedHours, "practitioner"), (DevicePlace, "device")):
            here |= Q(pk__in=rows.objects.filter(location=owner).order_by().values(key))
        return list(Resource.objects.filter(here).order_by().values_list("pk", flat=True))
    return [owner.pk if isinstance(owner, Resource) else owner.resource_id]


def zones_of(resources: Iterable[int]) -> dict[int, ZoneInfo]:
    """The time zone of each room or device, or of where a practitioner first works; else the first location's."""
    hours = WorkingHours.objects.filter(practitioner=OuterRef("pk")).order_by("pk").values("location__time_zone")[:1]
    home = Location.objects.order_by("pk").values("time_zone")[:1]
    names = Coalesce("location__time_zone", Subquery(hours), Subquery(home))
    rows = Resource.objects.filter(pk__in=list(resources)).values_list("pk", names)
    return {pk: ZoneInfo(name or "UTC") for pk, name in rows}


def keep_location(location: Location) -> Location:
    """Save a location under the locks of all that work there."""
    locked(lambda: resources_of(location), location.save)
    return location


def keep_bookable(row: Device | Practitioner, resource: Resource) -> Device | Practitioner:
    """Save a device or a practitioner (or one place in a room) together with its row in the diary."""

    def write() -> None:
        resource.type = KIND_OF[type(row)]
        resource.save()
        row.resource = resource
        row.save()

    locked(lambda: [resource.pk] if resource.pk else [], write)
    return row


def keep_absence(absence: Absence, *, before: Iterable[int] = ()) -> Absence:
    """Save time in which somebody or something cannot be booked; `before` are the resources it was of until now."""
    locked(lambda: {absence.resource_id, *before}, absence.save)
    return absence


def end_absence(absence: Absence) -> None:
    """Take an absence away: the time can be booked again."""
    locked(lambda: [absence.resource_id], absence.delete)


def keep_travel_time(travel: TravelTime, *, before: TravelTime | None = None) -> TravelTime:
    """Save how long it takes between two locations; everybody who works at either of them is locked."""
    locked(lambda: {*resources_of(travel), *resources_of(before)}, travel.save)
    return travel


def end_travel_time(travel: TravelTime) -> None:
    """Nothing is stated between the two any more, so nothing is checked."""
    locked(lambda: resources_of(travel), travel.delete)


def keep_parts(owner: models.Model, *, saved: Sequence[models.Model], removed: Sequence[models.Model]) -> None:
    """Save and delete hours, closures, days elsewhere, qualifications or reminders of a location, device or person."""

    def write() -> None:
        for part in removed:
            part.delete()
        for part in saved:
            part.save()

    locked(lambda: resources_of(owner), write)


# -- Rooms with several places ----------------------------------------------------------------------------------------


def room_name(room: Room) -> str:
    """What people call the room, whichever of its places the row is."""
    return room.place_of or room.resource.name


def places_of(room: Room) -> list[Room]:
    """The places of the room, the one made first in front; a room for one person is its own only place."""
    if room.pk is None:
        return [room]
    rows = Room.objects.select_related("resource").order_by("pk")
    if not room.place_of:
        return list(rows.filter(pk=room.pk))
    here = Resource.objects.filter(pk=room.pk).values("location")
    return list(rows.filter(place_of=room.place_of, resource__location__in=here))


def number_of_places(room: Room) -> int:
    """How many people can use the room at once; of a room that is not in use, how many could."""
    rows = places_of(room)
    return sum(row.resource.is_active for row in rows) or len(rows)


def keep_places(room: Room, resource: Resource, *, places: int, now: datetime) -> Room:
    """Save a room for so many people at once: one row in the diary for each place, alike but for its number.

    `resource` carries the room's own name, location, turnaround and whether it is in use. A place goes out of use only
    when no visit from `now` on takes it; raises `Refused`. Locks all places.
    """
    if not 1 <= places <= MOST_PLACES:
        raise Refused(_("A room has between 1 and %(most)d places.") % {"most": MOST_PLACES})
    name = resource.name

    def write() -> None:
        rows = places_of(room)
        _refuse_a_second_room_of_the_name(room, rows, resource)
        _refuse_places_in_use(rows[places:], now)
        is_shared = max(places, len(rows)) > 1
        details = {"location_id": resource.location_id, "turnaround_minutes": resource.turnaround_minutes}
        for number in range(1, max(places, len(rows)) + 1):
            row = rows[number - 1] if number <= len(rows) else Room(resource=Resource())
            place = row.resource if row.resource_id or number > 1 else resource
            for field, value in details.items():
                setattr(place, field, value)
            place.name = place_name(name, number) if is_shared else name
            place.type, place.is_active = Resource.Type.ROOM, resource.is_active and number <= places
            place.save()
            row.resource, row.kind, row.serves_all = place, room.kind, room.serves_all
            row.place_of = name if is_shared else ""
            row.save()
        resource.name, room.place_of = place_name(name, 1) if is_shared else name, name if is_shared else ""

    locked(lambda: [row.pk for row in places_of(room) if row.pk], write)
    return room


def place_name(name: str, number: int) -> str:
    """As it stands in the diary, within 80 characters."""
    said = _("%(room)s, place %(number)d")
    return said % {"room": name[: 80 - len(said % {"room": "", "number": number})], "number": number}


def _refuse_a_second_room_of_the_name(room: Room, rows: Sequence[Room], resource: Resource) -> None:
    same = Room.objects.filter(place_of=resource.name, resource__location_id=resource.location_id)
    if same.exclude(pk__in=[row.pk for row in rows if row.pk]).exists():
        raise Refused({"name": _("Another room of several places has this name here.")})


def _refuse_places_in_use(rows: Sequence[Room], now: datetime) -> None:
    taken = Claim.objects.filter(resource__in=[row.pk for row in rows if row.pk], live=True, ends_at__gt=now)
    count = taken.filter(Q(hold=None) | Q(hold__kept_until__gt=now)).count()
    if count:
        raise Refused(
            ngettext(
                "%(count)d visit to come takes one of the places that would go. Move it first.",
                "%(count)d visits to come take places that would go. Move them first.",
                count,
            )
            % {"count": count}
        )
