"""Find a time in a browser: the month, a day of it, the booking; and why a time is not offered."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

LONDON = "Cadence London"
NUMBERS = ".month-grid tbody button"


def find(page, service="consultation"):
    page.goto("/find/")
    options = page.locator("select[name=service] option")
    label = next(one for one in options.all_inner_texts() if service in one.lower())
    page.get_by_label("Service").select_option(label=label)
    page.get_by_label("Location").select_option(label=LONDON)
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**service=**")


def ask(page, day, time):
    page.locator("summary", has_text="why is a time not offered").click()
    page.locator("#id_ask_day").fill(day)
    page.locator("#id_ask_time").fill(time)
    page.get_by_role("button", name="Ask", exact=True).click()


def test_a_month_is_looked_at_a_day_picked_and_a_visit_booked(sign_in):
    page = sign_in("reception")
    find(page)
    page.locator(NUMBERS).first.wait_for()

    number = page.locator(NUMBERS).last
    person, count = number.get_attribute("aria-label").split(",")[0], int(number.inner_text())
    number.click()
    times = page.locator("#month-times a.slot")
    expect(times).to_have_count(count)
    clock = times.last.inner_text()
    times.last.click()
    page.wait_for_url("**/appointments/new/**")
    expect(page.get_by_role("main")).to_contain_text(clock)
    expect(page.get_by_role("main")).to_contain_text(person)
    page.locator("summary", has_text="New patient").click()
    page.get_by_label("First name").fill("Mona")
    page.get_by_label("Last name").fill("Months")
    page.get_by_label("Phone").fill("+44 20 7946 0456")
    page.get_by_role("button", name="Book", exact=True).click()

    page.wait_for_url(re.compile(r"/appointments/[0-9a-f-]{36}/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Mona Months")
    expect(page.get_by_role("main")).to_contain_text(clock)


def test_the_month_is_walked_by_keyboard_and_turned(sign_in):
    page = sign_in("reception")
    find(page)
    page.locator(NUMBERS).first.wait_for()
    days = page.locator("#month-days").inner_text()

    page.locator(NUMBERS).first.focus()
    page.keyboard.press("ArrowRight")
    moved = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Enter")
    expect(page.locator("#month-times a.slot").first).to_be_visible()
    stops = page.locator(f"{NUMBERS}[tabindex='0']").count()
    page.locator("#month [data-step='28']").click()

    expect(page.locator("#month-days")).not_to_have_text(days)
    expect(page.locator("#month-times a.slot")).to_have_count(0)
    assert moved != page.locator(NUMBERS).first.get_attribute("aria-label")
    assert stops == 1


def test_the_week_is_listed_without_scripts(sign_in):
    page = sign_in("reception", java_script_enabled=False)
    find(page)

    expect(page.locator("#month")).to_be_hidden()
    expect(page.locator("ul.slots a.slot").first).to_be_visible()
    ask(page, "2020-01-01", "10:00")
    page.wait_for_url("**ask_time=10**")
    expect(page.locator("#answer")).to_contain_text("This time is over.")


def test_why_not_at_night_says_so_and_offers_three_times(sign_in):
    page = sign_in("reception")
    night = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    find(page)
    page.locator(NUMBERS).first.wait_for()

    ask(page, night, "23:30")

    expect(page.locator("#answer")).to_contain_text("is not offered")
    expect(page.locator("#answer")).to_contain_text("closed")
    expect(page.locator("#answer ul.slots a.slot")).to_have_count(3)
    page.locator("#answer ul.slots a.slot").first.click()
    page.wait_for_url("**/appointments/new/**")
