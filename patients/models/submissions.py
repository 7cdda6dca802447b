"""What one rendered form was answered with: the second copy of a request gets the first one's answer."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Submission(models.Model):
    key = models.UUIDField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    verb = models.CharField(_("action"), max_length=60)
    body_hash = models.CharField(_("hash of what was sent"), max_length=64)
    result = models.CharField(_("result"), max_length=400)
    created_at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(body_hash__regex=r"^[0-9a-f]{64}$"), name="submission_hash_is_sha256"
            )
        ]

    def __str__(self):
        return f"{self.verb} {self.key}"
