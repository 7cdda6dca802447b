"""Who opened whose chart. Append-only in the database; writes are recorded by history triggers instead."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from patients.models.patient import Patient


class AccessLog(models.Model):
    class Act(models.TextChoices):
        OPENED = "opened", _("opened")
        SEARCHED = "searched", _("found by search")
        EXPORTED = "exported", _("exported")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    act = models.CharField(_("what"), max_length=10, choices=Act)
    page = models.CharField(_("page"), max_length=60)
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("access")
        verbose_name_plural = _("access log")
        constraints = [models.CheckConstraint(condition=~models.Q(page=""), name="accesslog_names_the_page")]
        indexes = [models.Index(fields=["patient", "-at"], name="accesslog_by_patient")]
        triggers = [pgtrigger.Protect(name="accesslog_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self):
        return f"{self.user} {self.act} {self.patient_id} {self.at:%Y-%m-%d %H:%M}"
