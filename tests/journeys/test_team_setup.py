"""A team sets up its clinic, second steps required: from an empty database to taking over from each other by PIN."""

import re

import pytest
from playwright.sync_api import expect

from scripts.stack import Stack
from tests.journeys.conftest import DESK
from tests.journeys.test_second_factor import (
    PHONE_WITH_FINGERPRINT,
    by_password,
    choose_password,
    choose_pin,
    from_menu,
    is_at_the_diary_as,
    keep_complaint,
    sign_out,
)
from tests.journeys.test_story import wait_for_mail
from tests.sign_in import PASSWORD, app_code

ADA, CARL, RITA = "ada@team.example", "carl@team.example", "rita@team.example"


@pytest.fixture
def strict(tmp_path):
    """A clinic that nobody has set up and where nobody works without a second step."""
    settings = {"BELL_SECONDS": "1", "EDIT_WAIT_SECONDS": "0", "STAFF_MFA": "required"}
    with Stack(tmp_path / "team", settings, throw_away=True, demo=False) as stack:
        yield stack


@pytest.fixture
def desk(chromium, strict):
    """The browser at the desk of that clinic, with a fingerprint reader; its console has to stay quiet."""
    complaints = []
    context = chromium.new_context(base_url=strict.url, viewport=DESK, locale="en-GB")
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE_WITH_FINGERPRINT})
    page.on("console", lambda message: keep_complaint(complaints, message))
    yield page
    context.close()
    assert complaints == []


def heading(page):
    return page.get_by_role("heading", level=1)


def go_on(page, name="Save and continue"):
    page.get_by_role("button", name=name, exact=True).click()


def card(page, name):
    return page.locator("section.card").filter(has=page.get_by_role("heading", name=name))


def introduce(page):
    page.goto("/")
    page.get_by_label("Your name").fill("Ada Team")
    page.get_by_label("E-mail").fill(ADA)
    page.get_by_label("Password").fill(PASSWORD)
    go_on(page, "Begin")


def set_up_the_app_on_the_way(page):
    """Nothing else opens before, and the next step of setting up comes after it."""
    expect(heading(page)).to_have_text("A second step when you sign in")
    expect(page.get_by_role("button", name="Later")).to_have_count(0)
    page.goto("/setup/clinic/")
    expect(heading(page)).to_have_text("Set up your second step")
    page.goto("/setup/")
    page.get_by_role("link", name="Set it up now").click()
    page.get_by_role("link", name="Use an app on my phone").click()
    page.locator("input[name=code]").fill(app_code(page.locator(".secret").inner_text()))
    go_on(page, "Set up the app")
    page.get_by_role("link", name="I have kept them, go on").click()
    expect(heading(page)).to_have_text("The clinic")


def name_the_team(page):
    page.get_by_role("link", name="A team").click()
    page.get_by_label("I treat patients").check()
    for number, name, email, role in ((1, "Carl Lead", CARL, "Clinical lead"), (2, "Rita Desk", RITA, "Reception")):
        row = page.get_by_role("group", name=f"Colleague {number}")
        row.get_by_label("Name").fill(name)
        row.get_by_label("E-mail").fill(email)
        if number == 1:
            row.get_by_label(role).check()
    card(page, "Rooms").get_by_label("Room").first.fill("Room A")
    go_on(page)
    expect(page.get_by_role("main")).to_contain_text("What is wrong is said beside the field.")
    expect(page.get_by_role("group", name="Colleague 2")).to_contain_text("Tick what this person does.")
    page.get_by_role("group", name="Colleague 2").get_by_label("Reception").check()
    go_on(page)


def finish(page):
    expect(page.get_by_role("main")).to_contain_text("It waits as a draft until it is checked by: Carl Lead.")
    page.get_by_role("region", name=re.compile("Collagen induction")).get_by_role("checkbox").check()
    go_on(page)
    expect(page.get_by_role("main")).to_contain_text("Carl Lead, Rita Desk")
    go_on(page, "Use it")
    expect(page.get_by_role("main")).to_contain_text("It waits for: Carl Lead.")
    go_on(page, "Open the diary")
    is_at_the_diary_as(page, "Ada Team")


def make_clinic_device(page):
    from_menu(page, "How you sign in")
    page.get_by_role("link", name="Make this browser a clinic device").click()
    page.get_by_role("textbox").last.fill("Reception tablet")
    go_on(page, "Make it a clinic device")
    expect(page.get_by_role("status").first).to_contain_text("Reception tablet")


def join_with_passkey(page, email):
    """The second step leads to the page that was asked for."""
    by_password(page, email)
    expect(heading(page)).to_have_text("Set up your second step")
    page.goto("/tasks/")
    page.get_by_role("link", name="Use a passkey").click()
    go_on(page, "Make the passkey")
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them, go on").click()
    expect(heading(page)).to_have_text("Tasks")
    expect(page.get_by_role("main")).to_contain_text("Collagen induction")


def test_a_team_sets_up_its_clinic_with_a_second_step_for_everybody(desk, strict):
    page = desk

    introduce(page)
    set_up_the_app_on_the_way(page)
    page.get_by_label("Name of the clinic").fill("Team Skin")
    page.get_by_label("Phone").fill("020 7946 0018")
    go_on(page)
    name_the_team(page)
    finish(page)
    make_clinic_device(page)
    choose_pin(page, "482913")
    sign_out(page)

    for address in (CARL, RITA):
        letter = wait_for_mail(strict.mail_dir, address, "Your sign-in at Team Skin").get_content()
        assert f"{strict.url}/account/password/reset/" in letter
        assert "second step" in letter
    choose_password(page, strict, CARL)
    join_with_passkey(page, CARL)
    choose_pin(page, "739205")
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    is_at_the_diary_as(page, "Carl Lead")

    from_menu(page, "Switch person")
    page.get_by_role("radio", name="Ada Team").check()
    page.get_by_label("PIN").fill("482913")
    go_on(page, "Take over")
    is_at_the_diary_as(page, "Ada Team")
    from_menu(page, "Switch person")
    go_on(page, "Sign Ada Team out")
    expect(heading(page)).to_have_text("Sign in")
