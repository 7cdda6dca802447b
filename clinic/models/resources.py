"""What a visit needs: people, rooms and devices, their hours and what people are qualified to do."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.models.locations import Location, Weekday
from treatments.models import DeviceKind, RoomKind, Service, Technique


class Resource(models.Model):
    """One bookable place: a person, a device, or one place in a room (a room with n places is n rows)."""

    class Type(models.TextChoices):
        PRACTITIONER = "practitioner", _("Practitioner")
        ROOM = "room", _("Room")
        DEVICE = "device", _("Device")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    type = models.CharField(_("type"), max_length=12, choices=Type)
    name = models.CharField(_("name"), max_length=80)
    location = models.ForeignKey(
        Location, verbose_name=_("location"), null=True, blank=True, on_delete=models.PROTECT, related_name="resources"
    )
    turnaround_minutes = models.PositiveSmallIntegerField(_("turnaround after a visit, minutes"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ("name", "pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(type="practitioner") | models.Q(location__isnull=False),
                name="resource_room_and_device_have_a_location",
            )
        ]

    def __str__(self):
        return self.name


class Practitioner(models.Model):
    resource = models.OneToOneField(Resource, primary_key=True, on_delete=models.PROTECT, related_name="practitioner")
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="practitioner")
    job_title = models.CharField(_("job title"), max_length=80, blank=True)
    treats = models.BooleanField(_("treats patients"), default=True)
    may_assist = models.BooleanField(_("assists others"), default=False)

    class Meta:
        verbose_name = _("practitioner")
        verbose_name_plural = _("practitioners")
        ordering = ("resource__name",)

    def __str__(self):
        return self.resource.name


class Room(models.Model):
    resource = models.OneToOneField(Resource, primary_key=True, on_delete=models.PROTECT, related_name="room")
    kind = models.CharField(_("kind"), max_length=20, choices=RoomKind)
    serves_all = models.BooleanField(
        _("every kind of visit may take place here"),
        default=False,
        help_text=_("A clinic with one room treats and consults in the same one."),
    )
    place_of = models.CharField(_("one place in the room"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ("resource__name",)
        constraints = [models.CheckConstraint(condition=~models.Q(kind=""), name="room_has_a_kind")]

    def __str__(self):
        return self.resource.name


class Device(models.Model):
    resource = models.OneToOneField(Resource, primary_key=True, on_delete=models.PROTECT, related_name="device")
    kind = models.CharField(_("kind"), max_length=20, choices=DeviceKind)
    serial = models.CharField(_("serial number"), max_length=80, blank=True)
    calibration_due_on = models.DateField(_("calibration due"), null=True, blank=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering = ("resource__name",)
        constraints = [models.CheckConstraint(condition=~models.Q(kind=""), name="device_has_a_kind")]

    def __str__(self):
        return self.resource.name


class DevicePlace(models.Model):
    """Where a device is on one date, if not at its own location."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="places")
    on = models.DateField(_("date"))
    location = models.ForeignKey(Location, verbose_name=_("location"), on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("place of a device on a day")
        verbose_name_plural = _("places of devices by day")
        ordering = ("on",)
        constraints = [models.UniqueConstraint(fields=["device", "on"], name="deviceplace_is_one_a_day")]

    def __str__(self):
        return f"{self.on}: {self.location}"


class WorkingHours(models.Model):
    """Local times on one weekday of a cycle of 1 to 4 weeks, counted from the Monday of `valid_from`."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="working_hours")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="working_hours")
    cycle_weeks = models.PositiveSmallIntegerField(_("repeats every … weeks"), default=1)
    cycle_week = models.PositiveSmallIntegerField(_("week of the cycle"), default=1)
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday)
    starts = models.TimeField(_("from"))
    ends = models.TimeField(_("until"), help_text=_("Local time; 00:00 means midnight at the end of the day."))
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    is_open_online = models.BooleanField(_("patients may book"), default=True)
    is_open_desk = models.BooleanField(_("the desk may book"), default=True)
    services = models.ManyToManyField(Service, verbose_name=_("only for"), blank=True, related_name="+")

    class Meta:
        verbose_name = _("working hours")
        verbose_name_plural = _("working hours")
        ordering = ("practitioner", "cycle_week", "weekday", "starts")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends__gt=models.F("starts")) | models.Q(ends="00:00"),
                name="workinghours_end_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    cycle_weeks__gte=1, cycle_weeks__lte=4, cycle_week__gte=1, cycle_week__lte=models.F("cycle_weeks")
                ),
                name="workinghours_cycle_is_1_to_4_weeks",
            ),
            models.CheckConstraint(
                condition=models.Q(weekday__gte=1, weekday__lte=7), name="workinghours_weekday_is_iso"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until=None) | models.Q(valid_until__gte=models.F("valid_from")),
                name="workinghours_validity_ends_after_start",
            ),
        ]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.starts:%H:%M}–{self.ends:%H:%M}"


class DatedHours(models.Model):
    """Local times on one date, besides the usual hours or instead of them; without times: not at work that day."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="dated_hours")
    on = models.DateField(_("date"))
    replaces_usual = models.BooleanField(_("instead of the usual hours of that day"), default=False)
    location = models.ForeignKey(
        Location, verbose_name=_("location"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    starts = models.TimeField(_("from"), null=True, blank=True)
    ends = models.TimeField(
        _("until"), null=True, blank=True, help_text=_("Local time; 00:00 means midnight at the end of the day.")
    )
    is_open_online = models.BooleanField(_("patients may book"), default=True)
    is_open_desk = models.BooleanField(_("the desk may book"), default=True)
    reason = models.CharField(_("reason"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("hours on one day")
        verbose_name_plural = _("hours on single days")
        ordering = ("on", "starts")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(starts=None, ends=None, location=None, replaces_usual=True)
                | models.Q(starts__isnull=False, ends__isnull=False, location__isnull=False),
                name="datedhours_have_times_or_none",
                violation_error_message=_(
                    "Give from, until and location; or none of them and “instead of the usual hours” for a day off."
                ),
            ),
            models.CheckConstraint(
                condition=models.Q(starts=None) | models.Q(ends__gt=models.F("starts")) | models.Q(ends="00:00"),
                name="datedhours_end_after_start",
            ),
        ]

    def __str__(self):
        return f"{self.on} {self.starts:%H:%M}–{self.ends:%H:%M}" if self.starts else f"{self.on}"


class Absence(models.Model):
    """Time in which a resource cannot be booked: leave, illness, a device in repair."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="absences")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=120)

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        ordering = ("starts_at",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="absence_ends_after_start"
            )
        ]

    def __str__(self):
        return self.reason


class Qualification(models.Model):
    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="qualifications")
    technique = models.ForeignKey(Technique, on_delete=models.PROTECT, related_name="+")
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        verbose_name = _("qualification")
        verbose_name_plural = _("qualifications")
        constraints = [models.UniqueConstraint(fields=["practitioner", "technique"], name="qualification_is_held_once")]

    def __str__(self):
        return f"{self.practitioner}: {self.technique}"
