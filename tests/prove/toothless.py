"""The product as the proofs serve it: with protections taken away, and able to die before it answers.

CADENCE_PROVE_WITHOUT names what goes: `locks`, `submissions`, `versions`, `wholes` (each visit of a plan
is booked by itself), or `nothing`; `broker` lets every sent form ring the bell itself. A request with the header
`X-Prove: die` is worked off whole, then the process ends by SIGKILL and the answer is never sent.
"""

import contextlib
import os
import signal

from clinic.wsgi import application as product  # first: it sets Django up

# isort: split
from kombu.exceptions import OperationalError

from clinic import booking, tasks
from clinic.booking import records
from clinic.models import Appointment
from patients import locks, registration, submissions
from patients.models import Patient
from patients.refusals import Conflict

WITHOUT = frozenset(os.environ["CADENCE_PROVE_WITHOUT"].split())


def _nothing(*positional, **named):
    """Stand where a protection was."""


if "locks" in WITHOUT:
    locks.take = _nothing
    locks.taking = lambda **_named: ""
if "submissions" in WITHOUT:
    submissions.once = _nothing
    submissions.record = _nothing
if "versions" in WITHOUT:
    records.current = lambda appointment, version: Appointment.objects.for_lists().get(pk=appointment.pk)
    checked = registration.update

    def update(patient, *, version, **details):
        while True:
            try:
                return checked(patient, version=Patient.objects.get(pk=patient.pk).version, **details)
            except Conflict:
                continue

    registration.update = update
if "wholes" in WITHOUT:
    whole = booking.book_plan

    def one_by_one(plan, **details):
        return [visit for each in plan.to_book for visit in whole(plan, only={each.number}, **details)]

    booking.book_plan = one_by_one


def application(environ, start_response):
    """Serve the product; die where the request says so."""
    if "broker" in WITHOUT and environ["REQUEST_METHOD"] == "POST":
        with contextlib.suppress(OperationalError):
            tasks.ring_bell.apply_async(retry=False)
    answer = product(environ, start_response)
    if environ.get("HTTP_X_PROVE") == "die":
        b"".join(answer)
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
