"""Find a time: what, where, with whom and from when, with or without a patient."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic import availability, timespans
from clinic.forms import FindForm
from clinic.views import slots
from patients.access import staff_only


@staff_only
@require_safe
def find_time(request: HttpRequest) -> HttpResponse:
    """The free starts of two weeks; each leads to the booking page."""
    now = timezone.now()
    place = FindForm(request.GET)
    shown = {"place": place, "location": place.location}
    if place.location and place.chosen("service"):
        asked = availability.request_for(
            location=place.location, service=place.chosen("service"), practitioner=place.practitioner
        )
        first, last = slots.stretch(place, timespans.date_of(place.location.zone, now), now)
        shown |= slots.listed(asked, place, first, last, now)
    return render(request, "clinic/find_time.html", shown)
