"""What is typed about the portal: by staff who give access, and by the people who have it."""

from datetime import date, datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from patients import portal_access, registration
from patients.forms import OnceForm, PhoneField
from patients.models import Patient, User


class GiveAccessForm(OnceForm):
    """The address of whoever is to see the patient's pages."""

    email = forms.EmailField(
        label=_("E-mail"), help_text=_("We write to this address. A code is sent there at each sign-in.")
    )

    def give(self, patient: Patient, *, by: User, now: datetime, clinic: str) -> str:
        """Open the access and write to the address; returns the address."""
        access = portal_access.grant(patient, email=self.cleaned_data["email"], by=by, now=now)
        portal_access.invite(access, clinic=clinic)
        return access.user.email


class ContactForm(OnceForm):
    """What people keep up to date themselves."""

    phone = PhoneField(label=_("Phone"), required=False)
    wants_messages = forms.BooleanField(label=_("Send me reminders and check-ins by e-mail"), required=False)
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: object, person: Patient, **kwargs: object) -> None:
        on_file = {name: getattr(person, name) for name in ("phone", "wants_messages", "version")}
        super().__init__(*args, initial=on_file, **kwargs)
        self.person = person

    def save(self, on: date) -> str:
        """Correct the record; what was typed wins at the next try when somebody else was faster."""
        details = {name: self.cleaned_data[name] for name in ("phone", "wants_messages", "version")}
        return str(registration.update(self.person, on=on, **details).public_id)

    def look_again(self) -> None:
        """After a conflict: let the next save win over what is on file now."""
        self.person.refresh_from_db()
        self.retype(version=self.person.version)
