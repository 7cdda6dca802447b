"""Many people want the same free time at the same moment, over HTTP, slot after slot."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median, quantiles

from django.db import connection

from tests.prove import web, worlds
from tests.prove.desk import Client, together
from tests.prove.report import Row

SIZES = {"small": (12, 24), "full": (200, 50)}
CLAIM = "clinic_claim.claim_resource_is_taken_once"
PATIENT = "clinic_appointment.appointment_patient_is_in_one_place"
UNCONTENDED = 20  # bookings, spread over the run
MOST_RATIO = 60
DOUBLED = """
    SELECT count(DISTINCT one.starts_at) FROM clinic_claim one JOIN clinic_claim two
    ON one.resource_id = two.resource_id AND one.id < two.id AND one.live AND two.live
    AND tstzrange(one.starts_at, one.ends_at) && tstzrange(two.starts_at, two.ends_at)
"""


def prove(size: str) -> Row:
    """Exactly one visit for each slot, a clear answer for everybody else."""
    slots, clients = SIZES[size]
    row = Row("burst")
    started = time.perf_counter()
    seen = attack(slots, clients)
    row.tried, row.accepted, row.doubled = seen["tried"], seen["accepted"], seen["doubled"]
    row.errors = seen["errors"] + seen["unclear"] + seen["deadlocks"]
    row.more = {
        name: seen[name] for name in ("answers", "unclear", "in flight", "deadlocks", "net reached", "p99 / median")
    }
    row.teeth, row.more["teeth found"] = _bites(size)
    row.seconds = time.perf_counter() - started
    is_quick = size == "small" or seen["p99 / median"] <= MOST_RATIO
    right = row.accepted == slots and not (row.doubled or row.errors or seen["net reached"])
    return row.settle(holds=right and is_quick and seen["in flight"] >= 16)


def attack(slots: int, clients: int, **weakened) -> dict:
    """Release the clients on each slot; returns what was answered and what the rows say afterwards."""
    with web.serving(partial(worlds.burst, slots, clients), **weakened) as (stack, world):
        people = [Client(stack.web_port, user) for user in world.users]
        for person in people:
            person.open(world.address(world.slots[0]))
        before = web.statistics()["deadlocks"]
        answers, alone, busiest = [], [], 0
        every = -(-slots // UNCONTENDED)
        with ThreadPoolExecutor(clients) as pool, ThreadPoolExecutor(1) as watch:
            for number, start in enumerate(world.slots):
                counted = watch.submit(web.in_flight)
                answers += together([partial(_book, world, start, *each) for each in _who(people, world)], pool)
                busiest = max(busiest, counted.result())
                if number % every == 0:
                    alone.append(_book_alone(world, number, people[0]))
        seen = _counted(answers) | {"in flight": busiest, "deadlocks": web.statistics()["deadlocks"] - before}
        with connection.cursor() as cursor:
            cursor.execute(DOUBLED)
            seen["doubled"] = cursor.fetchone()[0]
        slowest = quantiles([answer.seconds for answer in answers], n=100)[98]
        seen["p99 / median"] = round(slowest / median(alone), 1)
    return seen


def _who(people: list[Client], world: worlds.Burst) -> list[tuple]:
    return list(zip(people, world.patients, strict=True))


def _book(world: worlds.Burst, start, person: Client, patient):
    fields = {"key": worlds.key(), "starts_at": start.isoformat(), "patient": patient.public_id, "note": ""}
    return person.post(world.address(start), **fields)


def _counted(answers: list) -> dict:
    told = Counter(answer.status for answer in answers)
    refused = [answer for answer in answers if answer.status == 409]
    return {
        "answers": dict(told),
        "tried": len(answers),
        "accepted": sum(1 for answer in answers if answer.visit),
        "errors": sum(count for status, count in told.items() if status == 0 or status >= 500),
        "unclear": sum(1 for answer in refused if len(answer.alternatives) != 3)
        + sum(count for status, count in told.items() if status not in (302, 409) and 0 < status < 500),
        "net reached": sum(1 for answer in refused if "has just been taken" in answer.body),
    }


def _book_alone(world: worlds.Burst, number: int, person: Client) -> float:
    """Seconds of a booking that nobody contends for; between the slots, so that it meets the machine they meet."""
    start = world.slots[-1].replace(hour=8, minute=0) + (1 + number) * worlds.DAY
    answer = _book(world, start, person, world.patients[0])
    assert answer.visit, answer
    return answer.seconds


def _bites(size: str) -> tuple[bool, dict]:
    """Without the lock the net holds but is reached; without both, slots double."""
    slots, clients = (SIZES[size][0], 16) if size == "full" else (6, 24)
    no_lock = attack(slots, clients, without="locks")
    neither = attack(slots, clients, without="locks", drop=(CLAIM,))
    found = {
        "no lock: doubled": no_lock["doubled"],
        "no lock: net reached or deadlocks": no_lock["net reached"] + no_lock["deadlocks"],
        "neither: slots doubled": neither["doubled"],
        "of": slots,
    }
    is_bitten = neither["doubled"] >= 0.75 * slots
    return not no_lock["doubled"] and bool(no_lock["net reached"] + no_lock["deadlocks"]) and is_bitten, found
