"""Walking through the clinic: which pages there are, how a person reaches them, and what is looked at on each."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import axe_playwright_python
from django.conf import settings
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from tests import words
from tests.journeys.doors import type_password_again
from tests.test_architecture import addresses

# Addresses without a page of their own, and why.
NOT_A_PAGE = {
    "home": "sends on to the diary",
    "live": "answers a probe",
    "ready": "answers a probe",
    "appointment_status": "takes buttons only",
    "task_done": "takes buttons only",
    "hold_release": "takes buttons only",
    "proposal_answer": "takes buttons only",
    "absence_end": "takes buttons only",
    "bulk_move_go_on": "takes buttons only",
    "bulk_move_take": "takes buttons only",
    "bulk_move_give_up": "takes buttons only",
    "bulk_move_call": "takes buttons only",
    "as_usual": "takes buttons only",
    "find_starts": "answers a script",
    "protocol_publish": "takes buttons only",
    "protocol_upgrade": "takes buttons only",
    "allergy_refute": "takes buttons only",
    "consent_withdraw": "takes buttons only",
    "device_end": "takes buttons only",
    "patient_portal_end": "takes buttons only",
    "portal_calendar": "a file for a calendar",
    "mfa_download_recovery_codes": "a file with codes",
    "mfa_login_webauthn": "answers a script",
    "mfa_reauthenticate_webauthn": "answers a script",
    "admin:jsi18n": "a script",
    "admin:patients_portalaccess_add": "closed: access is given on the patient’s page",
    "admin:patients_consenttext_next": "takes buttons only",
    "admin:patients_consenttext_publish": "takes buttons only",
    "admin:treatments_protocolversion_changelist": "sends on to the protocols",
    "admin:treatments_protocolversion_check": "answers with the sums of a form",
    "admin:treatments_protocolversion_draft": "takes buttons only",
    "account_signup": "sends on: accounts are made by the clinic",
    "account_set_password": "sends on to changing it: everybody has a password",
    "account_inactive": "shown to closed accounts",
}
# What a clinic is asked once, when it is new (test_setup looks at these pages), and files to keep.
ASKED_ONCE, KEPT_AS_FILE = "setup", "_export"
# Works of other people, quoted by their titles.
SOURCES = settings.BASE_DIR / "treatments" / "starter" / "sources.json"
TITLES = {" ".join(source["title"].split()) for source in json.loads(SOURCES.read_text())}
# Only some patients have a session that waits to be booked, only some visits are to come or wait for a decision.
TRIES, TRIES_OF = 4, {"patient": 80, "appointment": 80}
VISIT = re.compile(r"/appointments/([0-9a-f-]{36})/")
PROTOCOL = re.compile(r"/protocols/[0-9a-f-]{36}/")
HREF = re.compile(r"<a\b[^>]*\bhref=\"([^\"]+)\"")
SIGNS_OUT = ("account_logout", "admin:logout")
ASKS_AGAIN = "account_reauthenticate"

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# Everything is asked at the desk's width in light. What a narrower page can break and what dark can break is asked
# again; at 320 px no colours: they are those of 390 px, as the layout changes at 640 px only.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
LAYOUT_RULES = ["target-size", "scrollable-region-focusable", "aria-hidden-focus", "nested-interactive"]
RULES = {
    (1280, "light"): None,
    (1280, "dark"): COLOUR_RULES,
    (390, "light"): LAYOUT_RULES + COLOUR_RULES,
    (390, "dark"): COLOUR_RULES,
    (320, "light"): LAYOUT_RULES,
}
WIDTHS = tuple(dict.fromkeys(width for width, _scheme in RULES))
RUN_AXE = """async (rules) => {
    const options = {resultTypes: ["violations"], selectors: false, rules: {"target-size": {enabled: true}}};
    if (rules) options.runOnly = {type: "rule", values: rules};
    const {violations} = await axe.run(document, options);
    return violations
        .filter(({impact}) => impact === "serious" || impact === "critical")
        .map(({id, nodes}) => `${id}: ${nodes[0].html.slice(0, 160)}`);
}"""
# A target that a bar half covers where the page happens to stand is not a small target: scrolling shows all of it.
UNPIN = """() => {
    for (const one of document.querySelectorAll("body *")) {
        if (["sticky", "fixed"].includes(getComputedStyle(one).position)) one.style.position = "static";
    }
}"""
# What a person reads: visible text and the attributes that are read out, but no names of other people's works.
READ = """() => {
    const skip = "cite, code, kbd, pre, script, style, textarea, template, noscript, [hidden]";
    const texts = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (!parent.closest(skip) && parent.checkVisibility()) texts.push(walker.currentNode.data);
    }
    for (const name of ["title", "placeholder", "aria-label", "alt", "data-label"]) {
        for (const one of document.querySelectorAll(`[${name}]`)) texts.push(one.getAttribute(name));
    }
    for (const one of document.querySelectorAll("input[type=submit], input[type=button]")) texts.push(one.value);
    return texts.filter((text) => text.trim());
}"""


def name_of(url: str) -> str | None:
    """The name of the address, with its namespace."""
    try:
        return resolve(urlsplit(url).path).view_name or None
    except Resolver404:
        return None


def page_names() -> set[str]:
    """Every named address that has a page."""
    names = {name for name, _, _ in addresses() if name} - set(NOT_A_PAGE)
    return {name for name in names if not name.startswith(ASKED_ONCE) and not name.endswith(KEPT_AS_FILE)}


def fixed_addresses() -> list[str]:
    """Every address without an object in it."""
    names = [name for name, path, _ in addresses() if "<" not in path and name in page_names()]
    return [reverse(name) for name in names if name not in SIGNS_OUT]


def desk_seeds(page) -> list[str]:
    """Where the links of the desk begin: every fixed address, some patients, and free times of a service."""
    page.goto("/find/")
    service = page.locator("select[name=service] option:not([value=''])").first.get_attribute("value")
    starts = ("ad", "an", "be", "el", "ma")
    fixed = [address for address in fixed_addresses() if address != "/find/"]
    return [
        f"/find/?service={service}",
        f"/to-move/{coming_visit(page)}/",
        f"{a_protocol(page)}compare/",
        an_illness(page),
        *fixed,
        *(f"/patients/?q={start}" for start in starts),
    ]


def an_illness(page) -> str:
    """The address of a plan for somebody who is away at night, when nobody is missed."""
    page.goto("/away/")
    page.locator("select[name=what]").select_option(index=1)
    page.locator("input[name=day]").fill(str(timezone.now().date() + timedelta(days=2)))
    page.locator("input[name=starts]").fill("03:00")
    page.locator("input[name=ends]").fill("03:15")
    page.locator("input[name=reason]").fill("Away at night")
    with page.expect_navigation():
        page.get_by_role("button", name="Work out new times").click()
    return urlsplit(page.url).path


def a_protocol(page) -> str:
    """The address of a protocol; only one with several versions links to where they are compared."""
    return PROTOCOL.search(page.request.get(urljoin(page.url, "/protocols/")).text())[0]


def coming_visit(page) -> str:
    """A visit of one of the next days, as its address names it."""
    days = [timezone.now().date() + timedelta(days=number) for number in range(1, 9)]
    found = (VISIT.search(page.request.get(urljoin(page.url, f"/diary/?day={day}")).text()) for day in days)
    return next(one[1] for one in found if one)


def links(markup: str, url: str) -> Iterator[str]:
    """The addresses on the same site that a page links to."""
    for href in HREF.findall(markup):
        found = urlsplit(urljoin(url, unescape(href)))
        if found.netloc == urlsplit(url).netloc and found.scheme in ("http", "https"):
            yield found._replace(fragment="").geturl()


def get(page, url: str, password: str):
    """What is answered to this person; the password is typed again where it is asked for, minutes after signing in."""
    headers = {"Accept": "text/html"}
    answer = page.request.get(url, headers=headers)
    if name_of(answer.url) == ASKS_AGAIN != name_of(url):
        page.goto(url)
        type_password_again(page, password)
        answer = page.request.get(url, headers=headers)
    return answer


def reach(page, seeds: list[str], wanted: set[str], password: str) -> dict[str, list[str]]:
    """Follow links as this person until every wanted page was shown: name -> the addresses that show it.

    Names that were tried least come first, a few of each name.
    """
    queue = [urljoin(page.url, seed) for seed in seeds]
    tried, shown = Counter(), {}
    known = set(queue)
    while queue and wanted - set(shown):
        url = min(queue, key=lambda one: tried[name_of(one)])
        queue.remove(url)
        name = name_of(url)
        tried[name] += 1
        answer = get(page, url, password)
        if not answer.headers.get("content-type", "").startswith("text/html") or answer.status != 200:
            continue
        if name_of(answer.url) == name:
            shown.setdefault(name, []).append(url)
        for link in links(answer.text(), answer.url):
            to = name_of(link)
            if link not in known and to in wanted and tried[to] < TRIES_OF.get(to, TRIES):
                known.add(link)
                queue.append(link)
        queue = [one for one in queue if tried[name_of(one)] < TRIES_OF.get(name_of(one), TRIES)]
    return shown


def fullest(urls: list[str]) -> str:
    """The address that says most about what to show, the one found last if there are several."""
    return max(reversed(urls), key=len)


class Looker:
    """One person's window: opens each page once and looks at it in every way that `RULES` names."""

    def __init__(self, page, *, who: str, password: str = "") -> None:
        self.page, self.who, self.problems, self.looks, self.seen = page, who, [], 0, set()
        self.password = password
        page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self, name: str, url: str) -> None:
        """Open one page and look at it."""
        before = len(self.problems)
        answer = self.page.goto(url)
        if name_of(self.page.url) == ASKS_AGAIN != name:
            type_password_again(self.page, self.password)
        elif answer.status != 200:
            self.problems.append(f"answered {answer.status}")
        if name_of(self.page.url) not in (name, None):
            self.problems.append(f"shows {self.page.url}")
        self.look(name, before)

    def look(self, name: str = "", before: int | None = None) -> None:
        """Look at what is open, and say of which page each new problem is."""
        name = name or name_of(self.page.url) or self.page.url
        before = len(self.problems) if before is None else before
        self.seen.add(name)
        self._look()
        self.problems[before:] = [f"{name} as {self.who}: {line}" for line in dict.fromkeys(self.problems[before:])]

    def _look(self) -> None:
        """Look at what is open: its words, its width and what axe says. Colours do not glide while it looks."""
        self.page.evaluate(AXE)
        for text in {" ".join(piece.split()) for piece in self.page.evaluate(READ)} - TITLES:
            self.problems += [f"says {word} in {text[:60]!r}" for word in words.internal_words(text)]
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.evaluate(UNPIN)  # a bar may be pinned at one width only
            for scheme in (scheme for at, scheme in RULES if at == width):
                self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                found = self.page.evaluate(RUN_AXE, RULES[width, scheme])
                self.problems += [f"{width} px {scheme}: {line}" for line in found]
                self.looks += 1
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            self.problems += [f"{wide} px wide at {width} px"] if wide > width else []
