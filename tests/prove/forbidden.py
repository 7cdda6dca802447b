"""Whoever changes hours, absences, closures, qualifications or a history races a booking that the change forbids.

Either the visit was there first and the change comes after it, or the change was first and the visit is refused. The
database says which of the two was committed first, whatever the product believes.
"""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import time as clock
from functools import partial
from itertools import chain

from django.db import connection

from clinic.models import (
    Absence,
    Closure,
    DatedHours,
    Device,
    DevicePlace,
    OpeningHours,
    Qualification,
    Resource,
    WorkingHours,
)
from tests import factories, factories_treatments
from tests.prove import arenas, rules, web, writers
from tests.prove.arenas import Arena
from tests.prove.desk import together
from tests.prove.races import ARENAS, LEAST_IN_FLIGHT, REFUSED, ask, in_flight
from tests.prove.report import Row
from tests.prove.writers import Writer

SIZES, TEETH = {"small": 2, "full": 50}, {"small": 1, "full": 10}
LATEST_SECONDS = 0.08
BY = ("book", "hold", "pencil", "book what ran out", "move", "change resources", "un-cancel")
# A visit that was in the diary before is not asked again for what staff may allow; a time that is only kept is nobody's
# treatment yet, so what is known of the patient is asked when it is booked.
NOT_ASKED_AGAIN, KEEP_A_TIME, HISTORY = ("un-cancel", "change resources"), ("hold", "pencil"), "medical history"
COMMITTED = """
    SELECT max(pg_xact_commit_timestamp(claim.xmin)),
    (SELECT pg_xact_commit_timestamp(rule.xmin) FROM {table} rule WHERE rule.{column} = %s)
    FROM clinic_claim claim WHERE live AND resource_id = %s AND starts_at = %s
"""


@dataclass
class Meeting:
    """One change of what is allowed, and one writer of the diary that it forbids."""

    rule: str
    writer: Writer
    arena: Arena = None
    slot: int = 0


def prove(size: str) -> Row:
    """No visit was written after the change that forbids it."""
    row = Row("forbidden")
    started = time.perf_counter()
    seen = attack(_meetings(SIZES[size]))
    row.tried, row.accepted, row.doubled = seen["meetings"], seen["visit first"], seen["forbidden"]
    unlisted = rules.unlisted()
    row.errors = seen["errors"] + seen["deadlocks"] + len(unlisted)
    names = ("change first", "by rule", "answers", "in flight", "deadlocks")
    row.more = {name: seen[name] for name in names} | (
        {"first faults": seen["examples"][:5]} if seen["examples"] else {}
    )
    row.more["verbs that no race knows"] = unlisted
    without = attack(_meetings(TEETH[size]), without="locks")
    row.more["teeth found"] = {"forbidden without the locks": without["forbidden"], "of": without["meetings"]}
    row.teeth = without["forbidden"] > 0
    row.seconds = time.perf_counter() - started
    both = row.accepted > 0 and seen["change first"] > 0
    return row.settle(holds=both and not (row.doubled or row.errors) and seen["in flight"] >= LEAST_IN_FLIGHT)


def _meetings(times: int) -> list[Meeting]:
    """Each change with each writer that asks for it, so many times."""
    by = [one for one in writers.usable() if one.name in BY]
    pairs = [
        (rule, one)
        for rule, (_about, is_soft, _change) in rules.RULES.items()
        for one in by
        if not (is_soft and one.name in NOT_ASKED_AGAIN) and not (rule == HISTORY and one.name in KEEP_A_TIME)
    ]
    return [Meeting(rule, one) for _number in range(times) for rule, one in pairs]


def attack(meetings: list[Meeting], **weakened) -> dict:
    """Let the meetings happen, one in each arena at a time; returns who was first and what should not have been."""
    seen = {"meetings": len(meetings), "visit first": 0, "change first": 0, "forbidden": 0, "errors": 0, "in flight": 0}
    by_rule, told, examples = Counter(), Counter(), []
    with (
        web.serving(_world, application="tests.prove.verbs_server", **weakened) as (stack, rings),
        ThreadPoolExecutor(2 * ARENAS) as pool,
    ):
        before = web.statistics()["deadlocks"]
        for first in range(0, len(meetings), ARENAS):
            heat = meetings[first : first + ARENAS]
            for meeting, arena in zip(heat, rings, strict=False):
                meeting.arena, meeting.slot = arena, first // ARENAS
            told_by_meeting = _run(stack.web_port, heat, pool)
            for meeting, (wish, *answers) in zip(heat, told_by_meeting, strict=True):
                what = _judged(meeting, wish, *answers)
                seen[what] += 1
                by_rule[meeting.rule] += 1
                told.update("did" if answer["did"] else answer["why"] for answer in answers)
                if what in ("forbidden", "errors"):
                    examples.append((meeting.rule, meeting.writer.name, *answers))
            both = chain.from_iterable(answers for _wish, *answers in told_by_meeting)
            seen["in flight"] = max(seen["in flight"], in_flight(both))
            _forget()
        seen["deadlocks"] = web.statistics()["deadlocks"] - before
    return seen | {"by rule": dict(by_rule), "answers": dict(told), "examples": examples}


def _world() -> list[Arena]:
    factories_treatments.condition("proof-stop")
    return arenas.made(ARENAS)


def _run(port: int, heat: list[Meeting], pool: ThreadPoolExecutor) -> list[tuple]:
    wishes = list(pool.map(partial(_prepared, port), heat))
    acts = []
    for meeting, wish in zip(heat, wishes, strict=True):
        acts.append(partial(ask, port, f"/act/{meeting.writer.name}", wish))
        acts.append(partial(_later, random.uniform(0, LATEST_SECONDS), port, f"/forbid/{meeting.rule}", wish))
    answers = together(acts, pool)
    return [(wish, *answers[2 * place : 2 * place + 2]) for place, wish in enumerate(wishes)]


def _later(seconds: float, *asked) -> dict:
    time.sleep(seconds)
    return ask(*asked)


def _prepared(port: int, meeting: Meeting) -> dict:
    dimension = rules.RULES[meeting.rule][0]
    wish = meeting.arena.wish(dimension, meeting.slot, 0) | {"patient": factories.patient().pk}
    told = ask(port, f"/prepare/{meeting.writer.name}", wish)
    connection.close()
    if not told["did"]:
        raise RuntimeError(f"{meeting.writer.name} cannot be prepared for {meeting.rule}: {told}")
    return wish | told


def _judged(meeting: Meeting, wish: dict, visit: dict, change: dict) -> str:
    if not change["did"] or (not visit["did"] and visit["why"] not in REFUSED):
        return "errors"
    if not visit["did"]:
        return "change first"
    resource = (wish["chosen"] or [wish["practitioner"]])[0]
    with connection.cursor() as cursor:
        cursor.execute(COMMITTED.format(**change), [change["row"], resource, wish["start"]])
        booked_at, changed_at = cursor.fetchone()
    if booked_at is None:  # it took another room than the one it had
        return "change first"
    return "forbidden" if changed_at < booked_at else "visit first"


def _forget() -> None:
    """Everything is allowed again."""
    for model in (Absence, Closure, DatedHours, DevicePlace):
        model.objects.all().delete()
    WorkingHours.objects.update(valid_until=None)
    Qualification.objects.update(valid_until=None)
    Device.objects.update(calibration_due_on=None)
    Resource.objects.update(is_active=True)
    OpeningHours.objects.update(opens=clock(arenas.OPENS), closes=clock(arenas.CLOSES))
