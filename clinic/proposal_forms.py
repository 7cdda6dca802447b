"""What is typed about other times for visits: which visit goes where, for how long times are kept, and the answers."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clinic import proposals, timespans
from clinic.forms import DayField, DeskForm, MomentField
from clinic.models import Location, Proposal, ProposedVisit
from patients.forms import OUT_OF_DATE, OnceForm
from patients.models import User

Cause = Proposal.Cause
HOURS = ((24, _("24 hours")), (48, _("48 hours")), (72, _("72 hours")))
USUAL_HOURS = 48
VERSION = {"min_value": 1, "max_value": 2**31 - 1, "widget": forms.HiddenInput}


class WhereToForm(DeskForm):
    """One visit of the series that is to go to another day and time, if the others come along."""

    number = forms.TypedChoiceField(label=_("Visit"), coerce=int, required=False, empty_value=None)
    day = DayField(label=_("New day"), required=False)
    time = forms.TimeField(
        label=_("New time"), required=False, widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"})
    )

    def __init__(self, data: QueryDict, *, visits: Iterable[tuple[int, str]], place: Location | None) -> None:
        super().__init__(data)
        self.fields["number"].choices = [("", _("None: as the diary is")), *visits]
        self.place = place

    def clean(self) -> dict:
        details = super().clean()
        typed = [details.get(name) for name in ("number", "day", "time")]
        if details.get("number") and not self.errors and None in typed and (typed[1] or typed[2]):
            raise ValidationError(_("Choose the visit, its new day and its new time."))
        return details

    @property
    def start(self) -> tuple[int, datetime] | None:
        """The number of the visit and its new start, if both were chosen."""
        typed = self.cleaned_data if self.is_valid() else {}
        if self.place is None or not all(typed.get(name) for name in ("number", "day")) or typed.get("time") is None:
            return None
        return typed["number"], timespans.at(self.place.zone, typed["day"], typed["time"])


class ProposeForm(OnceForm):
    """What is done with the new times that the page shows; `shown` marks each, so that no other is kept or moved."""

    ACTIONS = ("propose", "agree")

    action = forms.ChoiceField(choices=[(action, action) for action in ACTIONS], widget=forms.HiddenInput)
    cause = forms.ChoiceField(label=_("Why"), choices=Cause)
    hours = forms.TypedChoiceField(label=_("Keep the new times for"), choices=HOURS, coerce=int, initial=USUAL_HOURS)

    def __getitem__(self, name: str) -> forms.BoundField:
        bound = super().__getitem__(name)
        bound.field.widget.attrs.setdefault("class", "form-select")
        return bound

    @property
    def is_agreed(self) -> bool:
        """Whether the patient has agreed on the phone."""
        return self.cleaned_data["action"] == "agree"

    @property
    def sentences(self) -> list[str]:
        """What is wrong, as lines to show."""
        if any(field.errors for field in self.hidden_fields()):
            return [str(OUT_OF_DATE)]
        return [str(error) for errors in self.errors.values() for error in errors]

    @property
    def shown(self) -> dict[str, str]:
        """How the page marked the new time of each visit, by its number."""
        return dict(value.partition(":")[::2] for value in self.data.getlist("shown"))

    def kept_until(self, now: datetime) -> datetime:
        return now + timedelta(hours=self.cleaned_data["hours"])


class _StartsForm(forms.Form):
    """Other starts than the proposed ones: `start_1` is of the first visit, and so on; those not named stay.

    The visits are numbered as they were proposed, so that a number means the same once one has another start.
    """

    def __init__(self, data: QueryDict | None, *, visits: Iterable[ProposedVisit]) -> None:
        super().__init__(data)
        self.visits = visits = sorted(visits, key=lambda row: row.pk)
        for place in range(1, len(visits) + 1):
            self.fields[f"start_{place}"] = MomentField(required=False)

    @property
    def chosen(self) -> dict[int, datetime]:
        """By primary key of the visit; of what is no moment nothing."""
        found = {row: self.cleaned_data.get(f"start_{place}") for place, row in enumerate(self.visits, start=1)}
        return {row.pk: start for row, start in found.items() if start and start != row.starts_at}


class LookForm(_StartsForm):
    """Which visit of a proposal the patient looks for another time for; the address carries what is chosen so far."""

    visit = forms.IntegerField(min_value=1, required=False)

    @property
    def open_visit(self) -> int | None:
        """The primary key of the visit, if the address names one."""
        place = self.cleaned_data.get("visit") or 0
        return self.visits[place - 1].pk if 0 < place <= len(self.visits) else None


class AnswerForm(_StartsForm):
    """What a patient answers to a proposal."""

    ANSWERS = ("accept", "pick", "another", "call")

    answer = forms.ChoiceField(choices=[(answer, answer) for answer in ANSWERS])
    version = forms.IntegerField(**VERSION)
    wish = forms.CharField(
        label=_("What would suit you better?"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "class": "form-control"}),
    )

    def clean(self) -> dict:
        details = super().clean()
        if details.get("answer") == "another" and not details.get("wish") and "wish" not in self.errors:
            self.add_error("wish", _("Tell us which days and times suit you."))
        if details.get("answer") == "pick" and not any(
            details.get(f"start_{place}") for place in range(1, len(self.visits) + 1)
        ):
            self.add_error(None, _("Choose one of the times shown."))
        return details

    def take(self, proposal: Proposal, *, by: User, now: datetime) -> Proposal:
        """Call the verb. Raises what it raises."""
        typed = self.cleaned_data
        about = {"by": by, "now": now, "version": typed["version"]}
        if typed["answer"] == "accept":
            return proposals.accept(proposal, **about)
        if typed["answer"] == "pick":
            return proposals.pick(proposal, self.chosen, **about)
        if typed["answer"] == "another":
            return proposals.ask_for_another(proposal, **about, wish=typed["wish"])
        return proposals.ask_for_call(proposal, **about, wish=typed["wish"])


class StaffAnswerForm(forms.Form):
    """What staff do with a proposal that waits."""

    ACTIONS = ("agree", "withdraw")

    action = forms.ChoiceField(choices=[(action, action) for action in ACTIONS])
    version = forms.IntegerField(**VERSION)

    @property
    def is_agreed(self) -> bool:
        """Whether the patient has agreed on the phone."""
        return self.cleaned_data["action"] == "agree"

    def take(self, proposal: Proposal, *, by: User, now: datetime) -> Proposal:
        """Call the verb. Raises what it raises."""
        about = {"by": by, "now": now, "version": self.cleaned_data["version"]}
        if self.is_agreed:
            return proposals.accept(proposal, **about, by_phone=True)
        return proposals.withdraw(proposal, **about)
