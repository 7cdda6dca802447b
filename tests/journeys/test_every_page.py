"""Every page of the URLconf, found by following links, in Chromium: reachable, accessible, quiet in the console."""

from functools import partial
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve, reverse

from tests.journeys.conftest import DESK, PHONE
from tests.test_architecture import addresses

# Addresses without a page of their own, and why.
NOT_A_PAGE = {
    "home": "sends on to the diary",
    "live": "answers a probe",
    "ready": "answers a probe",
    "appointment_status": "takes buttons only",
    "task_done": "takes buttons only",
    "protocol_publish": "takes buttons only",
    "allergy_refute": "takes buttons only",
    "consent_withdraw": "takes buttons only",
    "account_signup": "sends on: accounts are made by the clinic",
    "account_set_password": "sends on to changing it: everybody has a password",
    "account_reauthenticate": "shown before a sensitive change only",
    "account_confirm_email": "opened from a mail",
    "account_reset_password_from_key": "opened from a mail",
    "account_confirm_login_code": "second step of a sign-in that is not offered to staff",
    "account_inactive": "shown to closed accounts",
}
PAGES_PER_ADDRESS = 2
OWN_LINKS = "found => found.filter(one => one.origin === location.origin).map(one => one.href)"
# Only some patients have a session that waits to be booked, only some visits are to come or wait for a decision.
MORE_OF = {"patient": 60, "appointment": 60}


def name_of(url):
    try:
        return resolve(urlsplit(url).path).url_name
    except Resolver404:
        return None


def fixed_addresses():
    """Every address without an object in it."""
    return [reverse(name) for name, path, _ in addresses() if "<" not in path and name not in NOT_A_PAGE]


def seeds(page):
    """Where the links begin: every fixed address, some patients, and free times of a service."""
    page.goto("/find/")
    service = page.locator("select[name=service] option:not([value=''])").first.get_attribute("value")
    found = [path for path in fixed_addresses() if path != reverse("account_logout")]
    return [*found, f"/find/?service={service}", *(f"/patients/?q={start}" for start in ("ad", "an", "be", "el", "ma"))]


def follow_links(page):
    """Open pages by their links, a few of each name: name -> the addresses that really show that page."""
    queue, tried, shown = seeds(page), {}, {}
    while queue:
        url = urlsplit(queue.pop(0))._replace(fragment="").geturl()
        name = name_of(url)
        limit = MORE_OF.get(name, 2 * PAGES_PER_ADDRESS)
        known = tried.setdefault(name, set())
        if name is None or name == "account_logout" or url in known or len(known) >= limit:
            continue
        known.add(url)
        page.goto(url)
        if name_of(page.url) == name:
            shown.setdefault(name, []).append(url)
        queue += page.eval_on_selector_all("a[href]", OWN_LINKS)
    return {**shown, "account_logout": [reverse("account_logout")]}


def keep_errors(problems, message):
    if message.type == "error":
        problems.append(message.text)


def serious(page):
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in ("serious", "critical")
    ]


def inspect(page, name, url, problems):
    """Look at one page: its answer, its width, and what axe and the console say."""
    answer = page.goto(url)
    width, room = page.evaluate("document.documentElement.scrollWidth"), page.viewport_size["width"]
    problems += [f"{name} {room} px: {line}" for line in serious(page)]
    problems += [f"{name}: {width} px wide at {room} px"] if width > room else []
    problems += [f"{name}: answered {answer.status}"] if answer.status != 200 else []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["1280", "390"])
def test_every_page_is_reachable_accessible_and_keeps_the_content_policy(sign_in, visitor, counted, viewport):
    problems, visited = [], set()
    inside, outside = sign_in("lead", viewport), visitor(viewport)
    for page in (inside, outside):
        page.on("console", partial(keep_errors, problems))
    for path in fixed_addresses():
        outside.goto(path)
        if name_of(outside.url) == name_of(path):
            inspect(outside, name_of(path), path, problems)
            visited.add(name_of(path))

    for name, urls in follow_links(inside).items():
        for url in urls[-PAGES_PER_ADDRESS:]:
            inspect(inside, name, url, problems)
        visited.add(name)

    counted(f"Chromium at {viewport['width']} px: {len(visited)} pages, {len(NOT_A_PAGE)} addresses have none")
    assert {name for name, _, _ in addresses()} - visited - set(NOT_A_PAGE) == set()
    assert problems == []
