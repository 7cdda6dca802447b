"""A team sets up its clinic, second steps required: from an empty database to taking over from each other by PIN."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.browsers import follow, heading
from tests.journeys.doors import (
    by_password,
    choose_password,
    choose_pin,
    from_menu,
    is_at_the_diary_as,
    keep_recovery_codes,
    make_clinic_device,
    sign_out,
    take_over,
    type_code_of_app,
)
from tests.journeys.letters import wait_for_mail
from tests.journeys.new_clinic import nobodys_clinic
from tests.sign_in import PASSWORD

ADA, CARL, RITA = "ada@team.example", "carl@team.example", "rita@team.example"


@pytest.fixture
def clinic(tmp_path):
    """A clinic that nobody has set up and where nobody works without a second step."""
    with nobodys_clinic(tmp_path / "team", STAFF_MFA="required") as stack:
        yield stack


def go_on(page, name="Save and continue"):
    follow(page, page.get_by_role("button", name=name, exact=True))


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
    follow(page, page.get_by_role("link", name="Set it up now"))
    follow(page, page.get_by_role("link", name="Use an app on my phone"))
    type_code_of_app(page)
    expect(heading(page)).to_have_text("The clinic")


def name_the_team(page):
    follow(page, page.get_by_role("link", name="A team"))
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


def join_with_passkey(page, email):
    """The second step leads to the page that was asked for."""
    by_password(page, email)
    expect(heading(page)).to_have_text("Set up your second step")
    page.goto("/tasks/")
    follow(page, page.get_by_role("link", name="Use a passkey"))
    go_on(page, "Make the passkey")
    keep_recovery_codes(page)
    expect(heading(page)).to_have_text("Tasks")
    expect(page.get_by_role("main")).to_contain_text("Collagen induction")


def test_a_team_sets_up_its_clinic_with_a_second_step_for_everybody(clinic, reader):
    page = reader()

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
        letter = wait_for_mail(clinic.mail_dir, address, "Your sign-in at Team Skin").get_content()
        assert f"{clinic.url}/account/password/reset/" in letter
        assert "second step" in letter
    choose_password(page, clinic, CARL)
    join_with_passkey(page, CARL)
    choose_pin(page, "739205")
    sign_out(page)
    go_on(page, "Sign in with a passkey")
    is_at_the_diary_as(page, "Carl Lead")

    from_menu(page, "Switch person")
    take_over(page, "Ada Team", "482913")
    is_at_the_diary_as(page, "Ada Team")
    from_menu(page, "Switch person")
    go_on(page, "Sign Ada Team out")
    expect(heading(page)).to_have_text("Sign in")
