"""What is typed when somebody is ill: who and when, which visits are moved or offered, and how a call went."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.models import BulkMoveVisit, Practitioner
from clinic.premises_forms import BlockForm, choice, everybody

HOURS = (24, 48, 72)
USUAL_HOURS = 48


class IllForm(BlockForm):
    """Somebody who is away, for whole days unless times are given."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["what"] = choice(everybody(), _("Who"))
        self.fields["day"].label = _("From this day")
        self.order_fields(self.field_order)

    @property
    def practitioner(self) -> Practitioner:
        return self.cleaned_data["what"]


class PlanForm(forms.Form):
    """Which visits of a plan are taken as shown, and until when patients may answer."""

    key = forms.UUIDField()
    version = forms.IntegerField(min_value=1, max_value=10**9)
    hours = forms.TypedChoiceField(
        label=_("Keep the times for"), choices=[(hours, _("%d hours") % hours) for hours in HOURS], coerce=int,
        required=False, empty_value=USUAL_HOURS, initial=USUAL_HOURS,
    )  # fmt: skip

    @classmethod
    def ticked(cls, typed: Iterable[str], rows: Iterable[BulkMoveVisit]) -> set[int]:
        """The keys of the rows whose visits are ticked; what is no visit of the plan is passed over."""
        named = set()
        for each in typed:
            try:
                named.add(uuid.UUID(each))
            except ValueError:
                continue
        return {row.pk for row in rows if row.appointment.public_id in named}

    def kept_until(self, now: datetime) -> datetime:
        return now + timedelta(hours=self.cleaned_data["hours"])


class VersionForm(forms.Form):
    """The plan as it was seen."""

    version = forms.IntegerField(min_value=1, max_value=10**9)


class CallForm(forms.Form):
    """How a call went; empty takes the note back."""

    call = forms.ChoiceField(choices=[("", ""), *BulkMoveVisit.Call.choices], required=False)
