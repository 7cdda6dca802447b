"""What a person types while setting up a clinic. Forms check words and choices; the verbs decide."""

from collections.abc import Iterable, Mapping
from datetime import time

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic import countries
from clinic.models import Location
from clinic.models.locations import Weekday
from clinic.opening import ANY_ROOM, Colleague, Premises
from patients.models import User
from patients.roles import ADMINISTRATOR, CLINICAL_LEAD, LABELS, PRACTITIONER, RECEPTION
from treatments.models import DeviceKind, ProtocolVersion, RoomKind, Service

USUAL_DAYS, OPENS, CLOSES = range(1, 6), time(9), time(18)
STAFF_ROLES = (RECEPTION, PRACTITIONER, CLINICAL_LEAD, ADMINISTRATOR)


class Styled(forms.Form):
    """A form whose fields templates place one by one."""

    def __getitem__(self, name: str) -> forms.BoundField:
        bound = super().__getitem__(name)
        widget = bound.field.widget
        if isinstance(widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
            css = "form-check-input"
        else:
            css = "form-select" if isinstance(widget, forms.Select) else "form-control"
        widget.attrs.setdefault("class", css)
        return bound


class YouForm(Styled):
    name = forms.CharField(
        label=_("Your name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True})
    )
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
        help_text=_("12 characters or more. A few words are easier to keep than symbols."),
        strip=False,
    )
    code = forms.CharField(
        label=_("Setup code"), max_length=200, help_text=_("On the server, “manage.py setup_code” prints it.")
    )

    def __init__(self, *args: object, asks_code: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if not asks_code:
            del self.fields["code"]

    def clean(self) -> dict:
        typed = super().clean()
        if typed.get("password"):
            person = User(email=typed.get("email", ""), name=typed.get("name", ""))
            try:
                validate_password(typed["password"], person)
            except ValidationError as error:
                self.add_error("password", error)
        return typed


class ClinicForm(Styled):
    """Where the clinic is and when it is open. Zone, currency and holidays follow the country."""

    name = forms.CharField(label=_("Name of the clinic"), max_length=80)
    phone = forms.CharField(label=_("Phone"), max_length=40, widget=forms.TextInput(attrs={"type": "tel"}))
    address = forms.CharField(
        label=_("Address (optional)"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 2})
    )
    country = forms.ChoiceField(label=_("Country"))
    region = forms.ChoiceField(label=_("Region"), required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"))
    currency = forms.ChoiceField(label=_("Currency"))
    shown_country = forms.CharField(required=False, widget=forms.HiddenInput)
    closes_on_holidays = forms.BooleanField(label=_("Closed on public holidays"), required=False, initial=True)

    def __init__(self, data: Mapping | None = None, *, country: str, language: str, **kwargs: object) -> None:
        super().__init__(data, **kwargs)
        self.country = country
        zones = countries.zones(country)
        self.fields["country"].choices = list(countries.names(language).items())
        self.fields["region"].choices = [("", _("the whole country")), *countries.regions(country).items()]
        self.fields["time_zone"].choices = [
            (zone.name, f"{zone.name.replace('_', ' ')} · {zone.where}" if zone.where else zone.name) for zone in zones
        ]
        currencies = [(code, f"{name} ({code})") for code, name in countries.currencies(language).items()]
        self.fields["currency"].choices = sorted(currencies, key=lambda pair: pair[0] != countries.currency(country))
        self.initial |= {"country": country, "shown_country": country}
        for name in ("region", "time_zone"):
            if len(self.fields[name].choices) == 1:
                self.fields[name].widget = forms.HiddenInput()
                self.fields[name].disabled = True
                self.initial[name] = self.fields[name].choices[0][0]
        for day in Weekday:
            self._add_day(day)

    def _add_day(self, day: Weekday) -> None:
        clock = {"format": "%H:%M", "attrs": {"type": "time"}}
        words = {"day": day.label}
        is_usual = day in USUAL_DAYS
        self.fields[f"open_{day}"] = forms.BooleanField(label=day.label, required=False, initial=is_usual)
        self.fields[f"from_{day}"] = forms.TimeField(
            label=_("%(day)s from") % words, required=False, initial=OPENS, widget=forms.TimeInput(**clock)
        )
        self.fields[f"until_{day}"] = forms.TimeField(
            label=_("%(day)s until") % words, required=False, initial=CLOSES, widget=forms.TimeInput(**clock)
        )

    @property
    def days(self) -> list[tuple[forms.BoundField, ...]]:
        """One row of fields for each weekday: open, from, until."""
        return [tuple(self[f"{part}_{day}"] for part in ("open", "from", "until")) for day in Weekday]

    @property
    def details(self) -> dict:
        """What `opening.save_clinic` takes."""
        names = ("name", "phone", "address", "country", "region", "time_zone", "currency", "closes_on_holidays")
        return {name: self.cleaned_data[name] for name in names} | {"hours": self.hours}

    @property
    def hours(self) -> dict[int, tuple[time, time]]:
        typed = self.cleaned_data
        return {int(day): (typed[f"from_{day}"], typed[f"until_{day}"]) for day in Weekday if typed[f"open_{day}"]}

    def clean(self) -> dict:
        typed = super().clean()
        for day in Weekday:
            opens, closes = typed.get(f"from_{day}"), typed.get(f"until_{day}")
            if not typed.get(f"open_{day}"):
                continue
            if opens is None or closes is None or (closes <= opens and closes != time(0)):
                self.add_error(f"until_{day}", _("%(day)s: closing comes after opening.") % {"day": day.label})
        if not any(typed.get(f"open_{day}") for day in Weekday):
            raise ValidationError(_("Open on one day of the week at least."))
        return typed


def as_typed(form: ClinicForm) -> dict:
    """What was typed so far, to show the form again for another country: its zone, currency and region start anew."""
    anew = ("country", "shown_country", "region", "time_zone", "currency")
    return {name: form[name].value() for name in form.fields if name not in anew}


def as_saved(location: Location, *, closes_on_holidays: bool) -> dict:
    """The clinic as it is, to show it in the form."""
    saved = {name: getattr(location, name) for name in ("name", "phone", "address", "time_zone", "currency")}
    hours = {row.weekday: row for row in location.opening_hours.all()}
    for day in Weekday:
        saved[f"open_{day}"] = day in hours
        if day in hours:
            saved[f"from_{day}"], saved[f"until_{day}"] = hours[day].opens, hours[day].closes
    return saved | {"closes_on_holidays": closes_on_holidays}


class TeamForm(Styled):
    treats = forms.BooleanField(label=_("I treat patients"), required=False)
    leads = forms.BooleanField(label=_("I am the clinical lead: I check what we offer"), required=False)


class ColleagueForm(Styled):
    name = forms.CharField(label=_("Name"), max_length=80)
    email = forms.EmailField(label=_("E-mail"))
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role, LABELS[role]) for role in STAFF_ROLES],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick what this person does.")},
    )

    @property
    def details(self) -> Colleague | None:
        typed = self.cleaned_data
        return Colleague(typed["name"], typed["email"], tuple(typed["roles"])) if typed else None


class RoomForm(Styled):
    name = forms.CharField(label=_("Room"), max_length=80)
    kind = forms.ChoiceField(
        label=_("Used for"), choices=[(ANY_ROOM, _("every kind of visit")), *RoomKind.choices], initial=ANY_ROOM
    )

    @property
    def details(self) -> Premises | None:
        typed = self.cleaned_data
        return Premises(typed["name"], typed["kind"]) if typed else None


class DeviceForm(Styled):
    name = forms.CharField(label=_("Device"), max_length=80)
    kind = forms.ChoiceField(label=_("What it is"), choices=DeviceKind.choices, initial=DeviceKind.NEEDLING_PEN)

    @property
    def details(self) -> Premises | None:
        typed = self.cleaned_data
        return Premises(typed["name"], typed["kind"]) if typed else None


def rows(form: type[forms.Form], prefix: str, data: Mapping | None, blank: int) -> forms.BaseFormSet:
    """So many blank rows of a form, or those that were sent."""
    made = forms.formset_factory(form, extra=blank, max_num=50, absolute_max=60)
    return made(data, prefix=prefix)


def typed_in(formset: Iterable[forms.Form]) -> list:
    """The rows in which something was typed."""
    return [row.details for row in formset if row.details is not None]


class OffersForm(forms.Form):
    """What was ticked: visits, treatments that were checked, treatments that are wanted."""

    services = forms.ModelMultipleChoiceField(Service.objects.none(), to_field_name="public_id", required=False)
    checked = forms.ModelMultipleChoiceField(ProtocolVersion.objects.none(), to_field_name="public_id", required=False)
    wanted = forms.ModelMultipleChoiceField(ProtocolVersion.objects.none(), to_field_name="public_id", required=False)

    def __init__(self, data: Mapping | None = None) -> None:
        super().__init__(data)
        self.fields["services"].queryset = Service.objects.exclude(kind=Service.Kind.TREATMENT)
        for name in ("checked", "wanted"):
            self.fields[name].queryset = ProtocolVersion.objects.exclude(
                state=ProtocolVersion.State.RETIRED
            ).select_related("protocol")

    @property
    def details(self) -> dict:
        """What `offers.choose` takes."""
        typed = self.cleaned_data
        return {
            "services": list(typed["services"]),
            "checked": list(typed["checked"]),
            "wanted": [version.protocol for version in typed["wanted"]],
        }


def default_country(saved: str, header: str) -> str:
    """The country that was saved, else the one of the browser's language, else where the settings say."""
    return saved or countries.spoken_of(header, settings.PHONENUMBER_DEFAULT_REGION)
