"""The broker is stopped, then frozen; the desk signs in and books as if nothing had happened."""

import signal
import time
from dataclasses import dataclass
from functools import partial

from clinic.models import Appointment
from scripts.stack import Stack
from tests.prove import web, worlds
from tests.prove.desk import Answer, Client
from tests.prove.report import Row

# Shorter than any wait for the broker (its socket waits five seconds), longer than any page of a busy machine.
A_WAIT_SECONDS = 4
PASSWORD = "knows-the-way-in"


@dataclass
class Trip:
    """One person's way from the sign-in to a booked visit."""

    answers: list[Answer]
    is_booked: bool

    @property
    def waited(self) -> int:
        return sum(1 for answer in self.answers if answer.seconds > A_WAIT_SECONDS)

    @property
    def errors(self) -> int:
        return sum(1 for answer in self.answers if answer.status not in (200, 302))


def prove(size: str) -> Row:
    """Sign-in, diary, search and booking work with a dead and with a frozen broker, and nothing waits for it."""
    row = Row("broker away")
    started = time.perf_counter()
    trips = attack()
    row.tried, row.accepted = len(trips), sum(1 for trip in trips.values() if trip.is_booked)
    row.errors = sum(trip.errors for trip in trips.values())
    row.lost = sum(trip.waited for trip in trips.values())
    row.more = {name: f"slowest {max(a.seconds for a in trip.answers):.2f} s" for name, trip in trips.items()}
    asks = attack(without="broker")
    row.more["teeth found"] = {"waited, if a request rang the bell itself": asks["frozen"].waited}
    row.teeth = asks["frozen"].waited > 0
    row.seconds = time.perf_counter() - started
    return row.settle(holds=row.accepted == len(trips) and not (row.errors or row.lost))


def attack(*, without: str = "") -> dict[str, Trip]:
    """The same trip with the broker up, frozen by SIGSTOP, and dead."""
    with web.serving(_world, without=without, has_broker=True) as (stack, world):
        broker = next(child for child in stack.group.children if child.name == "valkey").process
        trips = {"up": _travel(stack, world, 0)}
        broker.send_signal(signal.SIGSTOP)
        trips["frozen"] = _travel(stack, world, 1)
        broker.send_signal(signal.SIGCONT)
        broker.kill()
        broker.wait()
        trips["dead"] = _travel(stack, world, 2)
    return trips


def _world() -> worlds.Burst:
    world = worlds.burst(3, 1)
    world.users[0].set_password(PASSWORD)
    world.users[0].save()
    return world


def _travel(stack: Stack, world: worlds.Burst, number: int) -> Trip:
    user, start, patient = world.users[0], world.slots[number], world.patients[0]
    person = Client(stack.web_port)
    fields = {"key": worlds.key(), "starts_at": start.isoformat(), "patient": patient.public_id, "note": ""}
    steps = [
        partial(person.open, "/account/login/"),
        partial(person.post, "/account/login/", login=user.email, password=PASSWORD),
        partial(person.open, "/diary/"),
        partial(person.open, "/patients/?q=qu"),
        partial(person.open, world.address(start)),
        partial(person.post, world.address(start), **fields),
    ]
    answers = [step() for step in steps]
    is_booked = Appointment.objects.filter(public_id=answers[-1].visit or None, starts_at=start).exists()
    return Trip(answers, is_booked)
