"""What a person types at the desk. Forms check words, dates and choices; the verbs decide."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from clinic import named
from clinic.models import Appointment, Location, Practitioner
from patients.forms import PhoneField
from patients.models import BodyArea, Patient
from treatments.models import ProtocolVersion, Service

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def day_is_plausible(day: date) -> None:
    if not EARLIEST <= day <= LATEST:
        raise ValidationError(_("Enter a date between 2000 and 2100."))


class DayField(forms.DateField):
    """A date as the browser sends it, within the years a diary can hold."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    default_validators = [day_is_plausible]
    input_formats = ["%Y-%m-%d"]


class AreasField(forms.ModelMultipleChoiceField):
    """Areas of the body, to be ticked: those that a protocol version treats, once `of` has said which."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **details) -> None:
        super().__init__(BodyArea.objects.none(), to_field_name="key", **details)

    def of(self, version: ProtocolVersion) -> QuerySet[BodyArea]:
        """Ask for the areas of the version; returns them."""
        self.queryset = BodyArea.objects.filter(pk__in=version.depth_steps.values("area"))
        return self.queryset


class MomentField(forms.Field):
    """A moment with its offset, as `2026-11-12T09:00Z`."""

    def to_python(self, value):
        if value in self.empty_values:
            return None
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError as error:
            raise ValidationError(_("This is not a time.")) from error
        if moment.tzinfo is None or not EARLIEST.year <= moment.year < LATEST.year:
            raise ValidationError(_("This is not a time."))
        return moment.astimezone(UTC)


class OneOf(forms.TypedChoiceField):
    """A choice among objects that were already read, by their public id."""

    def __init__(self, found: Iterable, *, public_id: Callable, empty: str = "", **details) -> None:
        by_id = {str(public_id(one)): one for one in found}
        choices = [("", empty)] if empty else []
        choices += [(key, str(one)) for key, one in by_id.items()]
        super().__init__(choices=choices, coerce=by_id.__getitem__, empty_value=None, required=False, **details)


class DecisionForm(forms.Form):
    """A clinician's yes or no to one question, with the reason."""

    code = forms.CharField(max_length=120, widget=forms.HiddenInput)
    answer = forms.TypedChoiceField(
        label=_("Decision"),
        choices=[("yes", _("Allow the treatment")), ("no", _("Do not treat"))],
        coerce=lambda answer: answer == "yes",
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class DeskForm(forms.Form):
    """A form whose fields templates place one by one."""

    def __getitem__(self, name):
        bound = super().__getitem__(name)
        css = "form-select" if isinstance(bound.field.widget, forms.Select) else "form-control"
        bound.field.widget.attrs.setdefault("class", css)
        return bound

    @property
    def sentences(self) -> list[str]:
        """What is wrong, as lines to show."""
        return [str(error) for errors in self.errors.values() for error in errors]


class WhereAndWho(DeskForm):
    """What was chosen of a place and a person, by forms that ask for them or read them from an address."""

    def chosen(self, name: str) -> object:
        """What was chosen, or None when nothing, or nothing valid, was."""
        return self.cleaned_data.get(name) if self.is_valid() or self.cleaned_data else None

    def name_of(self, practitioner_id: int | None) -> str:
        """Who it is, unless the clinic has only one."""
        return self.names.get(practitioner_id, "")

    @cached_property
    def people(self) -> list[Practitioner]:
        return list(Practitioner.objects.filter(resource__is_active=True).select_related("resource"))

    @cached_property
    def names(self) -> dict[int, str]:
        return {one.pk: str(one) for one in self.people} if len(self.people) > 1 else {}

    @cached_property
    def default_location(self) -> Location | None:
        return named.location()

    @property
    def location(self) -> Location | None:
        return self.chosen("location") or self.default_location

    @property
    def practitioner(self) -> Practitioner | None:
        return self.chosen("practitioner")


class AsksWithWhom(DeskForm):
    """With whom a patient wishes to be in a course, asked where the clinic has several who treat."""

    def ask_with_whom(self, people: Sequence[Practitioner]) -> None:
        if len(people) > 1:
            self.fields["practitioner"] = OneOf(
                people, public_id=lambda one: one.resource.public_id, empty=_("Anybody"), label=_("With whom")
            )
            tick = forms.CheckboxInput(attrs={"class": "form-check-input"})
            self.fields["only"] = forms.BooleanField(label=_("Only this person"), required=False, widget=tick)

    @property
    def with_whom(self) -> forms.BoundField | None:
        """The question for the practitioner, where there are several."""
        return self["practitioner"] if "practitioner" in self.fields else None

    @property
    def person_wished(self) -> dict[str, object]:
        """What `Wish.with_person` takes."""
        person = self.cleaned_data.get("practitioner")
        return {"practitioner_id": person and person.pk, "only": bool(self.cleaned_data.get("only"))}


class PlaceForm(WhereAndWho):
    """Where and with whom. What the clinic has one of is not asked."""

    def __init__(
        self,
        data,
        *,
        location: Location | None = None,
        practitioner: Practitioner | None = None,
        asks_where: bool = True,
    ) -> None:
        data = data.copy()
        if practitioner is not None:
            data.setdefault("practitioner", str(practitioner.resource.public_id))
        super().__init__(data)
        locations = list(Location.objects.filter(is_active=True))
        self.default_location = location or next(iter(locations), None)
        if asks_where and len(locations) > 1:
            locations.sort(key=lambda one: one != self.default_location)
            self.fields["location"] = OneOf(locations, public_id=lambda one: one.public_id, label=_("Location"))
        if len(self.people) > 1:
            self.fields["practitioner"] = OneOf(
                self.people, public_id=lambda one: one.resource.public_id, empty=_("Anyone"), label=_("Practitioner")
            )

    def day_or(self, day: date) -> date:
        """The date that was asked for, or this one."""
        return self.chosen("day") or day

    def show_day(self, day: date) -> None:
        """Fill in the day that is shown, when none or none that is valid was asked for."""
        self.data["day"] = day.isoformat()


class DayForm(PlaceForm):
    """The filters of the diary and of a choice of times."""

    day = DayField(label=_("Day"), required=False)


class FindForm(DayForm):
    """What, where, who, from when and by whose rules; no patient needed."""

    channel = forms.ChoiceField(
        label=_("Who books"), required=False, choices=[("desk", _("The desk")), ("online", _("Patients online"))]
    )
    field_order = ("service", "location", "practitioner", "day", "channel")

    def __init__(self, data, **details) -> None:
        super().__init__(data, **details)
        services = Service.objects.filter(is_active=True, is_desk=True).order_by("name")
        self.fields["service"] = OneOf(
            services, public_id=lambda one: one.public_id, empty=_("Choose…"), label=_("Service")
        )
        self.order_fields(self.field_order)


class _Shared(dict):
    """Fields that no instance of a form changes, so that none needs copies of them."""

    def __deepcopy__(self, memo: dict) -> "_Shared":
        return self


def with_shared_fields(form: type[forms.Form]) -> type[forms.Form]:
    """The form with the fields of its class themselves: Django copies each for every request."""
    form.base_fields = _Shared(form.base_fields)
    return form


def _as_id(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return None


@with_shared_fields
class SlotForm(WhereAndWho):
    """The time that the address of the booking page names, and the patient: chosen there, or named by the address.

    Reads what is named and no more: every booking waits for it.
    """

    service = forms.UUIDField(required=False)
    location = forms.UUIDField(required=False)
    practitioner = forms.UUIDField(required=False)
    start = MomentField()
    patient = forms.UUIDField(required=False)

    def __init__(self, data, *, patient: str = "") -> None:
        super().__init__(data)
        self.chosen_patient = patient
        self.known: Patient | None = None

    def clean(self):
        typed = super().clean()
        asked = {name: typed.get(name) for name in ("service", "location", "practitioner")}
        found = named.visit(**asked, patient=_as_id(self.chosen_patient) or typed.get("patient"))
        self.known = found.pop("patient")
        for name, public_id in asked.items():
            if public_id and found[name] is None:
                self.add_error(name, self.fields[name].error_messages["invalid"])
        return typed | found

    @property
    def is_complete(self) -> bool:
        """Whether everything that a booking needs, but for the patient, is known and valid."""
        return self.is_valid() and bool(self.location and self.chosen("service"))


class TimeForm(DeskForm):
    """One time out of the list, or out of those later than planned, and what goes with it.

    `allow` names the soft rules that stood in the way of the time `allow_at`.
    """

    starts_at = MomentField(required=False)
    late_starts_at = MomentField(required=False)
    late_reason = forms.CharField(label=_("Why later than planned?"), required=False, max_length=200)
    note = forms.CharField(label=_("Note"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    allow = forms.CharField(required=False, max_length=200)
    allow_at = MomentField(required=False)
    allow_reason = forms.CharField(label=_("Why is it allowed anyway?"), required=False, max_length=200)
    key = forms.UUIDField()

    def __init__(self, data, *, location: Location) -> None:
        super().__init__(data)
        self.location = location

    def clean(self):
        details = super().clean()
        details["starts_at"] = details.get("late_starts_at") or details.get("starts_at")
        if not details["starts_at"] and not self.errors:
            raise ValidationError(_("Choose a time from the list, or ask about another day and time."))
        return details

    @property
    def overrides(self) -> dict[str, str]:
        """The soft rules that are allowed anyway, each with the reason that was typed."""
        typed = self.cleaned_data
        if typed["late_starts_at"] and typed["late_reason"]:
            return {"after_window": typed["late_reason"]}
        if not typed["allow_reason"] or typed["allow_at"] != typed["starts_at"]:
            return {}
        return dict.fromkeys(typed["allow"].split(), typed["allow_reason"])


class MoveForm(TimeForm):
    note = None
    reason = forms.CharField(label=_("Reason for moving"), required=False, max_length=200)
    version = forms.IntegerField(min_value=1, max_value=10**9)


@with_shared_fields
class VisitForm(TimeForm):
    """Who comes: a patient who was found, or a new one with a name and one contact."""

    q = forms.CharField(label=_("Find the patient"), required=False, max_length=100)
    patient = forms.UUIDField(required=False)
    given_name = forms.CharField(label=_("First name"), required=False, max_length=80)
    family_name = forms.CharField(label=_("Last name"), required=False, max_length=80)
    phone = PhoneField(label=_("Phone"), required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    is_surely_new = forms.BooleanField(label=_("None of these: add a new patient"), required=False)

    @property
    def newcomer_fields(self) -> list[forms.BoundField]:
        """What is asked of a new patient."""
        return [self[name] for name in ("given_name", "family_name", "phone", "email")]

    @property
    def is_about_a_newcomer(self) -> bool:
        """Whether something was typed about a new patient, or is wrong about it."""
        return any(field.value() or field.errors for field in self.newcomer_fields)

    def clean(self):
        details = super().clean()
        if details.get("patient") or self.errors:
            return details
        if not details["given_name"] or not details["family_name"]:
            raise ValidationError(_("Choose a patient, or type the first and last name of a new one."))
        if not details["phone"] and not details["email"]:
            raise ValidationError(_("Give a phone number or an e-mail address of the new patient."))
        return details


class CancelForm(forms.Form):
    cancelled_by = forms.ChoiceField(
        label=_("Who cancels?"), choices=Appointment.CancelledBy.choices, widget=forms.RadioSelect, initial="patient"
    )
    reason = forms.CharField(label=_("Reason"), max_length=200)
    version = forms.IntegerField(min_value=1, max_value=10**9, widget=forms.HiddenInput)


class StatusForm(forms.Form):
    ACTIONS = ("confirm", "check_in", "start", "complete", "took_place", "no_show", "undo", "enter_in_error")

    action = forms.ChoiceField(choices=[(action, action) for action in ACTIONS])
    version = forms.IntegerField(min_value=1, max_value=10**9)
    reason = forms.CharField(required=False, max_length=200)
