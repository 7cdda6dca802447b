"""What can be booked, and what each part of a visit holds."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from treatments.models.catalogue import Technique
from treatments.models.provenance import Modality, Sourced, bumps_catalogue


class RoomKind(models.TextChoices):
    CONSULTATION = "consultation", _("consulting room")
    TREATMENT = "treatment", _("treatment room")
    NUMBING = "numbing", _("place to wait while numbing")


class DeviceKind(models.TextChoices):
    NEEDLING_PEN = "needling_pen", _("needling pen")
    MESOTHERAPY_INJECTOR = "mesotherapy_injector", _("mesotherapy injector")


class Segment(models.Model):
    """A stretch of a visit. It holds what it names and nothing else; a blank kind holds no such resource."""

    class Kind(models.TextChoices):
        NUMBING = "numbing", _("numbing")
        HANDS_ON = "hands_on", _("with the practitioner")
        RECOVERY = "recovery", _("recovery")
        TURNAROUND = "turnaround", _("turnaround")

    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    base_minutes = models.PositiveSmallIntegerField(_("minutes"), default=0)
    minutes_per_area = models.PositiveSmallIntegerField(_("minutes for each area"), default=0)
    holds_practitioner = models.BooleanField(_("needs the practitioner"), default=False)
    needs_assistant = models.BooleanField(_("needs an assistant"), default=False)
    room_kind = models.CharField(_("room"), max_length=20, choices=RoomKind, blank=True)
    device_kind = models.CharField(_("device"), max_length=20, choices=DeviceKind, blank=True)

    class Meta:
        abstract = True
        ordering = ("position",)
        constraints = [
            models.CheckConstraint(
                condition=Q(base_minutes__gt=0) | Q(minutes_per_area__gt=0), name="%(class)s_takes_time"
            ),
            models.CheckConstraint(
                condition=~Q(kind="hands_on") | Q(holds_practitioner=True),
                name="%(class)s_with_hands_on_holds_the_practitioner",
            ),
        ]

    def __str__(self):
        return self.get_kind_display()

    def minutes(self, area_count: int) -> int:
        return self.base_minutes + self.minutes_per_area * area_count


class Service(Sourced):
    class Kind(models.TextChoices):
        CONSULTATION = "consultation", _("consultation")
        PATCH_TEST = "patch_test", _("patch test")
        REVIEW = "review", _("review")
        QUICK_CHECK = "quick_check", _("quick check")
        TREATMENT = "treatment", _("treatment")

    class Prerequisite(models.TextChoices):
        CONSULTATION = "consultation", _("consultation")
        PATCH_TEST = "patch_test", _("patch test")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    modality = models.CharField(_("kind of treatment"), max_length=16, choices=Modality, blank=True)
    is_online = models.BooleanField(_("patients may book it online"), default=False)
    is_desk = models.BooleanField(_("the desk may book it"), default=True)
    is_active = models.BooleanField(_("offered"), default=True)
    technique = models.ForeignKey(
        Technique,
        verbose_name=_("technique that its practitioner must hold"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="services",
    )
    fulfils = models.CharField(_("fulfils"), max_length=12, choices=Prerequisite, blank=True)
    fulfils_days = models.PositiveSmallIntegerField(_("for so many days"), null=True, blank=True)

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="treatment") | ~Q(modality=""), name="service_treatment_names_its_modality"
            ),
            models.CheckConstraint(
                condition=Q(fulfils_days=None) | ~Q(fulfils=""), name="service_fulfils_something_for_its_days"
            ),
        ]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return self.name


class ServiceSegment(Segment):
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="segments")

    class Meta(Segment.Meta):
        verbose_name = _("part of a visit")
        verbose_name_plural = _("parts of visits")
        constraints = [
            *Segment.Meta.constraints,
            models.UniqueConstraint(fields=["service", "position"], name="servicesegment_position_is_unique"),
        ]
