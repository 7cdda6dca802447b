"""Setting up a new clinic: a person at a page whose every action is counted, and the way through all steps."""

import os

from playwright.sync_api import expect

from scripts.stack import Stack
from tests.journeys.browsers import follow

PASSWORD = "four quiet words here"
QUICKLY = {"BELL_SECONDS": "1", "EDIT_WAIT_SECONDS": "0"}


def nobodys_clinic(folder, **settings):
    """A clinic that nobody has set up, with a bell that rings every second; its database is a copy of an empty one."""
    return Stack(folder, QUICKLY | settings, throw_away=True, demo=False, copy_of=os.environ["DATABASE_URL"])


class Hands:
    """A person at a page: does one thing at a time, and each is counted. Every click loads another page."""

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
        follow(self.page, what)

    def press(self, name):
        self.click(self.page.get_by_role("button", name=name, exact=True))

    def _count(self):
        self.actions += 1


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
