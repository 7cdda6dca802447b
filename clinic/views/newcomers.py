"""Who the chosen time is for: a patient found on the booking page, or a new one added there."""

import uuid
from functools import partial

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import availability, booking, timespans
from clinic.forms import SlotForm, VisitForm
from clinic.models import Appointment
from clinic.refusals import Refused
from clinic.views import cards, slots
from patients import registration, search, submissions
from patients.models import Patient
from treatments.models import Service, TreatmentSession

FOUND = 8


def page(request: HttpRequest, place: SlotForm, form: VisitForm) -> dict:
    """What the booking page shows: the time, the patients who fit what was typed, the one who is chosen."""
    asked = _asked(place, None, None)
    start = place.chosen("start")
    chosen = _patient(request.POST.get("patient") or place.chosen("patient"))
    typed = request.POST.get("q", "")
    found = search.find(typed, limit=FOUND) if typed else None
    return {
        "place": place,
        "service": place.chosen("service"),
        "location": place.location,
        "practitioner": place.practitioner,
        "zone": place.location.zone,
        "start": start,
        "form": form,
        "key": uuid.uuid4(),
        "typed": typed,
        "found": found,
        "chosen": chosen,
        "people": [chosen] if chosen and not typed else (found.patients if found else []),
        "why_not": availability.explain(asked, start, timezone.now()) if request.method == "GET" else [],
    }


def take(request: HttpRequest, place: SlotForm, form: VisitForm) -> tuple[HttpResponse | None, dict]:
    """Book: the redirect to the visit, or what the page shows about the refusal."""
    try:
        person = _person(request, place, form)
        session = _session(person, place.chosen("service"))
    except registration.LikelyDuplicates as error:
        return None, {"refusals": error.messages, "people": error.patients, "has_duplicates": True, "status": 422}
    except ValidationError as error:
        return None, {"refusals": error.messages, "status": getattr(error, "status_code", 422)}
    act = partial(_book, request, place, form, person, session)
    answer, shown = slots.attempt(request, form, _asked(place, person, session), act, _("Booked"))
    return answer, shown | {"chosen": person, "people": [person]}


def _book(
    request: HttpRequest, place: SlotForm, form: VisitForm, person: Patient, session: TreatmentSession | None
) -> Appointment:
    typed = form.cleaned_data
    return booking.book(
        patient=person,
        service=place.chosen("service"),
        session=session,
        location=place.location,
        practitioner=place.practitioner,
        starts_at=typed["starts_at"],
        note=typed["note"],
        overrides=form.overrides,
        by=request.user,
        now=timezone.now(),
        submission=slots.sent(request, typed["key"]),
    )


def _asked(place: SlotForm, person: Patient | None, session: TreatmentSession | None) -> availability.Request:
    return availability.request_for(
        location=place.location,
        service=place.chosen("service"),
        session=session,
        practitioner=place.practitioner,
        patient=person,
    )


def _person(request: HttpRequest, place: SlotForm, form: VisitForm) -> Patient:
    """The patient who was chosen, or a new one; a second copy of the request gets the same new one."""
    typed = form.cleaned_data
    if typed["patient"]:
        person = _patient(typed["patient"])
        if person is None:
            raise Refused(_("This patient is not on record any more. Search again."))
        return person
    first = slots.sent(request, uuid.uuid5(typed["key"], "patient"))
    return _patient(submissions.answer(first, user=request.user, verb="register", act=partial(_register, place, form)))


def _register(place: SlotForm, form: VisitForm) -> str:
    names = ("given_name", "family_name", "phone", "email", "is_surely_new")
    today = timespans.date_of(place.location.zone, timezone.now())
    person = registration.register(**{name: form.cleaned_data[name] for name in names}, on=today)
    return str(person.public_id)


def _session(person: Patient, service: Service) -> TreatmentSession | None:
    """The session that a visit for a treatment is: the next one of the patient's series of this service."""
    if service.kind != Service.Kind.TREATMENT:
        return None
    sessions = TreatmentSession.objects.filter(
        series__patient=person,
        series__protocol_version__protocol__service=service,
        series__state__in=cards.BOOKABLE,
        state__in=cards.TO_BOOK,
    )
    session = sessions.select_related("series").order_by("series__created_at", "number").first()
    if session is not None:
        return session
    raise Refused(
        _("%(patient)s has no open session of “%(service)s”. Start a series on the patient’s page first.")
        % {"patient": person, "service": service}
    )


def _patient(public_id: object) -> Patient | None:
    try:
        return Patient.objects.current().filter(public_id=public_id).first() if public_id else None
    except ValidationError:
        return None
