"""What a person types about a patient. Forms check words, dates and choices; the verbs decide."""

import uuid
from collections.abc import Callable
from datetime import date

import phonenumbers
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField
from phonenumber_field.phonenumber import PhoneNumber

from patients import consents, history, registration, submissions
from patients.models import Allergy, ConsentText, Measurement, Patient, SubstanceTag, User

OUT_OF_DATE = _("This page was out of date and nothing was saved. Please save again.")


class DateInput(forms.DateInput):
    """A date as the browser's own field sends and expects it."""

    input_type = "date"

    def __init__(self, attrs: dict | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class PhoneField(PhoneNumberField):
    """A number of a possible length, kept with its country code: a new range of numbers must not stop the desk."""

    default_validators = []

    def to_python(self, value: object) -> PhoneNumber | str:
        if value not in self.empty_values:
            self.region = import_string(settings.PHONE_REGION)()
        number = super().to_python(value)
        if not number:
            return ""
        if number.country_code is None or not phonenumbers.is_possible_number(number):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return PhoneNumber.from_string(number.as_e164)


class OnceForm(forms.Form):
    """A form that is answered once, however often it is sent; every refusal gives it a fresh key."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    status = 200
    refusal: ValidationError | None = None

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("submission", uuid.uuid4)

    def answer(self, user: User, verb: str, act: Callable[[], str]) -> str | None:
        """Do `act` once and return its answer; None when refused, with the reason among the form's errors."""
        self.status = 422
        try:
            if self.is_valid():
                sent = submissions.Sent(self.cleaned_data["submission"], self.data)
                return submissions.answer(sent, user=user, verb=verb, act=act)
            if any(field.errors for field in self.hidden_fields()):
                self.add_error(None, OUT_OF_DATE)
        except ValidationError as refusal:
            self.refusal, self.status = refusal, getattr(refusal, "status_code", 422)
            self.add_error(None, refusal)
        self.retype(submission=uuid.uuid4())
        return None

    def retype(self, **hidden: object) -> None:
        """Give hidden fields of a form that is shown again new values; what a person typed stays."""
        self.data = self.data.copy()
        for name, value in hidden.items():
            self.data[self.add_prefix(name)] = str(value)


class PatientForm(OnceForm):
    """The details of a patient, new or known."""

    given_name = forms.CharField(label=_("First name"), max_length=80)
    family_name = forms.CharField(label=_("Last name"), max_length=80)
    birth_date = forms.DateField(label=_("Date of birth"), required=False, widget=DateInput)
    phone = PhoneField(label=_("Phone"), required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    wants_messages = forms.BooleanField(label=_("Send reminders and check-ins by e-mail"), required=False, initial=True)

    @property
    def details(self) -> dict:
        return {name: self.cleaned_data[name] for name in registration.EDITABLE}


class NewPatientForm(PatientForm):
    def register(self) -> str:
        """Make the record and return its public id; likely duplicates are refused until somebody looked at them."""
        is_surely_new = "anyway" in self.data
        today = timezone.localdate()
        return str(registration.register(**self.details, on=today, is_surely_new=is_surely_new).public_id)


class EditPatientForm(PatientForm):
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: object, patient: Patient, **kwargs: object) -> None:
        on_file = {name: getattr(patient, name) for name in (*registration.EDITABLE, "version")}
        super().__init__(*args, initial=on_file, **kwargs)
        self.patient = patient

    def save(self) -> str:
        details = {"version": self.cleaned_data["version"], "on": timezone.localdate(), **self.details}
        return str(registration.update(self.patient, **details).public_id)

    def show_conflict(self) -> list[str]:
        """Let the next save win, and say what is on file where it differs from what was typed."""
        self.patient.refresh_from_db()
        self.retype(version=self.patient.version)
        return [
            _("%(field)s on file: %(value)s") % {"field": self.fields[name].label, "value": _shown(now)}
            for name in registration.EDITABLE
            if (now := getattr(self.patient, name)) != self.cleaned_data.get(name)
        ]


class AllergyForm(OnceForm):
    tags = forms.ModelMultipleChoiceField(
        label=_("Substances"),
        queryset=SubstanceTag.objects.none(),
        to_field_name="key",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    substance = forms.CharField(label=_("In the patient’s words"), required=False, max_length=400)
    criticality = forms.ChoiceField(
        label=_("How severe"), choices=Allergy.Criticality, initial=Allergy.Criticality.UNKNOWN
    )
    verification = forms.ChoiceField(
        label=_("How known"),
        choices=[choice for choice in Allergy.Verification.choices if choice[0] != Allergy.Verification.REFUTED],
        initial=Allergy.Verification.UNCONFIRMED,
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tags"].queryset = SubstanceTag.objects.all()

    def add(self, patient: Patient, by: User) -> str:
        details = {name: self.cleaned_data[name] for name in ("tags", "substance", "criticality", "verification")}
        return str(history.add_allergy(patient, by=by, at=timezone.now(), **details).public_id)


class MeasurementForm(OnceForm):
    kind = forms.ChoiceField(label=_("What"), choices=Measurement.Kind)
    value = forms.DecimalField(label=_("Value"), max_digits=6, decimal_places=2)
    measured_on = forms.DateField(label=_("Measured on"), widget=DateInput, initial=timezone.localdate)

    def clean_measured_on(self) -> date:
        return past(self.cleaned_data["measured_on"])

    def add(self, patient: Patient, by: User) -> str:
        details = {"kind": self.cleaned_data["kind"], "value": self.cleaned_data["value"]}
        measured = history.add_measurement(patient, on=self.cleaned_data["measured_on"], by=by, **details)
        return str(measured.public_id)


class ConsentForm(OnceForm):
    """One wording on the page, signed on paper in front of the person who saves."""

    text = forms.ChoiceField(widget=forms.HiddenInput)

    def __init__(self, *args: object, texts: list[ConsentText], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.texts = {f"{text.scope} {text.language} {text.number}": text for text in texts}
        self.fields["text"].choices = [(key, text.title) for key, text in self.texts.items()]

    def sign(self, patient: Patient, by: User) -> str:
        text = self.texts[self.cleaned_data["text"]]
        return str(consents.sign(patient, text, method="paper", at=timezone.now(), by=by).public_id)


def past(day: date) -> date:
    """Refuse a date that has not come yet or that cannot be meant."""
    if not registration.OLDEST_BIRTH_DATE <= day <= timezone.localdate():
        raise ValidationError(_("This date is not in the past. Please check it."))
    return day


def _shown(value: object) -> str:
    if isinstance(value, date):
        return date_format(value, "j F Y")
    if isinstance(value, bool):
        return str(_("yes")) if value else str(_("no"))
    return str(value) or str(_("nothing"))
