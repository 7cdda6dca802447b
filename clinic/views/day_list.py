"""The day on paper: who comes when, what to look out for, and room to write. Needs no script."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import timespans
from clinic.forms import DayForm
from clinic.models import Appointment, Claim, Location, Practitioner, Proposal, ProposedVisit
from patients import history
from patients.access import staff_only
from patients.models import Allergy, User
from patients.roles import CLINICAL, has_role

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Line:
    """One visit as it is printed."""

    visit: Appointment
    rooms: list[str]
    alerts: list[str]


@dataclass(frozen=True)
class Sheet:
    """One practitioner's or one room's day: a page of its own."""

    name: str
    lines: list[Line]


@staff_only
@require_safe
def day_list(request: HttpRequest) -> HttpResponse:
    """The visits of one day at one location, a sheet for each practitioner or for each room."""
    place = DayForm(request.GET)
    if place.location is None:
        return render(request, "clinic/diary_empty.html")
    day = place.day_or(timespans.date_of(place.location.zone, timezone.now()))
    place.show_day(day)
    lines = lines_of(visits_of(place.location, day, place.practitioner), request.user)
    by_room = request.GET.get("by") == "room"
    shown = {
        "place": place,
        "location": place.location,
        "day": day,
        "before": day - ONE_DAY,
        "after": day + ONE_DAY,
        "by_room": by_room,
        "sheets": sheets_by_room(lines) if by_room else sheets_by_practitioner(lines),
    }
    return render(request, "clinic/day_list.html", shown)


def visits_of(location: Location, day: date, practitioner: Practitioner | None) -> list[Appointment]:
    """The visits of a local day that keep their time, with the rooms they take and what was allowed for them."""
    span = timespans.local_day(location.zone, day)
    rooms = Claim.objects.filter(resource__type="room", live=True).select_related("resource").order_by("starts_at")
    asked = ProposedVisit.objects.filter(appointment=OuterRef("pk"), proposal__state=Proposal.State.OPEN)
    visits = Appointment.objects.live().for_lists().annotate(is_asked_about=Exists(asked))
    visits = visits.filter(location=location).overlapping(span.start, span.end)
    if practitioner is not None:
        visits = visits.filter(practitioner=practitioner)
    return list(visits.prefetch_related(Prefetch("claims", queryset=rooms), "overrides").order_by("starts_at", "pk"))


def lines_of(visits: list[Appointment], reader: User) -> list[Line]:
    """The visits with their alerts; only those who may read clinical answers see allergies."""
    known = {}
    if has_role(reader, *CLINICAL):
        known = history.allergies_of({visit.patient_id for visit in visits})
    return [
        Line(
            visit,
            list(dict.fromkeys(claim.resource.name for claim in visit.claims.all())),
            alerts(visit, known.get(visit.patient_id, [])),
        )
        for visit in visits
    ]


def alerts(visit: Appointment, allergies: list[Allergy]) -> list[str]:
    """What to look out for, the most important first."""
    said = [_allergy(one) for one in allergies]
    if visit.needs_review:
        said.append(_("A clinician decides before this visit"))
    if visit.is_asked_about:
        said.append(_("The patient was asked about another time"))
    said += [_("Allowed anyway: %(reason)s") % {"reason": one.reason} for one in visit.overrides.all()]
    return said + ([_("Note: %(note)s") % {"note": visit.note}] if visit.note else [])


def _allergy(allergy: Allergy) -> str:
    what = ", ".join(str(tag) for tag in allergy.tags.all()) or allergy.substance
    return _("Allergy: %(what)s (%(how)s)") % {"what": what, "how": allergy.get_criticality_display()}


def sheets_by_practitioner(lines: Iterable[Line]) -> list[Sheet]:
    """A sheet for each practitioner, by name."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(str(line.visit.practitioner or _("Nobody in particular")), []).append(line)
    return [Sheet(name, found[name]) for name in sorted(found)]


def sheets_by_room(lines: Iterable[Line]) -> list[Sheet]:
    """A sheet for each room, by name; a visit that uses two rooms is on both."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        for room in line.rooms or [_("No room")]:
            found.setdefault(room, []).append(line)
    return [Sheet(name, found[name]) for name in sorted(found)]
