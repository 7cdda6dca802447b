"""Two writers at one place at the same moment, pair after pair, many such races side by side."""

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain, combinations_with_replacement
from urllib.parse import quote

from django.db import IntegrityError, connection, transaction

from clinic.models import Claim
from tests.prove import arenas, web, writers
from tests.prove.arenas import Arena
from tests.prove.burst import CLAIM, PATIENT
from tests.prove.desk import TIMEOUT_SECONDS, together
from tests.prove.report import Row
from tests.prove.writers import Writer

SIZES = {"small": 2, "full": 100}
ARENAS = 16
TEETH = {"small": 1, "full": 10}
LEAST_IN_FLIGHT = 16
REFUSED = ("Taken", "ValidationError")
NET = ("This time has just been taken", "The patient already has a visit", "This session already has")
DOUBLED = """
    SELECT count(*) FROM {table} one JOIN {table} two ON one.{owner} = two.{owner} AND one.id < two.id
    AND tstzrange(one.starts_at, one.ends_at) && tstzrange(two.starts_at, two.ends_at) AND {live}
"""
TAKEN_TWICE = DOUBLED.format(table="clinic_claim", owner="resource_id", live="one.live AND two.live")
IN_TWO_PLACES = DOUBLED.format(
    table="clinic_appointment",
    owner="patient_id",
    live=" AND ".join(f"{one}.status NOT IN ('cancelled', 'no_show', 'entered_in_error')" for one in ("one", "two")),
)


@dataclass
class Race:
    """Two writers, what they contend for, and where."""

    pair: tuple[Writer, Writer]
    dimension: str
    arena: Arena
    slot: int

    def wishes(self) -> list[dict]:
        return [self.arena.wish(self.dimension, self.slot, who) for who in (0, 1)]

    @property
    def most_winners(self) -> int:
        """How many can have what they want; None of the two takes a place from the other where there are two."""
        return 2 if self.dimension == "place" else 1


def prove(size: str) -> Row:
    """However two of all writers meet, nothing and nobody is in two visits at once, and a free place finds a taker."""
    row = Row("all paths")
    started = time.perf_counter()
    unlisted, known = writers.unlisted(), writers.usable()
    seen = attack(list(_races(known, SIZES[size])))
    row.tried, row.accepted, row.doubled = seen["races"], seen["won"], seen["doubled"]
    row.lost, row.errors = seen["nobody won"], seen["errors"] + seen["deadlocks"] + len(unlisted)
    row.more = {name: seen[name] for name in ("pairs", "by what", "answers", "in flight", "net reached", "deadlocks")}
    row.more |= {"writers": ", ".join(one.name for one in known), "verbs that no race knows": unlisted}
    if seen["examples"]:
        row.more["first faults"] = seen["examples"][:5]
    row.teeth, row.more["teeth found"] = _bites([one for one in known if one.kind == "takes"], TEETH[size])
    row.seconds = time.perf_counter() - started
    held = not (row.doubled or row.lost or row.errors or seen["net reached"])
    return row.settle(holds=held and seen["in flight"] >= LEAST_IN_FLIGHT)


def _races(known: list[Writer], times: int) -> Iterator[Race]:
    """Every pair of writers that can meet, each so many times, going round what they contend for."""
    number = 0
    for pair in combinations_with_replacement(known, 2):
        if all(one.occupies for one in pair) or not any(one.kind == "takes" for one in pair):
            continue  # both hold the place already, so they cannot meet there
        dimensions = arenas.NAMED if any(one.is_by_hand for one in pair) else arenas.DIMENSIONS
        for each in range(times):
            dimension = dimensions[(each + number // times) % len(dimensions)]
            yield Race(pair, dimension, None, number)
            number += 1


def attack(races: list[Race], **weakened) -> dict:
    """Run the races, one in each arena at a time; returns what was answered and what the rows say afterwards."""
    made = partial(arenas.made, ARENAS)
    seen = {"errors": 0, "nobody won": 0, "net reached": 0, "won": 0, "in flight": 0, "examples": []}
    by_what, told = Counter(), Counter()
    with (
        web.serving(made, application="tests.prove.verbs_server", **weakened) as (stack, rings),
        ThreadPoolExecutor(2 * ARENAS) as pool,
    ):
        before = web.statistics()["deadlocks"]
        for first in range(0, len(races), ARENAS):
            heat = races[first : first + ARENAS]
            for race, arena in zip(heat, rings, strict=False):
                race.arena, race.slot = arena, first // ARENAS
            told_by_race = _run(stack.web_port, heat, pool)
            for race, answers in zip(heat, told_by_race, strict=True):
                _judge(race, answers, seen)
                by_what[race.dimension] += 1
                told.update("did" if answer["did"] else answer["why"] for answer in answers)
            seen["in flight"] = max(seen["in flight"], in_flight(chain.from_iterable(told_by_race)))
        seen["deadlocks"] = web.statistics()["deadlocks"] - before
        seen["doubled"] = _count(TAKEN_TWICE) + _count(IN_TWO_PLACES)
        seen["raw overlap accepted"] = _raw_overlap_is_accepted()
    pairs = {(one.name, two.name) for one, two in (race.pair for race in races)}
    return seen | {"races": len(races), "pairs": len(pairs), "by what": dict(by_what), "answers": dict(told)}


def _run(port: int, heat: list[Race], pool: ThreadPoolExecutor) -> list[list[dict]]:
    """Prepare all races of the heat, then let every writer go at the same moment."""
    wishes = list(pool.map(partial(_prepared, port), heat))
    acts = [
        partial(ask, port, f"/act/{one.name}", wish)
        for race, pair in zip(heat, wishes, strict=True)
        for one, wish in zip(race.pair, pair, strict=True)
    ]
    answers = together(acts, pool)
    return [answers[place : place + 2] for place in range(0, len(answers), 2)]


def _prepared(port: int, race: Race) -> list[dict]:
    wishes = race.wishes()
    for who in sorted((0, 1), key=lambda each: race.pair[each].order):
        told = ask(port, f"/prepare/{race.pair[who].name}", wishes[who])
        if not told["did"]:
            raise RuntimeError(f"{race.pair[who].name} cannot be prepared for {race}: {told}")
        wishes[who] |= told
    return wishes


def _judge(race: Race, answers: list[dict], seen: dict) -> None:
    won = [answer["did"] for answer in answers]
    seen["won"] += sum(won)
    faults = [answer for answer in answers if not answer["did"] and answer["why"] not in REFUSED]
    reached = [answer for answer in answers if not answer["did"] and answer["text"].startswith(NET)]
    seen["errors"] += len(faults)
    seen["net reached"] += len(reached)
    free = all(one.kind == "takes" and not one.occupies for one in race.pair)
    missing = (race.most_winners if free else 1) - sum(won)
    seen["nobody won"] += missing > 0
    if faults or reached or missing > 0:
        seen["examples"].append((race.pair[0].name, race.pair[1].name, race.dimension, answers))


def in_flight(answers: Iterable[dict]) -> int:
    """The most verbs that the servers were at in one moment."""
    spans = [answer["at"] for answer in answers if "at" in answer]
    changes = sorted([(begun, 1) for begun, _ended in spans] + [(ended, -1) for _begun, ended in spans])
    return max(accumulate(change for _at, change in changes), default=0)


def ask(port: int, path: str, wish: dict) -> dict:
    """Let the server do one thing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", quote(path), json.dumps(wish), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as fault:
        return {"did": False, "why": type(fault).__name__, "text": str(fault)}
    finally:
        connection.close()


def _count(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def _raw_overlap_is_accepted() -> bool:
    """A copy of a live claim, written past all verbs, one after the other: only the constraint can refuse it."""
    claim = Claim.objects.filter(live=True).first()
    claim.pk = None
    try:
        with transaction.atomic():
            claim.save(force_insert=True)
            transaction.set_rollback(True)
    except IntegrityError:
        return False
    return True


def _bites(takers: list[Writer], times: int) -> tuple[bool, dict]:
    """Without locks the net holds but is reached; without both, places double; only the net refuses a raw overlap."""
    no_lock = attack(list(_races(takers, times)), without="locks")
    neither = attack(list(_races(takers, times)), without="locks", drop=(CLAIM, PATIENT))
    found = {
        "races": no_lock["races"],
        "no lock: doubled": no_lock["doubled"],
        "no lock: net reached or deadlocks": no_lock["net reached"] + no_lock["deadlocks"],
        "neither: doubled": neither["doubled"],
        "raw overlap accepted with the constraint": no_lock["raw overlap accepted"],
        "and without": neither["raw overlap accepted"],
    }
    net = not no_lock["doubled"] and no_lock["net reached"] + no_lock["deadlocks"] > 0
    raw = neither["raw overlap accepted"] and not no_lock["raw overlap accepted"]
    return net and raw and neither["doubled"] > no_lock["races"] / 20, found
