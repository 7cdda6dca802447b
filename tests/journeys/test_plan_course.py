"""A whole course in a browser: start a series, plan all its visits, change one date, book them with one button."""

import re
from datetime import date, datetime

from playwright.sync_api import expect

from tests.journeys.browsers import follow, heading
from tests.journeys.test_story import LONDON, add_patient, start_series
from tests.journeys.under_way import picture

MARKS = "input[name=shown]"
BOOK = re.compile(r"^Book (this visit|these \d+ visits)$")


def proposed(page):
    """The start of every visit that is proposed, by its number."""
    marks = (one.get_attribute("value") for one in page.locator(MARKS).all())
    found = (mark.partition("|")[0].partition(":") for mark in marks)
    return {int(number): datetime.fromisoformat(start) for number, _, start in found}


def change(page, act):
    """Do what plans the course anew, and wait until it is shown."""
    with page.expect_response(lambda answer: "/plan/" in answer.url and answer.request.method == "POST") as answer:
        act()
    answer.value.finished()
    page.locator(".htmx-request, .htmx-swapping, .htmx-settling").first.wait_for(state="detached")


def local(page, number):
    """The time of day that the page shows for a visit."""
    text = page.locator(f"#take-{number} + div strong").inner_text()
    return text.rpartition(" ")[2]


def is_as_wished(page, number):
    """Whether a visit is said to be at the wished time of day; a wish yields where the afternoons are taken."""
    line = page.locator("ol.course > li", has=page.locator(f"#take-{number}"))
    return "not at the wished time of day" not in line.inner_text()


def other_date(page, number):
    """The last of the other times of a visit, and its radio button."""
    page.locator("summary", has_text=re.compile(rf"^Change\s+session {number}$")).click()
    radio = page.locator(f"input[name=fixed_{number}]:not(:checked):not([value=''])").last
    return datetime.fromisoformat(radio.get_attribute("value")), radio


def begin(page, given, born):
    add_patient(page, given, "Course", born=born)
    start_series(page)
    follow(page, page.get_by_role("link", name="Plan the whole course"))
    expect(heading(page)).to_have_text("Plan the whole course")


def test_a_course_is_planned_one_date_changed_and_all_visits_booked(sign_in):
    page = sign_in("reception")
    begin(page, "Paula", "1983-07-21")
    change(page, lambda: page.get_by_label("Location").select_option(label=LONDON))
    change(page, lambda: page.get_by_label("Not before").fill("13:00"))
    wished = proposed(page)
    assert len(wished) > 2
    afternoons = {number for number in wished if local(page, number) >= "13:00"}
    assert afternoons
    assert {number for number in wished if is_as_wished(page, number)} == afternoons
    picture(page, "plan-afternoons")

    chosen, radio = other_date(page, 2)
    picture(page, "plan-others")
    change(page, radio.check)

    after = proposed(page)
    assert (after[1], after[2]) == (wished[1], chosen)
    assert after[3] != wished[3]
    assert "fixed_2=" in page.url
    expect(page.locator("#proposal")).to_contain_text("Moved")
    expect(page.locator("#plan-said")).to_contain_text("Moved: session 3")
    picture(page, "plan-changed")
    count = len(after)
    follow(page, page.get_by_role("button", name=f"Book these {count} visits"))

    expect(page.get_by_role("status").first).to_contain_text(f"{count} visits are booked")
    expect(page.locator("ol.course > li.is-booked")).to_have_count(count)
    for start in after.values():
        page.goto(f"/diary/?day={start.date()}")
        expect(page.get_by_role("main")).to_contain_text("Paula Course")


def test_a_course_is_planned_without_scripts_and_one_visit_is_left_out(sign_in):
    page = sign_in("reception", java_script_enabled=False)
    begin(page, "Nora", "1979-02-11")
    before = proposed(page)
    chosen, radio = other_date(page, 1)
    radio.check()
    follow(page, page.get_by_role("button", name="Plan again").first)

    after = proposed(page)
    assert after[1] == chosen
    assert len(after) == len(before)
    last = max(after)
    page.locator(f"#take-{last}").uncheck()
    follow(page, page.get_by_role("button", name=BOOK))

    expect(page.get_by_role("status").first).to_contain_text("booked")
    expect(page.locator("ol.course > li.is-booked")).to_have_count(len(after) - 1)
    assert date.today() <= min(after.values()).date()  # noqa: DTZ011 (a sign that these are dates to come)
