"""Opening a clinic: its location with hours and holidays, then who works there, in which rooms, with what.

The verbs of the first setup. Each is one transaction and may be repeated: what is there already is brought up to date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic import countries, setup, timespans
from clinic.models import (
    Appointment,
    Closure,
    Device,
    Installation,
    Location,
    LocationReminderRule,
    OpeningHours,
    Practitioner,
    Resource,
    Room,
    SetupProgress,
    WorkingHours,
)
from patients import locks, staff
from patients.models import User
from patients.refusals import Refused
from patients.roles import ADMINISTRATOR, ALL, CLINICAL_LEAD, PRACTITIONER
from treatments.models import DeviceKind, RoomKind

QUIET_FROM, QUIET_UNTIL = time(21), time(8)
REMIND_MINUTES = (("three-days", 3 * 24 * 60), ("one-day", 24 * 60))
DETAILS = ("name", "phone", "address", "time_zone", "currency")
Hours = Mapping[int, tuple[time, time]]


@dataclass(frozen=True)
class Colleague:
    """Somebody who gets a sign-in."""

    name: str
    email: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Premises:
    """A room (a kind of room, or "any") or a device (a kind of device)."""

    name: str
    kind: str


ANY_ROOM = "any"


def save_clinic(
    *, name: str, phone: str, address: str, country: str, region: str, time_zone: str, currency: str, hours: Hours,
    closes_on_holidays: bool, by: User, now: datetime,
) -> Location:  # fmt: skip
    """Make or correct the clinic's one location: hours by ISO weekday, public holidays of this year and the next.

    Everybody who works as long as it was open works as long as it is open now. Raises `Refused`.
    """
    details = dict(zip(DETAILS, (name, phone, address, time_zone, currency), strict=True))
    with locks.or_busy(), transaction.atomic():
        setup.under_way(by)
        locks.take(resources=Resource.objects.values_list("pk", flat=True))
        location = Location.objects.order_by("pk").first()
        _forget_holidays(location, now)
        if location is None:
            location = Location.objects.create(**details, quiet_from=QUIET_FROM, quiet_until=QUIET_UNTIL)
            LocationReminderRule.objects.bulk_create(
                LocationReminderRule(location=location, key=key, minutes_before=minutes)
                for key, minutes in REMIND_MINUTES
            )
        else:
            _correct(location, details)
        _open(location, hours, timespans.date_of(location.zone, now))
        if closes_on_holidays:
            Closure.objects.bulk_create(holiday_closures(location, country, region, now=now))
        Installation.objects.update_or_create(pk=1, defaults={"country": country, "region": region})
    return location


def work_alone(*, by: User, now: datetime) -> Practitioner:
    """The administrator does everything in one room that serves every kind of visit."""
    with locks.or_busy(), transaction.atomic():
        progress, location = _begin(by)
        by.groups.add(*Group.objects.filter(name__in=ALL))
        vars(by).pop("role_names", None)
        person = _practitioner(by, location, now)
        if not Room.objects.filter(resource__location=location).exists():
            _add_room(location, Premises(_("Treatment room"), ANY_ROOM))
        _remember(progress, is_solo=True)
    return person


def work_as_team(
    *, treats: bool, leads: bool, colleagues: Iterable[Colleague], rooms: Iterable[Premises],
    devices: Iterable[Premises], by: User, now: datetime,
) -> None:  # fmt: skip
    """Give colleagues their sign-ins, and rooms and devices their place. Known e-mails and names are not doubled."""
    with locks.or_busy(), transaction.atomic():
        progress, location = _begin(by)
        own = [PRACTITIONER] * treats + [CLINICAL_LEAD] * leads
        by.groups.set(Group.objects.filter(name__in=[ADMINISTRATOR, *own]))
        vars(by).pop("role_names", None)
        if treats:
            _practitioner(by, location, now)
        for colleague in colleagues:
            _employ(colleague, location, progress, by=by, now=now)
        known = set(Resource.objects.filter(location=location).values_list("name", flat=True))
        for room in rooms:
            if room.name not in known:
                _add_room(location, room)
                known.add(room.name)
        for device in devices:
            if device.name not in known:
                add_device(location, device)
                known.add(device.name)
        if not Room.objects.filter(resource__location=location).exists():
            raise Refused(_("Add at least one room: every visit takes place in one."))
        _remember(progress, is_solo=False)


def add_device(location: Location, device: Premises) -> Device:
    """Put a device of a kind at the location; nothing else is asked of it."""
    if device.kind not in DeviceKind.values:
        raise Refused(_("Choose what kind of device “%(name)s” is.") % {"name": device.name})
    resource = Resource.objects.create(type=Resource.Type.DEVICE, name=device.name, location=location)
    return Device.objects.create(resource=resource, kind=device.kind)


def _begin(by: User) -> tuple[SetupProgress, Location]:
    progress = setup.under_way(by)
    location = Location.objects.order_by("pk").first()
    if location is None:
        raise Refused(_("Say where the clinic is first."))
    locks.take(resources=Resource.objects.values_list("pk", flat=True))
    return progress, location


def _remember(progress: SetupProgress, *, is_solo: bool) -> None:
    progress.is_solo = is_solo
    progress.save(update_fields=["is_solo"])


def _correct(location: Location, details: dict) -> None:
    is_elsewhere = location.time_zone != details["time_zone"]
    if is_elsewhere and Appointment.objects.filter(location=location).exists():
        raise Refused({"time_zone": _("There are visits in the diary already, so the time zone stays as it is.")})
    for name, value in details.items():
        setattr(location, name, value)
    location.save(update_fields=list(DETAILS))


def _open(location: Location, hours: Hours, today: date) -> None:
    if not hours:
        raise ValidationError(_("Open on one day of the week at least."))
    before = set(location.opening_hours.values_list("weekday", "opens", "closes"))
    location.opening_hours.all().delete()
    OpeningHours.objects.bulk_create(
        OpeningHours(location=location, weekday=day, opens=opens, closes=closes)
        for day, (opens, closes) in sorted(hours.items())
    )
    for person in Practitioner.objects.filter(working_hours__location=location).distinct():
        worked = person.working_hours.filter(location=location).values_list("weekday", "starts", "ends")
        if set(worked) == before:
            _works_as_open(person, location, today)


def _works_as_open(person: Practitioner, location: Location, today: date) -> None:
    person.working_hours.filter(location=location).delete()
    WorkingHours.objects.bulk_create(
        WorkingHours(
            practitioner=person, location=location, weekday=row.weekday, starts=row.opens, ends=row.closes,
            valid_from=today,
        )
        for row in location.opening_hours.all()
    )  # fmt: skip


def _forget_holidays(location: Location | None, now: datetime) -> None:
    """Take back the closures for the public holidays of the country as it was saved; other closures stay."""
    known = Installation.objects.filter(pk=1).values_list("country", "region").first()
    for row in holiday_closures(location, *known, now=now) if location and known else ():
        location.closures.filter(starts_at=row.starts_at, ends_at=row.ends_at, reason=row.reason).delete()


def holiday_closures(location: Location, country: str, region: str, *, now: datetime) -> list[Closure]:
    """The public holidays of this year and the next as whole local days, not saved."""
    found = holidays_of(country, region, timespans.date_of(location.zone, now))
    return [
        Closure(location=location, starts_at=span.start, ends_at=span.end, reason=reason[:120])
        for day, reason in found.items()
        for span in [timespans.local_day(location.zone, day)]
    ]


def holidays_of(country: str, region: str, today: date) -> dict[date, str]:
    """The public holidays of this year and the next, in the country's own language where the product speaks it."""
    known = [code for code, _name in settings.LANGUAGES]
    spoken = countries.language(country, known, settings.LANGUAGE_CODE)
    return countries.public_holidays(country, region, (today.year, today.year + 1), spoken)


def _practitioner(user: User, location: Location, now: datetime) -> Practitioner:
    person = Practitioner.objects.filter(user=user).first()
    if person is None:
        resource = Resource.objects.create(type=Resource.Type.PRACTITIONER, name=user.name)
        person = Practitioner.objects.create(resource=resource, user=user)
    if not person.working_hours.exists():
        _works_as_open(person, location, timespans.date_of(location.zone, now))
    return person


def _employ(colleague: Colleague, location: Location, progress: SetupProgress, *, by: User, now: datetime) -> None:
    user = User.objects.filter(email__iexact=colleague.email).first()
    if user == by:
        raise Refused(_("%(email)s is your own address: tick your own roles above.") % {"email": colleague.email})
    is_new = user is None
    if is_new:
        user = User.objects.create_user(colleague.email, None, name=colleague.name)
    user.is_staff = ADMINISTRATOR in colleague.roles
    user.save(update_fields=["is_staff"])
    user.groups.set(Group.objects.filter(name__in=colleague.roles))
    if PRACTITIONER in colleague.roles:
        _practitioner(user, location, now)
    if is_new and progress.mail == SetupProgress.Mail.NOW:
        staff.invite(user, clinic=location.name)


def _add_room(location: Location, room: Premises) -> Room:
    if room.kind != ANY_ROOM and room.kind not in RoomKind.values:
        raise Refused(_("Choose what “%(name)s” is used for.") % {"name": room.name})
    resource = Resource.objects.create(type=Resource.Type.ROOM, name=room.name, location=location)
    is_any = room.kind == ANY_ROOM
    return Room.objects.create(resource=resource, kind=RoomKind.TREATMENT if is_any else room.kind, serves_all=is_any)
