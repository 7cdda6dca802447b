"""Fifty people plan whole courses at the same moment, all of them for the same weeks of the same two practitioners."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial

from django.db import connection
from django.utils import timezone

from clinic import booking, scheduling
from clinic.booking import PlanTaken
from clinic.models import Appointment
from clinic.scheduling import Wish
from patients.models import User
from patients.refusals import Busy
from tests import factories, factories_treatments
from tests.prove import races, web
from tests.prove.burst import CLAIM, PATIENT
from tests.prove.desk import together
from tests.prove.report import Row
from treatments.models import TreatmentSeries

SIZES = {"small": (1, 30), "full": (10, 50)}
SESSIONS = 3
TRIES = 30
ATTACKS = 6


def prove(size: str) -> Row:
    """Nothing is taken twice, and every course is booked whole or not at all; who does not give up gets one."""
    rounds, planners = SIZES[size]
    row, started = Row("crowd"), time.perf_counter()
    seen, busiest = Counter(), 0
    for _round in range(rounds):
        told = attack(planners)
        busiest = max(busiest, told.pop("in flight"))
        seen.update(told)
    row.tried, row.accepted, row.doubled = seen["tried"], seen["whole"], seen["doubled"]
    row.lost, row.errors = seen["halves"], seen["errors"] + seen["deadlocks"] + seen["went without"]
    row.more = {name: seen[name] for name in ("gave up", "planned anew", "went without", "halves")}
    row.more["in flight"] = busiest
    parted = _attacked_until("halves", planners, without="wholes", patience=1)
    unlocked = attack(planners, without="locks", drop=(CLAIM, PATIENT))
    row.more["teeth found"] = {
        "each visit by itself: courses left half": parted["halves"],
        "no locks, no net: taken twice": unlocked["doubled"],
    }
    row.teeth = bool(parted["halves"] and unlocked["doubled"])
    row.seconds = time.perf_counter() - started
    held = not (row.doubled or row.lost or row.errors) and row.accepted >= rounds * planners // 2
    return row.settle(holds=held and busiest >= races.LEAST_IN_FLIGHT)


def attack(planners: int, patience: int = TRIES, **weakened) -> Counter:
    """Let so many plan and book at once; every second one gives up at the first refusal."""
    with (
        web.serving(partial(world, planners), application="tests.prove.verbs_server", **weakened) as (stack, made),
        ThreadPoolExecutor(planners) as pool,
    ):
        wishes = [wish | {"tries": 1 if number % 2 else patience} for number, wish in enumerate(made)]
        answers = together([partial(races.ask, stack.web_port, "/plan/course", wish) for wish in wishes], pool)
        booked = Counter(Appointment.objects.live().values_list("session__series", flat=True))
        seen = Counter(
            {
                "tried": planners,
                "whole": sum(count == SESSIONS for count in booked.values()),
                "halves": sum(0 < count < SESSIONS for count in booked.values()),
                "doubled": _count(races.TAKEN_TWICE) + _count(races.IN_TWO_PLACES),
                "deadlocks": web.statistics()["deadlocks"],
                "in flight": races.in_flight(answers),
                "planned anew": sum(answer.get("again", 0) for answer in answers),
            }
        )
        for answer, wish in zip(answers, wishes, strict=True):
            is_refusal = not answer["did"] and answer["why"] in ("Taken", "Busy")
            seen["gave up"] += is_refusal and wish["tries"] == 1
            seen["went without"] += is_refusal and wish["tries"] > 1
            seen["errors"] += not answer["did"] and not is_refusal
    return seen


def _attacked_until(found: str, planners: int, **weakened) -> Counter:
    """A fault that depends on who comes first is given some attacks to show itself."""
    for _attack in range(ATTACKS):
        seen = attack(planners, **weakened)
        if seen[found]:
            break
    return seen


def world(planners: int) -> list[dict]:
    """Two practitioners with a room each, open every day; as many patients with a course of weekly visits each.

    Half of them begin a week later: their first visits meet the second visits of the others.
    """
    desk = factories.Desk(time_zone="UTC")
    technique = factories_treatments.technique()
    people = [factories.practitioner(desk.location, f"Dr {number}", techniques=[technique]) for number in range(2)]
    for person in people:
        person.working_hours.update(valid_from=date(2020, 1, 6))
        factories.room(desk.location, "treatment")
    version = factories_treatments.published(phases=((SESSIONS, 7, 7, 10),))
    tomorrow = timezone.now().date() + timedelta(days=1)
    begins = [tomorrow + timedelta(days=7 * (number // 2 % 2)) for number in range(planners)]
    return [
        {
            "series": factories_treatments.series(version=version, first_possible_on=first).pk,
            "by": desk.by.pk,
            "first": str(first),
        }
        for first in begins
    ]


def plan_and_book(wish: dict) -> dict:
    """What the page does for one person: plan, book; when something was taken meanwhile, book the plan it is shown."""
    series, by = TreatmentSeries.objects.get(pk=wish["series"]), User.objects.get(pk=wish["by"])
    now = timezone.now()
    plan = scheduling.plan(series, Wish(), first=date.fromisoformat(wish["first"]), now=now)
    for number in range(wish["tries"]):
        try:
            booking.book_plan(plan, by=by, now=now)
        except PlanTaken as taken:
            if number + 1 == wish["tries"]:
                raise
            plan = taken.plan
        except Busy:
            if number + 1 == wish["tries"]:
                raise
        else:
            return {"again": number}
    raise Busy


def _count(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]
