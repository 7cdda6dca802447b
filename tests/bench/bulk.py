"""W4c: 200 visits of somebody who is ill get new times, by the pages: entered, worked out look by look, and moved."""

import re
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from clinic.models import Absence, Appointment, BulkMove, BulkMoveVisit, Practitioner
from tests.bench import crowded
from tests.bench.places import Place
from tests.bench.planning_world import PlanningWorld
from tests.bench.report import Row, Samples
from tests.prove.desk import Answer, Client

VISITS = 200
AFTER = timedelta(days=250)  # beyond what the whole courses of the other workloads reach
MARGIN = timedelta(days=7)
MUST, GOAL = 10, 3
EASY, CROWDED = "W4c", "W4c crowded"


def measure(place: Place, samples: Samples, clinic: PlanningWorld, number: int) -> None:
    """One round with two others of the ten people; the visits stay where they were moved to.

    The first time the others have room enough; then their diaries are full, so that visits have to be at other times.
    """
    _measure(place, samples, EASY, clinic.people[number])
    person = clinic.people[-1 - number]
    with place.open():
        first, last = _first_and_last(person)
        neighbours = [each.pk for each in clinic.people if each != person]
        full = crowded.fill(clinic, neighbours, first.date() - MARGIN, last.date() + MARGIN)
    samples.check(CROWDED, full >= crowded.FULL, f"diaries are {full:.0%} full")
    samples.add(place.size, CROWDED, full=full)
    bulk = _measure(place, samples, CROWDED, person)
    samples.check(CROWDED, bulk.shift_minutes, "nothing had to be at another time")
    place.forget_bookings()


def _measure(place: Place, samples: Samples, workload: str, person: Practitioner) -> BulkMove:
    with place.open():
        client = place.client()
        first, last = _first_and_last(person)
        # Longer than they were booked for, so that most of them have to go somewhere else.
        _starts(person).filter(starts_at__lte=last).update(service=place.world.equipped)
    began, shown = _begin(client, person, first, last)
    looks = _work_out(client, began.location)
    page = client.open(began.location)
    moved = client.post(f"{began.location}take/", **_sent(page), move="1")
    with place.open():
        bulk = BulkMove.objects.latest("pk")
        outcomes = list(bulk.visits.values_list("outcome", flat=True))
        Absence.objects.filter(resource=person.resource).delete()
    known = [shown, began, *looks, page, moved]
    said = re.sub(r"<[^>]+>|\s+", " ", moved.body.partition('role="alert"')[2])[:200]
    samples.check(workload, moved.status == 302, f"answered {[each.status for each in known]}: {said}")
    samples.check(
        workload, outcomes.count(BulkMoveVisit.Outcome.MOVED) == VISITS, f"moved {len(outcomes)}: {outcomes[:3]}"
    )
    of_plan = {"shift": bulk.shift_minutes, "one by one": bulk.one_by_one_minutes, "least": bulk.least_minutes}
    samples.check(workload, bulk.least_minutes <= bulk.shift_minutes <= bulk.one_by_one_minutes, str(of_plan))
    samples.add(place.size, workload, ours=sum(each.seconds for each in known), planned=began.seconds + _total(looks))
    samples.add(
        place.size, workload, moved=moved.seconds, looks=len(looks), longest=max(each.seconds for each in looks)
    )
    samples.add(place.size, workload, **of_plan)
    return bulk


def rows(samples: Samples, size: str) -> list[Row]:
    return [_row(samples, size, EASY), _row(samples, size, CROWDED)]


def _row(samples: Samples, size: str, workload: str) -> Row:
    """Seconds for all of it; `ratio` is these seconds. Shifts are minutes in all, `least` no plan is below."""
    names = ("ours", "planned", "moved", "looks", "longest", "shift", "one by one", "least", "full")
    of = {name: samples.medians(size, workload, name) for name in names}
    middle = sorted(of["ours"])[len(of["ours"]) // 2]
    told = {f"{name}, by round": [round(each, 2) for each in values] for name, values in of.items() if values}
    wrong = {"wrong": samples.wrong[workload]} if samples.wrong[workload] else {}
    return Row(
        workload, size, round(middle, 2), MUST, GOAL, holds=middle <= MUST and not wrong,
        ours_ms=round(middle * 1000), min=round(min(of["ours"]) * 1000), max=round(max(of["ours"]) * 1000),
        more={"ratio": "seconds", **told, **wrong},
    )  # fmt: skip


def _starts(person: Practitioner) -> QuerySet[Appointment]:
    return Appointment.objects.filter(practitioner=person, starts_at__gte=timezone.now() + AFTER)


def _first_and_last(person: Practitioner) -> tuple[datetime, datetime]:
    first, *_others, last = _starts(person).order_by("starts_at").values_list("starts_at", flat=True)[:VISITS]
    return first, last


def _begin(client: Client, person, first: datetime, last: datetime) -> tuple[Answer, Answer]:
    shown = client.open("/away/")
    typed = {
        "what": person.resource.public_id, "day": first.date(), "last_day": last.date(), "starts": "00:00",
        "ends": f"{last + timedelta(minutes=30):%H:%M}", "reason": "Flu", "key": _found(shown, "key"),
    }  # fmt: skip
    return client.post("/away/", **typed), shown


def _work_out(client: Client, address: str) -> list[Answer]:
    client.open(address)
    looks = []
    while len(looks) < 200:
        looks.append(client.post(f"{address}go-on/", headers={"HX-Request": "true"}))
        if "<progress" not in looks[-1].body:
            break
    return looks


def _sent(page: Answer) -> dict:
    ticked = re.findall(r'name="take" value="([^"]+)"', page.body)
    return {"key": _found(page, "key"), "version": _found(page, "version"), "take": ticked, "hours": "48"}


def _found(page: Answer, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.body)
    return found.group(1) if found else ""


def _total(answers: list[Answer]) -> float:
    return sum(each.seconds for each in answers)
