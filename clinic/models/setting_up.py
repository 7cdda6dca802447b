"""How far a new clinic is with setting itself up; what exists already says the rest."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from treatments.models import Protocol


class SetupProgress(models.Model):
    """One row, made with the first administrator. A clinic without one was not set up here."""

    class Mail(models.TextChoices):
        NOW = "now", _("in use")
        LATER = "later", _("later")

    is_solo = models.BooleanField(_("works alone"), null=True)
    puts_off_second_factor = models.BooleanField(_("second factor later"), default=False)
    has_chosen_offer = models.BooleanField(_("offer chosen"), default=False)
    waiting = models.ManyToManyField(
        Protocol, verbose_name=_("protocols that wait for a clinical lead"), blank=True, related_name="+"
    )
    mail = models.CharField(_("mail"), max_length=5, choices=Mail, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("progress of setting up")
        verbose_name_plural = _("progress of setting up")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="setupprogress_is_one_row")]

    def __str__(self):
        return str(_("finished")) if self.finished_at else str(_("under way"))
