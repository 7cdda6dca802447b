"""One day at one location, by practitioner."""

from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic import timespans
from clinic.forms import DayForm
from clinic.models import Appointment, Location, Practitioner
from patients.access import staff_only

ONE_DAY = timedelta(days=1)


@staff_only
@require_safe
def diary(request: HttpRequest) -> HttpResponse:
    """The visits of a day; the list alone when the page asks for news."""
    place = DayForm(request.GET)
    if place.location is None:
        return render(request, "clinic/diary_empty.html")
    today = timespans.date_of(place.location.zone, timezone.now())
    day = place.day_or(today)
    place.show_day(day)
    shown = {
        "place": place,
        "location": place.location,
        "day": day,
        "today": today,
        "before": day - ONE_DAY,
        "after": day + ONE_DAY,
        "visits": visits_of(place.location, day, place.practitioner),
    }
    return render(request, "clinic/_day.html" if request.htmx else "clinic/diary.html", shown)


def visits_of(location: Location, day: date, practitioner: Practitioner | None = None) -> list[Appointment]:
    """The visits of one local day, by practitioner and time; those booked by mistake are left out."""
    span = timespans.local_day(location.zone, day)
    visits = Appointment.objects.for_lists().overlapping(span.start, span.end).filter(location=location)
    if practitioner is not None:
        visits = visits.filter(practitioner=practitioner)
    visits = visits.exclude(status=Appointment.Status.ENTERED_IN_ERROR)
    return sorted(visits, key=lambda visit: (str(visit.practitioner or ""), visit.starts_at, visit.pk))
