"""Clinic devices: a second step lasts twelve hours there, people switch by name and PIN, and five wrong PINs end it."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from patients import clinic_devices, roles, signin
from patients.clinic_devices import COOKIE, LASTS, PinLocked, WrongPin
from patients.models import ClinicDevice, DeviceSignIn, StaffPin, User
from tests.administration_forms import address
from tests.factories import user
from tests.sign_in import PASSWORD, by_password, in_full, signed_in_as, with_app

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PIN, OTHER_PIN, WRONG = "482913", "739205", "111222"
LOCKED = "Name and PIN cannot be used here now. Sign in with your password and second step."


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STAFF_MFA = "required"


def staff(name="Robin Reception", pin=PIN, now=NOW, role="reception"):
    person = user(role, name=name, password=PASSWORD)
    clinic_devices.set_pin(person, pin, now=now)
    return person


def tablet(*people, now=NOW):
    """A clinic device on which these people have shown the second step, and its token."""
    device, token = clinic_devices.register(name="Tablet", by=people[0], now=now)
    for person in people:
        clinic_devices.remember(device, person, verified_at=now, now=now)
    return device, token


def browser(token):
    client = Client()
    client.cookies[COOKIE] = token
    return client


def switch(client, person, pin):
    return client.post(reverse("switch_person"), {"person": person.public_id, "pin": pin})


def tries(person):
    return StaffPin.objects.get(user=person).failed_tries


@pytest.mark.django_db
def test_the_token_is_long_random_and_only_its_hash_is_stored():
    boss = user(roles.ADMINISTRATOR)

    tokens = [clinic_devices.register(name="Tablet", by=boss, now=NOW)[1] for _ in range(3)]

    assert len(set(tokens)) == 3
    assert min(map(len, tokens)) >= 43
    assert not ClinicDevice.objects.filter(token_hash__in=tokens).exists()


@pytest.mark.django_db
def test_a_device_needs_a_name():
    with pytest.raises(ValidationError) as refusal:
        clinic_devices.register(name="  ", by=user(), now=NOW)

    assert refusal.value.message_dict == {"name": ["Give the device a name, for example: Reception tablet."]}


@pytest.mark.django_db
def test_an_ended_device_is_a_device_no_longer():
    person = staff()
    device, token = tablet(person)
    before = clinic_devices.of_token(token)

    clinic_devices.end(device, by=person, now=NOW)

    assert before == device
    assert clinic_devices.of_token(token) is None
    assert [clinic_devices.of_token(other) for other in (None, "", "x", device.token_hash)] == [None] * 4
    assert not DeviceSignIn.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("later", "counts"), [(LASTS - timedelta(seconds=1), True), (LASTS, False)])
def test_a_second_step_counts_for_twelve_hours(later, counts):
    person = staff()
    device, _token = tablet(person)
    now = NOW + later

    assert (clinic_devices.verified_at(device, person, now=now) == NOW) is counts
    assert (person in clinic_devices.people(device, now=now)) is counts
    if counts:
        assert clinic_devices.switch(device, person.public_id, PIN, now=now) == (person, NOW)
    else:
        with pytest.raises(PinLocked):
            clinic_devices.switch(device, person.public_id, PIN, now=now)


@pytest.mark.django_db
def test_a_second_step_on_one_device_does_not_count_on_another():
    person = staff()
    tablet(person)
    other, _token = clinic_devices.register(name="Other", by=person, now=NOW)

    with pytest.raises(PinLocked):
        clinic_devices.switch(other, person.public_id, PIN, now=NOW)

    assert list(clinic_devices.people(other, now=NOW)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("pin", [
    "", "12345", "1234567", "12345a", "١٢٣٤٥٦", "123456", "654321", "000000", "121212", "123123", "112233", "890123",
    "246802", "159753", "123321", "711117",
])  # fmt: skip
def test_a_pin_that_is_no_six_digits_or_too_easy_is_refused(pin):
    person = user("reception")

    with pytest.raises(ValidationError) as refusal:
        clinic_devices.set_pin(person, pin, now=NOW)

    assert refusal.value.message_dict["pin"][0] in (
        "A PIN has six digits.",
        "This PIN is one of the first that others would try. Choose another one.",
    )
    assert not StaffPin.objects.exists()


@pytest.mark.django_db
def test_a_pin_is_stored_hashed_and_the_same_one_differs_between_people():
    rows = [StaffPin.objects.get(user=staff()) for _ in range(2)]

    assert PIN not in rows[0].pin_hash
    assert rows[0].pin_hash != rows[1].pin_hash


@pytest.mark.django_db
def test_wrong_pins_are_counted_down_and_the_fifth_closes_the_pin():
    person = staff()
    device, _token = tablet(person)
    said = []

    for _ in range(6):
        with pytest.raises((WrongPin, PinLocked)) as refusal:
            clinic_devices.switch(device, person.public_id, WRONG, now=NOW)
        said += refusal.value.messages
    with pytest.raises(PinLocked):
        clinic_devices.switch(device, person.public_id, PIN, now=NOW)

    assert said == [f"This is not the right PIN. {left} tries are left." for left in (4, 3, 2, 1)] + [LOCKED, LOCKED]
    assert tries(person) == 5
    assert not DeviceSignIn.objects.filter(user=person).exists()


@pytest.mark.django_db
def test_a_right_pin_gives_the_tries_back():
    person = staff()
    device, _token = tablet(person)
    with pytest.raises(WrongPin):
        clinic_devices.switch(device, person.public_id, WRONG, now=NOW)

    clinic_devices.switch(device, person.public_id, PIN, now=NOW)

    assert tries(person) == 0


@pytest.mark.django_db(transaction=True)
def test_parallel_tries_are_counted_one_by_one():
    person = staff()
    device, _token = tablet(person)
    gate, outcomes = threading.Barrier(12), []

    def guess():
        gate.wait(10)
        try:
            clinic_devices.switch(device, person.public_id, WRONG, now=NOW)
        except (WrongPin, PinLocked) as refusal:
            outcomes.append(type(refusal).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["PinLocked"] * 8 + ["WrongPin"] * 4
    assert tries(person) == 5


@pytest.mark.django_db
def test_switching_begins_a_new_session_and_nothing_of_the_one_before_is_left():
    now = timezone.now()
    first, second = staff("Ann First", now=now), staff("Bea Second", OTHER_PIN, now=now)
    with_app(first)
    with_app(second)
    _device, token = tablet(first, second, now=now)
    client = browser(token)
    switch(client, first, PIN)
    session = client.session
    session["left_behind"] = "chart of a patient"
    session.save()
    key = session.session_key

    answer = switch(client, second, OTHER_PIN)

    assert (answer.status_code, answer.url) == (302, "/")
    assert signed_in_as(client) == second.pk
    assert client.session.session_key != key
    assert "left_behind" not in client.session
    assert not client.session.exists(key)
    assert client.get("/tasks/").status_code == 200


@pytest.mark.django_db
def test_a_wrong_pin_leaves_the_person_before_signed_in():
    now = timezone.now()
    first, second = staff("Ann First", now=now), staff("Bea Second", OTHER_PIN, now=now)
    with_app(first)
    with_app(second)
    _device, token = tablet(first, second, now=now)
    client = browser(token)
    switch(client, first, PIN)

    answer = switch(client, second, WRONG)

    assert answer.status_code == 422
    assert answer.context["form"].errors == {"pin": ["This is not the right PIN. 4 tries are left."]}
    assert signed_in_as(client) == first.pk


@pytest.mark.django_db
def test_a_session_by_pin_ends_with_the_twelve_hours_of_the_second_step():
    since = timezone.now() - LASTS + timedelta(minutes=10)
    person = staff(now=since)
    _device, token = tablet(person, now=since)
    client = browser(token)

    switch(client, person, PIN)

    assert client.session[signin.SIGNED_IN_AT] == pytest.approx(since.timestamp())


@pytest.mark.django_db
def test_a_pin_does_not_open_sensitive_pages():
    now = timezone.now()
    person = staff(role=roles.ADMINISTRATOR, now=now)
    _device, token = tablet(person, now=now)
    client = browser(token)
    switch(client, person, PIN)

    names = ["pin", "device_new", "mfa_add_webauthn", "mfa_activate_totp"]
    answers = [client.get(reverse(name)) for name in names]

    assert [answer.status_code for answer in answers] == [302] * len(names)
    assert {answer.url.partition("?")[0] for answer in answers} <= {
        reverse("account_reauthenticate"),
        reverse("second_step"),
    }


@pytest.mark.django_db
def test_a_pin_gives_nobody_a_role():
    now = timezone.now()
    person = staff(role=roles.ADMINISTRATOR, now=now)
    with_app(person)
    _device, token = tablet(person, now=now)
    client = browser(token)
    switch(client, person, PIN)

    new = {"name": "Eve", "email": "eve@mail.example", "roles": [roles.ADMINISTRATOR], "is_active": "on"}
    answers = [client.post(address(User, "add"), new), client.get(address(User, "change", person.pk))]

    assert {answer.url.partition("?")[0] for answer in answers} == {reverse("account_reauthenticate")}
    assert not User.objects.filter(name="Eve").exists()


@pytest.mark.django_db
def test_a_pin_chooses_no_first_password():
    now = timezone.now()
    person = staff(now=now)
    with_app(person)
    _device, token = tablet(person, now=now)
    client = browser(token)
    switch(client, person, PIN)
    User.objects.filter(pk=person.pk).update(password="!")  # as of somebody who signs in by codes
    session = client.session
    session["_auth_user_hash"] = User.objects.get(pk=person.pk).get_session_auth_hash()
    session.save()

    typed = {"password1": PASSWORD, "password2": PASSWORD}
    answer = client.post(reverse("account_set_password"), typed)

    assert answer.url.partition("?")[0] == reverse("mfa_reauthenticate")
    assert not User.objects.get(pk=person.pk).has_usable_password()


@pytest.mark.django_db
def test_a_person_without_any_second_step_is_led_to_it_also_after_a_pin():
    now = timezone.now()
    person = staff(now=now)
    _device, token = tablet(person, now=now)
    client = browser(token)

    switch(client, person, PIN)

    assert client.get("/tasks/").url.startswith(reverse("second_step"))


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["none", "unknown", "ended"])
def test_no_pin_works_in_a_browser_that_is_no_clinic_device(kind):
    now = timezone.now()
    person = staff(now=now)
    device, token = tablet(person, now=now)
    if kind == "ended":
        clinic_devices.end(device, by=person, now=now)
    client = browser({"none": "", "unknown": "x" * 43, "ended": token}[kind])

    page, answer = client.get(reverse("switch_person")), switch(client, person, PIN)

    assert signed_in_as(client) is None
    assert answer.status_code == 200
    assert "Robin Reception" not in page.content.decode()
    assert "This browser is not a clinic device" in page.content.decode()


@pytest.mark.django_db
def test_names_are_shown_of_people_with_a_pin_and_a_recent_second_step_only():
    now = timezone.now()
    shown, closed, locked = staff("Ann Shown", now=now), staff("Bea Closed", now=now), staff("Cleo Locked", now=now)
    without = user("reception", name="Dora Without")
    device, token = tablet(shown, closed, locked, without, now=now)
    User.objects.filter(pk=closed.pk).update(is_active=False)
    StaffPin.objects.filter(user=locked).update(failed_tries=5)

    assert [str(one) for one in browser(token).get(reverse("switch_person")).context["people"]] == ["Ann Shown"]
    assert list(clinic_devices.people(device, now=now)) == [shown]


@pytest.mark.django_db
def test_on_a_clinic_device_the_password_is_enough_for_twelve_hours():
    person = staff()
    secret, now = with_app(person), timezone.now()
    device, token = clinic_devices.register(name="Tablet", by=person, now=now)
    here, elsewhere = browser(token), Client()
    in_full(here, person, secret)
    here.logout()
    here.cookies[COOKIE] = token

    answers = [by_password(client, person).url for client in (here, elsewhere)]
    DeviceSignIn.objects.filter(device=device).update(verified_at=now - LASTS)
    here.logout()
    here.cookies[COOKIE] = token

    assert answers == ["/", reverse("mfa_authenticate")]
    assert by_password(here, person).url == reverse("mfa_authenticate")


@pytest.mark.django_db
def test_a_sign_in_that_leans_on_the_device_does_not_make_it_last_longer():
    person = staff()
    with_app(person)
    since = timezone.now() - timedelta(hours=11)
    device, token = tablet(person, now=since)
    client = browser(token)

    by_password(client, person)

    assert client.get("/tasks/").status_code == 200
    assert DeviceSignIn.objects.get(device=device).verified_at == since
    assert client.session[signin.SIGNED_IN_AT] == pytest.approx(since.timestamp())


@pytest.mark.django_db
def test_a_code_from_the_mail_does_not_lean_on_the_device(mailoutbox):
    person = staff()
    with_app(person)
    _device, token = tablet(person, now=timezone.now())
    client = browser(token)

    asked = client.post(reverse("portal_sign_in"), {"email": person.email})
    code = next(line for line in mailoutbox[0].body.splitlines() if line[:4].isdigit())
    answer = client.post(asked.url, {"code": code})

    assert answer.url == reverse("mfa_authenticate")
    assert signed_in_as(client) is None


@pytest.mark.django_db
def test_a_new_password_ends_what_devices_remember():
    person = staff()
    tablet(person)

    signin.ClinicAdapter().set_password(person, "another horse battery")

    assert not DeviceSignIn.objects.exists()


@pytest.mark.django_db
def test_a_full_sign_in_gives_the_pin_its_tries_back(client):
    person = staff()
    StaffPin.objects.filter(user=person).update(failed_tries=5)

    in_full(client, person, with_app(person))

    assert tries(person) == 0


@pytest.mark.django_db
def test_a_password_alone_does_not_give_the_pin_its_tries_back(client, settings):
    settings.STAFF_MFA = "optional"
    person = staff()
    StaffPin.objects.filter(user=person).update(failed_tries=5)

    by_password(client, person)

    assert tries(person) == 5


@pytest.mark.django_db
@pytest.mark.parametrize("role", [roles.ADMINISTRATOR, roles.CLINICAL_LEAD])
def test_a_browser_becomes_a_clinic_device_after_a_full_sign_in(client, role, settings):
    settings.SESSION_COOKIE_SECURE = True
    person = staff(role=role)
    in_full(client, person, with_app(person))

    answer = client.post(reverse("device_new"), {"name": "Reception tablet"})

    device, cookie = ClinicDevice.objects.get(), client.cookies[COOKIE]
    assert answer.status_code == 302
    assert (device.name, device.registered_by) == ("Reception tablet", person)
    assert clinic_devices.of_token(cookie.value) == device
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert cookie["max-age"] >= 365 * 24 * 3600
    assert list(clinic_devices.people(device, now=timezone.now())) == [person]


@pytest.mark.django_db
@pytest.mark.parametrize("role", [roles.RECEPTION, roles.PRACTITIONER])
def test_other_roles_make_no_clinic_device(client, role):
    person = staff(role=role)
    in_full(client, person, with_app(person))

    assert client.post(reverse("device_new"), {"name": "Mine"}).status_code == 403
    assert not ClinicDevice.objects.exists()


@pytest.mark.django_db
def test_an_administrator_ends_a_device(client):
    boss = staff(role=roles.ADMINISTRATOR)
    in_full(client, boss, with_app(boss))
    device, token = tablet(boss)

    client.post(reverse("device_end", kwargs={"device": device.public_id}))

    assert ClinicDevice.objects.get().ended_by == boss
    assert clinic_devices.of_token(token) is None


@pytest.mark.django_db
def test_a_pin_is_chosen_on_its_page(client):
    person = user("reception", password=PASSWORD)
    in_full(client, person, with_app(person))

    differs = client.post(reverse("pin"), {"pin": PIN, "again": OTHER_PIN})
    weak = client.post(reverse("pin"), {"pin": "123456", "again": "123456"})
    saved = client.post(reverse("pin"), {"pin": PIN, "again": PIN})

    assert [one.status_code for one in (differs, weak, saved)] == [422, 422, 302]
    assert differs.context["form"].errors == {"again": ["The two are not the same. Type the PIN once more."]}
    assert [str(one) for one in get_messages(saved.wsgi_request)] == [
        "Your PIN is saved. It works on clinic devices where you have signed in today."
    ]
    assert StaffPin.objects.get().user == person


@pytest.mark.django_db
def test_the_switch_page_asks_as_much_for_three_as_for_one(queries_of):
    now, counts = timezone.now(), []
    device, token = tablet(staff(now=now), now=now)
    client = browser(token)

    for _ in range(3):
        counts.append(queries_of(client, reverse("switch_person")))
        clinic_devices.remember(device, staff(now=now), verified_at=now, now=now)

    assert counts[0] == counts[2]


@pytest.mark.django_db
def test_switching_takes_seconds_with_the_real_hasher(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    now = timezone.now()
    person = staff(now=now)
    _device, token = tablet(person, now=now)
    client = browser(token)

    began = time.monotonic()
    switch(client, person, PIN)

    assert signed_in_as(client) == person.pk
    assert time.monotonic() - began < 3


@pytest.mark.django_db
def test_ending_a_device_twice_keeps_who_ended_it_first():
    first, second = staff(), staff(pin=OTHER_PIN)
    device, _token = tablet(first)
    clinic_devices.end(device, by=first, now=NOW)

    clinic_devices.end(device, by=second, now=NOW + timedelta(days=1))

    assert (device.ended_by, device.ended_at) == (first, NOW)


@pytest.mark.django_db
def test_somebody_who_is_not_on_the_list_is_answered_like_a_closed_pin():
    device, _token = tablet(staff())

    with pytest.raises(PinLocked) as refusal:
        clinic_devices.switch(device, user("reception").public_id, PIN, now=NOW)

    assert refusal.value.messages == [LOCKED]
