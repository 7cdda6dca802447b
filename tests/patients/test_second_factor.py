"""Staff reach nothing without a second step; it is asked at every sign-in, and a lost phone can be helped."""

import re
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic import middleware
from patients import clinic_devices, encryption, roles, second_factor
from patients.models import DeviceSignIn, PortalAccess, SecondFactorReset, User
from patients.refusals import Refused
from tests.clinic.test_every_address import PAGES
from tests.factories import patient, user
from tests.sign_in import PASSWORD, app_code, by_password, in_full, signed_in_as, with_app

SECRET = re.compile(r'<p class="secret">([A-Z2-7]+)</p>')
# What staff without a second step may open, and why.
OPEN_BEFORE = {
    "second_step": "where it is set up",
    "mfa_activate_totp": "an authenticator app",
    "mfa_add_webauthn": "a passkey",
    "account_reauthenticate": "asks for the password before either",
    "account_logout": "the way out",
    "setup": "leads the first person of a new clinic to the next question",
    "setup_factor": "that question, asked while a new clinic is set up",
}
ONLY_ONE = "This is your only second step, and people who work here need one. Add another one first."


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def required(settings):
    settings.STAFF_MFA = "required"


def lead():
    return user(*roles.ALL, password=PASSWORD)


def passkey(person, name="Phone"):
    return Authenticator.objects.create(user=person, type="webauthn", data={"name": name, "credential": {}})


def enrol(client):
    """Set up an authenticator app through its page; returns the secret and the answer."""
    secret = SECRET.search(client.get(reverse("mfa_activate_totp")).content.decode()).group(1)
    return secret, client.post(reverse("mfa_activate_totp"), {"code": app_code(secret)})


@pytest.mark.django_db
def test_staff_without_a_second_step_open_no_page_at_all(required, client, counted):
    person = lead()
    by_password(client, person)
    opened, stopped = set(), 0

    for name, path in PAGES:
        for method in ("get", "post"):
            if name == "account_logout":
                continue
            answer = getattr(client, method)(path)
            if answer.status_code == 302 and answer.url.startswith(reverse("second_step")):
                stopped += 1
            else:
                opened.add(name)

    counted(f"Second step: {stopped} requests of {len(PAGES)} addresses stopped, {len(OPEN_BEFORE)} open on purpose")
    assert signed_in_as(client) == person.pk
    assert opened | {"account_logout"} == set(OPEN_BEFORE)
    assert set(OPEN_BEFORE) >= middleware.SETTING_UP
    assert {"admin:index", "diary", "patients", "team"} <= {name for name, _ in PAGES}


@pytest.mark.django_db
@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_a_login_with_a_flag_and_no_role_needs_one_too(required, client, flag):
    person = user(password=PASSWORD)
    User.objects.filter(pk=person.pk).update(**{flag: True})

    by_password(client, person)

    assert client.get("/").url == "/second-step/?next=%2F"


@pytest.mark.django_db
def test_patients_need_none(required, client):
    person = user(password=PASSWORD)
    PortalAccess.objects.create(user=person, patient=patient())

    by_password(client, person)

    assert client.get("/").url == reverse("portal_home")
    assert client.get(reverse("portal_home")).status_code != 404
    assert client.get(reverse("second_step")).status_code == 404


@pytest.mark.django_db
def test_optional_asks_nobody_and_hints_in_the_menu(client):
    by_password(client, user("reception", password=PASSWORD))

    page = client.get("/tasks/")

    assert page.status_code == 200
    assert "Set up a second step" in page.content.decode()


@pytest.mark.django_db
def test_a_part_of_a_page_is_led_to_the_setup_as_a_whole(required, client):
    by_password(client, user("reception", password=PASSWORD))

    answer = client.get("/tasks/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/second-step/?next=%2F")
    assert answer.content == b""


@pytest.mark.django_db
def test_setting_up_an_app_opens_the_pages_and_shows_recovery_codes(required, client):
    person = user("reception", password=PASSWORD)
    by_password(client, person, next="/tasks/")
    client.get(client.get("/tasks/").url)

    _secret, answer = enrol(client)
    page = client.get(answer.url)

    assert answer.url == reverse("mfa_view_recovery_codes")
    assert len(re.findall(r"<li>\d+</li>", page.content.decode())) == 10
    assert 'href="/tasks/"' in page.content.decode()
    assert client.get("/tasks/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_person_is_told_by_mail_that_an_app_was_set_up(client):
    person = User.objects.create_user("robin@clinic.example", PASSWORD, name="Robin", is_staff=True)
    by_password(client, person)

    enrol(client)

    assert [(one.to, one.subject) for one in mail.outbox] == [([person.email], "An authenticator app was set up")]


@pytest.mark.django_db
def test_a_wrong_code_sets_nothing_up(required, client):
    by_password(client, user("reception", password=PASSWORD))
    client.get(reverse("mfa_activate_totp"))

    answer = client.post(reverse("mfa_activate_totp"), {"code": "000000"})

    assert answer.context["form"].errors == {"code": ["This code is not right or no longer valid. Try the newest one."]}
    assert not Authenticator.objects.exists()
    assert client.get("/tasks/").status_code == 302


@pytest.mark.django_db
def test_the_secret_of_an_app_is_stored_encrypted(client):
    person = user("reception", password=PASSWORD)
    secret = with_app(person)

    stored = Authenticator.objects.get(user=person, type="totp").data["secret"]

    assert secret not in stored
    assert encryption.decrypt(stored, row=second_factor.SEALED_FOR) == secret


@pytest.mark.django_db
def test_sign_in_asks_for_the_second_step(required, client):
    person = user("reception", password=PASSWORD)
    secret = with_app(person)

    first = by_password(client, person)
    between = signed_in_as(client)
    client.post(first.url, {"code": app_code(secret)})

    assert (first.url, between) == (reverse("mfa_authenticate"), None)
    assert signed_in_as(client) == person.pk
    assert client.get("/tasks/").status_code == 200


@pytest.mark.django_db
def test_a_code_of_the_app_works_once_in_its_whole_life(client):
    person = user("reception", password=PASSWORD)
    secret = with_app(person)
    code, next_code = (app_code(secret, later=periods) for periods in (0, 1))
    in_full(client, person, secret, next_code)
    # What allauth keeps lasts one period only, and with the clocks' tolerance a code is good for three.
    cache.delete(f"allauth.mfa.totp.used?user={person.pk}&code={next_code}")

    again, other = Client(), Client()
    in_full(again, person, secret, next_code)
    in_full(other, person, secret, code)

    assert (signed_in_as(again), signed_in_as(other)) == (None, person.pk)


@pytest.mark.django_db
def test_a_recovery_code_signs_in_once(client):
    person = user("reception", password=PASSWORD)
    with_app(person)
    code = Authenticator.objects.get(user=person, type="recovery_codes").wrap().get_unused_codes()[0]
    found = []

    for browser in (client, Client()):
        by_password(browser, person)
        browser.post(reverse("mfa_authenticate"), {"code": code})
        found.append(signed_in_as(browser))

    assert found == [person.pk, None]


@pytest.mark.django_db
def test_guessing_the_second_step_is_limited(client):
    person = user("reception", password=PASSWORD)
    secret = with_app(person)
    by_password(client, person)

    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    answer = client.post(reverse("mfa_authenticate"), {"code": app_code(secret)})

    assert signed_in_as(client) is None
    assert answer.context["form"].errors == {"code": ["That was tried too often. Wait a few minutes, then try again."]}


@pytest.mark.django_db
def test_a_session_from_before_must_show_the_new_second_step(required, client):
    person = user("reception", password=PASSWORD)
    by_password(client, person)
    secret = with_app(person)

    asked = client.get("/tasks/")
    setup = client.get(reverse("mfa_deactivate_totp"))
    client.post(asked.url, {"code": app_code(secret), "next": "/tasks/"})

    assert asked.url == setup.url.replace("%2Faccount%2Fsecond-step%2Ftotp%2Fdeactivate%2F", "%2Ftasks%2F")
    assert asked.url == f"{reverse('mfa_reauthenticate')}?next=%2Ftasks%2F"
    assert client.get("/tasks/").status_code == 200


@pytest.mark.django_db
def test_the_only_second_step_cannot_be_removed_while_it_is_required(required, client):
    person = user("reception", password=PASSWORD)
    in_full(client, person, with_app(person))

    answer = client.post(reverse("mfa_deactivate_totp"))

    assert answer.context["form"].non_field_errors() == [ONLY_ONE]
    assert second_factor.holds(person)


@pytest.mark.django_db
def test_the_only_passkey_cannot_be_removed_either(required, client):
    person = user("reception", password=PASSWORD)
    in_full(client, person, with_app(person))
    key = passkey(person)
    Authenticator.objects.filter(user=person, type="totp").delete()

    answer = client.post(reverse("mfa_remove_webauthn", kwargs={"pk": key.pk}))

    assert answer.url == reverse("mfa_index")
    assert second_factor.holds(person)


@pytest.mark.django_db
def test_one_of_two_second_steps_can_be_removed(required, client):
    person = user("reception", password=PASSWORD)
    in_full(client, person, with_app(person))
    key = passkey(person)

    client.post(reverse("mfa_remove_webauthn", kwargs={"pk": key.pk}))

    assert not Authenticator.objects.filter(pk=key.pk).exists()
    assert second_factor.holds(person)


@pytest.mark.django_db
def test_recovery_codes_alone_are_no_second_step(required, client):
    person = user("reception", password=PASSWORD)
    with_app(person)
    Authenticator.objects.filter(user=person, type="totp").delete()

    by_password(client, person)

    assert client.get("/tasks/").url.startswith(reverse("second_step"))


@pytest.mark.django_db
def test_a_passkey_of_a_patient_does_not_stand_in_the_way_of_a_code(client):
    person = user(email="ada@mail.example")
    PortalAccess.objects.create(user=person, patient=patient())
    passkey(person)

    asked = client.post(reverse("portal_sign_in"), {"email": person.email})
    client.post(asked.url, {"code": re.search(r"\d{4}-\d{4}", mail.outbox[0].body).group()})

    assert signed_in_as(client) == person.pk


@pytest.mark.django_db
def test_reset_takes_away_factors_and_sessions_and_tells_the_person(required, client, settings):
    boss, person = user(roles.ADMINISTRATOR), user("reception", name="Robin Reception", password=PASSWORD)
    in_full(client, person, with_app(person))
    now = timezone.now()
    device, _token = clinic_devices.register(name="Tablet", by=boss, now=now)
    clinic_devices.remember(device, person, verified_at=now, now=now)

    row = second_factor.reset(person, by=boss, now=now)

    assert not Authenticator.objects.filter(user=person).exists()
    assert not DeviceSignIn.objects.filter(user=person).exists()
    assert client.get("/tasks/").url == "/account/login/?next=/tasks/"
    assert (row.user, row.by, row.at) == (person, boss, now)
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == ([person.email], "Your second step was taken away")
    assert f"{boss} has taken away your second step" in mail.outbox[-1].body


@pytest.mark.django_db
def test_reset_ends_a_sign_in_that_waits_for_the_second_step(required, client):
    boss, person = user(roles.ADMINISTRATOR), user("reception", password=PASSWORD)
    secret = with_app(person)
    by_password(client, person)

    second_factor.reset(person, by=boss, now=timezone.now())
    client.post(reverse("mfa_authenticate"), {"code": app_code(secret)})

    assert signed_in_as(client) is None


@pytest.mark.django_db
def test_reset_of_oneself_is_refused():
    boss = user(roles.ADMINISTRATOR)
    with_app(boss)

    with pytest.raises(Refused) as refusal:
        second_factor.reset(boss, by=boss, now=timezone.now())

    assert refusal.value.messages == ["You cannot take away your own second step. Ask another administrator."]
    assert second_factor.holds(boss)


@pytest.mark.django_db
def test_the_note_of_a_reset_stays_as_it_is():
    row = second_factor.reset(user("reception"), by=None, now=timezone.now())

    with pytest.raises(DatabaseError), transaction.atomic():
        SecondFactorReset.objects.filter(pk=row.pk).update(by=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()


@pytest.mark.django_db
def test_an_administrator_helps_a_colleague_whose_phone_is_lost(client):
    boss, person = user(roles.ADMINISTRATOR, password=PASSWORD), user("reception", name="Robin Reception")
    with_app(person)
    by_password(client, boss)
    address = reverse("second_step_reset", kwargs={"person": person.public_id})

    page = client.get(address)
    answer = client.post(address, follow=True)

    assert "Take the second step of Robin Reception away?" in page.content.decode()
    assert not second_factor.holds(person)
    assert "Robin Reception chooses a new second step at the next sign-in." in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("role", [roles.RECEPTION, roles.PRACTITIONER, roles.CLINICAL_LEAD])
def test_only_administrators_may(client, role):
    person = user("reception")
    with_app(person)
    by_password(client, user(role, password=PASSWORD))

    answers = [
        client.post(reverse("second_step_reset", kwargs={"person": person.public_id})).status_code,
        client.get(reverse("team")).status_code,
    ]

    assert answers == [403, 403]
    assert second_factor.holds(person)


@pytest.mark.django_db
def test_a_patient_login_is_not_in_the_team(client):
    by_password(client, user(roles.ADMINISTRATOR, password=PASSWORD))

    answer = client.get(reverse("second_step_reset", kwargs={"person": user().public_id}))

    assert answer.status_code == 404


@pytest.mark.django_db
def test_the_team_page_says_who_has_which_second_step(client):
    by_password(client, user(roles.ADMINISTRATOR, name="Ann Able", password=PASSWORD))
    with_app(user("reception", name="Bea Both"))
    passkey(user("practitioner", name="Cleo Key"))
    user(name="Pat Patient")

    rows = [
        (str(row["person"]), row["roles"], row["steps"], row["has_codes"])
        for row in client.get(reverse("team")).context["members"]
    ]

    assert rows == [
        ("Ann Able", "Administrator", [], False),
        ("Bea Both", "Reception", ["Authenticator app"], True),
        ("Cleo Key", "Practitioner", ["Passkey"], False),
    ]


@pytest.mark.django_db
def test_the_team_page_asks_as_much_for_three_as_for_one(client, django_assert_num_queries, queries_of):
    boss = user(roles.ADMINISTRATOR, password=PASSWORD)
    by_password(client, boss)

    counts = []
    for number in range(3):
        with_app(user("reception"))
        clinic_devices.register(name=f"Tablet {number}", by=boss, now=timezone.now())
        counts.append(queries_of(client, reverse("team")))

    assert counts[0] == counts[2]


@pytest.mark.django_db
def test_a_sensitive_page_asks_who_it_is_after_five_minutes(client, monkeypatch, settings):
    by_password(client, user("reception", password=PASSWORD))
    before = client.get(reverse("pin")).status_code

    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    after = client.get(reverse("pin"))

    assert (before, after.status_code, after.url) == (200, 302, "/account/reauthenticate/?next=%2Fpin%2F")


@pytest.mark.django_db
def test_whoever_runs_the_server_helps_the_only_administrator():
    boss = user(roles.ADMINISTRATOR, name="Ann Able", email="ann@clinic.example")
    with_app(boss)

    call_command("reset_second_step", "Ann@clinic.example", stdout=(printed := StringIO()))

    assert printed.getvalue() == "Ann Able sets up a new second step at the next sign-in. A mail tells them.\n"
    assert not second_factor.holds(boss)
    assert SecondFactorReset.objects.get().by is None
    assert mail.outbox[0].body.count("Your second step was taken away, so that you can choose a new one.") == 1


@pytest.mark.django_db
def test_resetting_a_login_that_is_not_there_says_so():
    with pytest.raises(CommandError, match=r"Nobody signs in with eve@clinic\.example\."):
        call_command("reset_second_step", "eve@clinic.example")


@pytest.mark.django_db
def test_a_patient_who_chose_an_app_is_asked_for_it_too(client):
    person = user(password=PASSWORD)
    PortalAccess.objects.create(user=person, patient=patient())
    secret = with_app(person)

    answer = by_password(client, person)
    client.post(answer.url, {"code": app_code(secret)})

    assert answer.url == reverse("mfa_authenticate")
    assert signed_in_as(client) == person.pk


@pytest.mark.django_db
def test_passkeys_are_named_by_their_number():
    person = user("reception")
    names = [second_factor.FactorAdapter().generate_authenticator_name(person, "webauthn")]
    passkey(person)

    names.append(second_factor.FactorAdapter().generate_authenticator_name(person, "webauthn"))

    assert names == ["Passkey 1", "Passkey 2"]


@pytest.mark.django_db
def test_the_setup_page_leads_on_who_has_a_second_step_already(required, client):
    person = user("reception", password=PASSWORD)
    in_full(client, person, with_app(person))

    assert client.get(reverse("second_step")).url == reverse("mfa_index")
