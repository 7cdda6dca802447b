"""Where the clinic works: time zone, opening hours, and the settings that differ by location."""

import uuid
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext_lazy as _


class Weekday(models.IntegerChoices):
    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


def check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("“%(name)s” is not a time zone. Use a name like Europe/London."), params={"name": name})


class Location(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80, unique=True)
    address = models.TextField(_("address"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[check_time_zone])
    currency = models.CharField(_("currency"), max_length=3, default="GBP")
    grid_minutes = models.PositiveSmallIntegerField(
        _("visits start every … minutes"), default=15, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    notice_minutes = models.PositiveIntegerField(_("shortest notice for a booking, minutes"), default=0)
    horizon_days = models.PositiveSmallIntegerField(_("bookable ahead, days"), default=365)
    online_notice_minutes = models.PositiveIntegerField(_("shortest notice when patients book, minutes"), default=120)
    online_horizon_days = models.PositiveSmallIntegerField(_("patients book ahead, days"), default=180)
    hold_minutes = models.PositiveSmallIntegerField(
        _("a time is kept while a form is open, minutes"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
    )
    free_cancel_hours = models.PositiveSmallIntegerField(_("free to cancel until … hours before"), default=24)
    quiet_from = models.TimeField(_("no messages from"), null=True, blank=True)
    quiet_until = models.TimeField(_("no messages until"), null=True, blank=True)
    cost_of_weekday = models.PositiveSmallIntegerField(_("another weekday than wished counts like … days"), default=2)
    cost_of_time = models.PositiveSmallIntegerField(_("another time of day than wished counts like … days"), default=2)
    cost_of_practitioner = models.PositiveSmallIntegerField(
        _("another practitioner than wished counts like … days"), default=3
    )
    cost_of_change = models.PositiveSmallIntegerField(
        _("a change of practitioner from visit to visit counts like … days"), default=2
    )
    cost_of_location = models.PositiveSmallIntegerField(_("another location than wished counts like … days"), default=7)
    cost_of_lateness = models.PositiveSmallIntegerField(_("a late visit counts like … days"), default=5)
    cost_of_each_late_day = models.PositiveSmallIntegerField(_("and each day it is late like … days"), default=1)
    visits_ahead = models.PositiveSmallIntegerField(
        _("most visits of a course held in the diary at once"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
    )
    apart_days = models.PositiveSmallIntegerField(
        _("days between visits of two courses of one patient, other areas"), default=0
    )
    late_cancel_counts = models.BooleanField(_("a visit cancelled late uses up a session"), default=False)
    no_show_counts = models.BooleanField(_("a visit that the patient missed uses up a session"), default=False)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(grid_minutes__gte=1, grid_minutes__lte=120), name="location_grid_is_1_to_120_minutes"
            ),
            models.CheckConstraint(
                condition=models.Q(quiet_from=None, quiet_until=None)
                | models.Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="location_quiet_hours_have_both_ends",
            ),
            models.CheckConstraint(
                condition=models.Q(hold_minutes__gte=1, hold_minutes__lte=60), name="location_holds_1_to_60_minutes"
            ),
            models.CheckConstraint(
                condition=models.Q(visits_ahead=None) | models.Q(visits_ahead__gte=1),
                name="location_holds_a_visit_ahead",
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def zone_words(self) -> str:
        """The city that the time zone is named after, as people say it: London, New York."""
        return self.time_zone.rpartition("/")[2].replace("_", " ")


class OpeningHours(models.Model):
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"), help_text=_("Local time; 00:00 means midnight at the end of the day."))

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        ordering = ("weekday", "opens")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closes__gt=models.F("opens")) | models.Q(closes="00:00"),
                name="openinghours_close_after_opening",
            ),
            models.CheckConstraint(
                condition=models.Q(weekday__gte=1, weekday__lte=7), name="openinghours_weekday_is_iso"
            ),
        ]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


class ExtraOpening(models.Model):
    """Local times on one date at which the location is open besides its usual hours."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="extra_openings")
    on = models.DateField(_("date"))
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"), help_text=_("Local time; 00:00 means midnight at the end of the day."))

    class Meta:
        verbose_name = _("extra opening")
        verbose_name_plural = _("extra openings")
        ordering = ("on", "opens")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closes__gt=models.F("opens")) | models.Q(closes="00:00"),
                name="extraopening_closes_after_opening",
            )
        ]

    def __str__(self):
        return f"{self.on} {self.opens:%H:%M}–{self.closes:%H:%M}"


class TravelTime(models.Model):
    """How long it takes between two locations, either way."""

    start = models.ForeignKey(Location, verbose_name=_("between"), on_delete=models.CASCADE, related_name="+")
    end = models.ForeignKey(Location, verbose_name=_("and"), on_delete=models.CASCADE, related_name="+")
    minutes = models.PositiveSmallIntegerField(_("minutes"), validators=[MinValueValidator(1), MaxValueValidator(600)])

    class Meta:
        verbose_name = _("travel time")
        verbose_name_plural = _("travel times")
        constraints = [
            models.CheckConstraint(condition=~models.Q(start=models.F("end")), name="traveltime_is_between_two_places"),
            models.CheckConstraint(
                condition=models.Q(minutes__gte=1, minutes__lte=600), name="traveltime_is_1_to_600_minutes"
            ),
            models.UniqueConstraint(
                Least("start", "end"),
                Greatest("start", "end"),
                name="traveltime_is_stated_once",
                violation_error_message=_("The travel time between these two locations is stated already."),
            ),
        ]

    def __str__(self):
        return f"{self.start} – {self.end}"


class Closure(models.Model):
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="closures")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=120)
    imported_uid = models.CharField(_("key in the calendar it came from"), max_length=255, blank=True, editable=False)

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ("starts_at",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="closure_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["location", "imported_uid"],
                condition=~models.Q(imported_uid=""),
                name="closure_is_imported_once",
            ),
        ]

    def __str__(self):
        return self.reason


class LocationReminderRule(models.Model):
    """Minutes before a visit at which its patient is reminded; the default pair is 3 days and 1 day (Steiner 2018)."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="reminder_rules")
    key = models.SlugField(_("key"), max_length=40)
    minutes_before = models.PositiveIntegerField(_("minutes before the visit"))

    class Meta:
        verbose_name = _("reminder before a visit")
        verbose_name_plural = _("reminders before a visit")
        ordering = ("-minutes_before",)
        constraints = [
            models.UniqueConstraint(fields=["location", "key"], name="locationreminderrule_key_is_unique"),
            models.CheckConstraint(
                condition=models.Q(minutes_before__gte=1, minutes_before__lte=60 * 24 * 60),
                name="locationreminderrule_is_within_60_days",
            ),
        ]

    def __str__(self):
        return self.key


class Installation(models.Model):
    """One row: what this database is. Production refuses one that holds demo data."""

    is_demo = models.BooleanField(_("holds demo data"), default=False)
    country = models.CharField(_("country"), max_length=2, blank=True)
    region = models.CharField(_("region with its own public holidays"), max_length=12, blank=True)
    installed_at = models.DateTimeField(_("installed"), auto_now_add=True)

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installation")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_is_one_row")]

    def __str__(self):
        return "demo" if self.is_demo else "clinic"
