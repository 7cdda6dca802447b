"""The pages for what went wrong: each says what happened, why, and what to do next."""

import re

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.test import Client
from django.urls import path, reverse

from clinic import urls
from clinic.urls import handler400, handler403, handler404, handler500  # noqa: F401 (Django reads them from here)
from clinic.views import errors
from patients.access import public
from tests.factories import user

FAILURES = {"400": SuspiciousOperation, "403": PermissionDenied, "404": Http404, "500": RuntimeError}
HTMX = {"HX-Request": "true"}
BAD_REQUEST = [
    "400",
    "This request could not be read",
    "Something in the address or in what was sent is not in the expected form. Nothing was saved.",
    "Go back, reload the page and try again. If it happens again, tell the person who looks after this system what "
    "you did.",
]
NOT_ALLOWED = [
    "403",
    "This page is not open to you",
    "Your role at the clinic does not include it. Nothing was changed.",
    "If you need it for your work, ask the clinic’s administrator to change your role.",
]
STALE_FORM = [
    "403",
    "This form has been open too long",
    "You have signed in or out since it was opened, or your browser keeps no cookies, so we cannot tell that it was "
    "you who sent it. Nothing was saved.",
    "Go back in your browser: what you typed is usually still there. Copy it, reload the page and send it again.",
]
NOT_FOUND = [
    "404",
    "There is nothing at this address",
    "The link may be old or mistyped, or what it led to is not yours to see.",
    "Search for the patient, or begin again from the start page.",
]
BROKEN = [
    "500",
    "Something broke on our side",
    "It was not your mistake. What you sent may not have been saved, and the people who look after this system can "
    "see what happened.",
    "Wait a minute, then look whether your change is there before you send it again.",
]


@public
def fail(request, how):
    raise FAILURES[how]


urlpatterns = [path("fail/<str:how>/", fail), *urls.urlpatterns]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def site(client):
    client.raise_request_exception = False
    return client


def said(answer):
    """The code, the heading and the sentences of the page's card, and where its button leads."""
    card = answer.content.decode().partition('<section class="card problem"')[2].partition("</section>")[0]
    assert re.findall(r'href="(.*?)">(.*?)</a>', card) == [("/", "Go to the start page")]
    return re.findall(r"<(?:h1|p)\b[^>]*>(.*?)</(?:h1|p)>", card)


def noted(answer):
    """The sentences of a note for the page's message area."""
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#messages", "innerHTML show:window:top")
    assert answer.content.lstrip().startswith(b'<div class="note tone-stop" role="alert"')
    return re.findall(r"<p>(.*?)</p>", answer.content.decode())


def has_navigation(answer):
    return b'<header class="bar">' in answer.content


@pytest.mark.parametrize(
    ("how", "sentences"), [("400", BAD_REQUEST), ("403", NOT_ALLOWED), ("404", NOT_FOUND), ("500", BROKEN)]
)
def test_page_says_what_why_and_what_next_to_a_stranger_without_the_database(site, how, sentences):
    answer = site.get(f"/fail/{how}/")

    assert answer.status_code == int(how)
    assert said(answer) == sentences
    assert not has_navigation(answer)


@pytest.mark.django_db
@pytest.mark.parametrize(("how", "sentences"), [("403", NOT_ALLOWED), ("404", NOT_FOUND)])
def test_page_keeps_the_navigation_for_staff(site, how, sentences):
    site.force_login(user("reception"))

    answer = site.get(f"/fail/{how}/")

    assert answer.status_code == int(how)
    assert said(answer) == sentences
    assert has_navigation(answer)


@pytest.mark.django_db
@pytest.mark.parametrize(("how", "sentences"), [("403", NOT_ALLOWED), ("404", NOT_FOUND)])
def test_page_is_plain_for_somebody_signed_in_without_a_role(site, how, sentences):
    site.force_login(user())

    answer = site.get(f"/fail/{how}/")

    assert said(answer) == sentences
    assert not has_navigation(answer)


def test_bad_request_is_answered_before_anybody_is_known_when_the_host_is_foreign(site):
    answer = site.get("/", headers={"host": "elsewhere.example"})

    assert answer.status_code == 400
    assert said(answer) == BAD_REQUEST


def test_permission_denied_is_a_note_beside_the_form_for_htmx(site):
    answer = site.get("/fail/403/", headers=HTMX)

    assert answer.status_code == 403
    assert noted(answer) == ["Your role at the clinic does not include this. Nothing was changed."]


def test_permission_denied_is_a_page_when_it_was_raised_before_the_middleware_for_htmx(rf):
    answer = errors.permission_denied(rf.get("/", headers=HTMX), PermissionDenied())

    assert answer.status_code == 403
    assert said(answer) == NOT_ALLOWED


def test_csrf_failure_says_that_the_form_is_stale():
    answer = Client(enforce_csrf_checks=True).post(reverse("account_login"), {"login": "robin@clinic.example"})

    assert answer.status_code == 403
    assert said(answer) == STALE_FORM
    assert not has_navigation(answer)


def test_csrf_failure_is_a_note_beside_the_form_for_htmx():
    answer = Client(enforce_csrf_checks=True).post(reverse("account_login"), headers=HTMX)

    assert answer.status_code == 403
    assert noted(answer) == ["This form has been open too long. Reload the page and send it again."]


def test_page_not_found_answers_an_address_that_does_not_exist(site):
    answer = site.get("/nothing/here/")

    assert answer.status_code == 404
    assert said(answer) == NOT_FOUND


@pytest.mark.django_db
def test_server_error_asks_the_database_nothing_even_about_somebody_signed_in(rf, django_assert_num_queries):
    request = rf.get("/")
    request.user = user("reception")

    with django_assert_num_queries(0):
        answer = errors.server_error(request)

    assert answer.status_code == 500
    assert said(answer) == BROKEN
