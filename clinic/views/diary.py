"""One day at one location, by practitioner: its visits, who runs late, and the times that are kept."""

from collections import defaultdict
from datetime import date, datetime, timedelta

from django.db.models import F, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic import running_late, timespans, to_move
from clinic.forms import DayForm
from clinic.models import Appointment, Claim, Hold, Location, Practitioner
from clinic.running_late import Planned
from patients.access import staff_only

ONE_DAY = timedelta(days=1)
Status = Appointment.Status
HERE = (Status.ARRIVED, Status.IN_TREATMENT, Status.COMPLETED)


@staff_only
@require_safe
def diary(request: HttpRequest) -> HttpResponse:
    """The visits of a day; the list alone when the page asks for news."""
    place = DayForm(request.GET)
    if place.location is None:
        return render(request, "clinic/diary_empty.html")
    now = timezone.now()
    today = timespans.date_of(place.location.zone, now)
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
        "kept_times": kept_times_of(place.location, day, place.practitioner, now),
    }
    if day == today:
        mark_delays(shown["visits"], now)
    if day >= today and not request.htmx:
        shown["count"] = _to_move_on(place.location, day, now)
    return render(request, "clinic/_day.html" if request.htmx else "clinic/diary.html", shown)


def _to_move_on(location: Location, day: date, now: datetime) -> int:
    """How many visits of the day no longer fit."""
    span = timespans.local_day(location.zone, day)
    return to_move.count(now, within=Q(location=location, starts_at__gte=span.start, starts_at__lt=span.end))


def visits_of(location: Location, day: date, practitioner: Practitioner | None = None) -> list[Appointment]:
    """The visits of one local day, by practitioner and time; those booked by mistake are left out."""
    span = timespans.local_day(location.zone, day)
    needed = Claim.objects.filter(live=True, resource_id=F("appointment__practitioner_id")).order_by("starts_at")
    visits = Appointment.objects.for_lists().overlapping(span.start, span.end).filter(location=location)
    if practitioner is not None:
        visits = visits.filter(practitioner=practitioner)
    visits = visits.exclude(status=Status.ENTERED_IN_ERROR)
    visits = visits.prefetch_related(Prefetch("claims", queryset=needed, to_attr="of_practitioner"))
    return sorted(visits, key=lambda visit: (str(visit.practitioner or ""), visit.starts_at, visit.pk))


def kept_times_of(location: Location, day: date, practitioner: Practitioner | None, now: datetime) -> list[Hold]:
    """The times of the day that are kept for a form or pencilled in, in their order."""
    span = timespans.local_day(location.zone, day)
    rows = Hold.objects.filter(
        location=location, starts_at__gte=span.start, starts_at__lt=span.end, ended_at=None, kept_until__gt=now
    )
    if practitioner is not None:
        rows = rows.filter(practitioner=practitioner)
    return list(rows.select_related("service", "patient", "practitioner__resource", "made_by").order_by("starts_at"))


def mark_delays(visits: list[Appointment], now: datetime) -> None:
    """Note on each visit of the day by how many minutes it begins later than planned, if it does."""
    by_person = defaultdict(list)
    for visit in visits:
        if visit.is_live and visit.of_practitioner:
            by_person[visit.practitioner_id].append(_planned(visit))
    late = {key: minutes for days in by_person.values() for key, minutes in running_late.delays(days, now).items()}
    for visit in visits:
        visit.minutes_late = late.get(visit.pk, 0)


def _planned(visit: Appointment) -> Planned:
    claims = visit.of_practitioner
    waits = claims[0].starts_at - visit.starts_at
    started_at = visit.started_at and visit.started_at + waits
    return Planned(
        visit.pk, claims[0].starts_at, claims[-1].ends_at, visit.status in HERE, started_at, visit.finished_at
    )
