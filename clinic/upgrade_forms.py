"""What the clinical lead types when courses go over to a newer version of their protocol."""

from collections.abc import Iterable

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from treatments.models import Protocol, ProtocolVersion, TreatmentSeries


class SeenField(forms.MultipleChoiceField):
    """Courses as they were seen, each as `public id:version of the row`; cleaned to key -> version."""

    widget = forms.MultipleHiddenInput
    default_error_messages = {"required": _("Choose at least one series.")}

    def clean(self, value: list[str] | None) -> dict[int, int]:
        typed = dict(each.partition(":")[::2] for each in super().clean(value))
        found = {str(public_id): key for public_id, key in _keys(typed)}
        if set(found) != set(typed) or not all(_is_number(text) for text in typed.values()):
            raise ValidationError(_("Load the page again and choose the series that it shows."))
        return {found[public_id]: int(number) for public_id, number in typed.items()}

    def valid_value(self, value: str) -> bool:
        return value.count(":") == 1


def _keys(public_ids: Iterable[str]) -> QuerySet:
    named = [public_id for public_id in public_ids if _is_public_id(public_id)]
    return TreatmentSeries.objects.filter(public_id__in=named).values_list("public_id", "pk")


def _is_public_id(text: str) -> bool:
    try:
        forms.UUIDField().clean(text)
    except ValidationError:
        return False
    return True


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 10


class UpgradeForm(forms.Form):
    """Which courses, to which version, and why; with the key that it was rendered with."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    version = forms.UUIDField(widget=forms.HiddenInput)
    series = SeenField()
    reason = forms.CharField(label=_("Reason"), max_length=250, help_text=_("It is kept with each series."))

    @property
    def ticked(self) -> set[str]:
        """The public ids that were chosen, whatever else is wrong."""
        return {each.partition(":")[0] for each in self["series"].value() or ()}

    @property
    def sentences(self) -> list[str]:
        """What is wrong with what cannot be typed."""
        return [error for name in ("series", "version", "key") for error in self.errors.get(name, ())]

    def target(self, protocol: Protocol) -> ProtocolVersion | None:
        """The version of the protocol that was on the screen."""
        return ProtocolVersion.objects.filter(protocol=protocol, public_id=self.cleaned_data["version"]).first()
