"""What is typed about a course under way: more or fewer visits, areas, with whom, its last day, a pause, an end."""

import uuid
from datetime import date, datetime

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import course_changes
from clinic.change_forms import CourseForm
from clinic.forms import AreasField, AsksWithWhom, DayField, OneOf
from clinic.models import Appointment, Practitioner, Wishes
from patients.forms import OUT_OF_DATE
from patients.models import User
from treatments.models import TreatmentSeries, TreatmentSession


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
        return str(course_changes.set_areas(self.about, **self.typed, today=today, by=by, now=now).public_id)


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


def when(visit: Appointment) -> str:
    """A visit as a choice names it: the session, the day and the hour at its location."""
    local = visit.starts_at.astimezone(visit.location.zone)
    return f"{visit.session.in_words}: {formats.date_format(local, 'l j F Y, H:i')}"
