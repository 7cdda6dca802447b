"""Every page of the URLconf, found by following links, in Chromium: reachable, accessible, quiet in the console."""

from functools import partial
from urllib.parse import urlsplit

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
# Only some patients have a session that waits to be booked.
PATIENTS = 60


def name_of(url):
    try:
        return resolve(urlsplit(url).path).url_name
    except Resolver404:
        return None


def pages_of(page):
    """Follow links from the diary: address name -> addresses with that name, a few of each."""
    fixed = [reverse(name) for name, path, _ in addresses() if "<" not in path and name not in NOT_A_PAGE]
    queue, seen = [path for path in fixed if "logout" not in path], {}
    while queue:
        path = queue.pop(0)
        known = seen.setdefault(name_of(path), [])
        if name_of(path) is None or path in known or len(known) >= (PATIENTS if name_of(path) == "patient" else PAGES_PER_ADDRESS):
            continue
        known.append(path)
        page.goto(path)
        links = page.eval_on_selector_all("a[href]", "found => found.map(one => one.href)")
        queue += [urlsplit(url).path for url in links if "logout" not in url]
    seen.pop(None, None)
    return {**seen, "account_logout": [reverse("account_logout")]}


def keep_errors(problems, message):
    if message.type == "error":
        problems.append(message.text)


def findings(page):
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in ("serious", "critical")
    ]


def test_every_page_is_reachable_accessible_and_keeps_the_content_policy(sign_in, counted):
    problems, visited = [], {}
    for viewport in (DESK, PHONE):
        page = sign_in("lead", viewport)
        page.on("console", partial(keep_errors, problems))
        for name, paths in pages_of(page).items():
            answer = page.goto(paths[-1])
            problems += [f"{name} {viewport['width']} px: {line}" for line in findings(page)]
            width = page.evaluate("document.documentElement.scrollWidth")
            problems += [f"{name}: {width} px wide at {viewport['width']} px"] if width > viewport["width"] else []
            problems += [f"{name}: answered {answer.status}"] if answer.status != 200 else []
            visited[name] = paths[-1]

    missing = {name for name, _, _ in addresses()} - set(visited) - set(NOT_A_PAGE)
    widths = f"{DESK['width']} and {PHONE['width']} px"
    counted(f"Chromium: {len(visited)} pages visited at {widths}, {len(NOT_A_PAGE)} addresses have no page")
    assert missing == set()
    assert problems == []
