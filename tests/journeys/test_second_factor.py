"""Signing in with a second step, a passkey, a PIN and a code, in a browser and with mail that really arrived."""

import re

from playwright.sync_api import expect

from tests.journeys.browsers import INSIDE_PORTAL, PHONE, follow, heading
from tests.journeys.doors import (
    by_password,
    choose_password,
    choose_pin,
    from_menu,
    is_at_the_diary_as,
    make_clinic_device,
    set_up_app,
    sign_out,
    take_over,
)
from tests.journeys.letters import code_in, wait_for_mail
from tests.sign_in import app_code

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


def test_staff_set_up_a_second_step_and_take_over_from_each_other_on_a_clinic_device(clinic, reader):
    nora, omar = "nora.second@clinic.example", "omar.second@clinic.example"
    clinic.manage("shell", "-c", NEW_STAFF.format(email=nora, name="Nora Lead", roles=["clinical lead"]))
    clinic.manage("shell", "-c", NEW_STAFF.format(email=omar, name="Omar Desk", roles=["reception"]))
    page = reader()

    sign_in_with_an_app(page, clinic, nora)
    sign_in_with_a_passkey(page)
    make_clinic_device(page)
    choose_pin(page, "482913")
    sign_out(page)
    choose_password(page, clinic, omar)
    by_password(page, omar)
    is_at_the_diary_as(page, "Omar Desk")
    set_up_app(page)
    choose_pin(page, "739205")
    take_over_from_each_other(page)

    page.goto("/diary/")
    expect(page.locator(".menu-name")).to_have_text("Omar Desk")


def sign_in_with_an_app(page, clinic, nora):
    """From a new login to the diary after password and code."""
    choose_password(page, clinic, nora)
    by_password(page, nora)
    is_at_the_diary_as(page, "Nora Lead")
    secret = set_up_app(page)
    wait_for_mail(clinic.mail_dir, nora, "An authenticator app was set up")
    sign_out(page)
    by_password(page, nora)
    expect(heading(page)).to_have_text("The second step")
    page.locator("input[name=code]").fill(app_code(secret, later=1))
    follow(page, page.get_by_role("button", name="Sign in", exact=True))
    is_at_the_diary_as(page, "Nora Lead")


def sign_in_with_a_passkey(page):
    """Made in the diary's menu, used at the door."""
    from_menu(page, "How you sign in")
    follow(page, page.get_by_role("link", name="Add a passkey"))
    page.get_by_role("textbox").first.fill("Tablet’s fingerprint")
    follow(page, page.get_by_role("button", name="Make the passkey"))
    expect(page.get_by_role("main")).to_contain_text("Tablet’s fingerprint")
    sign_out(page)
    follow(page, page.get_by_role("button", name="Sign in with a passkey"))
    is_at_the_diary_as(page, "Nora Lead")


def take_over_from_each_other(page):
    """Nora from Omar, with his PIN in vain and with hers; Omar when nobody is signed in."""
    from_menu(page, "Switch person")
    take_over(page, "Nora Lead", "739205")
    expect(page.get_by_role("alert")).to_have_text(re.compile("not the right PIN. 4 tries are left"))
    expect(page.get_by_role("radio", name="Nora Lead")).to_be_checked()
    page.get_by_label("PIN").fill("482913")
    follow(page, page.get_by_role("button", name="Take over"))
    is_at_the_diary_as(page, "Nora Lead")
    page.goto("/pin/")
    expect(heading(page)).to_have_text("Is it you?")
    page.goto("/diary/")
    sign_out(page)
    follow(page, page.get_by_role("link", name="Sign in by name and PIN"))
    take_over(page, "Omar Desk", "739205")
    is_at_the_diary_as(page, "Omar Desk")


def test_a_patient_signs_in_with_a_code_and_later_with_a_passkey(clinic, reader):
    address = "petra.passkey@mail.example"
    clinic.manage("shell", "-c", NEW_PATIENT.format(email=address))
    page = reader(PHONE)
    page.goto("/portal/")
    page.locator("input[name=email]").fill(address)
    follow(page, page.get_by_role("button", name="Send me a code"))
    letter = wait_for_mail(clinic.mail_dir, address, "Your code to sign in")

    page.locator("input[name=code]").fill("0000-0000")
    follow(page, page.get_by_role("button", name="Sign in", exact=True))
    expect(page.locator("main")).to_contain_text("This code is not right or no longer valid.")
    page.locator("input[name=code]").fill(code_in(letter))
    follow(page, page.get_by_role("button", name="Sign in", exact=True))
    page.wait_for_url(INSIDE_PORTAL)
    expect(page.get_by_role("main")).to_contain_text("Petra")
    page.goto("/account/second-step/webauthn/add/")
    follow(page, page.get_by_role("button", name="Make the passkey"))
    expect(heading(page)).to_have_text("Your recovery codes")
    page.goto("/portal/")
    follow(page, page.get_by_role("button", name="Sign out"))
    page.goto("/portal/sign-in/")
    follow(page, page.get_by_role("button", name="Sign in with a passkey"))

    page.wait_for_url(INSIDE_PORTAL)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
