"""The pages for what went wrong: each says what happened, why, and what to do next."""

import re

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.test import Client
from django.urls import path, reverse

from clinic import urls
from clinic.refusals import Busy, Refused, Taken
from clinic.urls import handler400, handler403, handler404, handler500  # noqa: F401 (Django reads them from here)
from clinic.views import errors
from patients import portal_access
from patients.access import public, roles
from patients.roles import CLINICAL_LEAD, PRACTITIONER
from tests.factories import NOW, patient, user

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


@roles(PRACTITIONER, CLINICAL_LEAD)
def for_clinicians(request):
    return HttpResponse()


REFUSALS = {"409": Taken(), "422": Refused("The reason is missing."), "503": Busy()}


@public
def refuse(request, how):
    raise REFUSALS[how]


urlpatterns = [
    path("fail/<str:how>/", fail),
    path("refuse/<str:how>/", refuse),
    path("clinicians/", for_clinicians),
    *urls.urlpatterns,
]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def site(client):
    client.raise_request_exception = False
    return client


def said(answer, leads=(("/", "Go to the start page"),)):
    """The code, the heading and the sentences of the page's card; its button leads to the start page."""
    card = answer.content.decode().partition('<section class="card problem"')[2].partition("</section>")[0]
    assert re.findall(r'href="(.*?)">(.*?)</a>', card) == list(leads)
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
def test_permission_denied_names_the_roles_that_may_enter(site):
    site.force_login(user("reception"))

    answer = site.get("/clinicians/")

    whom = "This page is for: Practitioner, Clinical lead."
    assert answer.status_code == 403
    assert said(answer) == [*NOT_ALLOWED[:2], whom, *NOT_ALLOWED[2:]]
    assert has_navigation(answer)


@pytest.mark.django_db
def test_permission_denied_names_the_roles_for_htmx(site):
    site.force_login(user("reception"))

    answer = site.get("/clinicians/", headers=HTMX)

    assert noted(answer) == [
        "This page is for: Practitioner, Clinical lead.",
        "Your role at the clinic does not include this. Nothing was changed.",
    ]


@pytest.mark.django_db
def test_page_keeps_the_portal_of_somebody_who_sees_a_patient(site):
    access = portal_access.grant(patient(), email="ada@mail.example", by=user("reception"), now=NOW)
    site.force_login(access.user)

    answer = site.get("/fail/404/")

    assert '<body class="portal">' in answer.content.decode()
    assert said(answer) == [
        *NOT_FOUND[:3],
        "Begin again from your start page. If something is missing there, call the clinic.",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(("how", "sentences"), [
    ("409", ["409", "Somebody was faster", "This time has just been taken. Nothing you typed is lost: choose another "
             "time.", "Go back in your browser: what you typed is still there. Load the page again and choose what is "
             "possible now."]),
    ("422", ["422", "This was not saved", "The reason is missing.", "Go back in your browser: what you typed is still "
             "there. Change what is named above and save again."]),
    ("503", ["503", "Please try again in a moment", "Somebody else is saving this at the moment and nothing was saved. "
             "Please try again.", "Go back in your browser, wait a few seconds and save again: what you typed is still "
             "there."]),
])  # fmt: skip
def test_a_refusal_is_a_page_that_names_it_and_the_way_back(site, how, sentences):
    site.force_login(user("reception"))

    answer = site.get(f"/refuse/{how}/")

    assert answer.status_code == int(how)
    assert said(answer, leads=[]) == sentences
    assert has_navigation(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("how", REFUSALS)
def test_a_refusal_is_a_note_beside_the_form_for_htmx(site, how):
    site.force_login(user("reception"))

    answer = site.get(f"/refuse/{how}/", headers=HTMX)

    assert answer.status_code == int(how)
    assert noted(answer) == REFUSALS[how].messages


def test_too_many_attempts_says_how_long_to_wait(rf):
    answer = render(rf.get("/"), "429.html", status=429)

    assert said(answer) == [
        "429",
        "Too many attempts",
        "To keep strangers from guessing passwords, we stop answering for a while after many attempts.",
        "Wait five minutes and try again.",
    ]


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
