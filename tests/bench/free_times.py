"""W1 and W2: free starts of one person's day, and of ten people's month in one call."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import connection
from django.test import Client as InProcess
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.minutes import epoch_minute
from tests.bench import world
from tests.bench.floor_statements import CLAIMS
from tests.bench.places import Place
from tests.bench.report import Samples
from tests.prove.desk import Client
from treatments.models import Service

CALLS = {"W1": 60, "W2a": 12, "W2b": 12}


def measure(place: Place, samples: Samples) -> None:
    """One round: product, floor and the bare statement take turns, call by call."""
    with place.open():
        client = place.client()
    clinic = place.world
    _compare(place, client, samples, "W1", clinic.equipped, 1, 1)
    _compare(place, client, samples, "W2a", clinic.alone, 10, world.LOADED_DAYS)
    _compare(place, client, samples, "W2b", clinic.equipped, 10, world.LOADED_DAYS)


def _compare(
    place: Place, client: Client, samples: Samples, name: str, service: Service, people: int, days: int
) -> None:
    address, floor = ours(place, service, people, days), floors(place, people, days, equipped=service.name != "Alone")
    bare = _prepared(place, people, days, equipped=service.name != "Alone")
    for _call in range(CALLS[name]):
        answer, least = client.open(address), place.floor("GET", floor)
        samples.add(place.size, name, ours=answer.seconds, floor=least.seconds, raw=bare())
        samples.check(name, _is_right(place, answer.body, people, days) and _is_right(place, least.body, people, days))


def ours(place: Place, service: Service, people: int, days: int) -> str:
    """The address that the page of a month asks."""
    clinic = place.world
    who = "".join(f"&practitioner={one.resource.public_id}" for one in clinic.people[:people])
    last = clinic.first + timedelta(days=days - 1)
    return (
        f"{reverse('find_starts')}?service={service.public_id}&location={clinic.desk.location.public_id}{who}"
        f"&from={clinic.first}&until={last}"
    )


def floors(place: Place, people: int, days: int, *, equipped: bool) -> str:
    """The same question to the floor."""
    columns = zip(*place.world.everything, strict=True)
    keys = [",".join(map(str, column)) for column in columns]
    who = ",".join(str(person) for person, *_rest in place.world.everything[:people])
    more = f"&rooms={keys[1]}&devices={keys[2]}" if equipped else ""
    return f"/starts/?people={who}{more}&from={place.world.first}&days={days}"


def queries(place: Place) -> tuple[int, int]:
    """How many statements the product needs for one person's day, and for ten people's month."""
    counts = []
    with place.open():
        browser = InProcess(headers={"host": "localhost"})
        browser.cookies.load(place.client().cookies)
        for people, days in ((1, 1), (1, 1), (10, world.LOADED_DAYS)):
            with CaptureQueriesContext(connection) as seen:
                browser.get(ours(place, place.world.equipped, people, days))
            counts.append(len(seen))
    return counts[1], counts[2]


def _is_right(place: Place, body: str, people: int, days: int) -> bool:
    """Whether exactly the four starts that are free on a loaded day came back, for everybody and every day."""
    dates = [place.world.first + timedelta(days=day) for day in range(days)]
    expected = [epoch_minute(datetime.combine(day, at, tzinfo=UTC)) for day in dates for at in world.FREE]
    found = list(json.loads(body)["starts"].values())
    return len(found) == people and all(starts == expected for starts in found)


def _prepared(place: Place, people: int, days: int, *, equipped: bool) -> Callable[[], float]:
    """The floor's statement, prepared once on the bare connection; each call says how long it took."""
    keys = [key for each in place.world.everything[:people] for key in (each if equipped else each[:1])]
    if equipped:
        keys += [key for each in place.world.everything[people:] for key in each[1:]]
    first = datetime.combine(place.world.first, datetime.min.time(), tzinfo=UTC)
    with place.bare.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
        cursor.execute(f"PREPARE claims (bigint[], timestamptz, timestamptz) AS {CLAIMS % ('$1', '$2', '$3')}")
    return partial(_timed, place, [keys, first, first + timedelta(days=days)])


def _timed(place: Place, given: list) -> float:
    started = time.perf_counter()
    with place.bare.cursor() as cursor:
        cursor.execute("EXECUTE claims (%s, %s, %s)", given)
        cursor.fetchall()
    return time.perf_counter() - started
