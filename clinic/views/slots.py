"""Choosing a time: the page with the free starts, and what happens when the chosen one is refused."""

import uuid
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import availability, booking
from clinic.availability import Request
from clinic.forms import PlaceForm, TimeForm
from clinic.models import Appointment, Hold
from clinic.placing import Placement
from clinic.refusals import AgainstARule, Taken
from clinic.views import free_times, why_not
from clinic.wish_forms import ByHandForm
from patients import submissions


def in_words(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as the clinic says it: weekday, date and wall time at the location."""
    return date_format(moment.astimezone(zone), "l j F Y, H:i")


def sent(request: HttpRequest, key: uuid.UUID) -> submissions.Sent:
    """The identity of this request: a second copy of it gets the first one's answer."""
    typed = {name: request.POST.getlist(name) for name in request.POST if name != "csrfmiddlewaretoken"}
    return submissions.Sent(key, {"page": request.get_full_path(), "typed": typed})


def refusal(error: ValidationError, asked: Request, starts_at: datetime, now: datetime) -> dict:
    """What a page shows about a refusal: the sentences, times that are free instead, and what may be allowed anyway."""
    shown = {"refusals": error.messages, "refused_at": starts_at, "status": getattr(error, "status_code", 422)}
    most = availability.ALTERNATIVES
    if isinstance(error, Taken):
        free = error.alternatives or [o.starts_at for o in availability.nearest(asked, starts_at, most, now)]
        shown["alternatives"] = [moment.astimezone(asked.location.zone) for moment in free[:most]]
    if isinstance(error, AgainstARule):
        shown["allow"] = " ".join(dict.fromkeys(error.rules))
    return shown


def attempt(
    request: HttpRequest, form: TimeForm, asked: Request, act: Callable[[], Appointment], done: str
) -> tuple[HttpResponse | None, dict]:
    """Let the verb take the time: the redirect to the visit, or what the page shows about the refusal."""
    try:
        visit = act()
    except ValidationError as error:
        return None, refusal(error, asked, form.cleaned_data["starts_at"], timezone.now())
    return _told(request, visit, done), {}


def answered(request: HttpRequest) -> HttpResponse | None:
    """The redirect to what an earlier copy of this form has booked, so that nothing is left to book; else None."""
    try:
        submission = sent(request, uuid.UUID(request.POST.get("key", "")))
    except ValueError:
        return None
    stored = submissions.answered(submission, user=request.user, verb="book")
    if not stored:
        return None
    visit = Appointment.objects.for_lists().get(public_id=stored.partition(",")[0])
    return _told(request, visit, _("Booked"))


def _told(request: HttpRequest, visit: Appointment, done: str) -> HttpResponse:
    when = in_words(visit.starts_at, visit.location.zone)
    messages.success(request, _("%(done)s: %(when)s.") % {"done": done, "when": when})
    return redirect("appointment", visit.public_id)


def book(request: HttpRequest, form: TimeForm, asked: Request, kept: Hold | None = None) -> Appointment:
    """Book what was asked for at the time that was chosen, which may be kept for it."""
    typed = form.cleaned_data
    wanted = Placement(asked, asked.patient, typed["starts_at"], typed["note"], form.overrides, hold=kept)
    submission = sent(request, typed["key"])
    return booking.book_many([wanted], by=request.user, now=timezone.now(), submission=submission)[0]


def choose(
    request: HttpRequest, template: str, *, place: PlaceForm, form: TimeForm, asked: Request, first: date,
    act: Callable[[], Appointment], done: str, shown: dict, asks_by_hand: bool = False,
) -> HttpResponse:  # fmt: skip
    """Show the free starts; on POST let `act` take one, or show why it could not with everything typed kept."""
    status, now = 200, timezone.now()
    shown = {"form": form, "key": uuid.uuid4()} | shown
    if request.method == "POST":
        refused = {"status": 422}
        if form.is_valid():
            answer, refused = attempt(request, form, asked, act, done)
            if answer is not None:
                return answer
        status = refused["status"]
        shown |= {"errors": form.sentences} | refused | why_not.form(request)
    else:
        shown |= why_not.page(request, asked, place, now)
        if request.htmx:
            return render(request, "clinic/_answer.html", shown | {"zone": asked.location.zone})
    if asks_by_hand:
        shown["by_hand"] = ByHandForm(request.GET, asked)
    days = free_times.listed(asked, place, *free_times.stretch(place, first, now), now)
    return render(request, template, days | shown, status=status)
