"""Rows for tests, with sane defaults. Plain functions; everything can be given, nothing has to be."""

from datetime import UTC, date, datetime, time
from itertools import count

from django.contrib.auth.models import Group

from clinic import booking
from clinic.models import Device, Location, OpeningHours, Practitioner, Qualification, Resource, Room, WorkingHours
from patients.models import Patient, User
from treatments.models import Service, ServiceSegment

number = count(1)
MONDAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def user(*roles, email="", name="Robin Reception", password=None):
    person = User.objects.create_user(email or f"person{next(number)}@clinic.example", password, name=name)
    person.groups.set(Group.objects.filter(name__in=roles))
    return person


def patient(given_name="Ada", family_name="Quill", **details):
    details = {"birth_date": date(1990, 1, 2), "email": f"patient{next(number)}@mail.example", **details}
    return Patient.objects.create(given_name=given_name, family_name=family_name, **details)


def location(name="", time_zone="Europe/London", opens=time(8), closes=time(18), **details):
    """Open every day; no quiet hours, no notice, a grid of 15 minutes."""
    place = Location.objects.create(name=name or f"Location {next(number)}", time_zone=time_zone, **details)
    OpeningHours.objects.bulk_create(
        OpeningHours(location=place, weekday=day, opens=opens, closes=closes) for day in range(1, 8)
    )
    return place


def practitioner(place, name="Dr Bell", starts=time(8), ends=time(18), techniques=()):
    resource = Resource.objects.create(type="practitioner", name=name, location=None)
    person = Practitioner.objects.create(resource=resource, user=user("practitioner", name=name))
    WorkingHours.objects.bulk_create(
        WorkingHours(practitioner=person, location=place, weekday=day, starts=starts, ends=ends, valid_from=MONDAY)
        for day in range(1, 8)
    )
    Qualification.objects.bulk_create(Qualification(practitioner=person, technique=t) for t in techniques)
    return person


def room(place, kind="treatment", name=""):
    resource = Resource.objects.create(type="room", name=name or f"Room {next(number)}", location=place)
    return Room.objects.create(resource=resource, kind=kind)


def device(place, kind="needling_pen", name=""):
    resource = Resource.objects.create(type="device", name=name or f"Device {next(number)}", location=place)
    return Device.objects.create(resource=resource, kind=kind)


def service(kind="consultation", minutes=30, room_kind="consultation", turnaround=0, **details):
    details = {"key": f"service-{next(number)}", "name": "First consultation", "confidence": "proposed", **details}
    offer = Service.objects.create(kind=kind, **details)
    ServiceSegment.objects.create(
        service=offer, position=1, kind="hands_on", base_minutes=minutes, holds_practitioner=True, room_kind=room_kind
    )
    if turnaround:
        ServiceSegment.objects.create(
            service=offer, position=2, kind="turnaround", base_minutes=turnaround, room_kind=room_kind
        )
    return offer


class Desk:
    """One location with one practitioner, one consulting room, a service, and a person at the desk."""

    def __init__(self, **place):
        self.location = location(**place)
        self.practitioner = practitioner(self.location)
        self.room = room(self.location, "consultation")
        self.service = service()
        self.by = user("reception")

    def book(self, at, who=None, now=NOW, **details):
        wanted = {"patient": who or patient(), "service": self.service, "location": self.location, **details}
        return booking.book(starts_at=at, by=self.by, now=now, **wanted)
