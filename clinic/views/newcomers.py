"""Who the chosen time is for: a patient found on the booking page, or a new one added there."""

import uuid
from datetime import datetime
from functools import partial

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import availability, named, timespans, wish_forms
from clinic.forms import SlotForm, VisitForm
from clinic.models import Appointment, Hold, Resource
from clinic.refusals import Refused
from clinic.views import cards, holds, slots, why_not
from patients import registration, search, submissions
from patients.models import Patient
from treatments.models import Service, TreatmentSession

FOUND = 8


def page(request: HttpRequest, place: SlotForm, form: VisitForm) -> dict:
    """What the booking page shows: the time, the patients who fit what was typed, the one who is chosen."""
    by_hand, refusals = _by_hand(request, place)
    kept, now = holds.kept_by_the_form(request), timezone.now()
    start = place.chosen("start")
    shown = {
        "place": place,
        "service": place.chosen("service"),
        "location": place.location,
        "practitioner": place.practitioner,
        "by_hand": by_hand,
        "refusals": refusals,
        "link": reverse("appointment_new"),
        "zone": place.location.zone,
        "start": start,
        "form": form,
        "key": uuid.uuid4(),
        **_people(request, place, kept),
        **holds.shown(kept, now),
    }
    if request.method == "GET":
        asked = _asked(place, by_hand, kept=kept)
        answer = why_not.about(asked, start, place, now)
        shown |= {"answer": answer} | _entered_later(answer, start, now)
    return shown


def _people(request: HttpRequest, place: SlotForm, kept: Hold | None) -> dict:
    """The patients to choose from: those who fit what was typed, else the one who is known already."""
    chosen = place.known or (kept.patient if kept else None)
    typed = request.POST.get("q", "")
    found = search.find(typed, limit=FOUND) if typed else None
    people = [chosen] if chosen and not typed else (found.patients if found else [])
    return {"typed": typed, "found": found, "chosen": chosen, "people": people}


def _entered_later(answer: why_not.Answer, start: datetime, now: datetime) -> dict:
    """A time that is over is booked with a reason; the page asks for it at once."""
    is_past = start < now and answer.allow
    return {"is_past": True, "allow": answer.allow, "refused_at": start} if is_past else {}


def take(request: HttpRequest, place: SlotForm, form: VisitForm) -> tuple[HttpResponse | None, dict]:
    """Book: the redirect to the visit, or what the page shows about the refusal."""
    try:
        person = _person(request, place, form)
        session = session_of(person, place.chosen("service"))
        by_hand = wish_forms.named(request.GET, place.location)
    except registration.LikelyDuplicates as error:
        return None, {"refusals": error.messages, "people": error.patients, "has_duplicates": True, "status": 422}
    except ValidationError as error:
        return slots.answered(request), {"refusals": error.messages, "status": getattr(error, "status_code", 422)}
    kept = holds.kept_by_the_form(request)
    asked = _asked(place, by_hand, person, session, kept)
    act = partial(slots.book, request, form, asked, kept)
    answer, shown = slots.attempt(request, form, asked, act, _("Booked"))
    return answer, shown | {"chosen": person, "people": [person]}


def _by_hand(request: HttpRequest, place: SlotForm) -> tuple[list[Resource], list[str]]:
    """The room and device that were picked by hand, or why they are not to be had."""
    try:
        return wish_forms.named(request.GET, place.location), []
    except Refused as refusal:
        return [], refusal.messages


def _asked(
    place: SlotForm,
    by_hand: list[Resource],
    person: Patient | None = None,
    session: TreatmentSession | None = None,
    kept: Hold | None = None,
) -> availability.Request:
    return availability.request_for(
        location=place.location,
        service=place.chosen("service"),
        session=session,
        practitioner=place.practitioner,
        chosen=[one.pk for one in by_hand],
        patient=person,
        ignore_hold=kept,
    )


def _person(request: HttpRequest, place: SlotForm, form: VisitForm) -> Patient:
    """The patient who was chosen, or a new one; a second copy of the request gets the same new one."""
    typed = form.cleaned_data
    if typed["patient"]:
        if place.known is None:
            raise Refused(_("This patient is not on record any more. Search again."))
        return place.known
    first = slots.sent(request, uuid.uuid5(typed["key"], "patient"))
    added = submissions.answer(first, user=request.user, verb="register", act=partial(_register, place, form))
    return named.patient(uuid.UUID(added))


def _register(place: SlotForm, form: VisitForm) -> str:
    names = ("given_name", "family_name", "phone", "email", "is_surely_new")
    today = timespans.date_of(place.location.zone, timezone.now())
    person = registration.register(**{name: form.cleaned_data[name] for name in names}, on=today)
    return str(person.public_id)


def session_of(person: Patient, service: Service) -> TreatmentSession | None:
    """The session that a visit for a treatment is: the next one of the patient's series of this service."""
    if service.kind != Service.Kind.TREATMENT:
        return None
    sessions = TreatmentSession.objects.filter(
        series__patient=person,
        series__protocol_version__protocol__service=service,
        series__state__in=cards.BOOKABLE,
        state__in=cards.TO_BOOK,
    ).exclude(Exists(Appointment.objects.filter(session=OuterRef("pk")).using_up()))
    session = sessions.select_related("series").order_by("series__created_at", "number").first()
    if session is not None:
        return session
    raise Refused(
        _("%(patient)s has no open session of “%(service)s”. Start a series on the patient’s page first.")
        % {"patient": person, "service": service}
    )
