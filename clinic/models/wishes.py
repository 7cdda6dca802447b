"""What a patient wishes of the visits of a course; kept, so that later changes respect it too."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.models.locations import Location
from clinic.models.resources import Practitioner
from treatments.models import TreatmentSeries


class Wishes(models.Model):
    """One row for each series; wall times at the location. What is empty is not wished."""

    class Who(models.TextChoices):
        ANY = "any", _("anybody")
        PREFER = "prefer", _("rather this person")
        SAME = "same", _("only this person")

    series = models.OneToOneField(TreatmentSeries, on_delete=models.CASCADE, related_name="wishes")
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        verbose_name=_("weekdays"),
        default=list,
        blank=True,
    )
    earliest_time = models.TimeField(_("not before"), null=True, blank=True)
    latest_time = models.TimeField(_("to begin by"), null=True, blank=True)
    who = models.CharField(_("with whom"), max_length=6, choices=Who, default=Who.ANY)
    practitioner = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    not_on = ArrayField(models.DateField(), verbose_name=_("not on these days"), default=list, blank=True)

    class Meta:
        verbose_name = _("wishes for a course")
        verbose_name_plural = _("wishes for courses")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]), name="wishes_name_iso_weekdays"
            ),
            models.CheckConstraint(
                condition=models.Q(who="any", practitioner=None) | ~models.Q(who="any") & ~models.Q(practitioner=None),
                name="wishes_name_the_practitioner_they_mean",
            ),
            models.CheckConstraint(
                condition=models.Q(earliest_time=None)
                | models.Q(latest_time=None)
                | models.Q(latest_time__gte=models.F("earliest_time")),
                name="wishes_times_rise",
            ),
        ]

    def __str__(self):
        return str(self.series)

    @property
    def person_in_words(self) -> str:
        """With whom the patient wishes to be; empty for anybody."""
        if self.practitioner is None:
            return ""
        words = _("only with %(name)s") if self.who == self.Who.SAME else _("rather with %(name)s")
        return str(words) % {"name": self.practitioner}
