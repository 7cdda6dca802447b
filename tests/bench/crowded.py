"""Makes the diaries of some people full: whoever stands in for a colleague has an hour here and there."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone

from clinic.models import Appointment, Claim
from patients.models import Patient
from tests.bench.planning_world import PlanningWorld

FULL = 0.8
OPENS, CELLS, CELL = time(8), 20, timedelta(minutes=30)
GAPS = 2  # free hours that each person has left on each day


def fill(clinic: PlanningWorld, people: list[int], first: date, last: date) -> float:
    """Book all of the free half hours but for some free hours; returns how full the least full diary is then."""
    rng, visits, taken = random.Random(1), [], _taken(people, first, last)
    service = Appointment.objects.filter(location=clinic.location).latest("starts_at").service
    for number, person in enumerate(people):
        patient = Patient.objects.create(given_name="Cy", family_name=f"Crowd {number}")
        for starts_at in _to_fill(rng, first, last, taken[person]):
            taken[person].add(starts_at)
            details = {"patient": patient, "service": service, "location": clinic.location, "practitioner_id": person}
            visits.append(
                Appointment(starts_at=starts_at, ends_at=starts_at + CELL, booked_at=timezone.now(), **details)
            )
    Claim.objects.bulk_create(
        Claim(resource_id=each.practitioner_id, appointment=each, starts_at=each.starts_at, ends_at=each.ends_at)
        for each in Appointment.objects.bulk_create(visits)
    )
    return min(len(cells) for cells in taken.values()) / (CELLS * ((last - first).days + 1))


def _taken(people: list[int], first: date, last: date) -> dict[int, set[datetime]]:
    """By person the half hours in which anything is."""
    found, begin, end = defaultdict(set), _cell(first, 0), _cell(last, CELLS)
    rows = Claim.objects.filter(resource__in=people, live=True, starts_at__gte=begin, ends_at__lte=end)
    for person, starts_at, ends_at in rows.values_list("resource_id", "starts_at", "ends_at"):
        at = starts_at - timedelta(minutes=starts_at.minute % 30)
        while at < ends_at:
            found[person].add(at)
            at += CELL
    return found


def _to_fill(rng: random.Random, first: date, last: date, taken: set[datetime]) -> Iterator[datetime]:
    for number in range((last - first).days + 1):
        free = [at for at in (_cell(first + timedelta(days=number), cell) for cell in range(CELLS)) if at not in taken]
        left: set[datetime] = set()
        hours = [at for at in free if at + CELL in free]
        rng.shuffle(hours)
        for at in hours:
            if len(left) < 2 * GAPS and not {at, at + CELL} & left:
                left |= {at, at + CELL}
        yield from (at for at in free if at not in left)


def _cell(day: date, number: int) -> datetime:
    return datetime.combine(day, OPENS, tzinfo=UTC) + number * CELL
