"""What the forms that change a course share: each calls its verb, once, in the version that the page showed.

A page may show several; the one that was sent says so in `action` and is the only one that is bound.
"""

from datetime import date, datetime

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import Promise

from clinic.models import Appointment
from patients import submissions
from patients.forms import OnceForm
from patients.models import User
from patients.refusals import Conflict
from treatments.models import TreatmentSeries, TreatmentSession


class CourseForm(OnceForm):
    """One change of a series, a session or a visit, in the version that the page showed."""

    action = ""
    title: str | Promise = ""
    text: str | Promise = ""
    button: str | Promise = ""
    done: str | Promise = ""
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None, *, about: TreatmentSeries | TreatmentSession | Appointment) -> None:
        is_sent = data is not None and data.get("action", "") == self.action
        initial = {"version": about.version, **self.on_file(about)}
        super().__init__(data if is_sent else None, initial=initial, auto_id=f"id_{self.action}_%s")
        self.about = about

    def on_file(self, about: object) -> dict:
        """What the fields show at first."""
        return {}

    def save(self, by: User, now: datetime, today: date) -> str:
        """Call the verb with what was typed; returns the answer that a second copy of the form gets."""
        raise NotImplementedError

    def take(self, by: User, now: datetime, today: date) -> bool:
        """Do it once; after a conflict the next save wins over what is on file by then."""
        verb = verb_of(self.action, self.about)
        if self.answer(by, verb, lambda: self.save(by, now, today)) is not None:
            return True
        if isinstance(self.refusal, Conflict):
            self.about.refresh_from_db(fields=["version"])
            self.retype(version=self.about.version)
        return False

    @property
    def typed(self) -> dict:
        """What was typed, under the names that the verb knows."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("submission",)}


def verb_of(action: str, about: TreatmentSeries | TreatmentSession | Appointment) -> str:
    """What a submission says that it did."""
    return f"{action} {about.public_id}"


def was_done(data: QueryDict, user: User, about: TreatmentSeries | TreatmentSession | Appointment) -> bool:
    """Whether an earlier copy of what was sent did it already, whatever can be changed by now."""
    try:
        key = forms.UUIDField().clean(data.get("submission", ""))
    except ValidationError:
        return False
    action, sent = data.get("action", ""), submissions.Sent(key, data)
    if not action.isidentifier():
        return False
    return submissions.answered(sent, user=user, verb=verb_of(action, about)) is not None
