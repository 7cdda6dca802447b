"""Consent: versioned wording, and what a patient signed or withdrew."""

import uuid

import pghistory
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from patients.models.patient import Patient


class ConsentText(models.Model):
    scope = models.SlugField(_("what it is for"), max_length=60)
    number = models.PositiveSmallIntegerField(_("version"))
    language = models.CharField(_("language"), max_length=10, default="en")
    title = models.CharField(_("title"), max_length=160)
    body = models.TextField(_("wording"))
    provenance = models.CharField(_("where the wording comes from"), max_length=200)
    published_at = models.DateTimeField(_("in use since"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        ordering = ("scope", "language", "-number")
        constraints = [
            models.UniqueConstraint(fields=["scope", "language", "number"], name="consenttext_version_is_unique"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="consenttext_is_numbered_from_one"),
        ]

    def __str__(self):
        return f"{self.title} ({self.number})"


@pghistory.track()
class Consent(models.Model):
    class Method(models.TextChoices):
        PAPER = "paper", _("signed on paper")
        SCREEN = "screen", _("signed on screen")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="consents")
    text = models.ForeignKey(ConsentText, on_delete=models.PROTECT, related_name="consents")
    method = models.CharField(_("how"), max_length=8, choices=Method)
    signed_at = models.DateTimeField(_("signed"))
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ("-signed_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(withdrawn_at=None) | models.Q(withdrawn_at__gte=models.F("signed_at")),
                name="consent_is_withdrawn_after_signing",
            ),
            models.UniqueConstraint(
                fields=["patient", "text"],
                condition=models.Q(withdrawn_at=None),
                name="consent_is_signed_once_while_valid",
            ),
        ]

    def __str__(self):
        return f"{self.patient}: {self.text}"
