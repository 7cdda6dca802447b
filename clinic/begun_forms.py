"""What is typed when a series begins: the series itself, and what it brings along."""

from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import course_reads
from clinic.forms import AreasField, AsksWithWhom, DayField, DeskForm
from treatments.models import ProtocolVersion
from treatments.series import Earlier


class EarlierForm(DeskForm):
    """One session that was done before; empty if there was none."""

    done_on = DayField(label=gettext_lazy("Done on"), required=False)
    where = forms.CharField(label=gettext_lazy("Where"), max_length=120, required=False)
    areas = AreasField(label=gettext_lazy("Areas, if not all of the series"), required=False)

    def clean(self) -> dict:
        details = super().clean()
        if (details.get("where") or details.get("areas")) and not details.get("done_on") and not self.errors:
            raise ValidationError(_("Say on which day the session was done."))
        return details


class BegunForm(DeskForm):
    """What a series brings along: the last day of use, and sessions that were done before, in rows of their own."""

    ROWS, MOST_ROWS = 2, 20

    expires_on = DayField(label=gettext_lazy("To be used until"), required=False)
    rows = forms.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None, *, version: ProtocolVersion | None) -> None:
        super().__init__(data)
        self.more = [EarlierForm(data, prefix=f"earlier-{number}") for number in range(self.shown)]
        for row in self.more if version is not None else ():
            row.fields["areas"].of(version)

    @property
    def shown(self) -> int:
        """How many rows the page shows: one more where that was asked for."""
        typed = self.data.get("rows", "")
        count = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 3 else self.ROWS
        return max(1, min(count + ("another" in self.data), self.MOST_ROWS))

    @property
    def is_open(self) -> bool:
        """Whether anything of it was typed, so that the page shows it unfolded."""
        names = ("expires_on", "earlier-0-done_on", "earlier-0-where", "another")
        return any(self.data.get(name) is not None and self.data.get(name) != "" for name in names) or not self.is_fine

    @property
    def is_fine(self) -> bool:
        return not self.is_bound or (self.is_valid() and all(row.is_valid() for row in self.more))

    @property
    def all_sentences(self) -> list[str]:
        """What is wrong with any of it, as lines to show."""
        return [sentence for form in (self, *self.more) for sentence in form.sentences]

    @property
    def details(self) -> dict:
        """What `treatments.series.start` takes besides the series itself."""
        rows = [row.cleaned_data for row in self.more if row.cleaned_data.get("done_on")]
        earlier = [Earlier(row["done_on"], row["where"], tuple(row["areas"])) for row in rows]
        return {"earlier": earlier, "expires_on": self.cleaned_data["expires_on"]}


class SeriesForm(AsksWithWhom):
    """A published protocol, this patient's areas and number of visits, with whom, and the first possible day."""

    protocol = forms.ChoiceField(label=gettext_lazy("Protocol"))
    areas = AreasField(label=gettext_lazy("Areas"))
    sessions_planned = forms.IntegerField(label=gettext_lazy("Number of visits"), min_value=1, max_value=40)
    first_possible_on = DayField(label=gettext_lazy("First possible day"))
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None, *, chosen: str, today: date) -> None:
        super().__init__(data)
        published = ProtocolVersion.objects.published().filter(protocol__is_retired=False)
        rows = published.select_related("protocol__service").order_by("protocol__name")
        self.versions = {str(row.protocol.public_id): row for row in rows}
        self.version = self.versions.get(chosen)
        names = [(key, row.protocol.name) for key, row in self.versions.items()]
        self.fields["protocol"].choices = [("", _("Choose…")), *names]
        self.fields["first_possible_on"].initial = today
        self.initial["protocol"] = chosen
        if self.version is not None:
            self.ask_with_whom(course_reads.who_may_treat(self.version, today))
            self.initial["areas"] = [area.key for area in self.fields["areas"].of(self.version)]
            self.fields["sessions_planned"].initial = self.version.sessions_typical
            self.fields["sessions_planned"].help_text = _("Usual: %(typical)s, from %(least)s to %(most)s.") % {
                "typical": self.version.sessions_typical,
                "least": self.version.sessions_min,
                "most": self.version.sessions_max,
            }

    @property
    def details(self) -> dict:
        """What `treatments.series.start` takes."""
        names = ("areas", "sessions_planned", "first_possible_on")
        return {"version": self.version} | {name: self.cleaned_data[name] for name in names}
