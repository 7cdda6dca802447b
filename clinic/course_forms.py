"""What is typed about a course under way: more or fewer visits, dates, a pause, an end. Each form calls its verb.

A page may show several; the one that was sent says so in `action` and is the only one that is bound.
"""

import uuid
from datetime import date, datetime

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import booking, course_changes
from clinic.forms import AreasField, AsksWithWhom, DayField, OneOf
from clinic.models import Appointment, Practitioner, Wishes
from patients import submissions
from patients.forms import OUT_OF_DATE, OnceForm
from patients.models import User
from patients.refusals import Conflict
from patients.roles import CLINICAL, has_role
from treatments.models import TreatmentSeries, TreatmentSession

State = TreatmentSession.State


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


# -- A series ---------------------------------------------------------------------------------------------------------


class AddForm(CourseForm):
    action, done = "add", gettext_lazy("One visit was added.")
    title, button = gettext_lazy("One visit more"), gettext_lazy("Add a visit")
    text = gettext_lazy("It comes at the end of the course, as far after the visit before as the last phase says.")

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.add_visit(self.about, **self.typed, now=now).public_id)


class MaintenanceForm(CourseForm):
    action, done = "maintenance", gettext_lazy("A maintenance visit was added.")
    title, button = gettext_lazy("Maintenance"), gettext_lazy("Add a maintenance visit")
    text = gettext_lazy("It comes after the course and does not count among its visits.")

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.add_maintenance(self.about, **self.typed, now=now).public_id)


class DropForm(CourseForm):
    """Which visit is left out; the last one if nothing else is chosen."""

    action, done = "drop", gettext_lazy("The visit was left out.")
    title, button = gettext_lazy("One visit less"), gettext_lazy("Leave it out")
    reason = forms.CharField(label=gettext_lazy("Why it is left out"), max_length=250)
    field_order = ("session", "reason")

    def __init__(self, data: QueryDict | None, *, about: TreatmentSeries, sessions: list[TreatmentSession]) -> None:
        super().__init__(data, about=about)
        self.fields["session"] = OneOf(
            sessions, public_id=lambda one: one.public_id, empty=_("the last one"), label=_("Which visit")
        )
        self.fields["session"].choices = [("", _("the last one"))] + [
            (str(one.public_id), one.in_words) for one in sessions
        ]
        self.order_fields(self.field_order)

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.drop_visit(self.about, **self.typed, now=now).public_id)


class ExpiryForm(CourseForm):
    action, done = "expiry", gettext_lazy("The last day was saved.")
    title, button = gettext_lazy("Last day"), gettext_lazy("Save")
    text = gettext_lazy("A visit after that day is booked only with a reason. Leave it empty if there is no such day.")
    expires_on = DayField(label=gettext_lazy("To be used until"), required=False)

    def on_file(self, about: TreatmentSeries) -> dict:
        return {"expires_on": about.expires_on}

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.set_expiry(self.about, **self.typed, now=now).public_id)


class AreasForm(CourseForm):
    """Which areas are treated from now on; asked where the protocol treats several."""

    action = "areas"
    done = gettext_lazy("The areas were saved. A booked visit that does not fit them is among the tasks.")
    title, button = gettext_lazy("Areas"), gettext_lazy("Save the areas")
    text = gettext_lazy(
        "For the sessions to come: their minutes and safety checks follow. Booked visits keep their times, and sessions"
        " that are done keep the areas they had."
    )
    areas = AreasField(label=gettext_lazy("Areas to treat"))

    def __init__(self, data: QueryDict | None, *, about: TreatmentSeries) -> None:
        super().__init__(data, about=about)
        self.are_several = len(self.fields["areas"].of(about.protocol_version)) > 1

    def on_file(self, about: TreatmentSeries) -> dict:
        return {"areas": [row.area.key for row in about.series_areas.all()]}

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.set_areas(self.about, **self.typed, today=today, now=now).public_id)


class WithWhomForm(AsksWithWhom, CourseForm):
    """With whom the patient wishes to be; asked where the clinic has several who treat."""

    action, done = "with_whom", gettext_lazy("Saved. What is booked stays as it is.")
    title, button = gettext_lazy("With whom"), gettext_lazy("Save")
    text = gettext_lazy("The next sessions are looked for with this person first, or with nobody else.")

    def __init__(self, data: QueryDict | None, *, about: TreatmentSeries, people: list[Practitioner]) -> None:
        self.wishes = Wishes.objects.filter(series=about).select_related("practitioner__resource").first()
        super().__init__(data, about=about)
        wished = self.wishes and self.wishes.practitioner
        if wished and wished not in people:
            people = [*people, wished]
            words = _("%(name)s may not give this treatment any more. Choose somebody else, or anybody.")
            self.text = words % {"name": wished}
        self.ask_with_whom(people)

    def on_file(self, about: TreatmentSeries) -> dict:
        if self.wishes is None or self.wishes.practitioner is None:
            return {}
        wished = str(self.wishes.practitioner.resource.public_id)
        return {"practitioner": wished, "only": self.wishes.who == Wishes.Who.SAME}

    def save(self, by: User, now: datetime, today: date) -> str:
        version = self.cleaned_data["version"]
        return str(course_changes.wish_for(self.about, **self.person_wished, version=version, now=now).public_id)


class ResumeForm(CourseForm):
    """From which day the course counts again."""

    action, done = "resume", gettext_lazy("The series goes on. Now book its next session.")
    title, button = gettext_lazy("Let it go on"), gettext_lazy("Let it go on")
    text = gettext_lazy("The next session is best on that day, or when the course says so if that is later.")
    on = DayField(label=gettext_lazy("Goes on from"))

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.resume(self.about, **self.typed, now=now).public_id)


class PauseForm(CourseForm):
    """Why, and which of the visits in the diary are cancelled."""

    action, done = "pause", gettext_lazy("The series pauses. Nothing of it is booked until it goes on.")
    button = gettext_lazy("Pause the series")
    reason = forms.CharField(label=gettext_lazy("Why it pauses"), max_length=250)

    def __init__(self, data: QueryDict | None, *, about: TreatmentSeries, visits: list[Appointment]) -> None:
        super().__init__(data, about=about)
        if visits:
            self.fields["cancelling"] = forms.TypedMultipleChoiceField(
                label=_("Cancel these visits; the others stay in the diary"),
                choices=[(str(visit.public_id), when(visit)) for visit in visits],
                coerce={str(visit.public_id): visit.public_id for visit in visits}.__getitem__,
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.pause(self.about, **self.typed, by=by, now=now).public_id)


class StopForm(CourseForm):
    """Why, and who wants it; every visit to come is cancelled, so the form says which the page showed."""

    action, done = "stop", gettext_lazy("The series was stopped.")
    button = gettext_lazy("Stop the series")
    reason = forms.CharField(label=gettext_lazy("Why it is stopped"), max_length=250)

    def __init__(self, data: QueryDict | None, *, about: TreatmentSeries, visits: list[Appointment]) -> None:
        super().__init__(data, about=about)
        if visits or (data and data.get("seen")):
            self.fields["cancelled_by"] = forms.ChoiceField(
                label=_("Who wants it?"),
                choices=Appointment.CancelledBy.choices,
                widget=forms.RadioSelect,
                initial=Appointment.CancelledBy.PATIENT,
            )
        shown = " ".join(str(visit.public_id) for visit in visits)
        self.fields["seen"] = forms.CharField(required=False, max_length=4000, widget=forms.HiddenInput, initial=shown)
        self.shown = shown

    def clean_seen(self) -> list[uuid.UUID]:
        try:
            return [uuid.UUID(one) for one in self.cleaned_data["seen"].split()]
        except ValueError as error:
            raise ValidationError(OUT_OF_DATE) from error

    def save(self, by: User, now: datetime, today: date) -> str:
        return str(course_changes.stop(self.about, **self.typed, by=by, now=now).public_id)

    def take(self, by: User, now: datetime, today: date) -> bool:
        if super().take(by, now, today):
            return True
        self.retype(seen=self.shown)
        return False


# -- A session --------------------------------------------------------------------------------------------------------


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


# -- Which forms a page offers ----------------------------------------------------------------------------------------


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


def when(visit: Appointment) -> str:
    """A visit as a choice names it: the session, the day and the hour at its location."""
    local = visit.starts_at.astimezone(visit.location.zone)
    return f"{visit.session.in_words}: {formats.date_format(local, 'l j F Y, H:i')}"
