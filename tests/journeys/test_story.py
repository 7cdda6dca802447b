"""The main job in a browser, from signing in to the reminder in the mailbox. Nothing is planted: clicks make it all."""

import json
import re
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.journeys.browsers import follow, heading
from tests.journeys.letters import wait_for_mail

LONDON, NURSE = "Cadence London", "Imani Clarke"
SLOT = "ul.slots button.slot"
REMINDERS = """
import json
from clinic.models import Location
place = Location.objects.get(name="{name}")
quiet = [str(at) for at in (place.quiet_from, place.quiet_until) if at]
print(json.dumps(dict(minutes=[rule.minutes_before for rule in place.reminder_rules.all()], quiet=quiet)))
"""
ALTERNATIVES = "section[aria-label='Free instead'] button.slot"


def add_patient(page, given, family, *, born, address=""):
    page.goto("/patients/new/")
    page.get_by_label("First name").fill(given)
    page.get_by_label("Last name").fill(family)
    page.get_by_role("textbox", name="E-mail").fill(address or f"{given}.{family}@mail.example".lower())
    page.get_by_label("Date of birth").fill(born)
    follow(page, page.get_by_role("button", name="Save"))
    expect(heading(page)).to_contain_text(family)


def start_series(page):
    """From the patient page to the free times of session 1."""
    follow(page, page.get_by_role("link", name="Start a series").first)
    page.get_by_label("Protocol").select_option(label=option_like(page, "Collagen induction"))
    follow(page, page.get_by_role("button", name="Choose"))
    follow(page, page.get_by_role("button", name="Start the series"))
    expect(heading(page)).to_have_text(re.compile("Book session 1 of"))


def option_like(page, words):
    labels = page.locator("select[name=protocol] option").all_inner_texts()
    return next(label for label in labels if words in label)


def choose(page, **filters):
    for name, label in filters.items():
        page.locator(f"form.filters select[name={name}]").select_option(label=label)
    follow(page, page.locator("form.filters button").first)


@pytest.fixture
def reminders_as_before(clinic):
    """The other tests' visits are reminded of as the demo is set up."""
    found = json.loads(clinic.manage("shell", "-v", "0", "-c", REMINDERS.format(name=LONDON)))
    yield
    quiet = ["--quiet", *found["quiet"]] if found["quiet"] else ["--no-quiet-hours"]
    clinic.manage("configure_location", LONDON, "--remind", *map(str, found["minutes"]), *quiet)


@pytest.mark.usefixtures("reminders_as_before")
def test_reception_books_a_series_and_the_reminder_arrives(clinic, sign_in):
    page = sign_in("reception")
    address = "wilma.story@mail.example"
    add_patient(page, "Wilma", "Story", born="1988-05-04", address=address)

    page.goto("/diary/")
    page.get_by_role("searchbox").first.fill("WI")
    with page.expect_navigation():
        page.get_by_role("searchbox").first.press("Enter")
    follow(page, page.get_by_role("link", name="Wilma Story").first)
    start_series(page)
    choose(page, location=LONDON)
    slot = page.locator(SLOT).last
    shown = slot.inner_text().split()[0]
    starts_at = datetime.fromisoformat(slot.get_attribute("value"))
    ahead = starts_at - datetime.now(UTC) - timedelta(seconds=30)
    clinic.manage("configure_location", LONDON, "--remind", str(int(ahead.total_seconds() // 60)), "--no-quiet-hours")
    follow(page, slot)

    expect(page.get_by_role("status").first).to_contain_text("Booked")
    expect(heading(page)).to_have_text("Wilma Story")
    confirmation = wait_for_mail(clinic.mail_dir, address, "Your visit on")
    reminder = wait_for_mail(clinic.mail_dir, address, "Reminder: your visit on")
    assert shown in reminder.get_content()
    assert "needling" not in (reminder["subject"] + confirmation["subject"]).lower()
    page.goto("/messages/?state=sent")
    expect(page.get_by_role("main")).to_contain_text("Wilma Story")


def test_two_people_take_the_same_time_and_the_second_keeps_what_was_typed(sign_in):
    pages = {"Ann Racer": sign_in("reception"), "Bea Hurdle": sign_in("lead")}
    for (name, page), born in zip(pages.items(), ("1961-02-03", "1994-11-30"), strict=True):
        given, family = name.split()
        add_patient(page, given, family, born=born)
        start_series(page)
        choose(page, location=LONDON, practitioner=NURSE)
        page.get_by_label("Note").fill(f"typed by {name}")
    wanted = pages["Ann Racer"].locator(SLOT).first.get_attribute("value")

    answers = send_together(pages, wanted)

    assert sorted(answers.values()) == [200, 409]
    winner, loser = sorted(answers, key=answers.get)
    expect(heading(pages[winner])).to_have_text(winner)
    page = pages[loser]
    expect(page.get_by_role("alert")).to_contain_text("no longer free")
    expect(page.get_by_label("Note")).to_have_value(f"typed by {loser}")
    expect(page.locator(ALTERNATIVES)).to_have_count(3)
    follow(page, page.locator(ALTERNATIVES).nth(1))
    expect(heading(page)).to_have_text(loser)
    expect(page.get_by_role("main")).to_contain_text(f"typed by {loser}")


def send_together(pages, wanted):
    """Click the same time in every browser, hold the requests at a barrier and let all go at once: final statuses."""
    held = []

    def hold(route):
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    for name, page in pages.items():
        page.route("**/book/**", hold)
        page.locator(f"button.slot[value='{wanted}']").first.click(no_wait_after=True)
        wait_until(page, lambda: len(held) == list(pages).index(name) + 1)  # noqa: B023 (called at once)
    with ExitStack() as arrivals:
        for page in pages.values():
            arrivals.enter_context(page.expect_navigation())
        answers = {name: arrivals.enter_context(page.expect_response(is_of_a_booking)) for name, page in pages.items()}
        for route in held:
            route.continue_()
    for page in pages.values():
        page.unroute("**/book/**")
    return {name: status_of(answer.value) for name, answer in answers.items()}


def is_of_a_booking(answer):
    return answer.request.method == "POST" and "/book/" in answer.url


def status_of(answer):
    """How the POST was answered; a redirect counts as the page that it leads to."""
    return 200 if answer.status == 302 else answer.status


def wait_until(page, is_true, seconds=20):
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        page.wait_for_timeout(50)
