"""Medical history: dated reviews with answers, allergies, medicines and measurements. Rows are appended."""

import uuid

import pghistory
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.encryption import EncryptedTextField
from patients.models.anatomy import BodyArea, SubstanceTag
from patients.models.patient import Patient


class Condition(models.Model):
    """A question of the intake form. What a yes means is a rule of the catalogue, one app above."""

    class Kind(models.TextChoices):
        STATUS = "status", _("is or is not")
        EVENT = "event", _("happened on a date")

    class Scope(models.TextChoices):
        ANYWHERE = "anywhere", _("anywhere")
        TREATMENT_AREA = "treatment_area", _("only in the treated area")

    class AnsweredBy(models.TextChoices):
        QUESTION = "question", _("the patient's answer")
        BIRTH_DATE = "birth_date", _("the date of birth")
        SKIN_TYPE = "skin_type", _("the measured skin type")
        ALLERGIES = "allergies", _("the list of allergies")

    key = models.SlugField(_("key"), max_length=60, unique=True)
    label = models.CharField(_("name"), max_length=120)
    question = models.TextField(_("question"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    scope = models.CharField(_("where it counts"), max_length=20, choices=Scope)
    answered_by = models.CharField(_("answered by"), max_length=12, choices=AnsweredBy, default=AnsweredBy.QUESTION)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("asked"), default=True)

    class Meta:
        verbose_name = _("question of the medical history")
        verbose_name_plural = _("questions of the medical history")
        ordering = ("position", "key")
        constraints = [
            models.CheckConstraint(condition=~models.Q(question=""), name="condition_asks_a_question"),
        ]

    def __str__(self):
        return self.label


@pghistory.track()
class HistoryReview(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="history_reviews")
    reviewed_at = models.DateTimeField(_("reviewed"), default=timezone.now)
    reviewed_on = models.DateField(_("reviewed on"))
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("review of the medical history")
        verbose_name_plural = _("reviews of the medical history")
        ordering = ("-reviewed_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reviewed_on__gte="1900-01-01"), name="historyreview_date_is_plausible"
            )
        ]

    def __str__(self):
        return f"{self.patient} {self.reviewed_on}"


@pghistory.track()
class HistoryAnswer(models.Model):
    class Answer(models.TextChoices):
        YES = "yes", _("Yes")
        NO = "no", _("No")
        UNKNOWN = "unknown", _("Not known")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    review = models.ForeignKey(HistoryReview, on_delete=models.PROTECT, related_name="answers")
    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="answers")
    answer = models.CharField(_("answer"), max_length=8, choices=Answer)
    happened_on = models.DateField(_("on"), null=True, blank=True)
    areas = models.ManyToManyField(BodyArea, verbose_name=_("where"), blank=True, related_name="+")
    note = EncryptedTextField(_("note"), blank=True, label="patients_historyanswer.note")

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["review", "condition"], name="historyanswer_is_given_once_per_review"),
            models.CheckConstraint(
                condition=models.Q(happened_on=None) | models.Q(answer="yes"), name="historyanswer_date_needs_a_yes"
            ),
        ]

    def __str__(self):
        return f"{self.condition}: {self.get_answer_display()}"


@pghistory.track()
class Allergy(models.Model):
    class Criticality(models.TextChoices):
        LOW = "low", _("mild")
        HIGH = "high", _("severe")
        UNKNOWN = "unknown", _("severity not known")

    class Verification(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("told by the patient")
        CONFIRMED = "confirmed", _("confirmed by a test")
        REFUTED = "refuted", _("ruled out")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="allergies")
    tags = models.ManyToManyField(SubstanceTag, verbose_name=_("substances"), related_name="+")
    substance = EncryptedTextField(_("in the patient's words"), blank=True, label="patients_allergy.substance")
    criticality = models.CharField(_("severity"), max_length=8, choices=Criticality, default=Criticality.UNKNOWN)
    verification = models.CharField(
        _("how known"), max_length=12, choices=Verification, default=Verification.UNCONFIRMED
    )
    noted_at = models.DateTimeField(_("noted"), default=timezone.now)
    noted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("allergy")
        verbose_name_plural = _("allergies")
        ordering = ("-noted_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(verification__in=["unconfirmed", "confirmed", "refuted"]),
                name="allergy_verification_is_known",
            )
        ]

    def __str__(self):
        return f"{self.patient}: {self.get_verification_display()}"


@pghistory.track()
class Medication(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="medications")
    name = EncryptedTextField(_("medicine and dose"), label="patients_medication.name")
    since = models.DateField(_("since"), null=True, blank=True)
    until = models.DateField(_("until"), null=True, blank=True)
    noted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("medicine")
        verbose_name_plural = _("medicines")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(since=None) | models.Q(until=None) | models.Q(until__gte=models.F("since")),
                name="medication_ends_after_start",
            )
        ]

    def __str__(self):
        return f"{self.patient}: {self.since or '…'} – {self.until or '…'}"


@pghistory.track()
class Measurement(models.Model):
    class Kind(models.TextChoices):
        WEIGHT_KG = "weight_kg", _("weight, kg")
        SKIN_TYPE = "skin_type", _("Fitzpatrick skin type, 1 to 6")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="measurements")
    kind = models.CharField(_("what"), max_length=12, choices=Kind)
    value = models.DecimalField(_("value"), max_digits=6, decimal_places=2)
    measured_on = models.DateField(_("measured on"))
    measured_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("measurement")
        verbose_name_plural = _("measurements")
        ordering = ("-measured_on", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="weight_kg", value__gte=20, value__lte=400)
                | models.Q(kind="skin_type", value__in=[1, 2, 3, 4, 5, 6]),
                name="measurement_is_within_its_range",
            )
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.value}"
