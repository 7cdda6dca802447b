"""The intake form: every question that is asked, prefilled with the last answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django import forms
from django.forms import BoundField
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients import history
from patients.forms import DateInput, OnceForm, past
from patients.models import BodyArea, Condition, HistoryAnswer, Patient, User

LONGEST_NOTE = 400


@dataclass(frozen=True)
class Question:
    """One question as the page shows it; a field that does not apply is None."""

    condition: Condition
    current: HistoryAnswer | None
    answer: BoundField
    note: BoundField
    happened_on: BoundField | None
    areas: BoundField | None

    @property
    def has_details(self) -> bool:
        """Whether a date, a place or a note is filled in, or was refused."""
        parts = [part for part in (self.note, self.happened_on, self.areas) if part is not None]
        return any(part.value() or part.errors for part in parts)


class Questionnaire(OnceForm):
    """Questions, answers and areas are read by the view; an unanswered question stays open."""

    reviewed_on = forms.DateField(label=_("Asked on"), widget=DateInput, initial=timezone.localdate)
    seen_revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: object,
        patient: Patient,
        conditions: Sequence[Condition],
        areas: Sequence[BodyArea],
        current: Mapping[int, HistoryAnswer],
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.patient, self.conditions, self.current = patient, conditions, current
        self.areas = {area.key: area for area in areas}
        self.initial["seen_revision"] = patient.safety_revision
        places = [(key, area.label) for key, area in self.areas.items()]
        for condition in conditions:
            self._add(condition, places)

    def _add(self, condition: Condition, places: list) -> None:
        key, last = condition.key, self.current.get(condition.pk)
        self.fields[f"{key}-answer"] = forms.ChoiceField(
            label=condition.question, choices=HistoryAnswer.Answer, required=False, widget=forms.RadioSelect
        )
        self.fields[f"{key}-note"] = forms.CharField(label=_("Note"), required=False, max_length=LONGEST_NOTE)
        if condition.kind == Condition.Kind.EVENT:
            self.fields[f"{key}-date"] = forms.DateField(label=_("When"), required=False, widget=DateInput)
        if condition.scope == Condition.Scope.TREATMENT_AREA:
            self.fields[f"{key}-areas"] = forms.MultipleChoiceField(
                label=_("Where"), choices=places, required=False, widget=forms.CheckboxSelectMultiple
            )
        if last:
            self.initial[f"{key}-answer"] = last.answer
            self.initial[f"{key}-note"] = last.note
            self.initial[f"{key}-date"] = last.happened_on
            self.initial[f"{key}-areas"] = [area.key for area in last.areas.all()]

    def questions(self) -> Iterator[Question]:
        """Yield every question with its fields, in the order of the form."""
        for condition in self.conditions:
            yield Question(
                condition,
                self.current.get(condition.pk),
                answer=self[f"{condition.key}-answer"],
                note=self[f"{condition.key}-note"],
                happened_on=self._part(condition, "date"),
                areas=self._part(condition, "areas"),
            )

    def clean_reviewed_on(self) -> date:
        return past(self.cleaned_data["reviewed_on"])

    def clean(self) -> dict:
        details = super().clean()
        asked_on = details.get("reviewed_on")
        for condition in self.conditions:
            happened_on = details.get(f"{condition.key}-date")
            if happened_on and asked_on and happened_on > asked_on:
                self.add_error(f"{condition.key}-date", _("This date is later than the day the question was asked."))
        return details

    def record(self, by: User) -> str:
        """Append a review with every answer that was given and return its public id."""
        review = history.record_review(
            self.patient,
            list(self._given()),
            on=self.cleaned_data["reviewed_on"],
            by=by,
            seen_revision=self.cleaned_data["seen_revision"],
        )
        return str(review.public_id)

    def _given(self) -> Iterator[history.Given]:
        rest = HistoryAnswer.Answer.NO if "rest_is_no" in self.data else ""
        for condition in self.conditions:
            answer = self.cleaned_data[f"{condition.key}-answer"] or rest
            if answer:
                is_yes = answer == HistoryAnswer.Answer.YES
                yield history.Given(
                    condition,
                    answer,
                    self.cleaned_data.get(f"{condition.key}-date") if is_yes else None,
                    [self.areas[key] for key in self.cleaned_data.get(f"{condition.key}-areas", ())] if is_yes else (),
                    self.cleaned_data[f"{condition.key}-note"],
                )

    def _part(self, condition: Condition, part: str) -> BoundField | None:
        name = f"{condition.key}-{part}"
        return self[name] if name in self.fields else None
