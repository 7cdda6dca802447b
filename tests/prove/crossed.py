"""Two people save what both opened before: one wins, the other is told, and nothing is overwritten in silence."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from clinic.models import Appointment
from patients.models import Patient
from tests.prove import web, worlds
from tests.prove.desk import Client, together
from tests.prove.report import Row

SIZES = {"small": 20, "full": 1000}


def prove(size: str) -> Row:
    """Of every pair of saves exactly one counts, and the row says what the winner typed."""
    pairs = SIZES[size]
    row = Row("crossed saves")
    started = time.perf_counter()
    seen = attack(pairs)
    row.tried, row.accepted, row.errors = pairs * 2, seen["accepted"], seen["errors"]
    row.doubled, row.lost = seen["overwritten"], seen["lost"]
    without = attack(min(pairs, 20), without="versions")
    row.more["teeth found"] = {"overwritten without the check": without["overwritten"]}
    row.teeth = without["overwritten"] > 0
    row.seconds = time.perf_counter() - started
    return row.settle(holds=row.accepted == pairs and not (row.doubled or row.lost or row.errors))


def attack(pairs: int, *, without: str = "") -> dict:
    """Half of the pairs correct a patient, half move a visit; both saves of a pair leave at the same moment."""
    seen = {"accepted": 0, "overwritten": 0, "lost": 0, "errors": 0}
    made = partial(worlds.visited, pairs)
    with web.serving(made, without=without) as (stack, world), ThreadPoolExecutor(2) as pool:
        people = [Client(stack.web_port, user) for user in world.users[:2]]
        for person in people:
            person.open(f"/patients/{world.patients[0].public_id}/edit/")
        for number in range(pairs):
            _cross(number, people, world, pool, seen)
    return seen


def _cross(number: int, people: list[Client], world: worlds.Visited, pool: ThreadPoolExecutor, seen: dict) -> None:
    saves, read = (_corrections if number % 2 else _moves)(number, people, world)
    answers = together(list(saves.values()), pool)
    won = [value for value, answer in zip(saves, answers, strict=True) if answer.status == 302]
    told = [answer.status for answer in answers]
    seen["accepted"] += len(won)
    seen["overwritten"] += max(len(won) - 1, 0)
    seen["lost"] += not won or (len(won) == 1 and read() != won[0])
    seen["errors"] += sum(1 for status in told if status not in (302, 409))


def _corrections(number: int, people: list[Client], world: worlds.Visited) -> tuple[dict, object]:
    patient = world.patients[number]
    fixed = {"given_name": patient.given_name, "family_name": patient.family_name, "version": patient.version}
    path = f"/patients/{patient.public_id}/edit/"
    typed = [f"first{number}@mail.example", f"second{number}@mail.example"]
    saves = {
        email: partial(person.post, path, submission=worlds.key(), email=email, **fixed)
        for person, email in zip(people, typed, strict=True)
    }
    return saves, lambda: Patient.objects.get(pk=patient.pk).email


def _moves(number: int, people: list[Client], world: worlds.Visited) -> tuple[dict, object]:
    visit = world.visits[number]
    path = f"/appointments/{visit.public_id}/move/"
    times = [visit.starts_at + worlds.DAY, visit.starts_at + 2 * worlds.DAY]
    saves = {
        time: partial(person.post, path, key=worlds.key(), starts_at=time.isoformat(), version=visit.version)
        for person, time in zip(people, times, strict=True)
    }
    return saves, lambda: Appointment.objects.get(pk=visit.pk).starts_at
