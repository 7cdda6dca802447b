"""Reception blocks time, frees it, and moves a visit that no longer fits, in Chromium."""

import re

from playwright.sync_api import expect

from tests.journeys.browsers import follow


def test_a_visit_that_no_longer_fits_is_moved_with_one_button(sign_in):
    page = sign_in("reception")
    page.goto("/to-move/")
    # A visit left for today may have no free time near it any more: its row says so. Each row
    # brings its times when it likes, so "the first with times" is asked once and kept by name.
    with_times = page.locator(".row-item", has=page.locator("button.slot"))
    patient = with_times.first.locator("a.row-title").inner_text()
    named = page.get_by_role("link", name=patient, exact=True)
    first = with_times.filter(has=named).first.locator("button.slot").first
    first.scroll_into_view_if_needed()
    expect(first).to_be_visible()

    follow(page, first)

    page.wait_for_url("**/to-move/")
    expect(page.locator("#messages")).to_contain_text(f"Moved: {patient}")


def test_time_is_blocked_from_the_diary_and_freed_again(sign_in):
    page = sign_in("reception")
    follow(page, page.get_by_role("link", name="Block time"))
    page.get_by_label("Who or what").select_option(label="Room 3")
    page.get_by_label("Reason").fill("New lamp")
    follow(page, page.get_by_role("button", name="Block this time"))
    expect(page.locator("#messages")).to_contain_text("Blocked: Room 3")
    row = page.locator(".row-item", has_text="New lamp")

    follow(page, row.get_by_role("button", name=re.compile("Free again")))

    expect(page.locator("#messages")).to_contain_text("Room 3 can be booked again.")
    expect(page.locator(".row-item", has_text="New lamp")).to_have_count(0)


def test_a_swap_shows_what_it_reaches_and_is_taken_back(sign_in):
    page = sign_in("reception")
    page.goto("/hours/swap/?day=2027-03-01")
    page.get_by_label("Who", exact=False).first.select_option(index=1)
    page.get_by_label("With whom").select_option(index=2)
    page.get_by_label("Day").fill("2027-03-01")
    follow(page, page.get_by_role("button", name="Show what it reaches"))
    follow(page, page.get_by_role("button", name="Swap this day"))

    expect(page.locator("#messages")).to_contain_text("Swapped:")
    for _person in range(2):
        follow(page, page.get_by_role("button", name=re.compile("As usual again")).first)
        expect(page.locator("#messages")).to_contain_text("As usual again:")
