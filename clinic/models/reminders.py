"""Messages: what is to be said, when, to whom, and every attempt to say it. The rows are the queue."""

import uuid

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.models.appointments import Appointment
from clinic.models.locations import Location
from clinic.models.proposals import Proposal
from clinic.models.resources import Practitioner
from patients.encryption import EncryptedTextField
from patients.models import Patient
from treatments.models import TreatmentSeries

STATE_TRANSITIONS = (
    ("scheduled", "claimed"),
    ("scheduled", "void"),
    ("scheduled", "expired"),
    ("claimed", "sent"),
    ("claimed", "failed"),
    ("claimed", "gave_up"),
    ("claimed", "void"),
    ("claimed", "expired"),
    ("claimed", "doubtful"),
    ("failed", "scheduled"),
    ("failed", "void"),
    ("failed", "expired"),
    ("doubtful", "sent"),
)


class MessageTemplate(models.Model):
    """The wording of one kind of message; the subject line never carries a health detail."""

    key = models.SlugField(_("key"), max_length=60)
    language = models.CharField(_("language"), max_length=10, default="en")
    subject = models.CharField(_("subject"), max_length=160)
    body = models.TextField(_("text"))

    class Meta:
        verbose_name = _("message wording")
        verbose_name_plural = _("message wordings")
        ordering = ("key", "language")
        constraints = [models.UniqueConstraint(fields=["key", "language"], name="messagetemplate_key_is_unique")]

    def __str__(self):
        return self.key


class ReminderQuerySet(models.QuerySet):
    def due(self, now):
        return self.filter(state=Reminder.State.SCHEDULED, due_at__lte=now)

    def unsent(self):
        """Those that a move or a cancellation takes back."""
        return self.filter(state__in=[Reminder.State.SCHEDULED, Reminder.State.FAILED])


class Reminder(models.Model):
    """One message about one visit, one series, one proposal, or (kind raw) one ready e-mail such as a sign-in code."""

    class State(models.TextChoices):
        SCHEDULED = "scheduled", _("waiting")
        CLAIMED = "claimed", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed, will be tried again")
        GAVE_UP = "gave_up", _("could not be sent")
        VOID = "void", _("no longer needed")
        EXPIRED = "expired", _("too late to be useful")
        DOUBTFUL = "doubtful", _("may not have arrived")

    class Lane(models.TextChoices):
        NORMAL = "normal", _("normal")
        URGENT = "urgent", _("at once")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # What each message is about is found by the constraints that let it be planned once.
    appointment = models.ForeignKey(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="reminders", db_index=False
    )
    series = models.ForeignKey(
        TreatmentSeries, null=True, blank=True, on_delete=models.PROTECT, related_name="reminders", db_index=False
    )
    proposal = models.ForeignKey(
        Proposal, null=True, blank=True, on_delete=models.PROTECT, related_name="reminders", db_index=False
    )
    patient = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="reminders")
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.PROTECT, related_name="reminders")
    rule_key = models.SlugField(_("rule"), max_length=60, db_index=False)
    template_key = models.SlugField(_("wording"), max_length=60, blank=True, db_index=False)
    plan_version = models.PositiveIntegerField(default=1)
    lane = models.CharField(_("lane"), max_length=8, choices=Lane, default=Lane.NORMAL)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.SCHEDULED)
    due_at = models.DateTimeField(_("due"))
    expires_at = models.DateTimeField(_("useful until"))
    was_at = models.DateTimeField(_("start that the patient knew before"), null=True, blank=True)
    practitioner = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # who treats, as it was when this was planned
    lease_until = models.DateTimeField(_("being sent until"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    why = models.CharField(_("why not sent"), max_length=200, blank=True)
    raw_to = EncryptedTextField(_("to"), blank=True, label="clinic_reminder.raw_to")
    raw_subject = EncryptedTextField(_("subject"), blank=True, label="clinic_reminder.raw_subject")
    raw_body = EncryptedTextField(_("text"), blank=True, label="clinic_reminder.raw_body")

    objects = ReminderQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("-due_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(appointment__isnull=False, series=None, proposal=None)
                | models.Q(appointment=None, series__isnull=False, proposal=None)
                | models.Q(appointment=None, series=None, proposal__isnull=False)
                | models.Q(appointment=None, series=None, proposal=None, rule_key="raw"),
                name="reminder_is_about_one_thing",
            ),
            models.UniqueConstraint(
                fields=["appointment", "rule_key", "plan_version"],
                condition=models.Q(appointment__isnull=False),
                name="reminder_of_a_visit_is_planned_once",
            ),
            models.UniqueConstraint(
                fields=["series", "rule_key", "plan_version"],
                condition=models.Q(series__isnull=False),
                name="reminder_of_a_series_is_planned_once",
            ),
            models.UniqueConstraint(
                fields=["proposal", "rule_key", "plan_version"],
                condition=models.Q(proposal__isnull=False),
                name="reminder_of_a_proposal_is_planned_once",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("due_at")), name="reminder_expires_after_it_is_due"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="sent") | models.Q(sent_at__isnull=False), name="reminder_sent_has_a_time"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="claimed") | models.Q(lease_until__isnull=False),
                name="reminder_claimed_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "due_at"],
                condition=models.Q(state__in=["scheduled", "failed"]),
                name="reminder_waiting_by_due",
            ),
            models.Index(fields=["lease_until"], condition=models.Q(state="claimed"), name="reminder_claimed_by_lease"),
            models.Index(fields=["-due_at", "-id"], name="reminder_newest_first"),
        ]
        triggers = [pgtrigger.FSM(name="reminder_state_moves_as_allowed", field="state", transitions=STATE_TRANSITIONS)]

    def __str__(self):
        return f"{self.rule_key} {self.due_at:%Y-%m-%d %H:%M}Z"

    @property
    def message_id(self) -> str:
        """The same on every attempt, so that a mail server can drop a second copy."""
        return f"<{self.public_id}@cadence>"


class DeliveryAttempt(models.Model):
    reminder = models.ForeignKey(Reminder, on_delete=models.CASCADE, related_name="deliveries")
    number = models.PositiveSmallIntegerField(_("attempt"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    answer = models.CharField(_("answer of the mail server"), max_length=300, blank=True)
    is_accepted = models.BooleanField(_("accepted"), default=False)

    class Meta:
        verbose_name = _("attempt to send")
        verbose_name_plural = _("attempts to send")
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=["reminder", "number"], name="deliveryattempt_number_is_unique"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="deliveryattempt_is_numbered_from_one"),
        ]

    def __str__(self):
        return f"{self.number}: {self.answer}"
