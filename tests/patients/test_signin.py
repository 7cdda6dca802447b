"""Who may sign in, what a stranger learns, and whose address is counted."""

import re
import time

import pytest
from allauth.account.adapter import get_adapter
from django.conf import settings as in_use
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse

from clinic.models import Reminder
from patients import roles, signin
from patients.models import PortalAccess, User
from tests import sign_in
from tests.factories import patient, user
from tests.sign_in import PASSWORD, by_password, signed_in_as

SIGNUP_CLOSED = [
    "Accounts are made by the clinic",
    "Nobody can open an account here, so that only people the clinic knows can see its diary.",
    "If you work at the clinic, ask its administrator. If you are a patient, ask reception: they can help you by "
    "phone or at the desk.",
]
DOOR = "/portal/sign-in/"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
CODE = re.compile(r"^(\d{4}-\d{4})$", re.MULTILINE)


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def seen_by(person, who=None):
    return PortalAccess.objects.create(user=person, patient=who or patient())


def ask_for_code(client, email, **details):
    return client.post(DOOR, {"email": email, **details})


def code_in(message):
    return CODE.search(message.body).group(1)


def answer_to(email):
    """Everything that somebody who asks for a code gets back: the answer, the page after it, and a wrong code."""
    client = Client()
    answers = [ask_for_code(client, email)]
    answers.append(client.get(answers[0].url))
    answers.append(client.post(reverse("account_confirm_login_code"), {"code": "0000-0000"}))
    answers.append(ask_for_code(client, email))
    # The time of day and the length of the address itself say nothing.
    own = {"Expires", "Content-Length"}
    return [
        (
            answer.status_code,
            sorted(answer.headers.items() - {(name, answer.headers.get(name)) for name in own}),
            TOKEN.sub("", answer.content.decode()).replace(email, "…"),
        )
        for answer in answers
    ], sorted(client.cookies)


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
    assert signed_in_as(client) is None


@pytest.mark.django_db
def test_wrong_passwords_and_unknown_addresses_are_answered_alike(client):
    person = user("reception", password=PASSWORD)

    answers = [by_password(client, person, "wrong password"), by_password(client, User(email="nobody@clinic.example"))]

    sentence = "The e-mail address or the password is not right."
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.context["form"].non_field_errors() for answer in answers] == [[sentence], [sentence]]
    assert signed_in_as(client) is None


@pytest.mark.django_db
@pytest.mark.parametrize("role", [roles.RECEPTION, roles.PRACTITIONER, roles.CLINICAL_LEAD])
def test_staff_start_with_the_diary(client, role):
    person = user(role, password=PASSWORD)

    answer = by_password(client, person)

    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/").url == reverse("diary")


@pytest.mark.django_db
def test_staff_who_are_patients_too_start_with_the_diary_and_find_their_own_visits_in_the_menu(client):
    person = user("reception", password=PASSWORD)
    seen_by(person)

    by_password(client, person)

    assert client.get("/").url == reverse("diary")
    assert f'href="{reverse("portal_home")}"' in client.get(reverse("tasks")).content.decode()


@pytest.mark.django_db
def test_the_page_that_was_wanted_is_kept_and_a_foreign_one_is_not(client):
    person = user("reception", password=PASSWORD)

    inside = by_password(client, person, next="/tasks/")
    client.logout()
    outside = by_password(client, person, next="https://evil.example/")

    assert (inside.url, outside.url) == ("/tasks/", "/")


@pytest.mark.django_db
def test_a_login_that_opens_nothing_is_told_so(client):
    person = user(password=PASSWORD)

    by_password(client, person)

    assert signed_in_as(client) == person.pk
    assert client.get("/").status_code == 403


@pytest.mark.django_db
def test_a_closed_account_is_sent_to_its_own_page(client):
    person = user("reception", password=PASSWORD)
    User.objects.filter(pk=person.pk).update(is_active=False)

    answer = client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD}, follow=True)

    assert answer.redirect_chain == [(reverse("account_inactive"), 302)]
    assert said(answer) == [
        "This account is switched off",
        "It cannot be used to sign in. The clinic’s administrator can switch it on again.",
    ]
    assert signed_in_as(client) is None


@pytest.mark.django_db
def test_a_staff_session_ends_with_the_browser_and_after_twelve_hours(client):
    person = user("reception", password=PASSWORD)
    by_password(client, person)
    session, cookie = client.session, client.cookies["sessionid"]["max-age"]

    session[signin.SIGNED_IN_AT] = time.time() - 12 * 3600 + 60
    session.save()
    before = client.get("/tasks/").status_code
    session[signin.SIGNED_IN_AT] = time.time() - 12 * 3600
    session.save()
    after = client.get("/tasks/")

    assert cookie == ""
    assert (before, after.status_code, after.url) == (200, 302, "/account/login/?next=%2Ftasks%2F")
    assert signed_in_as(client) is None


@pytest.mark.django_db
def test_a_patient_signs_in_with_the_code_from_the_mail(client):
    person = user(email="ada@mail.example")
    seen_by(person)

    asked = ask_for_code(client, "Ada@mail.example", next=reverse("portal_home"))
    answer = client.post(asked.url, {"code": code_in(mail.outbox[0]), "next": reverse("portal_home")})

    assert [(one.to, one.subject) for one in mail.outbox] == [(["ada@mail.example"], "Your code to sign in")]
    assert (answer.status_code, answer.url) == (302, reverse("portal_home"))
    assert signed_in_as(client) == person.pk
    assert client.get("/").url == reverse("portal_home")


@pytest.mark.django_db
def test_the_code_waits_encrypted_in_the_urgent_lane_of_the_outbox(client, settings):
    settings.EMAIL_BACKEND = "clinic.outbox.OutboxBackend"
    seen_by(user(email="ada@mail.example"))

    ask_for_code(client, "ada@mail.example")
    ask_for_code(client, "nobody@mail.example")

    row = Reminder.objects.get()
    assert (row.lane, row.raw_to) == (Reminder.Lane.URGENT, "ada@mail.example")
    assert CODE.search(row.raw_body)


@pytest.mark.django_db
def test_a_code_works_once(client):
    person = user(email="ada@mail.example")
    asked = ask_for_code(client, person.email)
    code = code_in(mail.outbox[0])

    client.post(asked.url, {"code": code})
    client.logout()
    client.post(asked.url, {"code": code})

    assert signed_in_as(client) is None


@pytest.mark.django_db
def test_only_the_newest_code_works(client):
    person = user(email="ada@mail.example")
    asked = ask_for_code(client, person.email)
    ask_for_code(client, person.email)

    client.post(asked.url, {"code": code_in(mail.outbox[0])})
    before = signed_in_as(client)
    client.post(asked.url, {"code": code_in(mail.outbox[1])})

    assert (before, signed_in_as(client)) == (None, person.pk)


@pytest.mark.django_db
def test_a_code_is_spent_after_three_wrong_tries(client):
    person = user(email="ada@mail.example")
    asked = ask_for_code(client, person.email)

    answers = [client.post(asked.url, {"code": "0000-000x"}).status_code for _ in range(3)]
    client.post(asked.url, {"code": code_in(mail.outbox[0])})

    assert answers == [200, 200, 302]
    assert signed_in_as(client) is None


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "gets_in"), [(599, True), (601, False)])
def test_a_code_works_for_ten_minutes(client, monkeypatch, seconds, gets_in):
    person = user(email="ada@mail.example")
    asked = ask_for_code(client, person.email)
    later = time.time() + seconds

    monkeypatch.setattr(time, "time", lambda: later)
    client.post(asked.url, {"code": code_in(mail.outbox[0])})

    assert (signed_in_as(client) == person.pk) is gets_in


@pytest.mark.django_db
def test_no_address_is_told_apart_by_who_asks_for_a_code(counted):
    known, closed, staff = user(email="ada@mail.example"), user(), user("reception", password=PASSWORD)
    seen_by(known)
    User.objects.filter(pk=closed.pk).update(is_active=False)
    secured = user("practitioner", password=PASSWORD)
    sign_in.with_app(secured)
    kinds = [known.email, closed.email, staff.email, secured.email, "nobody@mail.example"]

    answers = [answer_to(email) for email in kinds]

    counted(f"Sign-in by code: {len(kinds)} kinds of address, {len(answers[0][0])} answers each, all alike")
    assert answers == [answers[0]] * len(kinds)
    assert {one.to[0] for one in mail.outbox} == {known.email, secured.email}


@pytest.mark.django_db
@pytest.mark.parametrize("role", roles.ALL)
def test_staff_without_a_second_step_get_no_code(client, role):
    person = user(role, password=PASSWORD)
    seen_by(person)

    asked = ask_for_code(client, person.email)

    assert asked.status_code == 302
    assert mail.outbox == []


@pytest.mark.django_db
def test_a_code_alone_never_signs_staff_in(client):
    person = user(password=PASSWORD, email="ada@mail.example")
    asked = ask_for_code(client, person.email)
    User.objects.filter(pk=person.pk).update(is_staff=True)

    answer = client.post(asked.url, {"code": code_in(mail.outbox[0])})

    assert (answer.status_code, answer.url) == (302, DOOR)
    assert signed_in_as(client) is None


@pytest.mark.django_db
def test_staff_with_a_second_step_are_asked_for_it_after_the_code(client):
    person = user("reception", password=PASSWORD)
    secret = sign_in.with_app(person)
    asked = ask_for_code(client, person.email)

    answer = client.post(asked.url, {"code": code_in(mail.outbox[0])})
    before = signed_in_as(client)
    client.post(answer.url, {"code": sign_in.app_code(secret)})

    assert (answer.url, before) == (reverse("mfa_authenticate"), None)
    assert signed_in_as(client) == person.pk


@pytest.mark.django_db
def test_asking_for_codes_is_limited_by_address_with_the_broker_away(settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    person = user(email="ada@mail.example")

    answers = [ask_for_code(Client(), person.email) for _ in range(4)]

    assert in_use.CACHES["default"]["BACKEND"] == "django.core.cache.backends.db.DatabaseCache"
    assert [answer.status_code for answer in answers] == [302, 302, 302, 200]
    assert answers[3].context["form"].errors == {
        "email": ["That was tried too often. Wait a few minutes, then try again."]
    }
    assert len(mail.outbox) == 3


@pytest.mark.django_db
def test_guessing_a_password_is_limited_by_login_with_the_broker_away(settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    person = user("reception", password=PASSWORD)

    for _ in range(5):
        by_password(Client(), person, "wrong password")
    answer = by_password(Client(), person)

    assert answer.context["form"].non_field_errors() == [
        "That was tried too often. Wait a few minutes, then try again."
    ]


@pytest.mark.django_db
def test_a_limit_is_kept_however_many_others_are_counted():
    person = user("reception", password=PASSWORD)
    for _ in range(5):
        by_password(Client(), person, "wrong password")

    for other in range(500):
        cache.set(f"zzz{other}", "yes", timeout=300)
    by_password(client := Client(), person)

    assert signed_in_as(client) is None


@pytest.mark.django_db
def test_the_doors_lead_to_each_other(client):
    staff, patients = client.get("/account/login/?next=/x/"), client.get(f"{DOOR}?next=/portal/")

    assert f'href="{DOOR}?next=/x/"' in staff.content.decode()
    assert 'href="/account/login/?next=/portal/"' in patients.content.decode()


@pytest.mark.django_db
def test_a_new_password_is_chosen_with_a_code_and_no_address_holds_a_key(client):
    person = user("reception")

    client.post(reverse("account_reset_password"), {"email": person.email})
    code = code_in(mail.outbox[0])
    confirmed = client.post(reverse("account_confirm_password_reset_code"), {"code": code})
    client.post(confirmed.url, {"password1": PASSWORD, "password2": PASSWORD})

    assert "http" not in mail.outbox[0].body
    assert User.objects.get(pk=person.pk).check_password(PASSWORD)
    assert signed_in_as(client) is None
    assert client.get("/account/password/reset/key/1-abc/").status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("account_reset_password_from_key", kwargs={"uidb36": "1", "key": "abc"})


@pytest.mark.django_db
def test_asking_for_a_new_password_answers_alike_for_known_and_unknown_addresses():
    person, known, unknown = user("reception", password=PASSWORD), Client(), Client()

    answers = [
        client.post(reverse("account_reset_password"), {"email": email}, follow=True)
        for client, email in ((known, person.email), (unknown, "nobody@clinic.example"))
    ]
    pages = [
        TOKEN.sub("", answer.content.decode()).replace(email, "…")
        for answer, email in zip(answers, (person.email, "nobody@clinic.example"), strict=True)
    ]

    assert [answer.redirect_chain for answer in answers] == [
        [(reverse("account_confirm_password_reset_code"), 302)],
        [(reverse("account_confirm_password_reset_code"), 302)],
    ]
    assert pages[0] == pages[1]
    assert [one.to for one in mail.outbox] == [[person.email]]


@pytest.mark.django_db
def test_a_new_password_ends_every_session(client):
    person = user("reception", password=PASSWORD)
    by_password(client, person)

    get_adapter().set_password(User.objects.get(pk=person.pk), "another horse battery")

    assert client.get("/tasks/").status_code == 302


@pytest.mark.django_db
def test_a_person_is_told_by_mail_that_the_password_changed(client):
    person = user("reception", password=PASSWORD)
    by_password(client, person)
    new = {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"}

    client.post(reverse("account_change_password"), new)

    assert [(one.to, one.subject) for one in mail.outbox] == [([person.email], "Your password was changed")]


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
