"""The diary: appointments, the claims they lay on people, rooms and devices, and what staff decided about them."""

import uuid

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from clinic.models.locations import Location
from clinic.models.resources import Practitioner, Resource
from patients.encryption import EncryptedTextField
from patients.models import Patient
from treatments.models import Service, TreatmentSession

STATUS_TRANSITIONS = (
    ("booked", "confirmed"),
    ("confirmed", "booked"),
    ("booked", "arrived"),
    ("confirmed", "arrived"),
    ("arrived", "in_treatment"),
    ("in_treatment", "completed"),
    ("booked", "cancelled"),
    ("confirmed", "cancelled"),
    ("booked", "no_show"),
    ("confirmed", "no_show"),
    ("arrived", "booked"),
    ("in_treatment", "arrived"),
    ("completed", "in_treatment"),
    ("cancelled", "booked"),
    ("no_show", "booked"),
    ("booked", "entered_in_error"),
    ("confirmed", "entered_in_error"),
    ("arrived", "entered_in_error"),
    ("in_treatment", "entered_in_error"),
    ("completed", "entered_in_error"),
    ("cancelled", "entered_in_error"),
    ("no_show", "entered_in_error"),
)


class TsTzRange(models.Func):
    """`[starts_at, ends_at)` as a range; imported by migrations under this path."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class AppointmentQuerySet(models.QuerySet):
    def live(self):
        """Those that keep their time: everything but cancelled, no-show and booked by mistake."""
        return self.filter(status__in=Appointment.LIVE)

    def overlapping(self, starts_at, ends_at):
        return self.filter(starts_at__lt=ends_at, ends_at__gt=starts_at)

    def using_up(self):
        """Those that did not take place and use up a session: as staff decided, else by their location's policy.

        The session must still be open for that; one that was booked again counts by its new visit.
        """
        by_policy = models.Q(status="no_show", location__no_show_counts=True) | models.Q(
            status="cancelled",
            is_late_cancellation=True,
            cancelled_by="patient",
            location__late_cancel_counts=True,
        )
        lost = self.filter(status__in=Appointment.LOST, session__state__in=TreatmentSession.OPEN)
        return lost.filter(models.Q(uses_session=True) | models.Q(by_policy, uses_session=None))

    def for_lists(self):
        """With what one line of a list shows."""
        return self.select_related(
            "patient", "service", "location", "practitioner__resource", "session__series", "session__phase"
        )


@pghistory.track()
class Appointment(models.Model):
    class Status(models.TextChoices):
        BOOKED = "booked", _("Booked")
        CONFIRMED = "confirmed", _("Confirmed")
        ARRIVED = "arrived", _("Arrived")
        IN_TREATMENT = "in_treatment", _("In treatment")
        COMPLETED = "completed", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        NO_SHOW = "no_show", _("Did not come")
        ENTERED_IN_ERROR = "entered_in_error", _("Booked by mistake")

    class CancelledBy(models.TextChoices):
        PATIENT = "patient", _("the patient")
        CLINIC = "clinic", _("the clinic")

    LIVE = (Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.IN_TREATMENT, Status.COMPLETED)
    LOST = (Status.CANCELLED, Status.NO_SHOW)
    TRANSITIONS = STATUS_TRANSITIONS
    TAKEN_BACK = {  # what a status becomes when it is undone, and by no other step
        Status.CONFIRMED: Status.BOOKED,
        Status.ARRIVED: Status.BOOKED,
        Status.IN_TREATMENT: Status.ARRIVED,
        Status.COMPLETED: Status.IN_TREATMENT,
        Status.CANCELLED: Status.BOOKED,
        Status.NO_SHOW: Status.BOOKED,
    }

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # What has no index of its own is covered by another one or by none that is asked for: each costs every booking.
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="appointments", db_index=False)
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="appointments")
    session = models.ForeignKey(
        TreatmentSession, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="appointments", db_index=False)
    practitioner = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    arrived_at = models.DateTimeField(_("arrived"), null=True, blank=True)
    started_at = models.DateTimeField(_("treatment started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("treatment finished"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.BOOKED)
    cancelled_by = models.CharField(_("cancelled by"), max_length=8, choices=CancelledBy, blank=True)
    cancel_reason = models.CharField(_("reason for cancelling"), max_length=200, blank=True)
    is_late_cancellation = models.BooleanField(_("cancelled late"), default=False)
    is_entered_later = models.BooleanField(_("entered later"), default=False)
    needs_review = models.BooleanField(_("a clinician decides"), default=False)
    uses_session = models.BooleanField(_("uses up a session"), null=True, blank=True)
    uses_session_reason = models.CharField(_("why it does, or does not"), max_length=200, blank=True)
    visit_group = models.UUIDField(null=True, blank=True, editable=False)
    note = EncryptedTextField(_("note"), blank=True, label="clinic_appointment.note")
    version = models.PositiveIntegerField(default=1, editable=False)
    plan_version = models.PositiveIntegerField(default=1, editable=False)
    ical_sequence = models.PositiveIntegerField(default=0, editable=False)
    assessed_safety_revision = models.PositiveIntegerField(default=0, editable=False)
    assessed_catalogue_revision = models.PositiveIntegerField(default=0, editable=False)
    booked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    booked_at = models.DateTimeField(_("booked"))

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ("starts_at", "pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="appointment_ends_after_start"
            ),
            ExclusionConstraint(
                name="appointment_patient_is_in_one_place",
                expressions=[
                    ("patient", RangeOperators.EQUAL),
                    (TsTzRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
                condition=models.Q(status__in=["booked", "confirmed", "arrived", "in_treatment", "completed"]),
                violation_error_message=_("The patient already has a visit at this time."),
            ),
            models.UniqueConstraint(
                fields=["session"],
                condition=models.Q(status__in=["booked", "confirmed", "arrived", "in_treatment", "completed"]),
                name="appointment_session_has_one_live_visit",
                violation_error_message=_("This session already has a visit in the diary."),
            ),
            models.CheckConstraint(
                condition=~models.Q(status="cancelled") | (~models.Q(cancelled_by="") & ~models.Q(cancel_reason="")),
                name="appointment_cancelled_says_who_and_why",
            ),
            models.CheckConstraint(
                condition=models.Q(uses_session=None) | ~models.Q(uses_session_reason=""),
                name="appointment_counted_by_hand_says_why",
                violation_error_message=_("Say why this visit uses up a session, or why it does not."),
            ),
            models.CheckConstraint(
                condition=~models.Q(status="arrived") | models.Q(arrived_at__isnull=False),
                name="appointment_arrived_has_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["location", "starts_at"], name="appointment_by_location_day"),
            models.Index(fields=["patient", "-starts_at"], name="appointment_by_patient"),
        ]
        triggers = [
            pgtrigger.FSM(name="appointment_status_moves_as_allowed", field="status", transitions=STATUS_TRANSITIONS),
            pgtrigger.Protect(name="appointment_is_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self):
        return f"{self.service} {self.starts_at:%Y-%m-%d %H:%M}Z"

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE

    def may_become(self, status: str) -> bool:
        return (self.status, status) in self.TRANSITIONS


class AppointmentChange(models.Model):
    """What an edit replaced: a move edits the row, so the row before it is kept here."""

    class Kind(models.TextChoices):
        MOVED = "moved", _("moved")
        STATUS = "status", _("status changed")
        RESOURCES = "places", _("people or places changed")

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(_("what"), max_length=8, choices=Kind)
    starts_at = models.DateTimeField(_("start before"))
    ends_at = models.DateTimeField(_("end before"))
    practitioner = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(_("status before"), max_length=16, choices=Appointment.Status)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("change of an appointment")
        verbose_name_plural = _("changes of appointments")
        ordering = ("-at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="appointmentchange_ends_after_start"
            )
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}Z"


class Hold(models.Model):
    """A time kept before it is booked: for minutes while a form is open, or pencilled in for up to 72 hours."""

    class End(models.TextChoices):
        BOOKED = "booked", _("booked")
        RELEASED = "released", _("given back")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="holds")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(TreatmentSession, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    practitioner = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kept_until = models.DateTimeField(_("kept until"))
    is_pencil = models.BooleanField(_("pencilled in"), default=False)
    kept_for = models.CharField(_("for whom"), max_length=120, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end = models.CharField(_("how it ended"), max_length=8, choices=End, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField(_("made"), db_default=Now())

    class Meta:
        verbose_name = _("time kept")
        verbose_name_plural = _("times kept")
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="hold_ends_after_start"),
            models.CheckConstraint(
                condition=models.Q(
                    is_pencil=False,
                    kept_until__lte=models.F("made_at") + models.Value("01:00:00", models.DurationField()),
                )
                | models.Q(
                    is_pencil=True,
                    kept_until__lte=models.F("made_at") + models.Value("72:00:00", models.DurationField()),
                ),
                name="hold_lasts_an_hour_or_72_pencilled_in",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at=None, end="") | (models.Q(ended_at__isnull=False) & ~models.Q(end="")),
                name="hold_that_ended_says_how",
            ),
        ]

    def __str__(self):
        return f"{self.service} {self.starts_at:%Y-%m-%d %H:%M}Z"


class Claim(models.Model):
    """One resource, taken for one span by an appointment or a hold. While live, no two may overlap."""

    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="claims", db_index=False)
    appointment = models.ForeignKey(Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="claims")
    hold = models.ForeignKey(
        Hold, null=True, blank=True, on_delete=models.CASCADE, related_name="claims", db_index=False
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    live = models.BooleanField(_("taken"), default=True)

    class Meta:
        verbose_name = _("time taken")
        verbose_name_plural = _("times taken")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="claim_ends_after_start"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    ends_at__lte=models.F("starts_at") + models.Value("12:00:00", models.DurationField())
                ),
                name="claim_is_at_most_12_hours",
            ),
            models.CheckConstraint(
                condition=models.Q(appointment__isnull=False, hold=None)
                | models.Q(appointment=None, hold__isnull=False),
                name="claim_is_of_an_appointment_or_a_hold",
            ),
            ExclusionConstraint(
                name="claim_resource_is_taken_once",
                expressions=[
                    ("resource", RangeOperators.EQUAL),
                    (TsTzRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
                condition=models.Q(live=True),
                violation_error_message=_("This time has just been taken."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["resource", "starts_at"],
                include=["ends_at"],
                condition=models.Q(live=True),
                name="claim_live_by_resource",
            ),
            models.Index(fields=["hold"], condition=models.Q(hold__isnull=False), name="claim_of_a_hold"),
        ]

    def __str__(self):
        return f"{self.resource_id} {self.starts_at:%Y-%m-%d %H:%M}Z"


class RuleOverride(models.Model):
    """A soft rule that a named person allowed anyway, and why."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="overrides")
    rule = models.SlugField(_("rule"), max_length=40)
    reason = models.CharField(_("reason"), max_length=200)
    allowed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    allowed_at = models.DateTimeField(_("allowed"))

    class Meta:
        verbose_name = _("rule allowed anyway")
        verbose_name_plural = _("rules allowed anyway")
        constraints = [models.CheckConstraint(condition=~models.Q(reason=""), name="ruleoverride_says_why")]

    def __str__(self):
        return f"{self.rule}: {self.reason}"


class Task(models.Model):
    """Something a person has to do by a time, opened by the software or by hand."""

    class Kind(models.TextChoices):
        CLINICIAN_REVIEW = "clinician_review", _("A clinician decides")
        SAFETY_CHANGED = "safety_changed", _("Safety changed for a booked visit")
        CALL = "call", _("Call the patient")
        SETUP = "setup", _("Left from setting up")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("what"), max_length=20, choices=Kind)
    for_role = models.CharField(_("for"), max_length=20)
    patient = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="tasks")
    appointment = models.ForeignKey(Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="tasks")
    text = models.CharField(_("what to do"), max_length=300)
    due_at = models.DateTimeField(_("until"))
    opened_at = models.DateTimeField(_("opened"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("due_at", "pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(done_at=None) | models.Q(done_at__gte=models.F("opened_at")),
                name="task_is_done_after_it_was_opened",
            ),
            models.UniqueConstraint(
                fields=["appointment", "kind"],
                condition=models.Q(done_at=None),
                name="task_is_open_once_per_visit_and_kind",
            ),
        ]

    def __str__(self):
        return self.text
