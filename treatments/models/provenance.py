"""Where a figure comes from, whether it is switched off and why, and the number that says that a rule has changed."""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _


class Modality(models.TextChoices):
    MICRONEEDLING = "microneedling", _("Microneedling")
    MESOTHERAPY = "mesotherapy", _("Mesotherapy")


class Source(models.Model):
    class Kind(models.TextChoices):
        REGULATOR = "regulator", _("regulator")
        LABEL = "label", _("product label")
        PAPER = "paper", _("paper")
        GUIDELINE = "guideline", _("guideline")
        MANUAL = "manual", _("manual")
        TRADE = "trade", _("trade page")
        CLINIC = "clinic", _("clinic page")
        VENDOR = "vendor", _("vendor page")
        ARTICLE = "article", _("article")
        PROPOSED = "proposed", _("proposed, no source")

    key = models.SlugField(_("key"), max_length=60, unique=True)
    title = models.CharField(_("title"), max_length=250)
    url = models.CharField(_("address"), max_length=400, blank=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ("key",)
        constraints = [models.CheckConstraint(condition=~models.Q(title=""), name="source_has_a_title")]

    def __str__(self):
        return self.title


class Confidence(models.TextChoices):
    HIGH = "high", _("high")
    MEDIUM = "medium", _("medium")
    LOW = "low", _("low")
    PROPOSED = "proposed", _("proposed, to be confirmed by a clinician")


class Sourced(models.Model):
    confidence = models.CharField(_("confidence"), max_length=10, choices=Confidence, default=Confidence.PROPOSED)
    sources = models.ManyToManyField(Source, verbose_name=_("sources"), blank=True, related_name="+")
    note = models.TextField(_("note"), blank=True)

    class Meta:
        abstract = True


class Blockable(models.Model):
    is_blocked = models.BooleanField(_("blocked"), default=False)
    block_reason = models.TextField(_("why it is blocked"), blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_blocked=False) | ~models.Q(block_reason=""),
                name="%(class)s_says_why_it_is_blocked",
                violation_error_message=_("Say why it is blocked."),
            )
        ]


class CatalogueRevision(models.Model):
    """One row. A visit that was assessed at another number is assessed again."""

    number = models.PositiveBigIntegerField(_("number"), default=1)

    class Meta:
        verbose_name = _("revision of the catalogue")
        verbose_name_plural = _("revision of the catalogue")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="cataloguerevision_is_one_row")]

    def __str__(self):
        return str(self.number)


def bumps_catalogue(operation: pgtrigger.Operation | None = None) -> pgtrigger.Trigger:
    """The trigger of a rule table: any statement that writes it raises the catalogue revision."""
    return pgtrigger.Trigger(
        name="bumps_the_catalogue",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation or (pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete),
        func="""
            INSERT INTO treatments_cataloguerevision AS revision (id, number) VALUES (1, 1)
            ON CONFLICT (id) DO UPDATE SET number = revision.number + 1;
            RETURN NULL;
        """,
    )
