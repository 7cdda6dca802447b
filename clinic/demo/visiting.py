"""One visit of the demo: booked like at the desk, then lived through as far as the day has come."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from clinic import availability, booking, timespans
from clinic.calendars import Request
from clinic.demo.premises import Premises
from clinic.models import Appointment, Location
from patients.models import Patient
from treatments.models import Service, TreatmentSession

CANCELLED, MISSED, KEPT = "cancelled", "missed", "kept"
REASONS = ("Has a cold", "Work got in the way", "On holiday after all", "Child is ill")
WAITS_BEFORE = timedelta(minutes=15)
CONFIRMS_WITHIN = timedelta(days=3)


@dataclass
class Diary:
    """Books as of a moment in the past or now; nothing it does is later than `now`."""

    premises: Premises
    now: datetime
    rng: Random
    made: int = 0

    def today(self, place: Location) -> date:
        """The local date at a location."""
        return timespans.date_of(place.zone, self.now)

    def visit(
        self,
        patient: Patient,
        place: Location,
        service: Service,
        *,
        first: date,
        last: date,
        booked_at: datetime,
        session: TreatmentSession | None = None,
        end: str = KEPT,
    ) -> Appointment | None:
        """Book a free start on the first possible day and live through it; None if there is none until `last`."""
        booked_at = min(booked_at, self.now)
        request = availability.request_for(location=place, service=service, session=session, patient=patient)
        starts = self.starts_on_one_day(request, first, last, booked_at)
        if not starts:
            return None
        visit = booking.book(
            patient=patient,
            service=service,
            location=place,
            session=session,
            starts_at=self.rng.choice(starts),
            by=self.premises.desk,
            now=booked_at,
        )
        self.made += 1
        return self._live(visit, end, booked_at)

    def starts_on_one_day(self, request: Request, first: date, last: date, booked_at: datetime) -> list[datetime]:
        """The free starts of the first day between the two that has any."""
        starts = [offer.starts_at for offer in availability.free_starts(request, first, last, booked_at)]
        zone = request.location.zone
        return [each for each in starts if timespans.date_of(zone, each) == timespans.date_of(zone, starts[0])]

    def _live(self, visit: Appointment, end: str, booked_at: datetime) -> Appointment:
        starts_at, ends_at = visit.starts_at, visit.ends_at
        if end == CANCELLED:
            told_at = min(max(booked_at, starts_at - timedelta(hours=self.rng.choice([6, 30, 50, 72]))), self.now)
            details = {"cancelled_by": Appointment.CancelledBy.PATIENT, "reason": self.rng.choice(REASONS)}
            return self._step(booking.cancel, visit, told_at, **details)
        if end == MISSED and starts_at + WAITS_BEFORE < self.now:
            return self._step(booking.no_show, visit, starts_at + WAITS_BEFORE)
        if self.now < starts_at - WAITS_BEFORE:
            is_soon = starts_at - self.now < CONFIRMS_WITHIN and self.rng.random() < 0.5
            return self._step(booking.confirm, visit, self.now) if is_soon else visit
        arrived_at = starts_at + timedelta(minutes=self.rng.choice([-8, -5, -3, 0, 2, 6]))
        visit = self._step(booking.check_in, visit, min(max(arrived_at, booked_at), self.now))
        if self.now < starts_at:
            return visit
        began_at = min(starts_at + timedelta(minutes=self.rng.choice([0, 0, 3, 5, 10])), self.now)
        visit = self._step(booking.start, visit, began_at)
        finished_at = ends_at + timedelta(minutes=self.rng.choice([-5, 0, 0, 4, 9]))
        return visit if self.now < finished_at else self._step(booking.complete, visit, finished_at)

    def _step(self, verb, visit: Appointment, at: datetime, **details: str) -> Appointment:  # noqa: ANN001 (any of the verbs)
        return verb(visit, version=visit.version, by=self.premises.desk, now=at, **details)
