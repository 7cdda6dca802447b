"""Protocols and their versions. A version is a draft until a named clinician publishes it; then it never changes."""

import uuid

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from treatments.models.catalogue import Indication, depth_field, dose_field, rising
from treatments.models.freezing import frozen_itself, keeps_its_visit
from treatments.models.provenance import Confidence, Modality, Source, bumps_catalogue
from treatments.models.services import Service

VERSION_TRANSITIONS = (("draft", "published"), ("published", "retired"))


@pghistory.track()
class Protocol(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=160)
    modality = models.CharField(_("kind of treatment"), max_length=16, choices=Modality)
    indication = models.ForeignKey(Indication, on_delete=models.PROTECT, related_name="protocols")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="protocols")
    is_retired = models.BooleanField(_("no longer offered"), default=False)

    class Meta:
        verbose_name = _("protocol")
        verbose_name_plural = _("protocols")
        ordering = ("name",)
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="protocol_has_a_name")]
        triggers = [keeps_its_visit()]

    def __str__(self):
        return self.name


class ProtocolVersionQuerySet(models.QuerySet):
    def published(self):
        return self.filter(state=ProtocolVersion.State.PUBLISHED)


@pghistory.track()
class ProtocolVersion(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        RETIRED = "retired", _("retired")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField(_("version"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    sessions_min = models.PositiveSmallIntegerField(_("fewest sessions"))
    sessions_typical = models.PositiveSmallIntegerField(_("usual number of sessions"))
    sessions_max = models.PositiveSmallIntegerField(_("most sessions"))
    min_age_years = models.PositiveSmallIntegerField(_("youngest age, years"))
    fitzpatrick_caution_from = models.PositiveSmallIntegerField(_("caution from skin type"), null=True, blank=True)
    requires_consultation = models.BooleanField(_("needs a consultation first"), default=True)
    consent_scope = models.SlugField(_("consent"), max_length=60)
    endpoint = models.CharField(_("what the skin looks like when to stop"), max_length=160, blank=True)
    device_note = models.CharField(_("device"), max_length=120, blank=True)
    total_volume_ml = dose_field(_("volume of the mix, ml"))
    max_total_ml = dose_field(_("greatest volume, ml"))
    soft_max_depth_mm = depth_field(_("a clinician is asked above, mm"))
    max_depth_mm = depth_field(_("never deeper than, mm"))
    max_points = models.PositiveSmallIntegerField(_("most points"), null=True, blank=True)
    max_mg = dose_field(_("greatest dose, mg"))
    mg_per_cm2 = dose_field(_("greatest dose per area, mg/cm²"))
    evidence = models.TextField(_("evidence"), blank=True)
    disagreement = models.TextField(_("where sources disagree"), blank=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("checked by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    confidence = models.CharField(_("confidence"), max_length=10, choices=Confidence, default=Confidence.PROPOSED)
    sources = models.ManyToManyField(
        Source, verbose_name=_("sources"), through="VersionSource", blank=True, related_name="+"
    )

    objects = ProtocolVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a protocol")
        verbose_name_plural = _("versions of protocols")
        ordering = ("protocol", "-number")
        constraints = [
            models.UniqueConstraint(fields=["protocol", "number"], name="protocolversion_number_is_unique"),
            models.UniqueConstraint(
                fields=["protocol"],
                condition=Q(state="published"),
                name="protocolversion_is_published_once_per_protocol",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="protocolversion_is_numbered_from_one"),
            models.CheckConstraint(
                condition=Q(sessions_min__gte=1) & rising("sessions_min", "sessions_typical", "sessions_max"),
                name="protocolversion_sessions_rise",
            ),
            models.CheckConstraint(
                condition=rising("total_volume_ml", "max_total_ml"), name="protocolversion_volume_is_within_its_maximum"
            ),
            models.CheckConstraint(
                condition=rising("soft_max_depth_mm", "max_depth_mm"), name="protocolversion_depth_limits_rise"
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_at=None)
                | (
                    ~Q(state="draft")
                    & Q(published_at__isnull=False, checked_by__isnull=False, checked_at__isnull=False)
                ),
                name="protocolversion_is_checked_by_somebody_when_published",
                violation_error_message=_("A named clinician checks a version before it is published."),
            ),
            models.CheckConstraint(
                condition=Q(state="retired", retired_at__isnull=False) | (~Q(state="retired") & Q(retired_at=None)),
                name="protocolversion_is_retired_at_a_time",
            ),
        ]
        triggers = [
            pgtrigger.FSM(name="follows_its_states", field="state", transitions=VERSION_TRANSITIONS),
            frozen_itself(),
            bumps_catalogue(pgtrigger.UpdateOf("state")),
        ]

    def __str__(self):
        return f"{self.protocol} ({self.number})"
