"""The main job in a browser, from signing in to the reminder in the mailbox. Nothing is planted: clicks make it all."""

import email
import email.policy
import re
import time
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

LONDON, NURSE = "Cadence London", "Imani Clarke"
SLOT = "ul.slots button.slot"
ALTERNATIVES = "section[aria-label='Free instead'] button.slot"


def add_patient(page, given, family, *, born, address=""):
    page.goto("/patients/new/")
    page.get_by_label("First name").fill(given)
    page.get_by_label("Last name").fill(family)
    page.get_by_role("textbox", name="E-mail").fill(address or f"{given}.{family}@mail.example".lower())
    page.get_by_label("Date of birth").fill(born)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(family)


def start_series(page):
    """From the patient page to the free times of session 1."""
    page.get_by_role("link", name="Start a series").first.click()
    page.get_by_label("Protocol").select_option(label=option_like(page, "Collagen induction"))
    page.get_by_role("button", name="Choose").click()
    page.get_by_role("button", name="Start the series").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Book session 1 of"))


def option_like(page, words):
    page.locator("select[name=protocol]").wait_for()
    page.wait_for_load_state()
    labels = page.locator("select[name=protocol] option").all_inner_texts()
    return next(label for label in labels if words in label)


def choose(page, **filters):
    for name, label in filters.items():
        page.locator(f"form.filters select[name={name}]").select_option(label=label)
    page.locator("form.filters button").first.click()


def mails_to(folder, address):
    found = []
    for file in folder.glob("*.eml"):
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        if address in message["to"]:
            found.append(message)
    return found


def wait_for_mail(folder, address, subject, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for message in mails_to(folder, address):
            if message["subject"].startswith(subject):
                return message
        time.sleep(0.5)
    raise AssertionError(f"no “{subject}” for {address}: {[m['subject'] for m in mails_to(folder, address)]}")


def test_reception_books_a_series_and_the_reminder_arrives(clinic, sign_in):
    page = sign_in("reception")
    address = "wilma.story@mail.example"
    add_patient(page, "Wilma", "Story", born="1988-05-04", address=address)

    page.goto("/diary/")
    page.get_by_role("searchbox").first.fill("WI")
    page.get_by_role("searchbox").first.press("Enter")
    page.get_by_role("link", name="Wilma Story").first.click()
    start_series(page)
    choose(page, location=LONDON)
    slot = page.locator(SLOT).last
    shown = slot.inner_text().split()[0]
    starts_at = datetime.fromisoformat(slot.get_attribute("value"))
    ahead = starts_at - datetime.now(UTC) - timedelta(seconds=30)
    clinic.manage("configure_location", LONDON, "--remind", str(int(ahead.total_seconds() // 60)), "--no-quiet-hours")
    slot.click()

    expect(page.get_by_role("status").first).to_contain_text("Booked")
    expect(page.get_by_role("heading", level=1)).to_have_text("Wilma Story")
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
    expect(pages[winner].get_by_role("heading", level=1)).to_have_text(winner)
    page = pages[loser]
    expect(page.get_by_role("alert")).to_contain_text("no longer free")
    expect(page.get_by_label("Note")).to_have_value(f"typed by {loser}")
    expect(page.locator(ALTERNATIVES)).to_have_count(3)
    page.locator(ALTERNATIVES).nth(1).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(loser)
    expect(page.get_by_role("main")).to_contain_text(f"typed by {loser}")


def send_together(pages, wanted):
    """Click the same time in every browser, hold the requests at a barrier and let all go at once: final statuses."""
    held, answers = [], {}

    def hold(route):
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    for name, page in pages.items():
        page.route("**/book/**", hold)
        page.on("response", lambda answer, name=name: note_status(answers, name, answer))
        page.locator(f"button.slot[value='{wanted}']").first.click(no_wait_after=True)
        wait_until(page, lambda: len(held) == list(pages).index(name) + 1)  # noqa: B023 (called at once)
    for route in held:
        route.continue_()
    for page in pages.values():
        page.wait_for_load_state("load")
        page.unroute("**/book/**")
    wait_until(page, lambda: len(answers) == len(pages))
    return answers


def note_status(answers, name, answer):
    """Keep how the POST was answered; a redirect counts as the page that it leads to."""
    if answer.request.method == "POST" and "/book/" in answer.url:
        answers[name] = 200 if answer.status == 302 else answer.status


def wait_until(page, is_true, seconds=20):
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        page.wait_for_timeout(50)
