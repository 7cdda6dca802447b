"""The patient, and who may see whom in the portal."""

import uuid

import pghistory
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField


def folded(*columns: str, function: str = "cadence_fold") -> models.GeneratedField:
    """A stored column without case and accents, for search and sorting (the SQL functions come with migration 0001)."""
    return models.GeneratedField(
        expression=models.Func(*columns, function=function), output_field=models.TextField(), db_persist=True
    )


class PatientQuerySet(models.QuerySet):
    def current(self):
        """Without those that were merged into another record."""
        return self.filter(merged_into=None)

    def by_name(self):
        return self.order_by("family_key", "given_key", "birth_date", "pk")


@pghistory.track(exclude=["given_key", "family_key", "search_text"])
class Patient(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    given_name = models.CharField(_("first name"), max_length=80)
    family_name = models.CharField(_("last name"), max_length=80)
    birth_date = models.DateField(_("date of birth"), null=True, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = PhoneNumberField(_("phone"), blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    wants_messages = models.BooleanField(_("sends reminders and check-ins by e-mail"), default=True)
    safety_revision = models.PositiveIntegerField(default=1, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    merged_into = models.ForeignKey(
        "self", verbose_name=_("merged into"), null=True, blank=True, on_delete=models.PROTECT, related_name="merged"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    given_key = folded("given_name")
    family_key = folded("family_name")
    search_text = folded("given_name", "family_name", "email", "phone", function="cadence_patient_search")

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(given_name="") & ~models.Q(family_name=""), name="patient_has_a_name"
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | ~models.Q(merged_into=models.F("id")),
                name="patient_is_not_merged_into_itself",
            ),
        ]
        indexes = [
            models.Index(OpClass("given_key", name="text_pattern_ops"), name="patient_given_prefix"),
            models.Index(OpClass("family_key", name="text_pattern_ops"), name="patient_family_prefix"),
            models.Index(fields=["birth_date"], name="patient_birth_date"),
            GinIndex(OpClass("search_text", name="gin_trgm_ops"), name="patient_search_trigrams"),
        ]

    def __str__(self):
        return f"{self.given_name} {self.family_name}"

    @property
    def phone_ending(self) -> str:
        """The last three digits, to tell two people of one name apart; empty when no phone is known."""
        return str(self.phone)[-3:] if self.phone else ""


class PortalAccess(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="portal_access")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="portal_access")
    may_see = models.BooleanField(_("may see"), default=True)
    may_book = models.BooleanField(_("may book"), default=True)
    since = models.DateTimeField(_("since"), auto_now_add=True)
    until = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("portal access")
        verbose_name_plural = _("portal access")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "patient"],
                condition=models.Q(until=None),
                name="portalaccess_is_unique_while_open",
            ),
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(until__gte=models.F("since")),
                name="portalaccess_ends_after_start",
            ),
        ]

    def __str__(self):
        return f"{self.user} → {self.patient}"
