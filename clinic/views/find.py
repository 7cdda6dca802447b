"""Find a time: what, where, with whom and from when, with or without a patient."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic import availability, timespans
from clinic.forms import FindForm
from clinic.views import free_times, why_not
from clinic.wish_forms import ByHandForm
from patients.access import staff_only


@staff_only
@require_safe
def find_time(request: HttpRequest) -> HttpResponse:
    """The free starts of a week, each leading to the booking page, and the answer about a time that is asked about."""
    place = FindForm(request.GET)
    shown = {"place": place, "location": place.location, "link": reverse("appointment_new")}
    service, is_online = place.chosen("service"), place.chosen("channel") == "online"
    if place.location and service and is_online and not service.is_online:
        shown["is_closed_online"] = True
    elif place.location and service:
        shown |= _found(request, place, timezone.now())
    is_answer = request.htmx and "ask" in shown
    return render(request, "clinic/_answer.html" if is_answer else "clinic/find_time.html", shown)


def _found(request: HttpRequest, place: FindForm, now: datetime) -> dict:
    asked = availability.request_for(
        location=place.location,
        service=place.chosen("service"),
        practitioner=place.practitioner,
        channel=place.chosen("channel") or "desk",
    )
    by_hand = ByHandForm(request.GET, asked)
    shown = {"by_hand": by_hand, "zone": place.location.zone} | why_not.page(request, by_hand.request, place, now)
    if request.htmx:
        return shown
    first, last = free_times.stretch(place, timespans.date_of(place.location.zone, now), now)
    return shown | free_times.listed(by_hand.request, place, first, last, now)
