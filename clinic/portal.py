"""What of the diary a person may see in the portal: their own visits, under all of their records.

Visits that were booked by mistake are nobody's business; notes, checks and what staff decided are in no row that is
handed out here by name.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from clinic import aftercare
from clinic.models import Appointment, Location, Proposal
from patients.models import Patient
from treatments.models import TreatmentSeries

Status = Appointment.Status
TREATED = (Status.ARRIVED, Status.IN_TREATMENT, Status.COMPLETED)
SHOWN_COURSES = (
    TreatmentSeries.State.AWAITING_CLEARANCE,
    TreatmentSeries.State.ACTIVE,
    TreatmentSeries.State.PAUSED,
)


@dataclass(frozen=True)
class Afterwards:
    """The last treatment, when it really ended, and its advice by the hour."""

    visit: Appointment
    ended_at: datetime
    hours: aftercare.Hours


def records_of(people: Collection[Patient]) -> Q:
    """The condition on what belongs to these people, the records that were merged into theirs included."""
    return Q(patient__in=people) | Q(patient__merged_into__in=people)


def visits_of(*people: Patient) -> QuerySet[Appointment]:
    """Their visits, but for those booked by mistake, with what a page says about them."""
    visits = Appointment.objects.filter(records_of(people)).exclude(status=Status.ENTERED_IN_ERROR)
    return visits.for_lists().select_related("session__series__protocol_version__protocol", "session__phase__version")


def coming(visits: QuerySet[Appointment], now: datetime) -> QuerySet[Appointment]:
    """Those that take place and are not over, the next one first."""
    return visits.live().exclude(status=Status.COMPLETED).filter(ends_at__gt=now).order_by("starts_at")


def is_coming(visit: Appointment, now: datetime) -> bool:
    """Whether one visit is among those to come."""
    return visit.is_live and visit.status != Status.COMPLETED and visit.ends_at > now


def past(visits: QuerySet[Appointment], now: datetime) -> QuerySet[Appointment]:
    """All others, the newest first, with the areas of their series and those that were done, where they differ."""
    to_come = Q(status__in=Appointment.LIVE, ends_at__gt=now) & ~Q(status=Status.COMPLETED)
    areas = "session__series__series_areas__area"
    return visits.exclude(to_come).order_by("-starts_at", "-pk").prefetch_related(areas, "session__done_areas")


def courses_of(person: Patient) -> QuerySet[TreatmentSeries]:
    """Their series that are under way or about to begin."""
    return TreatmentSeries.objects.filter(records_of([person]), state__in=SHOWN_COURSES)


def proposals_of(person: Patient) -> QuerySet[Proposal]:
    """Other times that were proposed to them, the newest first."""
    return Proposal.objects.filter(records_of([person]))


def afterwards(person: Patient, now: datetime) -> Afterwards | None:
    """The advice of the last treatment that has ended; None before the first."""
    treated = visits_of(person).filter(status__in=TREATED).exclude(session=None)
    ended = treated.filter(Q(finished_at__lte=now) | Q(finished_at=None, ends_at__lte=now))
    visit = ended.order_by("-starts_at").first()
    if visit is None:
        return None
    ended_at = visit.finished_at or visit.ends_at
    steps = visit.session.phase.version.aftercare.all()
    return Afterwards(visit, ended_at, aftercare.by_the_hour(steps, ended_at, now))


def place_of(person: Patient) -> Location | None:
    """The location to call: that of the latest visit in the diary, else the clinic's first."""
    latest = visits_of(person).order_by("-starts_at").first()
    return latest.location if latest else Location.objects.filter(is_active=True).order_by("pk").first()
