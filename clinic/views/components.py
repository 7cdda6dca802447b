"""The parts that pages are made of, all on one page: to look at, and to copy from when a new page is built."""

from datetime import date, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from clinic.models import Appointment
from clinic.views.cards import Check
from patients.access import staff_only
from treatments import body_maps, timelines
from treatments.body_maps import Zone
from treatments.marks import Mark

TONES = (
    ("ok", "check-circle", _("Done, valid")),
    ("info", "clock", _("Waits")),
    ("accent", "door-open", _("Here now")),
    ("busy", "play-circle", _("Under way")),
    ("warn", "exclamation-triangle", _("Look at it")),
    ("stop", "exclamation-octagon", _("Not now")),
    ("quiet", "x-circle", _("Over")),
)
DEPTHS = (("forehead", _("Forehead"), "0.5–0.75 mm", 1), ("cheek", _("Cheek"), "1.0–1.5 mm", 3))


class SampleForm(forms.Form):
    """One field of each kind; the date is always refused, so that an error can be seen."""

    name = forms.CharField(label=_("Name"), help_text=_("As the patient says it."))
    on = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", _("Choose…")), ("a", _("The first"))])
    answer = forms.ChoiceField(label=_("Answer"), choices=[("y", _("Yes")), ("n", _("No"))], widget=forms.RadioSelect)
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    is_sure = forms.BooleanField(label=_("I have checked this"), required=False)

    def clean_on(self) -> date:
        raise ValidationError(_("This day is over. Choose a later one."))


def sample_checks() -> list[Check]:
    """One safety check of each kind."""
    return [
        Check("stop", _("Not now"), _("Sunburn in the area to be treated."), _("Possible from 12 December 2026.")),
        Check("warn", _("A clinician decides"), _("Cold sores in the past."), ""),
        Check("advise", _("Good to know"), _("Takes fish oil: bruises may show."), ""),
    ]


def sample_course(today: date) -> list[Mark]:
    """A course with a session in each state."""
    days = [today + timedelta(days=days) for days in (-56, -28, -3, 28, 56)]
    states = ("done", "missed", "late", "booked", "planned")
    return [
        Mark(
            number=number,
            label=str(_("Session %(number)s") % {"number": number}),
            state=state,
            on=day if state in ("done", "booked", "missed") else None,
            earliest=day - timedelta(days=7),
            ideal=day,
            latest=day + timedelta(days=7) if state != "late" else day,
        )
        for number, (day, state) in enumerate(zip(days, states, strict=True), start=1)
    ]


@staff_only
@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Show every part with sample content; nothing is read or saved."""
    today = timezone.localdate()
    depths = [Zone(key, str(label), depth, strength) for key, label, depth, strength in DEPTHS]
    form = SampleForm({"name": "Ada", "on": today.isoformat(), "kind": "a", "answer": "y"})
    shown = {
        "statuses": Appointment.Status.values,
        "tones": TONES,
        "levels": ("success", "info", "warning", "error"),
        "form": form,
        "checks": sample_checks(),
        "page_obj": Paginator(range(30), 10).page(2),
        "timeline": timelines.timeline(sample_course(today), today),
        "map": body_maps.body_map(depths),
        "depths": depths,
        "today": today,
    }
    return render(request, "clinic/components.html", shown)
