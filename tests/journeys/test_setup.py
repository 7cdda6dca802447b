"""A new clinic in a browser: from an empty database to the first booked session of a series, every action counted."""

import re

import pytest
from playwright.sync_api import expect

from scripts.stack import Stack
from tests.journeys.conftest import DESK, PHONE
from tests.journeys.walking import Looker

MOST_ACTIONS = 60
PASSWORD = "four quiet words here"


class Hands:
    """A person at a page: does one thing at a time, and each is counted."""

    def __init__(self, page):
        self.page, self.actions = page, 0

    def go(self, path="/"):
        self.page.goto(path)

    def type(self, label, text):
        self._count()
        self.page.get_by_label(label).fill(text)

    def choose(self, field, **option):
        self._count()
        self.page.get_by_label(field, exact=True).select_option(**option)

    def tick(self, box):
        self._count()
        box.check()

    def click(self, what):
        self._count()
        what.click()

    def press(self, name):
        self.click(self.page.get_by_role("button", name=name, exact=True))

    def _count(self):
        self.actions += 1


@pytest.fixture
def empty(tmp_path):
    """A clinic that nobody has set up."""
    with Stack(tmp_path / "new", {"BELL_SECONDS": "1", "EDIT_WAIT_SECONDS": "0"}, throw_away=True, demo=False) as stack:
        yield stack


@pytest.fixture
def come(chromium, empty):
    """A browser of its own at the empty clinic."""
    contexts = []

    def open_page(viewport=DESK, **options):
        context = chromium.new_context(base_url=empty.url, viewport=viewport, locale="en-GB", **options)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def heading(page):
    return page.get_by_role("heading", level=1)


def introduce(hands):
    """You, and the second step later."""
    hands.type("Your name", "Dr Ada Solo")
    hands.type("E-mail", "ada@solo.example")
    hands.type("Password", PASSWORD)
    hands.press("Begin")
    hands.press("Later")


def open_clinic(hands):
    hands.type("Name of the clinic", "Solo Skin")
    hands.type("Phone", "020 7946 0018")
    hands.press("Save and continue")


def test_a_solo_clinic_is_ready_for_its_first_visit_within_sixty_actions(come, counted):
    page = come()
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
    assert page.locator("form.filters select").count() == 0
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


def test_setting_up_goes_on_where_it_was_left_on_a_phone(come):
    page = come(PHONE)
    hands = Hands(page)
    hands.go("/")
    introduce(hands)
    open_clinic(hands)
    expect(heading(page)).to_have_text("Who works here")
    page.context.close()

    page = come(PHONE)
    hands = Hands(page)
    hands.go("/")
    hands.page.locator("input[name=login]").fill("ada@solo.example")
    hands.page.locator("input[name=password]").fill(PASSWORD)
    hands.press("Sign in")

    expect(heading(page)).to_have_text("Who works here")
    page.get_by_role("link", name="The clinic").click()
    expect(page.get_by_label("Name of the clinic")).to_have_value("Solo Skin")
    stranger = come(PHONE)
    assert stranger.goto("/setup/").url.endswith("/account/login/?next=/setup/")


def go_through(hands, look):
    """Every page of setting up, looked at one after the other."""
    page = hands.page
    hands.go("/")
    look()
    hands.type("Your name", "Dr Ada Solo")
    hands.type("E-mail", "ada@solo.example")
    hands.type("Password", PASSWORD)
    hands.press("Begin")
    look()
    hands.press("Later")
    hands.choose("Country", label="Australia")
    expect(page.get_by_label("Time zone")).to_have_value("Australia/Sydney")
    look()
    open_clinic(hands)
    look()
    hands.click(page.get_by_role("link", name="A team"))
    look()
    page.goto("/setup/people/")
    hands.press("Just me")
    look()
    hands.press("Save and continue")
    look()
    hands.press("Later")
    look()


def test_every_step_is_accessible_quiet_and_in_plain_words(come, counted):
    page = come()
    looker = Looker(page, who="somebody new")

    go_through(Hands(page), looker.look)

    counted(f"Chromium: {looker.looks} looks at the pages of a new clinic")
    assert looker.problems == []
