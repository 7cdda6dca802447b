"""Every portal address × every method × own, foreign, missing and random objects, as every kind of login.

Somebody else's person or visit must be answered exactly like one that does not exist: status, headers and body.
"""

import itertools
import logging
import re
import types
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import get_resolver, path, reverse

from clinic.models import Appointment, Proposal
from patients.access import portal
from patients.models import Patient, PortalAccess
from patients.roles import ALL
from tests import factories
from tests.clinic import portal_world as world
from tests.clinic.messages import visit
from tests.clinic.proposed import proposal
from tests.test_architecture import addresses

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
MISSING = uuid.UUID("00000000-0000-4000-8000-000000000000")
RANDOM = uuid.UUID("8f14e45f-ceea-467f-a8d6-2f1d1a6b3c55")
TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]+')
# What must never be read by anybody else.
FOREIGN = {
    "given": "Zenobia", "family": "Farnsworth", "email": "zenobia@secret.example", "birth_date": date(1931, 7, 17),
}  # fmt: skip
FOREIGN_VISIT = datetime(2026, 5, 28, 6, 35, tzinfo=UTC)
SECRETS = ["Zenobia", "Farnsworth", "secret.example", "900999", "1931", "28 May", "07:35", "Foreign treatment"]
# Addresses under /portal/ that are no pages about people, and why.
DOORS = {"portal_sign_in": "the door itself"}

pytestmark = pytest.mark.usefixtures("stopped_clock", "quiet")


def routes(resolver=None):
    """(name, parameters) of every address under /portal/."""
    found = [(name, route) for name, route, _ in addresses(resolver) if route.startswith("portal/")]
    return [(name, re.findall(r"<\w+:(\w+)>", route)) for name, route in found]


@dataclass
class World:
    """Objects of each kind by parameter: own ones, and what must be answered like nothing."""

    foreign: Patient
    own: dict[str, list]
    others: dict[str, dict[str, uuid.UUID]]

    def secrets(self):
        """Words and ids of the foreign person."""
        rows = Appointment.objects.filter(patient=self.foreign).values_list("public_id", flat=True)
        return [secret.encode() for secret in (*SECRETS, str(self.foreign.public_id), *map(str, rows))]


@pytest.fixture
def quiet():
    """Thousands of refused requests are expected here; a log line for each costs more than the request."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def people(db):
    place = factories.location("Cadence London")
    ada, max_ = world.patient(place=place), world.patient("Max", place=factories.location())
    merged = factories.patient("Adah", merged_into=ada)
    foreign = factories.patient(
        FOREIGN["given"], FOREIGN["family"], email=FOREIGN["email"], birth_date=FOREIGN["birth_date"],
        phone="+447700900999",
    )  # fmt: skip
    series = world.course(foreign, place, then=FOREIGN_VISIT, name="Foreign treatment")
    merged_foreign = factories.patient("Zenobia", "Farnsworth", merged_into=foreign)
    world.login(foreign, email="reader@secret.example")
    of_foreign = series.sessions.get(number=2).appointments.get()
    strange = visit(place, FOREIGN_VISIT, who=merged_foreign)
    others = {
        "person": {"foreign": foreign.public_id, "merged foreign": merged_foreign.public_id},
        "visit": {
            "foreign": of_foreign.public_id,
            "of a merged foreign": strange.public_id,
            "booked by mistake": ada.mistake.public_id,
            "of the other own person": max_.coming.public_id,
            "a person": ada.public_id,
        },
    }
    days = timedelta(days=1)
    asked = [proposal([(one, one.starts_at + days)]) for one in (ada.coming, max_.coming, of_foreign, strange)]
    others["proposal"] = {
        "of the other own person": asked[1].public_id,
        "foreign": asked[2].public_id,
        "of a merged foreign": asked[3].public_id,
        "a visit": ada.coming.public_id,
    }
    own = {"person": [ada.public_id, merged.public_id], "visit": [ada.coming.public_id, ada.cancelled.public_id]}
    own["proposal"] = [asked[0].public_id]
    built = World(foreign, own, others)
    built.ada, built.max = ada, max_
    return built


LOGINS = {
    "one person": lambda people: world.login(people.ada),
    "two people": lambda people: world.login(people.ada, people.max),
    "a closed login": lambda people: closed(world.login(people.ada)),
    "access that ended": lambda people: world.ended(people.ada),
    "access that may not see": lambda people: world.login(people.ada, may_see=False),
    "staff without access": lambda people: factories.user(*ALL),
    "signed out": lambda people: None,
}


def closed(user):
    user.is_active = False
    user.save(update_fields=["is_active"])
    return user


def body_for(person):
    """A form that would be saved if it were let in."""
    return {"submission": str(uuid.uuid4()), "phone": "+447700900111", "version": 1, "answer": "accept"}


def answer(client, method, url, person):
    if method == "POST":
        return client.post(url, body_for(person))
    return client.generic(method, url)


def face(response, url):
    """All that a browser gets, without the token of its form and the address that it asked for itself."""
    headers = {name: value.replace(url, "…") for name, value in response.headers.items()}
    return response.status_code, headers, TOKEN.sub(rb"\1", response.content)


def cases(people, parameters):
    """Each kind of object in each place with own ones beside it, and missing ones throughout: labels -> values."""
    kinds = {
        name: {"own": people.own[name][0], "missing": MISSING, "random": RANDOM, **people.others[name]}
        for name in parameters
    }
    for labels in itertools.product(*(kinds[name] for name in parameters)):
        if len(labels) - labels.count("own") == 1 or set(labels) == {"missing"}:
            yield labels, {name: kinds[name][label] for name, label in zip(parameters, labels, strict=True)}


def leaks(client, people, found, methods=METHODS):
    """Ask for everything; returns what gave something away, and how often it asked."""
    secrets, problems, asked = people.secrets(), [], 0
    for (name, parameters), method in itertools.product(found, methods):
        nothing = reverse(name, kwargs=dict.fromkeys(parameters, RANDOM))
        expected = face(answer(client, method, nothing, people.foreign), nothing)
        for labels, values in cases(people, parameters):
            url, asked = reverse(name, kwargs=values), asked + 1
            got = face(answer(client, method, url, people.foreign), url)
            is_same = got == expected
            problems += [] if is_same else [f"{method} {name} {labels}: {got[0]} instead of {expected[0]}"]
            problems += shown(secrets, got, f"{method} {name} {labels}")
        for values in own_values(people, parameters):
            url, asked = reverse(name, kwargs=values), asked + 1
            problems += shown(secrets, face(answer(client, method, url, people.ada), url), f"{method} {name} own")
    return problems, asked


def own_values(people, parameters):
    """Own objects for each parameter."""
    found = itertools.product(*(people.own[name] for name in parameters))
    return [dict(zip(parameters, each, strict=True)) for each in found]


def shown(secrets, got, where):
    status, headers, body = got
    text = body + repr(headers).encode()
    return [f"{where}: {status} shows {secret.decode()}" for secret in secrets if secret in text]


def rows_of(people):
    """What a request could have changed of the foreign person."""
    fields = ("version", "phone", "wants_messages", "email")
    answers = Proposal.objects.exclude(patient=people.ada).order_by("pk").values_list("state", "version")
    return (
        list(Patient.objects.filter(pk=people.foreign.pk).values_list(*fields)),
        PortalAccess.objects.count(),
        list(answers),
    )


@pytest.mark.parametrize("who", LOGINS)
def test_the_portal_answers_foreign_objects_like_none_at_all(client, people, counted, who):
    user = LOGINS[who](people)
    if user:
        client.force_login(user)
    before = rows_of(people)

    problems, asked = leaks(client, people, routes())

    counted(f"Portal leaks, {who}: {len(routes())} addresses × {len(METHODS)} methods, {asked} requests")
    assert problems == []
    assert rows_of(people) == before


def test_every_address_of_the_portal_was_visited(client, people):
    """An address with a parameter that the test has no objects for, or that shows no page to its owner, fails here."""
    client.force_login(world.login(people.ada, people.max))

    answers = {
        (name, reverse(name, kwargs=values)): client.get(reverse(name, kwargs=values)).status_code
        for name, parameters in routes()
        if name not in DOORS
        for values in own_values(people, parameters)
    }

    assert {name for name, _url in answers} == {name for name, _ in routes()} - set(DOORS)
    assert {key: status for key, status in answers.items() if status != 200} == {}


def test_every_address_of_the_portal_but_its_doors_is_for_its_people():
    audiences = {
        name: getattr(view, "audience", None) for name, route, view in addresses() if route.startswith("portal/")
    }

    assert {name for name, audience in audiences.items() if audience != "portal"} <= set(DOORS)


# -- Would it notice? -------------------------------------------------------------------------------------------------


@portal
def looks_up_by_id(request, person, visit):
    """What the portal must never do: begin with the id of the URL."""
    row = get_object_or_404(Appointment, public_id=visit)
    return HttpResponse(f"{row.patient}")


@portal
def forbids(request, person, visit):
    """Says by its status that there is something."""
    row = get_object_or_404(Appointment, public_id=visit)
    return HttpResponse(status=200 if row.patient == person else 403)


@portal
def hints(request, person, visit):
    """Says by a header that there is something."""
    is_there = Appointment.objects.filter(public_id=visit).exists()
    return HttpResponse(status=404, headers={"X-Found": str(is_there)})


def with_page(view):
    """The product's addresses and one more."""
    module = types.ModuleType("leaking_urls")
    product = get_resolver().urlconf_module
    module.urlpatterns = [*product.urlpatterns, path("portal/<uuid:person>/x/<uuid:visit>/", view, name="leaking")]
    module.handler404 = product.handler404
    return module


@pytest.mark.parametrize("view", [looks_up_by_id, forbids, hints])
def test_a_page_that_leaks_is_noticed(client, people, settings, view):
    settings.ROOT_URLCONF = with_page(view)
    client.force_login(world.login(people.ada))

    problems, _asked = leaks(client, people, [("leaking", ["person", "visit"])], ["GET"])

    assert any(f"('own', {kind!r})" in line for line in problems for kind in ["foreign"])


def test_an_address_without_a_visit_is_noticed(settings):
    settings.ROOT_URLCONF = with_page(looks_up_by_id)

    assert "leaking" in {name for name, _ in routes()}
