"""Catalogue of what is said, asked and measured around a treatment; a protocol version takes copies of the texts."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from patients.models import BodyArea
from treatments.models.catalogue import Indication, rising
from treatments.models.provenance import Blockable, Sourced, bumps_catalogue


class ForModalities(models.Model):
    is_for_microneedling = models.BooleanField(_("after microneedling"), default=False)
    is_for_mesotherapy = models.BooleanField(_("after mesotherapy"), default=False)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(is_for_microneedling=True) | Q(is_for_mesotherapy=True),
                name="%(class)s_is_for_some_modality",
            )
        ]


class AdverseEventKind(ForModalities, Sourced):
    class Severity(models.TextChoices):
        EXPECTED = "expected", _("expected")
        REVIEW = "review", _("to be looked at")
        URGENT = "urgent", _("urgent")
        EMERGENCY = "emergency", _("emergency")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    label = models.CharField(_("name"), max_length=120)
    onset_hours_min = models.PositiveIntegerField(_("begins after, hours"), null=True, blank=True)
    onset_hours_max = models.PositiveIntegerField(_("begins within, hours"), null=True, blank=True)
    resolves_within_hours = models.PositiveIntegerField(_("gone within, hours"), null=True, blank=True)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity)
    response_target_minutes = models.PositiveIntegerField(_("answer within, minutes"), null=True, blank=True)
    signs = models.TextField(_("signs"))
    action = models.TextField(_("what to do"))

    class Meta:
        verbose_name = _("kind of adverse event")
        verbose_name_plural = _("kinds of adverse events")
        ordering = ("label",)
        constraints = [
            *ForModalities.Meta.constraints,
            models.CheckConstraint(
                condition=rising("onset_hours_min", "onset_hours_max"), name="adverseeventkind_onset_rises"
            ),
            models.CheckConstraint(
                condition=~Q(severity__in=["urgent", "emergency"]) | Q(response_target_minutes__isnull=False),
                name="adverseeventkind_urgent_has_a_response_target",
            ),
        ]

    def __str__(self):
        return self.label


class OutcomeScale(Blockable, Sourced):
    class Kind(models.TextChoices):
        ORDINAL = "ordinal", _("grades")
        INTEGER = "integer", _("whole number")
        DECIMAL = "decimal", _("number")

    class Direction(models.TextChoices):
        HIGHER_IS_WORSE = "higher_is_worse", _("higher is worse")
        HIGHER_IS_BETTER = "higher_is_better", _("higher is better")
        LOWER_IS_BETTER = "lower_is_better", _("lower is better")
        NONE = "none", _("no direction")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    min_value = models.DecimalField(_("lowest"), max_digits=6, decimal_places=1, null=True, blank=True)
    max_value = models.DecimalField(_("highest"), max_digits=6, decimal_places=1, null=True, blank=True)
    step = models.DecimalField(_("step"), max_digits=4, decimal_places=1, null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    direction = models.CharField(_("direction"), max_length=20, choices=Direction)
    formula = models.TextField(_("formula"), blank=True)
    is_taken_at_baseline = models.BooleanField(_("before the series"), default=False)
    is_taken_each_session = models.BooleanField(_("at each session"), default=False)
    is_taken_at_final = models.BooleanField(_("at the last session"), default=False)
    is_taken_at_follow_up = models.BooleanField(_("at a follow-up"), default=False)
    indications = models.ManyToManyField(Indication, verbose_name=_("indications"), blank=True, related_name="+")

    class Meta:
        verbose_name = _("outcome scale")
        verbose_name_plural = _("outcome scales")
        ordering = ("name",)
        constraints = [
            *Blockable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(is_blocked=True) | Q(min_value__lt=models.F("max_value"), step__gt=0),
                name="outcomescale_has_a_range_unless_blocked",
            ),
        ]

    def __str__(self):
        return self.name


class OutcomeScaleGrade(models.Model):
    """What a value, or each value from low to high, is called."""

    scale = models.ForeignKey(OutcomeScale, on_delete=models.CASCADE, related_name="grades")
    low = models.DecimalField(_("from"), max_digits=6, decimal_places=1)
    high = models.DecimalField(_("to"), max_digits=6, decimal_places=1)
    label = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = _("grade")
        verbose_name_plural = _("grades")
        ordering = ("scale", "low")
        constraints = [
            models.UniqueConstraint(fields=["scale", "low"], name="outcomescalegrade_is_named_once"),
            models.CheckConstraint(condition=rising("low", "high"), name="outcomescalegrade_low_to_high"),
        ]

    def __str__(self):
        return f"{self.low}–{self.high}: {self.label}"


class AdviceKind(models.TextChoices):
    EXPECT = "expect", _("expect")
    DO = "do", _("do")
    AVOID = "avoid", _("avoid")
    ESCALATE = "escalate", _("call us")


class AftercareAdvice(ForModalities, Sourced):
    key = models.SlugField(_("key"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=AdviceKind)
    starts_after_hours = models.PositiveIntegerField(_("from, hours after"))
    ends_after_hours = models.PositiveIntegerField(_("until, hours after"))
    title = models.CharField(_("title"), max_length=120)
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("aftercare advice")
        verbose_name_plural = _("aftercare advice")
        ordering = ("starts_after_hours", "key")
        constraints = [
            *ForModalities.Meta.constraints,
            models.CheckConstraint(
                condition=rising("starts_after_hours", "ends_after_hours"),
                name="aftercareadvice_ends_after_it_starts",
            ),
        ]

    def __str__(self):
        return self.title


class AftercareAdviceGroup(models.Model):
    """Advice with groups is only for series that treat one of them; advice without is for all."""

    advice = models.ForeignKey(AftercareAdvice, on_delete=models.CASCADE, related_name="area_groups")
    group = models.CharField(_("group of areas"), max_length=20, choices=BodyArea.Group)

    class Meta:
        verbose_name = _("group of areas")
        verbose_name_plural = _("groups of areas")
        constraints = [models.UniqueConstraint(fields=["advice", "group"], name="aftercareadvicegroup_is_named_once")]

    def __str__(self):
        return f"{self.advice}: {self.get_group_display()}"


class FollowUp(ForModalities, Blockable, Sourced):
    key = models.SlugField(_("key"), max_length=60, unique=True)
    offset_hours = models.PositiveIntegerField(_("hours after the session"))
    purpose = models.CharField(_("purpose"), max_length=160)
    asks_photo = models.BooleanField(_("asks for a photo"), default=False)
    is_after_last_only = models.BooleanField(_("only after the last session"), default=False)

    class Meta:
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        ordering = ("offset_hours", "key")
        constraints = [
            *ForModalities.Meta.constraints,
            *Blockable.Meta.constraints,
        ]

    def __str__(self):
        return self.purpose


class FollowUpQuestion(models.Model):
    follow_up = models.ForeignKey(FollowUp, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField(_("position"))
    text = models.CharField(_("question"), max_length=250)

    class Meta:
        verbose_name = _("question of a follow-up")
        verbose_name_plural = _("questions of follow-ups")
        ordering = ("follow_up", "position")
        constraints = [
            models.UniqueConstraint(fields=["follow_up", "position"], name="followupquestion_position_is_unique")
        ]

    def __str__(self):
        return self.text


class ReferenceFigure(Sourced):
    """A figure of the field that is not about one treatment: buffers, lead times, general limits."""

    class Unit(models.TextChoices):
        MINUTE = "minute", _("minutes")
        HOUR = "hour", _("hours")
        DAY = "day", _("days")
        YEAR = "year", _("years")
        RATIO = "ratio", _("ratio")
        MM = "mm", _("mm")
        ML = "ml", _("ml")

    key = models.SlugField(_("key"), max_length=60, unique=True)
    label = models.CharField(_("name"), max_length=120)
    value = models.DecimalField(_("value"), max_digits=9, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=8, choices=Unit)
    min_value = models.DecimalField(_("lowest of the sources"), max_digits=9, decimal_places=3, null=True, blank=True)
    max_value = models.DecimalField(_("highest of the sources"), max_digits=9, decimal_places=3, null=True, blank=True)

    class Meta:
        verbose_name = _("reference figure")
        verbose_name_plural = _("reference figures")
        ordering = ("key",)
        constraints = [
            models.CheckConstraint(
                condition=rising("min_value", "value", "max_value"), name="referencefigure_is_within_its_range"
            )
        ]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return self.label
