"""A clinician's decision on a finding, kept until a date and asked again when its basis changes."""

import uuid

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from patients.encryption import EncryptedTextField
from patients.models import Patient
from treatments.models.protocols import Protocol


@pghistory.track()
class ClinicianDecision(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="clinician_decisions")
    finding_code = models.CharField(_("safety check"), max_length=120)
    protocol = models.ForeignKey(Protocol, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    allows = models.BooleanField(_("allows the treatment"))
    reason = EncryptedTextField(_("reason"), label="treatments_cliniciandecision.reason")
    basis = models.CharField(_("hash of what was decided on"), max_length=64)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(_("decided"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        verbose_name = _("decision of a clinician")
        verbose_name_plural = _("decisions of clinicians")
        ordering = ("-decided_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(basis__regex=r"^[0-9a-f]{64}$"), name="cliniciandecision_basis_is_sha256"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="cliniciandecision_gives_a_reason"),
        ]
        indexes = [models.Index(fields=["patient", "finding_code"], name="cliniciandecision_by_finding")]

    def __str__(self):
        return f"{self.patient_id} {self.finding_code}"
