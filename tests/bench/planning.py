"""W4: whole courses over HTTP: booked at given times, planned and booked, and the visits of somebody who is ill."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from html.parser import HTMLParser

from django.db import connection
from django.test import Client as InProcess
from django.test.utils import CaptureQueriesContext

from clinic.models import Appointment
from tests.bench import bulk, planning_world
from tests.bench.floor_statements import BOOK_SIX
from tests.bench.places import Place
from tests.bench.planning_world import SESSIONS, PlanningWorld
from tests.bench.report import Samples
from tests.prove.desk import Answer

CALLS = 12


def measure(place: Place, samples: Samples) -> None:
    """One round; everything that was booked is gone afterwards."""
    with place.open():
        clinic, client = _world(place), place.client()
        courses = [clinic.new_series() for _call in range(CALLS + 4)]
    for number, series in enumerate(courses):
        shown = client.open(clinic.address(series))
        form = _form_of(shown)
        answer = client.post(form.action or clinic.address(series), **form.fields)
        least, bare = _floor(place, number), _raw(place, number)
        is_booked = answer.status == 302 and least.status == 201
        for name in ("W4a", "W4b"):
            samples.check(name, is_booked, f"answered {shown.status}, {answer.status}, {least.status}")
        if number < 4:
            continue  # every process has its connection and its statements by then
        samples.add(place.size, "W4a", ours=answer.seconds, floor=least.seconds, raw=bare)
        samples.add(place.size, "W4b", ours=shown.seconds + answer.seconds, floor=least.seconds, raw=bare)
    with place.open():
        booked = Appointment.objects.filter(session__series__in=courses).count()
    samples.check("W4a", booked == SESSIONS * len(courses), f"{booked} visits booked")
    place.forget_bookings()
    bulk.measure(place, samples, clinic, len(samples.rounds) - 1)


def queries(place: Place) -> tuple[int, int]:
    """How many statements it takes to book the given times, and to plan."""
    with place.open():
        browser = InProcess(headers={"host": "localhost"})
        browser.cookies.load(place.client().cookies)
        clinic = _world(place)
        for _call in range(2):
            series = clinic.new_series()
            with CaptureQueriesContext(connection) as planned:
                shown = browser.get(clinic.address(series))
            form = _form_of(Answer(shown.status_code, shown.content.decode(), "", 0))
            with CaptureQueriesContext(connection) as booked:
                answer = browser.post(form.action or clinic.address(series), form.fields)
            assert answer.status_code == 302, answer.content
    place.forget_bookings()
    return len(booked), len(planned)


@dataclass
class Form(HTMLParser):
    """The fields of the form that books, as a browser would send them."""

    action: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)
    _select: str = ""
    _is_inside: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        said = dict(attrs)
        if tag == "form" and said.get("method", "").lower() == "post" and "/plan/" in said.get("action", "/plan/"):
            self._is_inside = True
            self.action = said.get("action") or ""
        if not self._is_inside or "disabled" in said:
            return
        name, kind = said.get("name"), said.get("type", "text")
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in said and self._select:
            self.fields.setdefault(self._select, []).append(said.get("value", ""))
        elif tag == "button" and name == "book":
            self.fields[name] = [said.get("value", "")]
        elif tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in said):
            self.fields.setdefault(name, []).append(said.get("value", "on" if kind == "checkbox" else ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False


def _form_of(page: Answer) -> Form:
    form = Form()
    form.feed(page.body)
    form.fields.pop("csrfmiddlewaretoken", None)
    return form


@cache
def _world(place: Place) -> PlanningWorld:
    return planning_world.make(place.world)


Place.__hash__ = object.__hash__  # a place is itself: its planning clinic is made once


def _six(place: Place, number: int) -> list[str]:
    """Six times that the floor's one statement takes, each call others."""
    after = datetime.combine(place.world.first + timedelta(days=400), datetime.min.time(), tzinfo=UTC)
    return [(after + timedelta(days=30 * each, hours=number)).isoformat() for each in range(SESSIONS)]


def _floor(place: Place, number: int) -> Answer:
    person, patient = place.world.people[0].pk, place.world.patients[0].pk
    return place.floor("POST", "/book-six/", {"who": person, "patient": patient, "starts": _six(place, number)})


def _raw(place: Place, number: int) -> float:
    started = time.perf_counter()
    with place.bare.cursor() as cursor:
        cursor.execute(BOOK_SIX, [-2, 1, _six(place, number)])
    return time.perf_counter() - started
