"""The demo's locations, rooms, devices and staff."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from clinic import timespans
from clinic.models import (
    Absence,
    Closure,
    Device,
    Location,
    LocationReminderRule,
    OpeningHours,
    Practitioner,
    Qualification,
    Resource,
    Room,
    TravelTime,
    WorkingHours,
)
from patients import roles
from patients.models import User
from treatments.models import DeviceKind, RoomKind, Technique

PASSWORD = "cadence-demo-clinic"  # noqa: S105 - printed on purpose; production refuses a database with the demo in it
DOMAIN = "cadence.example"
LOGINS = (
    (f"reception@{DOMAIN}", "Rowan Reid", (roles.RECEPTION,)),
    (f"practitioner@{DOMAIN}", "Imani Clarke", (roles.PRACTITIONER,)),
    (f"lead@{DOMAIN}", "Dr Helena Voss", (roles.PRACTITIONER, roles.CLINICAL_LEAD)),
    (f"admin@{DOMAIN}", "Alex Marsh", (roles.ADMINISTRATOR,)),
)
LONDON, BERLIN = "Cadence London", "Cadence Berlin"
# Streets that do not exist, and numbers that the regulators keep free for fiction.
REACHED_AT = {
    LONDON: ("12 Thimble Row\nLondon W1X 0ZZ", "+44 20 7946 0018"),
    BERLIN: ("Fingerhutgasse 4\n10000 Berlin", "+49 30 23125 018"),
}
ROOMS = (
    (LONDON, "Consulting room", RoomKind.CONSULTATION),
    (LONDON, "Room 1", RoomKind.TREATMENT),
    (LONDON, "Room 2", RoomKind.TREATMENT),
    (LONDON, "Room 3", RoomKind.TREATMENT),
    (BERLIN, "Sprechzimmer", RoomKind.CONSULTATION),
    (BERLIN, "Raum 1", RoomKind.TREATMENT),
    (BERLIN, "Raum 2", RoomKind.TREATMENT),
)
DEVICES = (
    (LONDON, "Pen A", DeviceKind.NEEDLING_PEN),
    (LONDON, "Pen B", DeviceKind.NEEDLING_PEN),
    (LONDON, "Pen C", DeviceKind.NEEDLING_PEN),
    (LONDON, "Injector A", DeviceKind.MESOTHERAPY_INJECTOR),
    (LONDON, "Injector B", DeviceKind.MESOTHERAPY_INJECTOR),
    (BERLIN, "Pen D", DeviceKind.NEEDLING_PEN),
    (BERLIN, "Pen E", DeviceKind.NEEDLING_PEN),
    (BERLIN, "Injector C", DeviceKind.MESOTHERAPY_INJECTOR),
)
# Who works where on which ISO weekdays, and which kind of treatment they are trained in ("" is both).
STAFF = (
    ("Dr Helena Voss", "Medical lead", ((LONDON, (1, 2, 4)), (BERLIN, (5,))), ""),
    ("Imani Clarke", "Aesthetic nurse", ((LONDON, (1, 2, 3, 5, 6)),), ""),
    ("Tom Okafor", "Aesthetic nurse", ((LONDON, (3, 4, 5, 6, 7)),), ""),
    ("Priya Nair", "Microneedling practitioner", ((LONDON, (1, 3, 5, 7)),), "microneedling"),
    ("Sofia Lindqvist", "Mesotherapy practitioner", ((LONDON, (2, 4, 6, 7)),), "mesotherapy"),
    ("Dr Jonas Becker", "Dermatologist", ((BERLIN, (1, 2, 3, 4)),), ""),
    ("Leyla Demir", "Aesthetic nurse", ((BERLIN, (2, 3, 5, 6, 7)),), ""),
    ("Clara Hoffmann", "Aesthetic nurse", ((BERLIN, (1, 4, 6, 7)),), ""),
)
AWAY = "Tom Okafor"
OPENS, CLOSES = time(8, 30), time(19)
STARTS, ENDS = time(9), time(18)
# By train and plane, from door to door.
TRAVEL_MINUTES = 300
REMIND_MINUTES = (("three-days", 3 * 24 * 60), ("one-day", 24 * 60))


@dataclass(frozen=True)
class Premises:
    """What the rest of the demo is made with."""

    locations: tuple[Location, Location]
    desk: User
    lead: User


def build(since: date, now: datetime) -> Premises:
    """Open both locations with their staff, who have worked since a date, and what keeps them away from `now` on."""
    people = _logins()
    places = {LONDON: _location(LONDON, "Europe/London", "GBP"), BERLIN: _location(BERLIN, "Europe/Berlin", "EUR")}
    TravelTime.objects.create(start=places[LONDON], end=places[BERLIN], minutes=TRAVEL_MINUTES)
    for place, name, kind in ROOMS:
        resource = Resource.objects.create(type=Resource.Type.ROOM, name=name, location=places[place])
        Room.objects.create(resource=resource, kind=kind)
    for number, (place, name, kind) in enumerate(DEVICES, start=1):
        resource = Resource.objects.create(type=Resource.Type.DEVICE, name=name, location=places[place])
        Device.objects.create(resource=resource, kind=kind, serial=f"DEMO-{number:04}")
    for name, job_title, weeks, modality in STAFF:
        person = _practitioner(people.get(name) or _colleague(name), job_title, modality)
        WorkingHours.objects.bulk_create(
            WorkingHours(
                practitioner=person, location=places[place], weekday=day, starts=STARTS, ends=ENDS, valid_from=since
            )
            for place, days in weeks
            for day in days
        )
    for place in places.values():
        _close(place, now)
    _send_away(AWAY, places[LONDON], now)
    return Premises((places[LONDON], places[BERLIN]), people["Rowan Reid"], people["Dr Helena Voss"])


def _close(place: Location, now: datetime) -> None:
    """Christmas of this year and the next."""
    for year in (now.year, now.year + 1):
        starts_at = timespans.local_day(place.zone, date(year, 12, 25)).start
        ends_at = timespans.local_day(place.zone, date(year, 12, 26)).end
        Closure.objects.create(location=place, starts_at=starts_at, ends_at=ends_at, reason="Christmas")


def _send_away(name: str, place: Location, now: datetime) -> None:
    """A few days of leave next week."""
    day = timespans.date_of(place.zone, now) + timedelta(days=7)
    Absence.objects.create(
        resource=Resource.objects.get(name=name),
        starts_at=timespans.local_day(place.zone, day).start,
        ends_at=timespans.local_day(place.zone, day + timedelta(days=2)).end,
        reason="Leave",
    )


def _logins() -> dict[str, User]:
    people, password = {}, make_password(PASSWORD)
    for email, name, held in LOGINS:
        is_admin = roles.ADMINISTRATOR in held
        person = people[name] = User.objects.create_user(email, name=name, is_staff=is_admin, is_superuser=is_admin)
        person.password = password
        person.save(update_fields=["password"])
        person.groups.set(Group.objects.filter(name__in=held))
    return people


def _colleague(name: str) -> User:
    """Somebody in the diary who does not sign in: without a password."""
    user = User.objects.create_user(f"{name.rsplit(maxsplit=1)[-1].lower()}@{DOMAIN}", None, name=name)
    user.groups.set(Group.objects.filter(name=roles.PRACTITIONER))
    return user


def _location(name: str, time_zone: str, currency: str) -> Location:
    address, phone = REACHED_AT[name]
    place = Location.objects.create(
        name=name, address=address, phone=phone, time_zone=time_zone, currency=currency, quiet_from=time(21),
        quiet_until=time(8),
    )  # fmt: skip
    OpeningHours.objects.bulk_create(
        OpeningHours(location=place, weekday=day, opens=OPENS, closes=CLOSES) for day in range(1, 8)
    )
    LocationReminderRule.objects.bulk_create(
        LocationReminderRule(location=place, key=key, minutes_before=minutes) for key, minutes in REMIND_MINUTES
    )
    return place


def _practitioner(user: User, job_title: str, modality: str) -> Practitioner:
    resource = Resource.objects.create(type=Resource.Type.PRACTITIONER, name=user.name)
    person = Practitioner.objects.create(resource=resource, user=user, job_title=job_title)
    trained_in = Technique.objects.filter(modality=modality) if modality else Technique.objects.all()
    Qualification.objects.bulk_create(Qualification(practitioner=person, technique=each) for each in trained_in)
    return person
