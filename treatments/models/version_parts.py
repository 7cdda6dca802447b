"""What a protocol version is made of. Every table here refuses to be written once its version has left draft."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from patients.models import BodyArea, Condition
from treatments.models.catalogue import Basis, Ingredient, Technique, Unit, depth_field, dose_field, rising
from treatments.models.freezing import frozen_with_its_version
from treatments.models.guidance import AdviceKind, OutcomeScale
from treatments.models.protocols import ProtocolVersion
from treatments.models.provenance import Source
from treatments.models.services import Segment


@pghistory.track()
class VersionSource(models.Model):
    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("source of a version")
        verbose_name_plural = _("sources of versions")
        constraints = [models.UniqueConstraint(fields=["version", "source"], name="versionsource_is_named_once")]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return str(self.source)


@pghistory.track()
class Phase(models.Model):
    """A stretch of the series with its own intervals. An interval belongs to the session that it leads to."""

    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="phases")
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=60)
    sessions = models.PositiveSmallIntegerField(_("sessions"))
    is_maintenance = models.BooleanField(_("maintenance, outside “n of m”"), default=False)
    interval_min_days = models.PositiveSmallIntegerField(_("at least, days"))
    interval_ideal_days = models.PositiveSmallIntegerField(_("ideally, days"))
    interval_max_days = models.PositiveSmallIntegerField(_("at most, days"))
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("phase")
        verbose_name_plural = _("phases")
        ordering = ("version", "position")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="phase_position_is_unique"),
            models.CheckConstraint(condition=Q(sessions__gte=1), name="phase_has_sessions"),
            models.CheckConstraint(
                condition=Q(interval_min_days__gte=1)
                & rising("interval_min_days", "interval_ideal_days", "interval_max_days"),
                name="phase_intervals_rise",
            ),
        ]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return self.name


@pghistory.track()
class DepthStep(models.Model):
    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="depth_steps")
    area = models.ForeignKey(BodyArea, on_delete=models.PROTECT, related_name="+")
    technique = models.ForeignKey(Technique, on_delete=models.PROTECT, related_name="+")
    depth_min_mm = depth_field(_("least depth, mm"))
    depth_typical_mm = depth_field(_("usual depth, mm"))
    depth_max_mm = depth_field(_("greatest depth, mm"))
    passes_min = models.PositiveSmallIntegerField(_("fewest passes"), null=True, blank=True)
    passes_max = models.PositiveSmallIntegerField(_("most passes"), null=True, blank=True)
    volume_per_point_ml = dose_field(_("volume per point, ml"))
    spacing_mm = depth_field(_("spacing, mm"))
    points_min = models.PositiveSmallIntegerField(_("fewest points"), null=True, blank=True)
    points_max = models.PositiveSmallIntegerField(_("most points"), null=True, blank=True)
    reason = models.TextField(_("why it goes above the usual range of the area"), blank=True)

    class Meta:
        verbose_name = _("depth of an area")
        verbose_name_plural = _("depths of areas")
        ordering = ("version", "area__position")
        constraints = [
            models.UniqueConstraint(fields=["version", "area"], name="depthstep_is_one_per_area"),
            models.CheckConstraint(
                condition=Q(depth_min_mm__isnull=False, depth_max_mm__isnull=False)
                & rising("depth_min_mm", "depth_typical_mm", "depth_max_mm"),
                name="depthstep_depths_rise",
            ),
            models.CheckConstraint(condition=rising("passes_min", "passes_max"), name="depthstep_passes_rise"),
            models.CheckConstraint(condition=rising("points_min", "points_max"), name="depthstep_points_rise"),
        ]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return f"{self.area} {self.depth_min_mm}–{self.depth_max_mm} mm"


@pghistory.track()
class CocktailLine(models.Model):
    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="cocktail_lines")
    position = models.PositiveSmallIntegerField(_("position"))
    ingredient = models.ForeignKey(Ingredient, on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(_("amount"), max_digits=9, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=4, choices=Unit)
    volume_ml = dose_field(_("volume, ml"))
    amount_basis = models.CharField(_("basis of the amount"), max_length=10, choices=Basis)
    note = models.CharField(_("note"), max_length=250, blank=True)

    class Meta:
        verbose_name = _("line of the mix")
        verbose_name_plural = _("lines of the mix")
        ordering = ("version", "position")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="cocktailline_position_is_unique"),
            models.UniqueConstraint(fields=["version", "ingredient"], name="cocktailline_names_an_ingredient_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="cocktailline_amount_is_positive"),
        ]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return f"{self.ingredient} {self.amount.normalize():f} {self.unit}"


@pghistory.track()
class AnaestheticLine(models.Model):
    """An anaesthetic outside the mix."""

    class Kind(models.TextChoices):
        TOPICAL = "topical", _("on the skin")
        INJECTED = "injected", _("injected")

    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="anaesthetic_lines")
    position = models.PositiveSmallIntegerField(_("position"))
    ingredient = models.ForeignKey(Ingredient, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    agent = models.CharField(_("product"), max_length=160)
    minutes_min = models.PositiveSmallIntegerField(_("at least, minutes"))
    minutes_typical = models.PositiveSmallIntegerField(_("usually, minutes"))
    minutes_max = models.PositiveSmallIntegerField(_("at most, minutes"))
    is_removed_before = models.BooleanField(_("taken off before the treatment"), default=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("anaesthetic")
        verbose_name_plural = _("anaesthetics")
        ordering = ("version", "position")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="anaestheticline_position_is_unique"),
            models.CheckConstraint(
                condition=rising("minutes_min", "minutes_typical", "minutes_max"), name="anaestheticline_minutes_rise"
            ),
        ]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return self.agent


@pghistory.track()
class VersionSegment(Segment):
    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="segments")

    class Meta(Segment.Meta):
        verbose_name = _("part of a visit")
        verbose_name_plural = _("parts of visits")
        constraints = [
            *Segment.Meta.constraints,
            models.UniqueConstraint(fields=["version", "position"], name="versionsegment_position_is_unique"),
        ]
        triggers = [frozen_with_its_version()]


@pghistory.track()
class PhotoPoint(models.Model):
    class When(models.TextChoices):
        BASELINE = "baseline", _("before the series")
        EACH_SESSION = "each_session", _("at each session")
        FINAL = "final", _("at the end")

    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="photo_points")
    when = models.CharField(_("when"), max_length=12, choices=When)

    class Meta:
        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        constraints = [models.UniqueConstraint(fields=["version", "when"], name="photopoint_is_named_once")]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return self.get_when_display()


@pghistory.track()
class VersionAftercare(models.Model):
    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="aftercare")
    key = models.SlugField(_("key"), max_length=60)
    kind = models.CharField(_("kind"), max_length=10, choices=AdviceKind)
    title = models.CharField(_("title"), max_length=120)
    text = models.TextField(_("text"))
    starts_after_hours = models.PositiveIntegerField(_("from, hours after"))
    ends_after_hours = models.PositiveIntegerField(_("until, hours after"))
    send_after_hours = models.PositiveIntegerField(_("sent, hours after"))

    class Meta:
        verbose_name = _("aftercare")
        verbose_name_plural = _("aftercare")
        ordering = ("version", "send_after_hours", "key")
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="versionaftercare_is_given_once"),
            models.CheckConstraint(
                condition=rising("starts_after_hours", "ends_after_hours")
                & rising("send_after_hours", "ends_after_hours"),
                name="versionaftercare_is_sent_before_it_ends",
            ),
        ]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return self.title


@pghistory.track()
class FollowUpRule(models.Model):
    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="follow_up_rules")
    key = models.SlugField(_("key"), max_length=60)
    offset_hours = models.PositiveIntegerField(_("hours after the session"))
    purpose = models.CharField(_("purpose"), max_length=160)
    asks_photo = models.BooleanField(_("asks for a photo"), default=False)
    is_after_last_only = models.BooleanField(_("only after the last session"), default=False)

    class Meta:
        verbose_name = _("follow-up of a version")
        verbose_name_plural = _("follow-ups of versions")
        ordering = ("version", "offset_hours", "key")
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="followuprule_key_is_unique")]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return self.purpose


@pghistory.track()
class FollowUpRuleQuestion(models.Model):
    rule = models.ForeignKey(FollowUpRule, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField(_("position"))
    text = models.CharField(_("question"), max_length=250)

    class Meta:
        verbose_name = _("question of a follow-up")
        verbose_name_plural = _("questions of follow-ups")
        ordering = ("rule", "position")
        constraints = [
            models.UniqueConstraint(fields=["rule", "position"], name="followuprulequestion_position_is_unique")
        ]
        triggers = [
            frozen_with_its_version(
                "(SELECT version_id FROM treatments_followuprule WHERE id = OLD.rule_id), "
                "(SELECT version_id FROM treatments_followuprule WHERE id = NEW.rule_id)"
            )
        ]

    def __str__(self):
        return self.text


@pghistory.track()
class VersionScale(models.Model):
    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="scales")
    scale = models.ForeignKey(OutcomeScale, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("scale of a version")
        verbose_name_plural = _("scales of versions")
        constraints = [models.UniqueConstraint(fields=["version", "scale"], name="versionscale_is_named_once")]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return str(self.scale)


@pghistory.track()
class VersionCheck(models.Model):
    """A question that this protocol asks again before each session."""

    version = models.ForeignKey(ProtocolVersion, on_delete=models.CASCADE, related_name="checks")
    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("extra check")
        verbose_name_plural = _("extra checks")
        constraints = [models.UniqueConstraint(fields=["version", "condition"], name="versioncheck_is_named_once")]
        triggers = [frozen_with_its_version()]

    def __str__(self):
        return str(self.condition)
