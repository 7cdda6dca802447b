"""A time is kept while the form is open, pencilled in, booked; a visit gets another room. In a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.test_illness import free_times
from tests.journeys.under_way import picture

KEPT = re.compile(r"Kept for you until \d\d:\d\d")
LEFT = re.compile(r"^\d+:\d\d left$")


def follow(page, control, to):
    control.click()
    page.wait_for_url(to)


def find_free_times(page):
    """The free times of a first consultation, a few days ahead."""
    page.goto("/find/")
    services = page.locator("select[name=service] option")
    label = next(text for text in services.all_inner_texts() if "onsultation" in text)
    page.locator("select[name=service]").select_option(label=label)
    follow(page, page.get_by_role("button", name="Show", exact=True).first, re.compile("service="))
    follow(page, page.get_by_role("link", name="Later days").first, re.compile("day="))


def open_slot(page, number):
    follow(page, page.locator("main a.slot").nth(number), re.compile("/appointments/new/"))


def open_time_of_two(page):
    """Open a time that two people could give, so that one of them can be exchanged for the other."""
    taken = set()
    for person in page.locator("select[name=practitioner] option").all_inner_texts()[1:]:
        page.locator("select[name=practitioner]").select_option(label=person)
        follow(page, page.get_by_role("button", name="Show", exact=True).first, re.compile("practitioner=[^&]"))
        starts = {start: link for start, _who, link in free_times(page)}
        for start in sorted(taken.intersection(starts)):
            return follow(page, starts[start], re.compile("/appointments/new/"))
        taken.update(starts)
    raise AssertionError("no two people are free at one time")


def exchange(page, visit):
    """Choose the first room or person who is free then: who is not is refused, and the page stays."""
    choices = page.locator("main select").evaluate_all("all => all.map(one => [one.name, one.options.length])")
    for name, count in reversed(choices):
        for number in range(1, count):
            page.locator(f"main select[name={name}]").select_option(index=number)
            with page.expect_navigation():
                page.get_by_role("button", name="Change it").click()
            if page.url == visit:
                return
        page.locator(f"main select[name={name}]").select_option(index=0)


def test_reception_keeps_a_time_books_it_and_changes_the_room(sign_in):
    page = sign_in("reception")
    find_free_times(page)
    open_time_of_two(page)

    expect(page.locator("#kept")).to_contain_text(KEPT)
    expect(page.locator("[data-left]")).to_have_text(LEFT)
    page.locator("#id_q").fill("an")
    expect(page.locator("#people input").first).to_be_visible()
    picture(page, "kept")
    page.locator("#people input").first.check()
    follow(page, page.get_by_role("button", name="Book", exact=True), re.compile(r"/appointments/[0-9a-f-]{36}/"))
    expect(page.get_by_role("status").first).to_contain_text("Booked")

    picture(page, "visit")
    visit = page.url
    follow(page, page.get_by_role("link", name="Who and where…"), re.compile("/places/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Who and where")
    picture(page, "places")
    exchange(page, visit)
    expect(page.get_by_role("main")).to_contain_text("exchanged")
    follow(page, page.get_by_role("link", name="One more right after…"), re.compile("/another/"))
    picture(page, "another")


def test_reception_pencils_a_time_in_books_it_and_gives_another_back(sign_in):
    page = sign_in("reception")
    for name in ("Pia calls back", "Quentin calls back"):
        find_free_times(page)
        open_slot(page, 3)
        expect(page.locator("#kept")).to_contain_text(KEPT)
        follow(page, page.get_by_role("link", name="Pencil it in instead"), re.compile("/appointments/pencil/"))
        page.get_by_label("For whom").fill(name)
        picture(page, "pencil")
        follow(page, page.get_by_role("button", name="Pencil it in"), re.compile("/diary/"))
        expect(page.get_by_role("main")).to_contain_text(name)
    picture(page, "diary")

    row = page.locator("li.row-item", has_text="Quentin calls back")
    row.get_by_role("button", name="Give it back").click()
    expect(page.get_by_role("status").first).to_contain_text("is free again")
    expect(page.get_by_role("main")).not_to_contain_text("Quentin calls back")
    row = page.locator("li.row-item", has_text="Pia calls back")
    follow(page, row.get_by_role("link", name="Book it"), re.compile("hold="))
    expect(page.locator("#kept")).to_contain_text("Pencilled in until")
    page.locator("#id_q").fill("be")
    expect(page.locator("#people input").first).to_be_visible()
    page.locator("#people input").first.check()
    follow(page, page.get_by_role("button", name="Book", exact=True), re.compile(r"/appointments/[0-9a-f-]{36}/"))
    expect(page.get_by_role("status").first).to_contain_text("Booked")


def test_a_time_is_free_again_when_the_form_is_left(sign_in):
    page = sign_in("reception")
    find_free_times(page)
    starts = page.locator("main a.slot").nth(5).get_attribute("href")
    open_slot(page, 5)
    expect(page.locator("#kept")).to_contain_text(KEPT)

    find_free_times(page)

    expect(page.locator(f'main a.slot[href="{starts}"]')).to_have_count(1)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_past_visit_is_entered(sign_in, width):
    page = sign_in("reception")
    page.set_viewport_size({"width": width, "height": 900})
    follow(page, page.get_by_role("link", name="Enter a past visit"), re.compile("/appointments/past/"))

    expect(page.get_by_role("heading", level=1)).to_have_text("Enter a past visit")
    picture(page, "past")
