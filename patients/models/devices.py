"""Shared clinic devices: which browsers they are, who proved a second step there, and the PINs to switch with."""

import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

PIN_TRIES = 5


class ClinicDevice(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=60)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField(_("registered"))
    last_used_at = models.DateTimeField(_("last used"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("clinic device")
        verbose_name_plural = _("clinic devices")
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="clinicdevice_has_a_name"),
            models.CheckConstraint(
                condition=models.Q(ended_at=None, ended_by=None)
                | models.Q(ended_at__gte=models.F("registered_at"), ended_by__isnull=False),
                name="clinicdevice_ends_later_by_somebody",
            ),
        ]

    def __str__(self):
        return self.name


class DeviceSignIn(models.Model):
    """When a person last proved the second step on a device."""

    device = models.ForeignKey(ClinicDevice, on_delete=models.CASCADE, related_name="sign_ins")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="device_sign_ins")
    verified_at = models.DateTimeField(_("second step proved"))

    class Meta:
        verbose_name = _("sign-in on a clinic device")
        verbose_name_plural = _("sign-ins on clinic devices")
        constraints = [
            models.UniqueConstraint(fields=["device", "user"], name="devicesignin_is_once_per_person"),
        ]

    def __str__(self):
        return f"{self.user} @ {self.device}"


class StaffPin(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="staff_pin"
    )
    pin_hash = models.CharField(max_length=160, editable=False)
    failed_tries = models.PositiveSmallIntegerField(_("wrong tries"), default=0)
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("PIN")
        verbose_name_plural = _("PINs")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(failed_tries__lte=PIN_TRIES), name="staffpin_is_tried_five_times_at_most"
            ),
        ]

    def __str__(self):
        return str(self.user)

    @property
    def is_locked(self) -> bool:
        """Whether only a full sign-in opens it again."""
        return self.failed_tries >= PIN_TRIES


class SecondFactorReset(models.Model):
    """Who took away whose second step, for a lost phone; nobody is named when it was done on the server."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("second step taken away")
        verbose_name_plural = _("second steps taken away")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(by=None) | ~models.Q(by=models.F("user")),
                name="secondfactorreset_is_done_by_another",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="secondfactorreset_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self):
        return f"{self.user} {self.at:%Y-%m-%d %H:%M}"
