"""The portal on a phone, from the desk that opens it to the calendar file. Nothing is planted: clicks make it all."""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from tests.journeys.browsers import INSIDE_PORTAL, PHONE, follow, heading
from tests.journeys.letters import code_in, wait_for_mail

LONDON = ZoneInfo("Europe/London")


@pytest.fixture
def desk(sign_in):
    return sign_in("reception")


def register(page, given, family, *, born, address, shares_the_address=False):
    """A new patient; somebody with the same address is shown first, as it may be the same person."""
    page.goto("/patients/new/")
    page.get_by_label("First name").fill(given)
    page.get_by_label("Last name").fill(family)
    page.get_by_role("textbox", name="E-mail").fill(address)
    page.get_by_label("Date of birth").fill(born)
    follow(page, page.get_by_role("button", name="Save"))
    if shares_the_address:
        follow(page, page.get_by_role("button", name="None of these: create anyway"))
    expect(heading(page)).to_have_text(f"{given} {family}")


def book_consultation(page, name, *, early=False):
    """From the patient page to a booked first consultation, late or early on the last day shown; returns its start."""
    follow(page, page.get_by_role("link", name="Book another visit"))
    page.locator("select[name=location]").select_option(label="Cadence London")
    page.locator("select[name=service]").select_option(label="First consultation")
    follow(page, page.locator("form.filters button").first)
    times = page.locator("ul.slots").last.locator("a.slot")
    follow(page, times.first if early else times.last)
    starts_at = datetime.fromisoformat(page.locator("input[name=starts_at]").input_value())
    follow(page, page.get_by_role("button", name="Book", exact=True))
    expect(page.get_by_role("status").first).to_contain_text("Booked")
    follow(page, page.get_by_role("link", name=name).first)
    expect(heading(page)).to_have_text(name)
    return starts_at


def give_access(page, address):
    follow(page, page.get_by_role("link", name="Give access"))
    expect(page.get_by_role("textbox", name="E-mail")).to_have_value(address)
    follow(page, page.get_by_role("button", name="Give access"))
    expect(page.get_by_role("status").first).to_contain_text(f"{address} has access now")


def enter_portal(page, clinic, address):
    """Open the link of the invitation, type the address, and type the code from the mail that really arrived."""
    invitation = wait_for_mail(clinic.mail_dir, address, "Your pages at")
    link = re.search(r"^(http\S+)\s*$", invitation.get_content(), re.MULTILINE)[1]
    page.goto(link)
    page.get_by_role("textbox", name=re.compile("E-?mail", re.IGNORECASE)).fill(address)
    follow(page, page.get_by_role("button", name="Send me a code"))
    letter = wait_for_mail(clinic.mail_dir, address, "Your code to sign in")
    page.get_by_role("textbox", name=re.compile("code", re.IGNORECASE)).fill(code_in(letter))
    follow(page, page.get_by_role("button", name="Sign in", exact=True))
    page.wait_for_url(INSIDE_PORTAL)


def in_words(starts_at):
    """A winter or summer start as the portal says it, at the demo's first location."""
    local = starts_at.astimezone(LONDON)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M}"


def fits(page):
    """Nothing sticks out to the side, and what is tapped is large enough."""
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    small = page.eval_on_selector_all(
        "body.portal :is(a, button, input:not([type=hidden], [type=checkbox]), summary)",
        """found => found.filter(one => one.checkVisibility() && !one.matches('.skip'))
            .filter(one => one.getBoundingClientRect().height < 43.5).map(one => one.outerHTML.slice(0, 120))""",
    )
    assert small == []


def test_a_new_patient_gets_access_and_sees_the_visit_on_the_phone(clinic, desk, visitor):
    address = "nora.porter@mail.example"
    register(desk, "Nora", "Porter", born="1984-08-09", address=address)
    starts_at = book_consultation(desk, "Nora Porter")
    give_access(desk, address)
    invitation = wait_for_mail(clinic.mail_dir, address, "Your pages at")
    assert "onsultation" not in invitation["subject"]

    page = visitor(PHONE, timezone_id="America/New_York")
    enter_portal(page, clinic, address)

    expect(heading(page)).to_have_text("Hello Nora")
    expect(page.get_by_role("main")).to_contain_text(in_words(starts_at))
    expect(page.get_by_role("main")).to_contain_text("London time")
    fits(page)
    with page.expect_download() as started:
        page.get_by_role("link", name="Add to calendar").first.click()
    calendar = Calendar.from_ical(Path(started.value.path()).read_bytes())
    (event,) = calendar.events
    assert (calendar["METHOD"], event.start, event["SUMMARY"]) == ("PUBLISH", starts_at, "Visit at Cadence London")

    for name in ("Visits", "Aftercare", "Details"):
        follow(page, page.get_by_role("navigation", name="Pages").get_by_role("link", name=name))
        expect(heading(page)).to_have_text(name)
        fits(page)
    page.get_by_label("Phone").fill("020 7946 0123")
    follow(page, page.get_by_role("button", name="Save"))
    expect(page.get_by_role("status").first).to_contain_text("Your details were saved.")
    follow(page, page.get_by_role("button", name="Sign out"))
    page.goto("/portal/")
    expect(page).to_have_url(re.compile("/portal/sign-in/"))


def test_a_couple_with_one_address_chooses_who_it_is_about_and_each_has_their_own_visits(clinic, desk, visitor):
    address, visits = "the.turtles@mail.example", {}
    for given, born in (("Tess", "1979-01-30"), ("Tom", "1977-06-15")):
        register(desk, given, "Turtle", born=born, address=address, shares_the_address=given == "Tom")
        visits[f"{given} Turtle"] = in_words(book_consultation(desk, f"{given} Turtle", early=given == "Tom"))
        give_access(desk, address)

    page = visitor(PHONE, timezone_id="Europe/London")
    enter_portal(page, clinic, address)

    expect(heading(page)).to_have_text("Who is it about?")
    fits(page)
    for name, other in (("Tess Turtle", "Tom Turtle"), ("Tom Turtle", "Tess Turtle")):
        page.goto("/portal/")
        follow(page, page.get_by_role("main").get_by_role("link", name=name))
        expect(heading(page)).to_have_text(f"Hello {name.split()[0]}")
        expect(page.get_by_role("main")).to_contain_text(visits[name])
        expect(page.get_by_role("main")).not_to_contain_text(visits[other])
        expect(page.get_by_text("London time").first).to_be_hidden()
        fits(page)
        follow(page, page.get_by_role("navigation", name="People").get_by_role("link", name=other))
        expect(page.get_by_role("main")).to_contain_text(visits[other])
