"""Choosing a time: the free starts of a stretch of days, and what happens when the chosen one is refused."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import availability, courses, timespans
from clinic.availability import Offer, Request
from clinic.forms import PlaceForm, TimeForm
from clinic.models import Appointment
from clinic.refusals import Refused, Taken
from patients import submissions

DAYS_SHOWN = 7
ALTERNATIVES = 3


def in_words(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as the clinic says it: weekday, date and wall time at the location."""
    return date_format(moment.astimezone(zone), "l j F Y, H:i")


def sent(request: HttpRequest, key: uuid.UUID) -> submissions.Sent:
    """The identity of this request: a second copy of it gets the first one's answer."""
    typed = {name: request.POST.getlist(name) for name in request.POST if name != "csrfmiddlewaretoken"}
    return submissions.Sent(key, {"page": request.get_full_path(), "typed": typed})


@dataclass(frozen=True)
class Slot:
    """One free start, local to the location; `who` is empty when the clinic has one practitioner."""

    starts_at: datetime
    who: str


def by_day(offers: list[Offer], place: PlaceForm) -> list[tuple[date, list[Slot]]]:
    """The free starts, day by day."""
    zone = place.location.zone
    slots = [Slot(offer.starts_at.astimezone(zone), place.name_of(offer.practitioner_id)) for offer in offers]
    slots.sort(key=lambda slot: slot.starts_at)
    return [(day, list(group)) for day, group in groupby(slots, key=lambda slot: slot.starts_at.date())]


def stretch(place: PlaceForm, first: date, now: datetime) -> tuple[date, date]:
    """The days to show: a week from the day asked for, which is `first` unless another was typed."""
    first = max(place.day_or(first), timespans.date_of(place.location.zone, now))
    return first, first + timedelta(days=DAYS_SHOWN - 1)


def listed(asked: Request, place: PlaceForm, first: date, last: date, now: datetime) -> dict:
    """What a list of free starts shows, with the way to earlier and later days."""
    today = timespans.date_of(place.location.zone, now)
    place.show_day(first)
    return {
        "place": place,
        "zone": place.location.zone,
        "days": by_day(availability.free_starts(asked, first, last, now), place),
        "first": first,
        "last": last,
        "earlier": max(first - timedelta(days=DAYS_SHOWN), today) if first > today else None,
        "later": last + timedelta(days=1),
    }


def refusal(error: ValidationError, asked: Request, starts_at: datetime, now: datetime) -> dict:
    """What a page shows about a refusal: the sentences, times that are free instead, and what may be allowed anyway."""
    shown = {"refusals": error.messages, "refused_at": starts_at, "status": getattr(error, "status_code", 422)}
    if isinstance(error, Taken):
        free = error.alternatives or [o.starts_at for o in availability.nearest(asked, starts_at, ALTERNATIVES, now)]
        shown["alternatives"] = [moment.astimezone(asked.location.zone) for moment in free[:ALTERNATIVES]]
    reasons = availability.explain(asked, starts_at, now)
    codes = [reason.code for reason in reasons]
    if isinstance(error, Refused) and all(reason.is_soft for reason in reasons):
        shown["allow"] = " ".join(codes + (["after_window"] if _is_after_window(asked, starts_at) else []))
    return shown


def _is_after_window(asked: Request, starts_at: datetime) -> bool:
    if asked.session is None:
        return False
    window = courses.windows(asked.session.series, besides=asked.ignore_id)[asked.session.number]
    return window.is_late(timespans.date_of(asked.location.zone, starts_at))


def attempt(
    request: HttpRequest, form: TimeForm, asked: Request, act: Callable[[], Appointment], done: str
) -> tuple[HttpResponse | None, dict]:
    """Let the verb take the time: the redirect to the visit, or what the page shows about the refusal."""
    try:
        visit = act()
    except ValidationError as error:
        return None, refusal(error, asked, form.cleaned_data["starts_at"], timezone.now())
    when = in_words(visit.starts_at, visit.location.zone)
    messages.success(request, _("%(done)s: %(when)s.") % {"done": done, "when": when})
    return redirect("appointment", visit.public_id), {}


def choose(
    request: HttpRequest, template: str, *, place: PlaceForm, form: TimeForm, asked: Request, first: date,
    act: Callable[[], Appointment], done: str, shown: dict,
) -> HttpResponse:  # fmt: skip
    """Show the free starts; on POST let `act` take one, or show why it could not with everything typed kept."""
    status = 200
    if request.method == "POST":
        status = 422
        shown = shown | {"errors": form.sentences}
        if form.is_valid():
            answer, refused = attempt(request, form, asked, act, done)
            if answer is not None:
                return answer
            shown = shown | refused
            status = refused["status"]
    now = timezone.now()
    days = listed(asked, place, *stretch(place, first, now), now)
    return render(request, template, {"form": form, "key": uuid.uuid4()} | days | shown, status=status)
