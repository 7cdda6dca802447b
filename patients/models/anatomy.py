"""Anatomy and allergens: the words in which history, depths and mixes are compared."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class BodyArea(models.Model):
    class Group(models.TextChoices):
        FACE = "face", _("Face")
        NECK = "neck", _("Neck")
        SCALP = "scalp", _("Scalp")
        TRUNK = "trunk", _("Chest, belly and back")
        LIMB = "limb", _("Arms, hands and legs")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    label = models.CharField(_("name"), max_length=120)
    group = models.CharField(_("group"), max_length=20, choices=Group)
    skin_class = models.CharField(_("skin thickness class"), max_length=20, blank=True)
    epidermis_um = models.PositiveSmallIntegerField(_("epidermis, µm"), null=True, blank=True)
    epidermis_note = models.TextField(_("note on skin thickness"), blank=True)
    is_bony = models.BooleanField(_("lies over bone"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("body area")
        verbose_name_plural = _("body areas")
        ordering = ("position", "key")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(epidermis_um__isnull=True) | models.Q(epidermis_um__gt=0),
                name="bodyarea_epidermis_is_positive",
            )
        ]

    def __str__(self):
        return self.label


class SubstanceTag(models.Model):
    """A substance or family that a patient may be allergic to and an ingredient may contain."""

    key = models.SlugField(_("key"), max_length=40, unique=True)
    label = models.CharField(_("name"), max_length=80)

    class Meta:
        verbose_name = _("substance")
        verbose_name_plural = _("substances")
        ordering = ("label",)
        constraints = [
            models.CheckConstraint(condition=~models.Q(label=""), name="substancetag_has_a_label"),
        ]

    def __str__(self):
        return self.label
