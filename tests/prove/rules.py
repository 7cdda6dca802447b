"""Changes after which a visit is forbidden: hours, absences, closures, qualifications, places, medical history.

Each is written by the product's own verb and answers with the row it left, so that the database can be asked when that
was committed: see `forbidden`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from clinic import holidays_import, hours, premises
from clinic.models import (
    Absence,
    Closure,
    DatedHours,
    Device,
    DevicePlace,
    Location,
    OpeningHours,
    Practitioner,
    Qualification,
    Resource,
    Room,
    WorkingHours,
)
from patients import history
from patients.models import Condition, Patient, User
from tests.prove.writers import verbs_of

DAY = timedelta(days=1)
RACED = {"keep_absence", "keep_parts", "keep_bookable", "keep_places", "day_off", "take_over"}
NOT_RACED = {
    "keep_location": "changes name, zone and grid of a location, and no visit becomes impossible by it",
    "keep_travel_time": "writes under the same locks as `keep_parts` of both locations",
    "end_travel_time": "allows more",
    "end_absence": "allows more",
    "as_usual": "writes under the same lock as `day_off`",
    "add_day": "writes under the same lock as `day_off`",
    "swap_day": "writes a `day_off` or other hours for both, under both locks",
    "copy_hours": "writes under the same lock as `day_off`",
    "copy_opening_hours": "writes under the same locks as `keep_parts` of a location",
    "locked": "the lock itself",
    "resources_of": "reads",
    "zones_of": "reads",
    "room_name": "reads",
    "places_of": "reads",
    "number_of_places": "reads",
    "place_name": "reads",
    "swapped": "reads",
    "read": "reads",
}


def _start(wish: dict) -> datetime:
    return datetime.fromisoformat(wish["start"])


def _person(wish: dict) -> Practitioner:
    return Practitioner.objects.get(pk=wish["practitioner"])


def _place(wish: dict) -> Location:
    return Location.objects.get(pk=wish["location"])


def _away(wish: dict, resource: int) -> Absence:
    start = _start(wish)
    return premises.keep_absence(
        Absence(resource_id=resource, starts_at=start - DAY / 24, ends_at=start + DAY / 24, reason="race")
    )


def _closed(wish: dict) -> Closure:
    place, start = _place(wish), _start(wish)
    row = Closure(location=place, starts_at=start, ends_at=start + DAY / 24, reason="race")
    premises.keep_parts(place, saved=[row], removed=[])
    return row


def _hours_end(wish: dict) -> WorkingHours:
    person = _person(wish)
    rows = list(person.working_hours.all())
    for row in rows:
        row.valid_until = datetime.now(UTC).date()
    premises.keep_parts(person, saved=rows, removed=[])
    return rows[0]


def _opens_later(wish: dict) -> OpeningHours:
    place = _place(wish)
    rows = list(place.opening_hours.all())
    for row in rows:
        row.opens, row.closes = time(0), time(1)
    premises.keep_parts(place, saved=rows, removed=[])
    return rows[0]


def _day_off(wish: dict) -> DatedHours:
    return hours.day_off(_person(wish), on=_start(wish).date(), reason="race")


def _qualification_ends(wish: dict) -> Qualification:
    person = _person(wish)
    row = person.qualifications.get()
    row.valid_until = datetime.now(UTC).date()
    premises.keep_parts(person, saved=[row], removed=[])
    return row


def _device_due(wish: dict) -> Device:
    device = Device.objects.select_related("resource").get(pk=wish["chosen"][0])
    device.calibration_due_on = datetime.now(UTC).date()
    return premises.keep_bookable(device, device.resource)


def _device_elsewhere(wish: dict) -> DevicePlace:
    device = Device.objects.get(pk=wish["chosen"][0])
    row = DevicePlace(device=device, on=_start(wish).date(), location_id=wish["far away"])
    premises.keep_parts(device, saved=[row], removed=[])
    return row


def _room_out_of_use(wish: dict) -> Resource:
    room = Room.objects.select_related("resource").get(pk=wish["chosen"][0])
    room.resource.is_active = False
    premises.keep_places(room, room.resource, places=1, now=datetime.now(UTC))
    return room.resource


def _holiday(wish: dict) -> Closure:
    place, day = _place(wish), _start(wish).date()
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//proof//EN", "BEGIN:VEVENT", f"UID:race-{day}",
        f"DTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}", f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day + DAY:%Y%m%d}", "SUMMARY:Holiday", "END:VEVENT", "END:VCALENDAR", "",
    )  # fmt: skip
    holidays_import.take_over(place, "\r\n".join(lines).encode(), now=datetime.now(UTC))
    return Closure.objects.get(location=place, imported_uid__startswith="race-")


def _history(wish: dict):
    """The patient now says yes to what stops every treatment of the kind."""
    answer = history.Given(Condition.objects.get(key="proof-stop"), "yes")
    by = User.objects.get(pk=wish["by"])
    patient = Patient.objects.get(pk=wish["patient"])
    return history.record_review(patient, [answer], on=datetime.now(UTC).date(), by=by)


# What changes -> (what the race is about, the change). The soft ones do not bind a visit that was in the diary before.
RULES: dict[str, tuple[str, bool, Callable]] = {
    "absence of a person": ("practitioner", True, lambda wish: _away(wish, wish["practitioner"])),
    "absence of a room": ("room", False, lambda wish: _away(wish, wish["chosen"][0])),
    "closure": ("practitioner", True, _closed),
    "working hours": ("practitioner", True, _hours_end),
    "day off": ("practitioner", True, _day_off),
    "opening hours": ("practitioner", True, _opens_later),
    "holidays imported": ("practitioner", True, _holiday),
    "qualification": ("qualified", False, _qualification_ends),
    "device due": ("device", False, _device_due),
    "device elsewhere": ("device", False, _device_elsewhere),
    "room out of use": ("room", False, _room_out_of_use),
    "medical history": ("treatment", False, _history),
}


def unlisted() -> list[str]:
    """The verbs about what can be booked that no race knows, and the listed ones that do not exist."""
    written = set().union(*(verbs_of(module) for module in (premises, hours, holidays_import)))
    return sorted(written ^ (RACED | set(NOT_RACED)))
