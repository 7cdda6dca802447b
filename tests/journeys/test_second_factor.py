"""Signing in with a second step, a passkey, a PIN and a code, in a browser and with mail that really arrived."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE
from tests.journeys.test_story import wait_for_mail
from tests.sign_in import PASSWORD, app_code

CODE = re.compile(r"^(\d{4}-\d{4})\s*$", re.MULTILINE)
NEW_STAFF = """
from django.contrib.auth.models import Group
from patients.models import User
person = User.objects.create_user("{email}", None, name="{name}")
person.groups.set(Group.objects.filter(name__in={roles}))
"""
NEW_PATIENT = """
from patients import portal_access, registration
from patients.models import Patient, User
from django.utils import timezone
person = Patient.objects.create(given_name="Petra", family_name="Passkey", email="{email}")
portal_access.grant(person, email="{email}", by=User.objects.filter(groups__name="administrator").first(),
    now=timezone.now())
"""
PHONE_WITH_FINGERPRINT = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def reader(visitor):
    """A page whose browser has a fingerprint reader; what its console complains about fails the test."""
    complaints = []

    def open_browser(**options):
        page = visitor(**options)
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        session.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE_WITH_FINGERPRINT})
        page.on("console", lambda message: keep_complaint(complaints, message))
        return page

    yield open_browser
    assert complaints == []


def keep_complaint(complaints, message):
    """A form that is answered with 422 is no complaint of the page."""
    if message.type == "error" and "status of 422" not in message.text:
        complaints.append(message.text)


def choose_password(page, clinic, email):
    page.goto("/account/login/")
    page.get_by_role("link", name="Forgot").click()
    page.get_by_role("textbox", name="E-?mail").or_(page.locator("input[name=email]")).first.fill(email)
    page.get_by_role("button", name="Send me a code").click()
    letter = wait_for_mail(clinic.mail_dir, email, "Your code to choose a password")
    page.locator("input[name=code]").fill(CODE.search(letter.get_content())[1])
    page.get_by_role("button", name="Go on").click()
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password2]").fill(PASSWORD)
    page.get_by_role("button", name="Save the new password").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your password is changed")


def by_password(page, email):
    page.goto("/account/login/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def set_up_app(page):
    """From any page of the desk; returns the key of the app."""
    from_menu(page, "Set up a second step")
    page.get_by_role("link", name="Set up an app").click()
    secret = page.locator(".secret").inner_text()
    page.locator("input[name=code]").fill(app_code(secret))
    page.get_by_role("button", name="Set up the app").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them, go on").click()
    return secret


def from_menu(page, name):
    page.locator("details.menu:not(.nav-narrow) > summary").click()
    page.locator("details.menu:not(.nav-narrow)").get_by_role("link", name=name).click()


def sign_out(page):
    page.locator("details.menu:not(.nav-narrow) > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/account/login/**")


def choose_pin(page, pin):
    from_menu(page, "PIN")
    page.locator("input[name=pin]").fill(pin)
    page.locator("input[name=again]").fill(pin)
    page.get_by_role("button", name="Save the PIN").click()
    expect(page.get_by_role("status").first).to_contain_text("Your PIN is saved")


def is_at_the_diary_as(page, name):
    page.wait_for_url("**/diary/**")
    expect(page.locator(".menu-name")).to_have_text(name)


def test_staff_set_up_a_second_step_and_take_over_from_each_other_on_a_clinic_device(clinic, reader):
    nora, omar = "nora.second@clinic.example", "omar.second@clinic.example"
    clinic.manage("shell", "-c", NEW_STAFF.format(email=nora, name="Nora Lead", roles=["clinical lead"]))
    clinic.manage("shell", "-c", NEW_STAFF.format(email=omar, name="Omar Desk", roles=["reception"]))
    page = reader()

    choose_password(page, clinic, nora)
    by_password(page, nora)
    is_at_the_diary_as(page, "Nora Lead")
    secret = set_up_app(page)
    wait_for_mail(clinic.mail_dir, nora, "An authenticator app was set up")
    sign_out(page)
    by_password(page, nora)
    expect(page.get_by_role("heading", level=1)).to_have_text("The second step")
    page.locator("input[name=code]").fill(app_code(secret, later=1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    is_at_the_diary_as(page, "Nora Lead")

    from_menu(page, "How you sign in")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("textbox").first.fill("Tablet’s fingerprint")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("main")).to_contain_text("Tablet’s fingerprint")
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    is_at_the_diary_as(page, "Nora Lead")

    from_menu(page, "How you sign in")
    page.get_by_role("link", name="Make this browser a clinic device").click()
    page.get_by_role("textbox").last.fill("Reception tablet")
    page.get_by_role("button", name="Make it a clinic device").click()
    expect(page.get_by_role("status").first).to_contain_text("Reception tablet")
    choose_pin(page, "482913")
    sign_out(page)
    choose_password(page, clinic, omar)
    by_password(page, omar)
    is_at_the_diary_as(page, "Omar Desk")
    set_up_app(page)
    choose_pin(page, "739205")

    from_menu(page, "Switch person")
    began = time.monotonic()
    page.get_by_role("radio", name="Nora Lead").check()
    page.get_by_label("PIN").fill("739205")
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("not the right PIN. 4 tries are left"))
    expect(page.get_by_role("radio", name="Nora Lead")).to_be_checked()
    page.get_by_label("PIN").fill("482913")
    page.get_by_role("button", name="Take over").click()
    is_at_the_diary_as(page, "Nora Lead")
    assert time.monotonic() - began < 20
    page.goto("/pin/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Is it you?")
    page.goto("/diary/")
    sign_out(page)
    page.get_by_role("link", name="Sign in by name and PIN").click()
    page.get_by_role("radio", name="Omar Desk").check()
    page.get_by_label("PIN").fill("739205")
    page.get_by_role("button", name="Take over").click()
    is_at_the_diary_as(page, "Omar Desk")


def test_a_patient_signs_in_with_a_code_and_later_with_a_passkey(clinic, reader):
    address = "petra.passkey@mail.example"
    clinic.manage("shell", "-c", NEW_PATIENT.format(email=address))
    page = reader(viewport=PHONE)
    page.goto("/portal/")
    page.locator("input[name=email]").fill(address)
    page.get_by_role("button", name="Send me a code").click()
    letter = wait_for_mail(clinic.mail_dir, address, "Your code to sign in")

    page.locator("input[name=code]").fill("0000-0000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("main")).to_contain_text("This code is not right or no longer valid.")
    page.locator("input[name=code]").fill(CODE.search(letter.get_content())[1])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/portal/**")
    expect(page.get_by_role("main")).to_contain_text("Petra")
    page.goto("/account/second-step/webauthn/add/")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
    page.goto("/portal/")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/portal/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()

    page.wait_for_url("**/portal/**")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
