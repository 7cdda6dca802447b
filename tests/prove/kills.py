"""PostgreSQL dies by SIGKILL while bookings come in; whatever was acknowledged must be there afterwards, once."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from django.db import connection

from clinic.models import Appointment
from scripts import children, postgres
from scripts.stack import Stack
from tests.prove import web, worlds
from tests.prove.burst import DOUBLED
from tests.prove.desk import Answer, Client
from tests.prove.report import Row

SIZES = {"small": (160, 2), "full": (20_000, 20)}
CLIENTS, PRACTITIONERS, TEETH = 16, 20, 80
PAUSE_SECONDS = 0.05


@dataclass
class Form:
    """One booking that a client sends until it is acknowledged."""

    send: Callable[[], Answer]
    start: object
    patient: object
    visit: str = ""
    tries: int = 0


@dataclass
class Load:
    """Clients that work through forms side by side."""

    forms: list[Form]
    acknowledged: int = 0
    next_form: count = field(default_factory=count)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self) -> None:
        """Send one form after the other, each again until it is acknowledged."""
        while (number := next(self.next_form)) < len(self.forms):
            form = self.forms[number]
            while not form.visit:
                form.tries += 1
                form.visit = form.send().visit
                if not form.visit:
                    time.sleep(PAUSE_SECONDS)
                if form.tries > 20 / PAUSE_SECONDS:
                    raise RuntimeError(f"The booking at {form.start} is never acknowledged.")
            with self.lock:
                self.acknowledged += 1


def prove(size: str) -> Row:
    """No acknowledged booking is missing after any number of kills, none is there twice, every retry is answered."""
    bookings, kills = SIZES[size]
    row = Row("database kills", tried=bookings)
    started = time.perf_counter()
    with web.serving_durably(partial(worlds.wide, bookings + TEETH, practitioners=PRACTITIONERS)) as (stack, made):
        world, places = made
        people = [Client(stack.web_port, user) for user in (world.users * CLIENTS)[:CLIENTS]]
        people[0].open(world.address(places[0][0]))
        for person in people:
            person.cookies, person.token = dict(people[0].cookies), people[0].token
        seen = attack(stack, [_form(world, place, people, n) for n, place in enumerate(places[:bookings])], kills)
        row.accepted, row.lost, row.doubled = seen["acknowledged"], seen["lost"], seen["doubled"]
        row.errors = seen["wrong answers"]
        row.more = {"kills": kills, "sent again": seen["sent again"]}
        _answer_before_the_disk_has_it()
        rest = [_form(world, place, people, n) for n, place in enumerate(places[bookings:])]
        lost = attack(stack, rest, 1, pause=0)["lost"]
    row.more["teeth found"] = {"lost when commits do not wait for the disk": lost}
    row.teeth = lost > 0
    row.seconds = time.perf_counter() - started
    return row.settle(holds=row.accepted == bookings and not (row.lost or row.doubled or row.errors))


def attack(stack: Stack, forms: list[Form], kills: int, *, pause: float = 0.5) -> dict:
    """Work off the forms and kill the database each time another share of them is acknowledged."""
    load = Load(forms)
    with ThreadPoolExecutor(CLIENTS) as pool:
        working = [pool.submit(load.work) for _ in range(CLIENTS)]
        for number in range(kills):
            while load.acknowledged < len(forms) * (number + 1) / (kills + 1):
                time.sleep(0.005)
            kill_database(stack, pause)
        for future in working:
            future.result()
    visits = {str(visit.public_id): visit for visit in Appointment.objects.all()}
    kept = [visits.get(form.visit) for form in forms]
    with connection.cursor() as cursor:
        cursor.execute(DOUBLED)
        doubled = cursor.fetchone()[0]
    return {
        "acknowledged": load.acknowledged,
        "lost": sum(1 for visit in kept if visit is None),
        "wrong answers": sum(1 for form, visit in zip(forms, kept, strict=True) if visit and not _fits(form, visit)),
        "doubled": doubled + len(forms) - len({form.visit for form in forms}),
        "sent again": sum(1 for form in forms if form.tries > 1),
    }


def kill_database(stack: Stack, pause: float) -> None:
    """SIGKILL the server with all its processes, and start it again on the same files."""
    connection.close()
    child = next(child for child in stack.group.children if child.name == "postgres")
    os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()
    stack.group.children.remove(child)
    time.sleep(pause)
    for _ in range(50):
        try:
            postgres.start(stack.group, stack.state, log=child.log, fast=False)
        except children.Died:  # the last of its processes still holds the memory
            stack.group.children[:] = [each for each in stack.group.children if each.name != "postgres"]
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("PostgreSQL does not come back.")


def _form(world: worlds.Burst, place: tuple, people: list[Client], number: int) -> Form:
    start, practitioner, patient = place
    fields = {"key": worlds.key(), "starts_at": start.isoformat(), "patient": patient.public_id, "note": ""}
    address = f"{world.address(start)}&practitioner={practitioner}"
    return Form(partial(people[number % CLIENTS].post, address, **fields), start, patient)


def _fits(form: Form, visit: Appointment) -> bool:
    return (visit.starts_at, visit.patient_id) == (form.start, form.patient.pk)


def _answer_before_the_disk_has_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET synchronous_commit = off")
        cursor.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        cursor.execute("SELECT pg_reload_conf()")
    time.sleep(0.5)
