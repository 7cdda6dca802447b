"""The demo's people with portal access: a couple who share an address, somebody to be looked after, somebody due."""

from datetime import datetime, timedelta

from clinic import availability, booking, proposals
from clinic.demo import people
from clinic.demo.premises import Premises
from clinic.models import Appointment, Installation
from patients import portal_access
from patients.models import Patient, PortalAccess

AHEAD = timedelta(days=5)


def open_portal(due: Patient | None, premises: Premises, now: datetime) -> None:
    """Give access to the couple, to who is due, and to whoever was treated last."""
    treated = Appointment.objects.filter(status=Appointment.Status.COMPLETED).exclude(session=None)
    treated = treated.exclude(patient__email="").exclude(patient=due)
    last = treated.select_related("patient").order_by("-ends_at", "pk").first()
    patients = list(Patient.objects.order_by("pk"))
    chosen = [patients[number] for number in people.COUPLE if number < len(patients)]
    for person in [*chosen, *filter(None, [due, last and last.patient])]:
        portal_access.grant(person, email=person.email, by=premises.desk, now=now)


def ask_about_another_time(premises: Premises, now: datetime) -> None:
    """Propose another time to one of the people who see their pages, for a visit that they have."""
    coming = Appointment.objects.live().filter(starts_at__gt=now + AHEAD, session__isnull=False)
    coming = coming.filter(patient__portal_access__isnull=False, status=Appointment.Status.BOOKED)
    visit = (
        coming.select_related("patient", "service", "location", "session__series__protocol_version")
        .order_by("patient__portal_access__pk", "starts_at")
        .first()
    )
    if visit is None:
        return
    asked = availability.request_for(
        location=visit.location, service=visit.service, session=visit.session, patient=visit.patient, ignore=visit
    )
    free = availability.nearest(asked, visit.starts_at + timedelta(days=1), 1, now)
    if free:
        change = booking.Moved(visit, free[0].starts_at)
        about = {"patient": visit.patient, "series": visit.session.series, "cause": "other"}
        proposals.propose([change], **about, kept_until=now + proposals.LONGEST, by=premises.desk, now=now)


def logins() -> list[tuple[str, str]]:
    """The address of each portal login of the demo with the names of whom it sees; none in a real clinic."""
    if not Installation.objects.filter(is_demo=True).exists():
        return []
    seen: dict[str, list[str]] = {}
    for access in PortalAccess.objects.select_related("user", "patient").order_by("pk"):
        seen.setdefault(access.user.email, []).append(str(access.patient))
    return [(address, ", ".join(dict.fromkeys(names))) for address, names in seen.items()]
