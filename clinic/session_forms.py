"""What is typed about one session of a course, or about a visit that did not take place."""

from datetime import date, datetime

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from clinic import booking, course_changes
from clinic.change_forms import CourseForm
from clinic.forms import AreasField, DayField
from clinic.models import Appointment
from patients.models import User
from patients.roles import CLINICAL, has_role
from treatments.models import TreatmentSession

State = TreatmentSession.State


def of_session(
    data: QueryDict | None, session: TreatmentSession, *, is_lost: bool, may_be_put_back: bool, reader: User
) -> list[CourseForm]:
    """What can be changed of a session as it is."""
    if may_be_put_back:
        return [PutBackForm(data, about=session)]
    found: list[CourseForm] = []
    is_open = session.state in TreatmentSession.OPEN and not is_lost
    if (is_open or session.state == State.BOOKED) and has_role(reader, *CLINICAL):
        found.append(DatesForm(data, about=session))
    if is_open:
        if session.state == State.ON_HOLD:
            found.append(EndHoldForm(data, about=session))
        else:
            found += [ElsewhereForm(data, about=session), HoldForm(data, about=session)]
    if session.is_done_elsewhere:
        found.append(TakeBackForm(data, about=session))
    return found


class DatesForm(CourseForm):
    """The practitioner's own dates; empty means as the course goes."""

    action, done = "dates", gettext_lazy("The dates were saved.")
    title, button = gettext_lazy("Dates for this session"), gettext_lazy("Save the dates")
    text = gettext_lazy("Nothing is booked before the first day; after the last a visit is late. Empty: by the plan.")
    not_before_on = DayField(label=gettext_lazy("Not before"), required=False)
    best_on = DayField(label=gettext_lazy("Best on"), required=False)
    not_after_on = DayField(label=gettext_lazy("Not after"), required=False)
    reason = forms.CharField(label=gettext_lazy("Why these dates"), max_length=250, required=False)

    def on_file(self, about: TreatmentSession) -> dict:
        days = {name: getattr(about, name) for name in ("not_before_on", "best_on", "not_after_on")}
        return days | {"reason": about.window_reason}

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.set_dates(self.about, **self.typed, by=by, now=now).public_id)


class PutBackForm(CourseForm):
    """Why a visit that was left out is to take place after all."""

    action, done = "put_back", gettext_lazy("The visit was put back: it is to be booked.")
    title, button = gettext_lazy("Left out"), gettext_lazy("Put it back")
    text = gettext_lazy("The visit takes its place in the course again and is to be booked.")
    reason = forms.CharField(label=gettext_lazy("Why it is put back"), max_length=120)

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.put_back(self.about, **self.typed, now=now).public_id)


class HoldForm(CourseForm):
    action, done = "hold", gettext_lazy("The session is on hold: it is not offered for booking.")
    title, button = gettext_lazy("On hold"), gettext_lazy("Put on hold")
    text = gettext_lazy("The session is not offered for booking until it is taken off hold.")

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.hold(self.about, **self.typed, now=now).public_id)


class EndHoldForm(CourseForm):
    action, done = "end_hold", gettext_lazy("The session can be booked again.")
    title, button = gettext_lazy("On hold"), gettext_lazy("Take off hold")
    text = gettext_lazy("The session is on hold and is not offered for booking.")

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.end_hold(self.about, **self.typed, now=now).public_id)


class ElsewhereForm(CourseForm):
    """When, where and on which areas the session was done."""

    action, done = "elsewhere", gettext_lazy("The session is noted as done.")
    title, button = gettext_lazy("Done elsewhere"), gettext_lazy("Note it as done")
    text = gettext_lazy("It counts for the days between the visits and for what is left.")
    on = DayField(label=gettext_lazy("Done on"))
    where = forms.CharField(label=gettext_lazy("Where"), max_length=120, required=False)
    areas = AreasField(label=gettext_lazy("Areas, if not all of the series"), required=False)

    def __init__(self, data: QueryDict | None, *, about: TreatmentSession) -> None:
        super().__init__(data, about=about)
        self.fields["areas"].of(about.series.protocol_version)

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.done_elsewhere(self.about, **self.typed, today=today, now=now).public_id)


class TakeBackForm(CourseForm):
    action, done = "take_back", gettext_lazy("Taken back: the session is to be booked.")
    title, button = gettext_lazy("Noted by mistake?"), gettext_lazy("Take it back")
    text = gettext_lazy("The session was not done: it is to be booked.")

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.take_back_elsewhere(self.about, **self.typed, now=now).public_id)


# -- A visit ----------------------------------------------------------------------------------------------------------


class CountForm(CourseForm):
    """Whether a visit that did not take place uses up a session, and why."""

    ANSWERS = (
        ("rule", gettext_lazy("As the clinic’s rule says")),
        ("yes", gettext_lazy("It uses up a session")),
        ("no", gettext_lazy("It uses up no session")),
    )
    MEANING = {"rule": None, "yes": True, "no": False}

    action, done = "count", gettext_lazy("Saved. The series counts anew.")
    button = gettext_lazy("Save")
    uses_up = forms.TypedChoiceField(
        label=gettext_lazy("Does this visit use up a session?"), choices=ANSWERS, widget=forms.RadioSelect,
        coerce=MEANING.__getitem__, empty_value=None,
    )  # fmt: skip
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=160)

    def on_file(self, about: Appointment) -> dict:
        said = {value: answer for answer, value in self.MEANING.items()}
        return {"uses_up": said[about.uses_session], "reason": about.uses_session_reason}

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(booking.count_session(self.about, **self.typed, by=by, now=now).public_id)
