"""One form sent many times at once, sent again with other details, and sent into a server that dies answering it."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from clinic.models import Appointment
from patients.models import Patient
from tests.prove import web, worlds
from tests.prove.desk import Client, together
from tests.prove.report import Row

SIZES = {"small": (20, 5), "full": (1000, 50)}
COPIES = 10
DEADLY = {"X-Prove": "die"}


def prove(size: str) -> Row:
    """As many visits as forms, however often each is sent; ten equal answers; another body is refused."""
    forms, deaths = SIZES[size]
    row = Row("submissions")
    started = time.perf_counter()
    seen = attack(forms, deaths)
    row.tried, row.accepted = forms * COPIES + deaths * 2, seen["visits"]
    row.doubled, row.lost, row.errors = seen["doubled"], seen["lost"], seen["errors"]
    row.more = {name: seen[name] for name in ("unequal answers", "other body refused", "killed before the answer")}
    without = attack(min(forms, 20), 0, without="submissions")
    row.more["teeth found"] = {"doubled without the check": without["doubled"]}
    row.teeth = without["doubled"] > 0
    row.seconds = time.perf_counter() - started
    exact = seen["visits"] == seen["patients"] == forms + deaths and seen["other body refused"] == forms
    is_clean = not (row.doubled or row.lost or row.errors or seen["unequal answers"])
    return row.settle(holds=exact and is_clean and seen["killed before the answer"] == deaths)


def attack(forms: int, deaths: int, *, without: str = "") -> dict:
    """Send each form ten times at once, then with another note, then some whose server dies after it has booked."""
    made = partial(worlds.busy, forms + deaths, practitioners=COPIES)
    with web.serving(made, without=without or "nothing") as (stack, world), ThreadPoolExecutor(COPIES) as pool:
        person = Client(stack.web_port, world.users[0])
        person.open(world.address(world.slots[0]))
        seen = dict.fromkeys(("lost", "errors", "unequal answers", "other body refused", "killed before the answer"), 0)
        for number, start in enumerate(world.slots):
            send = partial(person.post, world.address(start), **_form(start, number))
            if number < forms:
                _send_copies(send, pool, seen, is_checked=not without)
            else:
                _die_and_retry(send, seen)
        seen["visits"], seen["patients"] = Appointment.objects.count(), Patient.objects.count()
        seen["doubled"] = max(seen["visits"], seen["patients"]) - forms - deaths
    return seen


def _form(start, number: int) -> dict:
    newcomer = {"given_name": "Ada", "family_name": f"Quill {number}", "email": f"ada{number}@mail.example"}
    return {"key": worlds.key(), "starts_at": start.isoformat(), "note": "", "is_surely_new": "on", **newcomer}


def _send_copies(send, pool: ThreadPoolExecutor, seen: dict, *, is_checked: bool) -> None:
    answers = together([send] * COPIES, pool)
    told = {(answer.status, answer.location) for answer in answers}
    seen["errors"] += sum(1 for answer in answers if answer.status == 0 or answer.status >= 500)
    seen["lost"] += not any(answer.visit for answer in answers)
    seen["unequal answers"] += len(told) - 1
    if is_checked:
        seen["other body refused"] += send(note="something else").status == 422


def _die_and_retry(send, seen: dict) -> None:
    """The first answer never arrives although the visit is booked; the second copy must name it."""
    first = send(headers=DEADLY)
    seen["killed before the answer"] += first.status == 0
    again = send()
    while again.status == 0:  # the dead server's successor is not up yet
        again = send()
    booked = Appointment.objects.filter(public_id=again.visit).exists() if again.visit else False
    seen["lost"] += not booked
    seen["errors"] += again.status >= 500
