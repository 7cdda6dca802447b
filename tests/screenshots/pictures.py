"""Pictures of the pages of a throw-away demo clinic, and of the journeys' work under way, with the pages of them."""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from django.urls import reverse
from playwright.sync_api import Browser, Page, sync_playwright

from scripts import local
from scripts.console import say
from scripts.stack import Stack
from tests.journeys import under_way, walking
from tests.journeys.browsers import DESK, FLAGS, INSIDE_PORTAL, PHONE, follow
from tests.journeys.drafts import make_draft
from tests.journeys.letters import code_in, wait_for_mail
from tests.journeys.new_clinic import Hands, go_through

DOCS = local.PROJECT / "docs"
FOLDER, WORK = DOCS / "screens", DOCS / "work"
MOST_BYTES = {FOLDER: 9_000_000, WORK: 5_000_000}
# What only comes up in the middle of work: a planned course, a compared version, an illness, other times.
JOURNEYS = ("plan_course", "version_upgrade", "illness", "proposals")
SETTINGS = {"BELL_SECONDS": "1", "EDIT_WAIT_SECONDS": "0"}
PASSWORD = re.compile(r"password:?\s+(\S+)")
PORTAL = re.compile(r"(\S+@\S+)\s+portal of")
# What administrators use most is shown first.
ADMINISTRATION = (
    "admin:index",
    "admin:treatments_protocol_changelist",
    "admin:treatments_protocol_change",
    "admin:treatments_protocolversion_change",
    "admin:treatments_protocolversion_compare",
    "admin:treatments_service_change",
    "admin:treatments_ingredient_changelist",
    "admin:treatments_arealimit_import",
    "admin:clinic_location_change",
    "admin:clinic_practitioner_change",
    "admin:clinic_messagetemplate_change",
    "admin:patients_consenttext_change",
    "admin:patients_user_changelist",
    "admin:patients_user_history",
)
# The draft is the first version that is found.
SHOWN_FIRST = ("admin:treatments_protocolversion_change", "admin:treatments_protocolversion_compare")
ON_A_PHONE_TOO = (
    "diary", "patient", "series", "appointment", "session_book", "series_plan", "protocol", "find_time", "tasks",
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """One picture: the chapter of the index, what it shows, and its file."""

    chapter: str
    caption: str
    file: str


class Camera:
    """Takes pictures of one person's pages."""

    def __init__(self, page: Page, chapter: str) -> None:
        self.page, self.chapter, self.taken = page, chapter, []

    def take(self, name: str, url: str, *, view: dict = DESK, scheme: str = "light") -> None:
        """Open an address and keep what is seen."""
        self.page.set_viewport_size(view)
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if self.page.goto(url).status == 200:
            self.keep(name, view=view, scheme=scheme)

    def keep(self, name: str, *, view: dict = DESK, scheme: str = "light") -> None:
        """Keep what is seen now."""
        file = f"{name.replace(':', '-').replace('_', '-')}-{view['width']}-{scheme}.jpg"
        self.page.screenshot(path=FOLDER / file, type="jpeg", quality=under_way.QUALITY)
        self.taken.append(Picture(self.chapter, self.page.title().rpartition(" · ")[0] or self.page.title(), file))


def person(browser: Browser, clinic: Stack) -> Page:
    """A window of somebody who has not signed in."""
    return browser.new_context(base_url=clinic.url, locale="en-GB", timezone_id="Europe/London").new_page()


def staff(browser: Browser, clinic: Stack, role: str, password: str) -> Page:
    """A window of somebody on the team."""
    page = person(browser, clinic)
    page.goto(reverse("account_login"))
    page.locator("input[name=login]").fill(f"{role}@cadence.example")
    page.locator("input[name=password]").fill(password)
    follow(page, page.get_by_role("button", name="Sign in", exact=True))
    page.wait_for_url("**/diary/**")
    return page


def of_the_desk(page: Page) -> list[Picture]:
    """Every page of the desk, some on a phone too."""
    camera = Camera(page, "The desk")
    wanted = {name for name in walking.page_names() if ":" not in name and not name.startswith("portal_")}
    shown = walking.reach(page, walking.desk_seeds(page), wanted - set(walking.SIGNS_OUT))
    for name in sorted(wanted & set(shown)):
        camera.take(name, walking.fullest(shown[name]))
        if name in ON_A_PHONE_TOO:
            camera.take(name, walking.fullest(shown[name]), view=PHONE, scheme="dark")
    return camera.taken


def of_the_administration(page: Page) -> list[Picture]:
    """Every page of the administration, what is used most first."""
    camera = Camera(page, "The administration")
    make_draft(page)
    seeds = [page.url, *(one for one in walking.fixed_addresses() if one.startswith(reverse("admin:index")))]
    shown = walking.reach(page, seeds, {name for name in walking.page_names() if name.startswith("admin:")})
    for name in [*ADMINISTRATION, *sorted(set(shown) - set(ADMINISTRATION))]:
        if name in shown:
            camera.take(name, shown[name][0] if name in SHOWN_FIRST else walking.fullest(shown[name]))
    return camera.taken


def of_the_portal(page: Page, clinic: Stack, address: str) -> list[Picture]:
    """A patient's way in, and every page of the portal."""
    camera = Camera(page, "A patient’s phone")
    camera.take("portal_sign_in", reverse("portal_sign_in"), view=PHONE)
    page.locator("input[type=email], input[name=email]").first.fill(address)
    follow(page, page.get_by_role("button", name="Send me a code"))
    camera.keep("portal_code", view=PHONE)
    letter = wait_for_mail(clinic.mail_dir, address, "Your code to sign in")
    page.get_by_role("textbox", name=re.compile("code", re.IGNORECASE)).fill(code_in(letter))
    follow(page, page.get_by_role("button", name="Sign in", exact=True))
    page.wait_for_url(INSIDE_PORTAL)
    shown = walking.reach(page, [page.url], {name for name in walking.page_names() if name.startswith("portal_")})
    for name, urls in sorted(shown.items()):
        camera.take(name, urls[0], view=PHONE, scheme="dark")
        camera.take(name, urls[0], view=PHONE)
    return camera.taken


def of_the_first_run(page: Page) -> list[Picture]:
    """Every step of setting up a clinic."""
    camera, number = Camera(page, "A new clinic"), count(1)
    page.set_viewport_size(DESK)
    go_through(Hands(page), lambda: camera.keep(f"setup_{next(number)}"))
    return camera.taken


def of_work_under_way() -> list[Picture]:
    """What the journeys meet on their way, at the desk and on a phone."""
    files = [f"tests/journeys/test_{name}.py" for name in JOURNEYS]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *files]
    subprocess.run(command, env=os.environ | {"CADENCE_PICTURES": str(WORK)}, cwd=local.PROJECT, check=True)
    captions = WORK / under_way.CAPTIONS
    taken = dict(line.split("\t") for line in captions.read_text().splitlines())
    captions.unlink()
    return [Picture("Work under way", caption, file) for file, caption in taken.items()]


def of_every_page() -> list[Picture]:
    """The desk, the administration and the portal of a demo clinic, and a clinic on its first day."""
    with tempfile.TemporaryDirectory() as state, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CADENCE_CHROMIUM"], args=FLAGS)
        with Stack(Path(state) / "demo", SETTINGS, throw_away=True) as clinic:
            printed = clinic.manage("demo", "--logins")
            password, address = PASSWORD.search(printed)[1], PORTAL.search(printed)[1]
            pictures = of_the_desk(staff(browser, clinic, "lead", password))
            pictures += of_the_administration(staff(browser, clinic, "admin", password))
            pictures += of_the_portal(person(browser, clinic), clinic, address)
        with Stack(Path(state) / "new", SETTINGS, throw_away=True, demo=False) as clinic:
            pictures += of_the_first_run(person(browser, clinic))
        browser.close()
    return pictures


def write_index(folder: Path, pictures: list[Picture]) -> None:
    """The page of all pictures of a folder, by chapter."""
    made = f"Made by `./run screenshots {folder.name}` from the demo clinic; the people in them are invented."
    lines = [f"# {folder.name.capitalize()}", "", made, ""]
    for chapter in dict.fromkeys(picture.chapter for picture in pictures):
        lines += [f"## {chapter}", ""]
        for picture in pictures:
            if picture.chapter == chapter:
                lines += [f"{picture.caption}", "", f"![{picture.caption}]({folder.name}/{picture.file})", ""]
    folder.with_suffix(".md").write_text("\n".join(lines))


def take_all(names: list[str]) -> int:
    """Take the pictures of these folders (all if none is named) anew; fail if they are too large for the repository."""
    takers = {FOLDER: of_every_page, WORK: of_work_under_way}
    are_small = True
    for folder, take in takers.items():
        if names and folder.name not in names:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.jpg"):
            old.unlink()
        pictures = take()
        write_index(folder, pictures)
        size = sum(file.stat().st_size for file in folder.glob("*.jpg"))
        say(f"{len(pictures)} pictures, {size / 1_000_000:.1f} MB, in {folder.relative_to(local.PROJECT)}")
        are_small = are_small and size <= MOST_BYTES[folder]
    return 0 if are_small else 1
