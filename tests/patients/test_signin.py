"""Who may sign in, what a stranger learns, and whose address is counted."""

import re

import pytest
from allauth.account.adapter import get_adapter
from django.contrib.sessions.models import Session
from django.urls import reverse

from patients import roles, signin
from patients.models import User
from tests.factories import user

PASSWORD = "correct horse battery"
STAFF_CLOSED = [
    "Staff sign-in is closed",
    "Your password is right, but a password alone does not protect patients’ records well enough. Staff will sign in "
    "with a second step, and this version does not have it yet.",
    "You are not signed in and nothing has changed. Ask the person who runs this system to install the version with "
    "the second step.",
]
SIGNUP_CLOSED = [
    "Accounts are made by the clinic",
    "Nobody can open an account here, so that only people the clinic knows can see its diary.",
    "If you work at the clinic, ask its administrator. If you are a patient, ask reception: they can help you by "
    "phone or at the desk.",
]


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def in_production(settings):
    settings.IS_PRODUCTION = True


def sign_in(client, person, password=PASSWORD):
    return client.post(reverse("account_login"), {"login": person.email, "password": password})


def ask_for_new_password(client, email):
    return client.post(reverse("account_reset_password"), {"email": email}, follow=True)


def is_signed_in(client):
    return "_auth_user_id" in client.session


def said(answer):
    """The heading and the sentences of the page's card."""
    card = answer.content.decode().partition('<section class="card"')[2].partition("</section>")[0]
    return re.findall(r"<(?:h1|p)\b[^>]*>(.*?)</(?:h1|p)>", card, re.DOTALL)


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_signup_is_closed_and_says_who_makes_accounts(client, method):
    details = {"email": "eve@mail.example", "password1": PASSWORD}

    answer = getattr(client, method)(reverse("account_signup"), details)

    assert said(answer) == SIGNUP_CLOSED
    assert not User.objects.exists()
    assert not is_signed_in(client)


@pytest.mark.django_db
@pytest.mark.parametrize("role", roles.ALL)
def test_staff_sign_in_is_refused_in_production_and_no_session_is_made(client, in_production, role):
    person = user(role, password=PASSWORD)

    answer = sign_in(client, person)

    assert answer.status_code == 403
    assert said(answer) == STAFF_CLOSED
    assert not Session.objects.exists()
    assert client.get(reverse("diary")).url.startswith(reverse("account_login"))


@pytest.mark.django_db
@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_staff_sign_in_is_refused_in_production_for_who_has_a_flag_and_no_role(client, in_production, flag):
    person = user(password=PASSWORD)
    User.objects.filter(pk=person.pk).update(**{flag: True})

    answer = sign_in(client, person)

    assert (answer.status_code, said(answer)) == (403, STAFF_CLOSED)
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_staff_sign_in_does_not_say_that_it_is_closed_when_the_password_is_wrong(client, in_production):
    person = user("reception", password=PASSWORD)

    answers = [sign_in(client, person, "wrong password"), sign_in(client, User(email="nobody@clinic.example"))]

    sentence = "The email address and/or password you specified are not correct."
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.context["form"].non_field_errors() for answer in answers] == [[sentence], [sentence]]
    assert not is_signed_in(client)


@pytest.mark.django_db
def test_sign_in_works_in_production_for_who_has_no_role(client, in_production):
    person = user(password=PASSWORD)

    answer = sign_in(client, person)

    assert (answer.status_code, answer.url) == (302, reverse("diary"))
    assert is_signed_in(client)


@pytest.mark.django_db
def test_sign_in_works_for_staff_outside_production(client):
    person = user("reception", password=PASSWORD)

    answer = sign_in(client, person)

    assert (answer.status_code, answer.url) == (302, reverse("diary"))
    assert is_signed_in(client)


@pytest.mark.django_db
def test_sign_in_sends_a_closed_account_to_its_own_page_in_production(client, in_production):
    person = user("reception", password=PASSWORD)
    User.objects.filter(pk=person.pk).update(is_active=False)

    answer = client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD}, follow=True)

    assert answer.redirect_chain == [(reverse("account_inactive"), 302)]
    assert said(answer) == [
        "This account is switched off",
        "It cannot be used to sign in. The clinic’s administrator can switch it on again.",
    ]
    assert not is_signed_in(client)


@pytest.mark.django_db
def test_password_reset_answers_the_same_for_known_and_unknown_addresses(client, mailoutbox):
    person = user("reception", password=PASSWORD)

    known = ask_for_new_password(client, person.email)
    unknown = ask_for_new_password(client, "nobody@clinic.example")

    assert known.redirect_chain == unknown.redirect_chain == [(reverse("account_reset_password_done"), 302)]
    assert known.status_code == unknown.status_code == 200
    assert known.content == unknown.content
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        ([person.email], "Your link for a new password"),
        (["nobody@clinic.example"], "No account with this address"),
    ]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "192.0.2.1"),
        (0, "203.0.113.7", "192.0.2.1"),
        (1, None, "192.0.2.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.66, 203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.66,  2001:DB8::7 ", "2001:db8::7"),
        (1, "203.0.113.7, unknown", "192.0.2.1"),
        (2, "203.0.113.7", "192.0.2.1"),
        (2, "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (2, "198.51.100.66, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
    ],
)
def test_client_ip_is_what_the_outermost_trusted_proxy_saw(rf, settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    request = rf.get("/", headers=headers, REMOTE_ADDR="192.0.2.1")

    assert signin.client_ip(request) == address
    assert get_adapter(request).get_client_ip(request) == address


def test_client_ip_is_a_placeholder_for_a_connection_without_an_address(rf):
    assert signin.client_ip(rf.get("/", REMOTE_ADDR="")) == "0.0.0.0"


@pytest.mark.django_db
def test_sign_in_counts_attempts_by_client_and_not_by_proxy(client, settings):
    settings.TRUSTED_PROXIES = 1
    settings.ACCOUNT_RATE_LIMITS = {"login": "3/m/ip"}
    guesses = [{"login": f"guess{number}@clinic.example", "password": "wrong"} for number in range(4)]
    address = reverse("account_login")

    guesser = [client.post(address, guess, headers={"X-Forwarded-For": "203.0.113.7"}) for guess in guesses]
    neighbour = client.post(address, guesses[0], headers={"X-Forwarded-For": "203.0.113.8"})

    assert [answer.status_code for answer in guesser] == [200, 200, 200, 429]
    assert neighbour.status_code == 200
