"""W3: one visit over HTTP by the address that the page uses, alone and under load; the rows are counted afterwards."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from django.db import connection
from django.test import Client as InProcess
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.bench import world
from tests.bench.floor_statements import BOOK
from tests.bench.places import Place
from tests.bench.report import Samples
from tests.prove import worlds
from tests.prove.desk import Answer, Client, together

ALONE, SPREAD, ONE_PERSON, CLIENTS, WANTING = 100, 200, 80, 8, 50
WARM_UP = 96  # so that every thread of the product has its statements, as it has its connection
Booking = Callable[[Client], Answer]


def measure(place: Place, samples: Samples) -> None:
    """One round; everything that was booked is gone afterwards."""
    with place.open():
        clients = [place.client() for _ in range(WANTING)]
    slots = _slots(place, ALONE + SPREAD + WARM_UP)
    for client in clients:
        client.open(_address(place, *slots[0][:2]))
    _rate([partial(_book, place, slot) for slot in slots[-WARM_UP:]], clients[: 2 * CLIENTS])
    _one_by_one(place, samples, clients[0], slots[:ALONE])
    _at_once(place, samples, clients, "W3 rate", slots[ALONE:-WARM_UP])
    mine = [(len(place.world.people) - 1, start, patient) for _who, start, patient in _slots(place, 2000)]
    _at_once(place, samples, clients, "W3 one person", _distinct(mine)[-ONE_PERSON:])
    counts = _rows(place)
    samples.check("W3", _is_complete(counts, WARM_UP + ALONE + SPREAD + ONE_PERSON), f"rows written: {counts}")
    winners = _all_want(place, clients, _distinct(mine)[-ONE_PERSON - 1][1])
    samples.add(place.size, "W3 winners", ours=winners)
    samples.check("W3 winners", winners == 1, f"{winners} of {WANTING} won")
    place.forget_bookings()


def queries(place: Place) -> int:
    """How many statements one booking takes, BEGIN and COMMIT included."""
    with place.open():
        browser = InProcess(headers={"host": "localhost"})
        browser.cookies.load(place.client().cookies)
        for slot in _slots(place, 2):
            with CaptureQueriesContext(connection) as seen:
                answer = browser.post(_address(place, *slot[:2]), _fields(*slot[1:]))
            assert answer.status_code == 302, answer.content
    place.forget_bookings()
    return len(seen)


def _slots(place: Place, count: int) -> list[tuple]:
    """So many (person, start, patient) that none is in another's way."""
    days = count // (5 * world.PEOPLE) + 1
    starts = place.world.empty_starts(days)
    who = [(number, start) for start in starts for number in range(world.PEOPLE)][:count]
    return [(*each, place.world.patients[number % world.PATIENTS]) for number, each in enumerate(who)]


def _distinct(slots: list[tuple]) -> list[tuple]:
    return list({start: (who, start, patient) for who, start, patient in slots}.values())


def _address(place: Place, who: int, start: datetime) -> str:
    clinic = place.world
    person = clinic.people[who].resource.public_id
    return (
        f"{reverse('appointment_new')}?service={clinic.equipped.public_id}&practitioner={person}"
        f"&location={clinic.desk.location.public_id}&start={start:%Y-%m-%dT%H:%MZ}"
    )


def _fields(start: datetime, patient) -> dict[str, object]:
    return {"key": worlds.key(), "starts_at": start.isoformat(), "patient": patient.public_id, "note": ""}


def _book(place: Place, slot: tuple, client: Client) -> Answer:
    return client.post(_address(place, *slot[:2]), **_fields(*slot[1:]))


def _floor(place: Place, slot: tuple) -> Answer:
    who, start, patient = slot
    asked = {"who": place.world.people[who].pk, "patient": patient.pk, "start": start.isoformat()}
    return place.floor("POST", "/book/", asked)


def _one_by_one(place: Place, samples: Samples, client: Client, slots: list[tuple]) -> None:
    with place.bare.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
        statement = BOOK % ("$1", "$2", "$3", "$3 + interval '45 minutes'")
        cursor.execute(f"PREPARE book (bigint, bigint, timestamptz) AS {statement}")
    for slot in slots:
        answer, least, started = _book(place, slot, client), _floor(place, slot), time.perf_counter()
        samples.check("W3", answer.visit and least.status == 201, f"answered {answer.status}, {least.status}")
        with place.bare.cursor() as cursor:  # a person that nobody else books with: the floor has taken the others
            cursor.execute("EXECUTE book (%s, %s, %s)", [-1 - slot[0], 1, slot[1]])
        raw = time.perf_counter() - started
        samples.add(place.size, "W3", ours=answer.seconds, floor=least.seconds, raw=raw)


def _at_once(place: Place, samples: Samples, clients: list[Client], name: str, slots: list[tuple]) -> None:
    """Eight clients share the slots; a rate each for the product and the floor, and how many were refused."""
    ours, answers = _rate([partial(_book, place, slot) for slot in slots], clients[:CLIENTS])
    floor, least = _rate([lambda _client, slot=slot: _floor(place, slot) for slot in slots], clients[:CLIENTS])
    samples.add(place.size, name, ours=ours, floor=floor)
    for answer in [*answers, *least]:
        samples.check(name, answer.status in (201, 302), f"answered {answer.status}")


def _rate(acts: list[Booking], clients: list[Client]) -> tuple[float, list[Answer]]:
    """Acts in a second, each client doing its share one after the other."""

    def share(number: int) -> list[Answer]:
        return [act(clients[number]) for act in acts[number :: len(clients)]]

    started = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = [answer for each in pool.map(share, range(len(clients))) for answer in each]
    return len(acts) / (time.perf_counter() - started), answers


def _all_want(place: Place, clients: list[Client], start: datetime) -> int:
    """How many of fifty get one start that all want at the same moment."""
    mine = [(world.PEOPLE - 1, start, place.world.patients[number]) for number in range(WANTING)]
    with ThreadPoolExecutor(WANTING) as pool:
        acts = [partial(_book, place, slot, client) for slot, client in zip(mine, clients, strict=True)]
        answers = together(acts, pool)
    return sum(bool(answer.visit) for answer in answers)


def _rows(place: Place) -> dict[str, int]:
    with place.open():
        return world.rows_written(place.world)


def _is_complete(counts: dict[str, int], visits: int) -> bool:
    """Whether each visit has its three claims, two messages and its event."""
    each = {"clinic_appointment": 1, "clinic_claim": 3, "clinic_reminder": 2, "clinic_appointmentevent": 1}
    return counts == {table: many * visits for table, many in each.items()}
