"""The portal: what a login may see of its people. Every page begins with them, never with an id of the URL.

Asking for a page changes nothing, but is noted as every look into a chart is. Nothing here is kept by a browser.
"""

import uuid
from datetime import timedelta
from email.utils import parseaddr
from functools import partial

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import feeds, proposals
from clinic import portal as own
from clinic.portal_forms import ContactForm
from clinic.views import cards, portal_cards
from patients import audit, portal_access
from patients.access import portal
from patients.models import Patient
from patients.refusals import Conflict

PER_PAGE = 20


@require_safe
@portal
def portal_home(request: HttpRequest) -> HttpResponse:
    """The one person of the login, or the choice among several with the next visit of each."""
    if len(request.people) == 1:
        return redirect("portal_person", request.people[0].public_id)
    next_visits: dict[int, object] = {}
    for visit in own.coming(own.visits_of(*request.people), timezone.now()):
        next_visits.setdefault(visit.patient.merged_into_id or visit.patient_id, visit)
    rows = [(person, next_visits.get(person.pk)) for person in request.people]
    return render(request, "portal/people.html", {"rows": rows})


@require_safe
@portal
def portal_person(request: HttpRequest, person: Patient) -> HttpResponse:
    """What to do next, the series and their dates, and the visits to come."""
    audit.chart_opened(request.user, person, "portal_person")
    now = timezone.now()
    found = portal_cards.courses(own.courses_of(person), cards.clinic_day(now))
    visits = list(own.coming(own.visits_of(person), now))
    waiting = next(iter(proposals.open_for(person, now)), None)
    step = portal_cards.next_step(found, visits, own.afterwards(person, now), now, waiting)
    shown = {"step": step, "courses": found, "visits": visits}
    return render(request, "portal/home.html", frame(request, person) | shown)


@require_safe
@portal
def portal_visits(request: HttpRequest, person: Patient) -> HttpResponse:
    """Visits to come, and those that were, in plain words."""
    audit.chart_opened(request.user, person, "portal_visits")
    now, visits = timezone.now(), own.visits_of(person)
    page = Paginator(own.past(visits, now), PER_PAGE).get_page(request.GET.get("page"))
    shown = {"visits": own.coming(visits, now), "page_obj": page}
    return render(request, "portal/visits.html", frame(request, person) | shown)


@require_safe
@portal
def portal_visit(request: HttpRequest, person: Patient, visit: uuid.UUID) -> HttpResponse:
    """One visit: when, where, with whom, how to prepare, and until when it can be cancelled."""
    row = get_object_or_404(own.visits_of(person), public_id=visit)
    audit.chart_opened(request.user, person, "portal_visit")
    now = timezone.now()
    free_until = row.starts_at - timedelta(hours=row.location.free_cancel_hours)
    shown = {
        "visit": row,
        "minutes": int((row.ends_at - row.starts_at).total_seconds() // 60),
        "free_until": free_until,
        "is_free": now <= free_until,
        "is_coming": own.is_coming(row, now),
    }
    return render(request, "portal/visit.html", frame(request, person) | shown)


@require_safe
@portal
def portal_calendar(request: HttpRequest, person: Patient, visit: uuid.UUID) -> HttpResponse:
    """The visit as a calendar file; a cancelled one takes itself out of the calendar."""
    row = get_object_or_404(own.visits_of(person), public_id=visit)
    kind = f"text/calendar; charset=utf-8; method={feeds.method_of(row)}"
    file = HttpResponse(feeds.calendar_of(row, timezone.now()), content_type=kind)
    file.headers["Content-Disposition"] = 'attachment; filename="visit.ics"'
    return file


@require_safe
@portal
def portal_aftercare(request: HttpRequest, person: Patient) -> HttpResponse:
    """What counts after the last treatment: now, next, and what is over."""
    audit.chart_opened(request.user, person, "portal_aftercare")
    now = timezone.now()
    after = own.afterwards(person, now)
    shown = {"after": after, "lines": portal_cards.lines(after, now) if after else {}}
    return render(request, "portal/aftercare.html", frame(request, person) | shown)


@require_http_methods(["GET", "HEAD", "POST"])
@portal
def portal_details(request: HttpRequest, person: Patient) -> HttpResponse:
    """What the clinic has on file, what may be corrected here, and who else sees these pages."""
    form = ContactForm(request.POST if request.method == "POST" else None, person=person)
    now = timezone.now()
    if request.method == "POST":
        save = partial(form.save, cards.clinic_day(now))
        if form.answer(request.user, f"own details {person.public_id}", save):
            messages.success(request, _("Your details were saved."))
            return redirect("portal_details", person.public_id)
        if isinstance(form.refusal, Conflict):
            form.look_again()
    audit.chart_opened(request.user, person, "portal_details")
    shown = {"form": form, "readers": portal_access.readers_of(person, now)}
    return render(request, "portal/details.html", frame(request, person) | shown, status=form.status)


def frame(request: HttpRequest, person: Patient) -> dict[str, object]:
    """What every page about a person shows round its own part."""
    write_to = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return {"person": person, "place": own.place_of(person), "write_to": write_to}
