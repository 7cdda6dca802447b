"""A patient's course of treatment and its sessions. Windows and what is left are computed, never stored."""

import uuid

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from patients.encryption import EncryptedTextField
from patients.models import BodyArea, Patient
from treatments.models.catalogue import rising
from treatments.models.protocols import ProtocolVersion
from treatments.models.version_parts import Phase

SERIES_TRANSITIONS = (
    ("draft", "awaiting_clearance"),
    ("draft", "stopped"),
    ("awaiting_clearance", "active"),
    ("awaiting_clearance", "stopped"),
    ("active", "paused"),
    ("paused", "active"),
    ("active", "completed"),
    ("active", "stopped"),
    ("paused", "completed"),
    ("paused", "stopped"),
    ("completed", "active"),
    ("stopped", "active"),
)

SESSION_TRANSITIONS = (
    ("planned", "booked"),
    ("booked", "planned"),
    ("booked", "done"),
    ("done", "booked"),
    ("booked", "missed"),
    ("missed", "booked"),
    ("missed", "planned"),
    ("planned", "on_hold"),
    ("on_hold", "planned"),
    ("booked", "on_hold"),
    ("on_hold", "booked"),
    ("planned", "skipped"),
    ("on_hold", "skipped"),
    ("skipped", "planned"),
    ("planned", "voided"),
    ("on_hold", "voided"),
)


@pghistory.track()
class TreatmentSeries(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        AWAITING_CLEARANCE = "awaiting_clearance", _("awaiting clearance")
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        COMPLETED = "completed", _("completed")
        STOPPED = "stopped", _("stopped")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="series")
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="series")
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.DRAFT)
    sessions_planned = models.PositiveSmallIntegerField(_("sessions planned"))
    started_on = models.DateField(_("started on"))
    first_possible_on = models.DateField(_("first possible on"))
    expires_on = models.DateField(_("to be used until"), null=True, blank=True)
    state_reason = models.CharField(_("why it pauses or was stopped"), max_length=250, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    note = EncryptedTextField(_("note"), blank=True, label="treatments_treatmentseries.note")

    class Meta:
        verbose_name = _("treatment series")
        verbose_name_plural = _("treatment series")
        ordering = ("-created_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(sessions_planned__gte=1), name="treatmentseries_has_sessions"),
            models.CheckConstraint(
                condition=~Q(state__in=["paused", "stopped"]) | ~Q(state_reason=""),
                name="treatmentseries_paused_or_stopped_says_why",
                violation_error_message=_("Say why the series pauses or is stopped."),
            ),
        ]
        triggers = [pgtrigger.FSM(name="follows_its_states", field="state", transitions=SERIES_TRANSITIONS)]

    def __str__(self):
        return f"{self.protocol_version.protocol} · {self.patient}"


@pghistory.track()
class SeriesArea(models.Model):
    series = models.ForeignKey(TreatmentSeries, on_delete=models.CASCADE, related_name="series_areas")
    area = models.ForeignKey(BodyArea, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("treated area")
        verbose_name_plural = _("treated areas")
        ordering = ("series", "area__position")
        constraints = [models.UniqueConstraint(fields=["series", "area"], name="seriesarea_is_named_once")]

    def __str__(self):
        return str(self.area)


@pghistory.track()
class TreatmentSession(models.Model):
    """One visit of the series. Its own dates are the practitioner's: they narrow or shift the window, with a reason."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        BOOKED = "booked", _("booked")
        DONE = "done", _("done")
        MISSED = "missed", _("missed")
        ON_HOLD = "on_hold", _("on hold")
        SKIPPED = "skipped", _("skipped")
        VOIDED = "voided", _("voided")

    OPEN = (State.PLANNED, State.MISSED, State.ON_HOLD)  # neither over nor in the diary
    OUT_OF_THE_COURSE = (State.SKIPPED, State.VOIDED)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    series = models.ForeignKey(TreatmentSeries, on_delete=models.PROTECT, related_name="sessions")
    number = models.PositiveSmallIntegerField(_("number"))
    phase = models.ForeignKey(Phase, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PLANNED)
    done_on = models.DateField(_("done on"), null=True, blank=True)
    is_done_elsewhere = models.BooleanField(_("done elsewhere"), default=False)
    done_where = models.CharField(_("where it was done"), max_length=120, blank=True)
    done_areas = models.ManyToManyField(BodyArea, verbose_name=_("areas that were done"), blank=True, related_name="+")
    not_before_on = models.DateField(_("not before"), null=True, blank=True)
    best_on = models.DateField(_("best on"), null=True, blank=True)
    not_after_on = models.DateField(_("not after"), null=True, blank=True)
    window_reason = models.CharField(_("why these dates"), max_length=250, blank=True)
    skip_reason = models.CharField(_("why it is skipped"), max_length=250, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ("series", "number")
        constraints = [
            models.UniqueConstraint(fields=["series", "number"], name="treatmentsession_number_is_unique"),
            models.CheckConstraint(condition=Q(number__gte=1), name="treatmentsession_is_numbered_from_one"),
            models.CheckConstraint(
                condition=Q(state="done", done_on__isnull=False) | (~Q(state="done") & Q(done_on=None)),
                name="treatmentsession_is_done_on_a_date",
            ),
            models.CheckConstraint(
                condition=Q(is_done_elsewhere=False) | Q(state="done"), name="treatmentsession_done_elsewhere_is_done"
            ),
            models.CheckConstraint(
                condition=rising("not_before_on", "best_on", "not_after_on"), name="treatmentsession_own_dates_rise"
            ),
            models.CheckConstraint(
                condition=Q(not_before_on=None, best_on=None, not_after_on=None) | ~Q(window_reason=""),
                name="treatmentsession_own_dates_have_a_reason",
                violation_error_message=_("Say why the dates of this session are set."),
            ),
            models.CheckConstraint(
                condition=~Q(state="skipped") | ~Q(skip_reason=""),
                name="treatmentsession_skipped_has_a_reason",
                violation_error_message=_("Say why the session is skipped."),
            ),
        ]
        triggers = [pgtrigger.FSM(name="follows_its_states", field="state", transitions=SESSION_TRANSITIONS)]

    def __str__(self):
        return f"{self.series} {self.number}"

    @property
    def in_words(self) -> str:
        """How it is called: its number of those planned; maintenance is not counted among them."""
        if self.phase.is_maintenance:
            return gettext("maintenance visit")
        words = {"number": self.number, "planned": self.series.sessions_planned}
        return gettext("session %(number)s of %(planned)s") % words


class SeriesUpgrade(models.Model):
    """A running series went over to a newer version of its protocol: its open sessions, nothing that was done."""

    series = models.ForeignKey(TreatmentSeries, on_delete=models.PROTECT, related_name="upgrades")
    from_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    to_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=250)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("change to a newer version")
        verbose_name_plural = _("changes to newer versions")
        ordering = ("-at", "-pk")
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="seriesupgrade_says_why"),
            models.CheckConstraint(
                condition=~Q(from_version=models.F("to_version")), name="seriesupgrade_is_to_another_version"
            ),
        ]

    def __str__(self):
        return f"{self.series}: {self.from_version.number} → {self.to_version.number}"
