"""A new clinic in a browser: from an empty database to the first booked session of a series, every action counted."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.browsers import PHONE, follow, heading
from tests.journeys.new_clinic import PASSWORD, Hands, go_through, introduce, nobodys_clinic, open_clinic
from tests.journeys.walking import Looker

MOST_ACTIONS = 60


@pytest.fixture
def clinic(tmp_path):
    """A clinic that nobody has set up."""
    with nobodys_clinic(tmp_path / "new") as stack:
        yield stack


def test_a_solo_clinic_is_ready_for_its_first_visit_within_sixty_actions(visitor, counted):
    page = visitor()
    hands, looker = Hands(page), Looker(page, who="a practitioner alone")

    hands.go("/")
    introduce(hands)
    open_clinic(hands)
    hands.press("Just me")
    card = page.get_by_role("region", name=re.compile("Collagen induction"))
    hands.tick(card.get_by_role("checkbox"))
    hands.press("Save and continue")
    hands.press("Later")
    hands.press("Add the first patient")
    set_up_after = hands.actions
    hands.type("First name", "Fay")
    hands.type("Last name", "First")
    hands.type("Date of birth", "1988-05-04")
    hands.type("Phone", "020 7946 0019")
    hands.press("Save")
    hands.click(page.get_by_role("link", name="Start a series").first)
    hands.choose("Protocol", index=1)
    hands.press("Choose")
    hands.press("Start the series")
    expect(heading(page)).to_have_text(re.compile("Book session 1 of"))
    expect(page.locator("form.filters select")).to_have_count(0)
    hands.click(page.locator("ul.slots button.slot").first)

    expect(page.get_by_role("status").first).to_contain_text("Booked")
    expect(heading(page)).to_have_text("Fay First")
    assert "Solo Skin" not in page.get_by_role("main").inner_text()
    assert "Ada Solo" not in page.get_by_role("main").locator("dl.facts").inner_text()
    counted(f"Solo clinic: set up with {set_up_after} actions, first session booked with {hands.actions}")
    assert looker.problems == []
    assert hands.actions <= MOST_ACTIONS
    page.goto("/setup/")
    expect(page).to_have_url(re.compile("/diary/"))


def test_setting_up_goes_on_where_it_was_left_on_a_phone(visitor):
    page = visitor(PHONE)
    hands = Hands(page)
    hands.go("/")
    introduce(hands)
    open_clinic(hands)
    expect(heading(page)).to_have_text("Who works here")
    page.context.close()

    page = visitor(PHONE)
    hands = Hands(page)
    hands.go("/")
    hands.page.locator("input[name=login]").fill("ada@solo.example")
    hands.page.locator("input[name=password]").fill(PASSWORD)
    hands.press("Sign in")

    expect(heading(page)).to_have_text("Who works here")
    follow(page, page.get_by_role("link", name="The clinic"))
    expect(page.get_by_label("Name of the clinic")).to_have_value("Solo Skin")
    stranger = visitor(PHONE)
    assert stranger.goto("/setup/").url.endswith("/account/login/?next=/setup/")


def test_every_step_is_accessible_quiet_and_in_plain_words(visitor, counted):
    page = visitor()
    looker = Looker(page, who="somebody new")

    go_through(Hands(page), looker.look)

    counted(f"Chromium: {looker.looks} looks at the pages of a new clinic")
    assert looker.problems == []
