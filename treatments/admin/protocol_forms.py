"""What is typed on the page of a draft. The rules of the data are told beside the fields, all at once."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.forms.models import BaseInlineFormSet
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.administration import CadenceForm
from patients.models import Condition, ConsentText
from treatments import drafting
from treatments.limits import plain
from treatments.models import (
    OutcomeScale,
    PhotoPoint,
    ProtocolVersion,
    Source,
    VersionCheck,
    VersionScale,
    VersionSegment,
    VersionSource,
)

AFTERCARE, REBOOK, CHECK_IN = "aftercare_sent", "rebook_window", ""
MESSAGES = (
    (CHECK_IN, gettext_lazy("asks how it is")),
    (AFTERCARE, gettext_lazy("sends the aftercare")),
    (REBOOK, gettext_lazy("asks to book the next visit")),
)
QUESTION_LENGTH = 250
LOOK = {
    "Select": "form-select",
    "SelectMultiple": "form-select",
    "CheckboxInput": "form-check-input",
    "CheckboxSelectMultiple": "form-check-input",
}
# Name of the field -> what it writes: the kind of row, and its column.
CHOICES = {
    "photos": (PhotoPoint, "when"),
    "scales": (VersionScale, "scale"),
    "checks": (VersionCheck, "condition"),
    "taken_from": (VersionSource, "source"),
}


def consent_titles() -> dict[str, str]:
    """What each consent is called in its newest wording."""
    return dict(ConsentText.objects.order_by("scope", "number").values_list("scope", "title"))


class DraftForm(CadenceForm):
    """Shared by the version and its rows. `rising` names fields whose values must not fall from left to right."""

    rising: tuple[tuple[str, ...], ...] = ()
    needed: tuple[str, ...] = ()
    least: dict[str, int] = {}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        figures = {name: value for name, value in self.initial.items() if isinstance(value, Decimal)}
        self.initial |= {name: Decimal(plain(value)) for name, value in figures.items()}
        for name, column in self.fields.items():
            if name in self.needed:
                column.required = True
            column.widget.attrs["class"] = LOOK.get(type(column.widget).__name__, "form-control")
            if isinstance(column, (forms.DecimalField, forms.IntegerField)):
                column.validators.append(MinValueValidator(self.least.get(name, 0)))
                column.widget.attrs["min"] = self.least.get(name, 0)

    def _get_validation_exclusions(self) -> set[str]:
        """Nothing is asked of the database here: `clean` tells the rules, and saving meets the constraints."""
        return {column.name for column in self.instance._meta.fields}

    def clean(self) -> dict:
        for name, value in self.cleaned_data.items():
            if isinstance(value, str):
                self.cleaned_data[name] = value.replace("\r\n", "\n")
        falling = [pair for names in self.rising for pair in self._falling(names)]
        for low, high, value in falling:
            words = {"low": self.fields[low].label, "value": value}
            self.add_error(high, _("This must not be less than %(value)s, which is “%(low)s”.") % words)
        return self.cleaned_data

    def _falling(self, names: tuple[str, ...]) -> Iterator[tuple[str, str, object]]:
        known = [name for name in names if self.cleaned_data.get(name) is not None]
        for low, high in pairwise(known):
            if self.cleaned_data[low] > self.cleaned_data[high]:
                yield low, high, self.cleaned_data[low]


class VersionForm(DraftForm):
    """The version itself, with what is chosen from lists, and the tick that publishing asks for."""

    rising = (
        ("sessions_min", "sessions_typical", "sessions_max"),
        ("total_volume_ml", "max_total_ml"),
        ("soft_max_depth_mm", "max_depth_mm"),
    )
    least = {"sessions_min": 1, "sessions_typical": 1, "sessions_max": 1}
    must_be_checked = False

    photos = forms.MultipleChoiceField(
        label=gettext_lazy("Photos"), choices=PhotoPoint.When, required=False, widget=forms.CheckboxSelectMultiple
    )
    scales = forms.ModelMultipleChoiceField(
        OutcomeScale.objects.filter(is_blocked=False), label=gettext_lazy("Outcome scales"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    checks = forms.ModelMultipleChoiceField(
        Condition.objects.all(), label=gettext_lazy("Asked again before each session"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    taken_from = forms.ModelMultipleChoiceField(
        Source.objects.all(), label=gettext_lazy("Sources"), required=False, widget=forms.CheckboxSelectMultiple
    )  # fmt: skip
    is_checked = forms.BooleanField(label=gettext_lazy("I have checked every value"), required=False)

    class Meta:
        model = ProtocolVersion
        fields = (
            "sessions_min", "sessions_typical", "sessions_max", "min_age_years", "fitzpatrick_caution_from",
            "requires_consultation", "consent_scope", "endpoint", "device_note", "soft_max_depth_mm", "max_depth_mm",
            "max_points", "total_volume_ml", "max_total_ml", "max_mg", "mg_per_cm2", "evidence", "disagreement",
            "confidence",
        )  # fmt: skip

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if "taken_from" in self.fields:
            titles = self.fields["taken_from"].choices
            self.fields["taken_from"].choices = [(key, format_html("<cite>{}</cite>", title)) for key, title in titles]
        if self.instance.pk:
            for name, (model, column) in CHOICES.items():
                rows = model.objects.filter(version=self.instance).order_by("pk")
                self.initial[name] = list(rows.values_list(column, flat=True))

    def clean(self) -> dict:
        if self.must_be_checked and not self.cleaned_data.get("is_checked"):
            self.add_error("is_checked", _("Check every value first, then tick the box."))
        return super().clean()


class RowForm(DraftForm):
    """One row of a version; `place` is where it stands among the others, and no field of the row."""

    place = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def has_changed(self) -> bool:
        return any(name != "place" for name in self.changed_data)

    @property
    def title(self) -> str:
        """What the row is called: its area or its own name."""
        return str(getattr(self.instance, "area", self.instance)) if self.instance.pk else _("New")

    @property
    def is_filled(self) -> bool:
        """Whether the row exists, or is to exist."""
        return bool(self.instance.pk or self.has_changed())


class PhaseForm(RowForm):
    rising = (("interval_min_days", "interval_ideal_days", "interval_max_days"),)
    least = {"sessions": 1, "interval_min_days": 1}


class DepthForm(RowForm):
    rising = (
        ("depth_min_mm", "depth_typical_mm", "depth_max_mm"), ("passes_min", "passes_max"), ("points_min", "points_max")
    )  # fmt: skip
    needed = ("depth_min_mm", "depth_max_mm")


class MixForm(RowForm):
    def clean_amount(self) -> object:
        if self.cleaned_data["amount"] == 0:
            raise ValidationError(_("Give an amount above 0, or remove the line."))
        return self.cleaned_data["amount"]


class NumbingForm(RowForm):
    rising = (("minutes_min", "minutes_typical", "minutes_max"),)


class PartForm(RowForm):
    def clean(self) -> dict:
        given = super().clean()
        if not given.get("base_minutes") and not given.get("minutes_per_area") and not self.has_error("base_minutes"):
            self.add_error("base_minutes", _("Give it some minutes, here or for each area."))
        if given.get("kind") == VersionSegment.Kind.HANDS_ON and not given.get("holds_practitioner"):
            self.add_error("holds_practitioner", _("Tick this: the practitioner is needed here."))
        return given


class AdviceForm(RowForm):
    rising = (("starts_after_hours", "ends_after_hours"), ("send_after_hours", "ends_after_hours"))


class LinesField(forms.CharField):
    """Lines of text; empty ones do not count."""

    def to_python(self, value: str | None) -> str:
        return "\n".join(line.strip() for line in super().to_python(value).splitlines() if line.strip())

    def validate(self, value: str) -> None:
        super().validate(value)
        if any(len(line) > QUESTION_LENGTH for line in value.splitlines()):
            raise ValidationError(_("A question may have %(most)s characters at most.") % {"most": QUESTION_LENGTH})


class MessageForm(RowForm):
    """A follow-up with its questions, one on each line."""

    sort = forms.ChoiceField(label=gettext_lazy("What it does"), choices=MESSAGES, required=False)
    questions = LinesField(
        label=gettext_lazy("Questions, one on each line"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["sort"] = self.instance.key if self.instance.key in (AFTERCARE, REBOOK) else CHECK_IN
            self.initial["questions"] = "\n".join(row.text for row in self.instance.questions.all())

    @property
    def asked(self) -> list[str]:
        return self.cleaned_data.get("questions", "").splitlines()


class RowFormSet(BaseInlineFormSet):
    """The rows of one kind in the order of their places. `once` names the field that no two rows may share."""

    once = ""

    def add_fields(self, form: RowForm, index: int | None) -> None:
        super().add_fields(form, index)
        if index is not None and index < self.initial_form_count():
            form.initial["place"] = index + 1

    @property
    def in_order(self) -> list[RowForm]:
        """All forms, also those to be removed; without a place a row comes last."""
        count = len(self.forms)
        places = [form["place"].value() for form in self.forms]
        keys = [int(place) if str(place or "").isdigit() else count + index for index, place in enumerate(places)]
        return [self.forms[index] for index in sorted(range(count), key=keys.__getitem__)]

    @property
    def kept(self) -> list[RowForm]:
        """The forms of the rows that there will be."""
        return [form for form in self.in_order if form.is_filled and form not in self.deleted_forms]

    def clean(self) -> None:
        seen = set()
        for form in self.kept if self.once else ():
            value = form.cleaned_data.get(self.once) if hasattr(form, "cleaned_data") else None
            if value and value in seen:
                form.add_error(self.once, _("%(name)s is there twice.") % {"name": capfirst(str(value))})
            seen.add(value)


class KeyedFormSet(RowFormSet):
    """Rows with a key of their own, which people do not see: it is made of the title and stays."""

    titled_by = "title"

    def clean(self) -> None:
        super().clean()
        taken = {form.instance.key for form in self.kept if form.instance.key}
        for form in self.kept:
            if not form.instance.key:
                form.instance.key = drafting.free_key(form.cleaned_data.get(self.titled_by) or "", taken)
                taken.add(form.instance.key)


class MessageFormSet(KeyedFormSet):
    titled_by = "purpose"

    def clean(self) -> None:
        taken = set()
        for form in self.kept:
            sort = form.cleaned_data.get("sort", CHECK_IN)
            if sort and sort in taken:
                form.add_error("sort", _("Another message does this already."))
            taken.add(sort)
            if sort or form.instance.key in (AFTERCARE, REBOOK):
                form.instance.key = sort
        super().clean()


def rows_chosen(form: VersionForm) -> dict[type, list]:
    """What is ticked in the lists of the version, as rows."""
    return {
        model: [model(version=form.instance, **{column: value}) for value in form.cleaned_data.get(name, ())]
        for name, (model, column) in CHOICES.items()
    }
