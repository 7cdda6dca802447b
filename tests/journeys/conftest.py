"""Browser tests drive a whole clinic of their own: real servers, web, worker, beat and mail, demo data, Chromium."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from scripts.stack import Stack
from tests.journeys.browsers import DESK, FLAGS, PATIENCE_MS, add_fingerprint_reader, follow
from tests.journeys.new_clinic import QUICKLY


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def clinic(tmp_path_factory):
    """The demo clinic with a bell that rings every second, no wait after an edit, and no quiet hours.

    So that its letters arrive at whatever hour the tests run.
    A module whose tests need another clinic has a fixture of this name of its own; `visitor` and `reader` go there.
    """
    copied = os.environ["DATABASE_URL"]
    with Stack(tmp_path_factory.mktemp("clinic"), QUICKLY, throw_away=True, copy_of=copied) as stack:
        stack.manage("configure_location", "Cadence London", "--no-quiet-hours")
        yield stack


@pytest.fixture(scope="session")
def logins(clinic):
    """Role -> (e-mail, password) of the demo's people."""
    printed = clinic.manage("demo", "--logins")
    password = re.search(r"password:?\s+(\S+)", printed).group(1)
    return {email.split("@")[0]: (email, password) for email in re.findall(r"[\w.]+@[\w.]+", printed)}


@pytest.fixture(scope="session")
def chromium():
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CADENCE_CHROMIUM"], args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium, clinic):
    """Open a page of a browser of its own; all are closed afterwards."""
    contexts = []

    def open_page(viewport=DESK, **options):
        context = chromium.new_context(base_url=clinic.url, viewport=viewport, locale="en-GB", **options)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def reader(visitor):
    """A page whose browser has a fingerprint reader; what its console complains about fails the test."""
    complaints = []

    def open_browser(viewport=DESK):
        page = visitor(viewport)
        add_fingerprint_reader(page)
        page.on("console", lambda message: keep_complaint(complaints, message))
        return page

    yield open_browser
    assert complaints == []


def keep_complaint(complaints, message):
    """A form that is answered with 422 is no complaint of the page."""
    if message.type == "error" and "status of 422" not in message.text:
        complaints.append(message.text)


@pytest.fixture
def sign_in(visitor, logins):
    """A signed-in page for one role of the demo."""

    def enter(role="reception", viewport=DESK, **options):
        page = visitor(viewport, **options)
        page.goto("/")
        email, password = logins[role]
        page.locator("input[name=login]").fill(email)
        page.locator("input[name=password]").fill(password)
        follow(page, page.get_by_role("button", name="Sign in", exact=True))
        page.wait_for_url("**/diary/**")
        return page

    return enter
