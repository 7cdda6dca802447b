"""A refusal that no view caught becomes an answer with its status; everything else goes its way."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.urls import path

from clinic import urls
from clinic.refusals import Busy, Refused, Taken
from clinic.urls import handler400, handler403, handler404, handler500  # noqa: F401 (Django reads them from here)
from patients.access import public
from patients.refusals import Conflict
from tests.factories import user

FAILURES = {
    "taken": Taken(),
    "refused": Refused("The clinic is closed on that day."),
    "refused-twice": Refused([ValidationError("The room is too small."), ValidationError("Nobody is free.")]),
    "busy": Busy(),
    "conflict": Conflict("Somebody else has changed this visit."),
    "typed": ValidationError("Not a date."),
    "broken": RuntimeError("The disk is full."),
    "missing": Http404(),
}
ANSWERS = [
    ("taken", 409, ["This time has just been taken. Nothing you typed is lost: choose another time."]),
    ("refused", 422, ["The clinic is closed on that day."]),
    ("refused-twice", 422, ["The room is too small.", "Nobody is free."]),
    ("busy", 503, ["Somebody else is saving this at the moment and nothing was saved. Please try again."]),
    ("conflict", 409, ["Somebody else has changed this visit."]),
]
TITLES = {409: "Somebody was faster", 422: "This was not saved", 503: "Please try again in a moment"}
NEXT = {
    409: "Go back in your browser: what you typed is still there. Load the page again and choose what is possible now.",
    422: "Go back in your browser: what you typed is still there. Change what is named above and save again.",
    503: "Go back in your browser, wait a few seconds and save again: what you typed is still there.",
}


@public
def fail(request, how):
    raise FAILURES[how]


@public
def work(request):
    return HttpResponse("done", status=201)


urlpatterns = [path("fail/<str:how>/", fail), path("fine/", work), *urls.urlpatterns]
pytestmark = pytest.mark.urls(__name__)


def said(answer):
    """The code, the heading and the sentences of the page's card."""
    card = answer.content.decode().partition('<section class="card problem" role="alert"')[2].partition("</section>")[0]
    return re.findall(r"<(?:h1|p)\b[^>]*>(.*?)</(?:h1|p)>", card)


@pytest.mark.parametrize(("how", "status", "sentences"), ANSWERS)
def test_refusal_becomes_a_page_with_its_status_and_what_to_do_next(client, how, status, sentences):
    answer = client.post(f"/fail/{how}/")

    assert answer.status_code == status
    assert said(answer) == [str(status), TITLES[status], *sentences, NEXT[status]]


@pytest.mark.parametrize(("how", "status", "sentences"), ANSWERS)
def test_refusal_becomes_a_note_that_leaves_the_form_alone_for_htmx(client, how, status, sentences):
    answer = client.post(f"/fail/{how}/", headers={"HX-Request": "true"})

    assert answer.status_code == status
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#messages", "innerHTML show:window:top")
    assert answer.content.lstrip().startswith(b'<div class="note tone-stop" role="alert"')
    assert re.findall(r"<p>(.*?)</p>", answer.content.decode()) == sentences


@pytest.mark.django_db
@pytest.mark.parametrize(("roles", "has_navigation"), [(["reception"], True), ([], False)])
def test_refusal_page_keeps_the_navigation_for_staff_only(client, roles, has_navigation):
    client.force_login(user(*roles))

    answer = client.post("/fail/refused/")

    assert answer.status_code == 422
    assert (b'<header class="bar">' in answer.content) == has_navigation


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [("typed", ValidationError, "Not a date."), ("broken", RuntimeError, "The disk is full.")],
)
def test_other_exceptions_pass_through(client, how, kind, message):
    with pytest.raises(kind, match=message):
        client.post(f"/fail/{how}/")


def test_what_is_missing_keeps_its_own_page(client):
    assert client.get("/fail/missing/").status_code == 404


def test_answers_of_views_pass_through(client):
    answer = client.get("/fine/")

    assert (answer.status_code, answer.content) == (201, b"done")
