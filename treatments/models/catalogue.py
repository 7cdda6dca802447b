"""The live rules: techniques and their depth per area, ingredients with doses and mixes, contraindications."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from patients.models import BodyArea, Condition, SubstanceTag
from treatments.models.provenance import Blockable, Modality, Sourced, bumps_catalogue


def rising(*names: str) -> Q:
    """The columns do not fall from left to right; an empty one is skipped."""
    rule = Q()
    for index, low in enumerate(names):
        for high in names[index + 1 :]:
            rule &= Q(**{f"{low}__isnull": True}) | Q(**{f"{high}__isnull": True}) | Q(**{f"{high}__gte": F(low)})
    return rule


def depth_field(label: str) -> models.DecimalField:
    return models.DecimalField(label, max_digits=4, decimal_places=2, null=True, blank=True)


def dose_field(label: str) -> models.DecimalField:
    return models.DecimalField(label, max_digits=9, decimal_places=3, null=True, blank=True)


class Technique(Sourced):
    """How it is done. Mesotherapy depth binds here; needling depth binds to `AreaLimit`."""

    key = models.SlugField(_("key"), max_length=40, unique=True)
    label = models.CharField(_("name"), max_length=120)
    modality = models.CharField(_("kind of treatment"), max_length=16, choices=Modality)
    depth_min_mm = depth_field(_("least depth, mm"))
    depth_max_mm = depth_field(_("greatest depth, mm"))
    volume_per_point_min_ml = dose_field(_("least volume per point, ml"))
    volume_per_point_max_ml = dose_field(_("greatest volume per point, ml"))
    spacing_min_mm = depth_field(_("least spacing, mm"))
    spacing_max_mm = depth_field(_("greatest spacing, mm"))
    needle_angle = models.CharField(_("needle angle, degrees"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("technique")
        verbose_name_plural = _("techniques")
        ordering = ("modality", "key")
        constraints = [
            models.CheckConstraint(condition=rising("depth_min_mm", "depth_max_mm"), name="technique_depths_rise"),
            models.CheckConstraint(
                condition=rising("volume_per_point_min_ml", "volume_per_point_max_ml"), name="technique_volumes_rise"
            ),
        ]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return self.label


class AreaLimit(Blockable, Sourced):
    area = models.ForeignKey(BodyArea, on_delete=models.PROTECT, related_name="limits")
    technique = models.ForeignKey(Technique, on_delete=models.PROTECT, related_name="limits")
    depth_min_mm = depth_field(_("least depth, mm"))
    depth_typical_mm = depth_field(_("usual depth, mm"))
    depth_max_mm = depth_field(_("greatest usual depth, mm"))
    depth_cap_mm = depth_field(_("never deeper than, mm"))

    class Meta:
        verbose_name = _("limit of an area")
        verbose_name_plural = _("limits of areas")
        ordering = ("area__position", "technique__key")
        constraints = [
            *Blockable.Meta.constraints,
            models.UniqueConstraint(fields=["area", "technique"], name="arealimit_is_one_per_area_and_technique"),
            models.CheckConstraint(
                condition=rising("depth_min_mm", "depth_typical_mm", "depth_max_mm", "depth_cap_mm"),
                name="arealimit_depths_rise",
            ),
        ]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return f"{self.area} · {self.technique}"


class IngredientClass(Blockable, Sourced):
    key = models.SlugField(_("key"), max_length=40, unique=True)
    label = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = _("class of ingredients")
        verbose_name_plural = _("classes of ingredients")
        ordering = ("label",)
        constraints = [*Blockable.Meta.constraints]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return self.label


class Indication(Blockable, Sourced):
    """Why something is treated."""

    key = models.SlugField(_("key"), max_length=40, unique=True)
    label = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = _("indication")
        verbose_name_plural = _("indications")
        ordering = ("label",)
        constraints = [*Blockable.Meta.constraints]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return self.label


class Unit(models.TextChoices):
    MG = "mg", _("mg")
    ML = "ml", _("ml")
    MCG = "mcg", _("µg")
    IU = "IU", _("IU")


class Basis(models.TextChoices):
    PUBLISHED = "published", _("published")
    DERIVED = "derived", _("derived from published figures")
    PROPOSED = "proposed", _("proposed")
    NONE = "none", _("no figure found")


class Ingredient(Blockable, Sourced):
    class Pregnancy(models.TextChoices):
        CONTRAINDICATED = "contraindicated", _("do not use")
        AVOID = "avoid", _("avoid")
        INSUFFICIENT_DATA = "insufficient_data", _("not enough data")

    class Vehicle(models.TextChoices):
        AQUEOUS = "aqueous", _("water based")
        OIL = "oil", _("oil based")

    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=160)
    ingredient_class = models.ForeignKey(
        IngredientClass, verbose_name=_("class"), on_delete=models.PROTECT, related_name="ingredients"
    )
    unit = models.CharField(_("unit"), max_length=4, choices=Unit)
    typical_concentration = models.CharField(_("usual strength"), max_length=80, blank=True)
    typical_per_session = dose_field(_("usual amount per session"))
    max_per_session = dose_field(_("greatest amount per session"))
    max_per_kg = dose_field(_("greatest amount per kg of body weight"))
    max_per_cm2 = dose_field(_("greatest amount per cm²"))
    max_rule = models.TextField(_("rule for the maximum, as published"), blank=True)
    dose_basis = models.CharField(_("basis of the dose"), max_length=10, choices=Basis)
    pregnancy_flag = models.CharField(_("in pregnancy"), max_length=20, choices=Pregnancy)
    vehicle = models.CharField(_("vehicle"), max_length=10, choices=Vehicle)
    is_prescription_only = models.BooleanField(_("needs a prescription"), default=False)
    use_alone = models.BooleanField(_("never mixed with anything"), default=False)
    clinician_must_set_max = models.BooleanField(_("a clinician must set the maximum"), default=False)
    is_anaesthetic = models.BooleanField(_("is an anaesthetic"), default=False)

    class Meta:
        verbose_name = _("ingredient")
        verbose_name_plural = _("ingredients")
        ordering = ("name",)
        constraints = [
            *Blockable.Meta.constraints,
            models.CheckConstraint(
                condition=rising("typical_per_session", "max_per_session"),
                name="ingredient_usual_amount_is_within_its_maximum",
            ),
            models.CheckConstraint(
                condition=Q(vehicle="aqueous") | Q(is_blocked=True),
                name="ingredient_in_oil_is_blocked",
                violation_error_message=_("An oil-based product must stay blocked."),
            ),
            models.CheckConstraint(
                condition=Q(max_per_session__isnull=False) | Q(clinician_must_set_max=True) | Q(is_blocked=True),
                name="ingredient_without_a_maximum_says_so",
                violation_error_message=_("Without a maximum, tick that a clinician must set it."),
            ),
        ]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return self.name


class IngredientTag(models.Model):
    class Certainty(models.TextChoices):
        CERTAIN = "certain", _("contains it")
        POSSIBLE = "possible", _("may contain it")

    ingredient = models.ForeignKey(Ingredient, on_delete=models.CASCADE, related_name="ingredient_tags")
    tag = models.ForeignKey(SubstanceTag, on_delete=models.PROTECT, related_name="+")
    certainty = models.CharField(_("certainty"), max_length=8, choices=Certainty, default=Certainty.CERTAIN)

    class Meta:
        verbose_name = _("substance of an ingredient")
        verbose_name_plural = _("substances of ingredients")
        constraints = [models.UniqueConstraint(fields=["ingredient", "tag"], name="ingredienttag_is_given_once")]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return f"{self.ingredient}: {self.tag}"


class IncompatiblePair(models.Model):
    """Two ingredients that never share a syringe; stored once, the older row first."""

    first = models.ForeignKey(Ingredient, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Ingredient, on_delete=models.CASCADE, related_name="+")
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = _("incompatible pair")
        verbose_name_plural = _("incompatible pairs")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="incompatiblepair_is_stored_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="incompatiblepair_is_stored_in_order"),
        ]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return f"{self.first} + {self.second}"


class ExternalInteraction(models.Model):
    """A medicine outside the catalogue that does not go with an ingredient."""

    ingredient = models.ForeignKey(Ingredient, on_delete=models.CASCADE, related_name="external_interactions")
    name = models.CharField(_("medicine"), max_length=120)

    class Meta:
        verbose_name = _("interaction with a medicine")
        verbose_name_plural = _("interactions with medicines")
        constraints = [
            models.UniqueConstraint(fields=["ingredient", "name"], name="externalinteraction_is_stored_once")
        ]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return f"{self.ingredient} + {self.name}"


class IngredientInteraction(models.Model):
    ingredient = models.ForeignKey(Ingredient, on_delete=models.CASCADE, related_name="interactions")
    with_ingredient = models.ForeignKey(Ingredient, on_delete=models.CASCADE, related_name="+")
    effect = models.CharField(_("effect"), max_length=250)

    class Meta:
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        constraints = [
            models.UniqueConstraint(
                fields=["ingredient", "with_ingredient"], name="ingredientinteraction_is_stored_once"
            )
        ]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return f"{self.ingredient} + {self.with_ingredient}: {self.effect}"


class Contraindication(Sourced):
    """What a yes to a question means for one modality, and where `ingredient` is set only for mixes that hold it."""

    class Severity(models.TextChoices):
        ABSOLUTE = "absolute", _("absolute")
        RELATIVE = "relative", _("relative")

    class Action(models.TextChoices):
        BLOCK = "block", _("do not treat")
        DEFER = "defer", _("wait")
        BLOCK_UNLESS_OVERRIDE = "block_unless_override", _("do not treat unless the clinical lead decides")
        CLINICIAN_REVIEW = "clinician_review", _("a clinician decides")
        DOCTOR_LETTER = "doctor_letter", _("letter of the treating doctor")
        NO_ANAESTHETIC = "no_anaesthetic", _("without this anaesthetic")
        PROPHYLAXIS = "prophylaxis", _("preventive medicine first")
        AVOID_SPOT = "avoid_spot", _("leave the spot out")
        ADVISE = "advise", _("good to know")

    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="contraindications")
    modality = models.CharField(_("kind of treatment"), max_length=16, choices=Modality)
    ingredient = models.ForeignKey(
        Ingredient, null=True, blank=True, on_delete=models.PROTECT, related_name="contraindications"
    )
    severity = models.CharField(_("severity"), max_length=10, choices=Severity)
    action = models.CharField(_("action"), max_length=24, choices=Action)
    age_below_years = models.PositiveSmallIntegerField(_("applies below this age, years"), null=True, blank=True)
    skin_type_from = models.PositiveSmallIntegerField(_("applies from this skin type"), null=True, blank=True)
    washout_days = models.PositiveSmallIntegerField(_("wait, days"), null=True, blank=True)
    washout_days_min = models.PositiveSmallIntegerField(_("shortest wait of the sources, days"), null=True, blank=True)
    washout_days_max = models.PositiveSmallIntegerField(_("longest wait of the sources, days"), null=True, blank=True)

    class Meta:
        verbose_name = _("reason not to treat")
        verbose_name_plural = _("reasons not to treat")
        ordering = ("condition__position", "modality", "ingredient__name")
        constraints = [
            models.UniqueConstraint(
                fields=["condition", "modality"],
                condition=Q(ingredient=None),
                name="contraindication_is_one_per_modality",
            ),
            models.UniqueConstraint(
                fields=["condition", "modality", "ingredient"],
                condition=Q(ingredient__isnull=False),
                name="contraindication_is_one_per_ingredient",
            ),
            models.CheckConstraint(
                condition=Q(skin_type_from=None) | Q(skin_type_from__gte=1, skin_type_from__lte=6),
                name="contraindication_skin_type_is_1_to_6",
            ),
            models.CheckConstraint(
                condition=rising("washout_days_min", "washout_days", "washout_days_max"),
                name="contraindication_waits_rise",
            ),
        ]
        triggers = [bumps_catalogue()]

    def __str__(self):
        return f"{self.condition}: {self.get_action_display()}"
