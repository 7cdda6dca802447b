"""Somebody is ill: entered from the diary, worked out in sight, looked at, all moved, and the patients called."""

import re
from collections import defaultdict
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.journeys.browsers import DESK, follow, heading
from tests.journeys.test_story import LONDON, add_patient
from tests.journeys.under_way import picture
from tests.journeys.walking import Looker

ZONE, HOUR = ZoneInfo("Europe/London"), timedelta(hours=1)
PLANNED = re.compile(r"(A new time|New times) for \d+ visits?")
STEPS, VISITS = 200, 3


def show_free_times(page, service=None, person="Anyone"):
    """From the patient's page to the next free times; of a consultation if no service is named."""
    follow(page, page.get_by_role("link", name="Book another visit"))
    options = page.locator("select[name=service] option").all_inner_texts()
    service = service or next(one for one in options if "onsultation" in one)
    page.locator("select[name=service]").select_option(label=service)
    page.locator("select[name=location]").select_option(label=LONDON)
    page.locator("select[name=practitioner]").select_option(label=person)
    follow(page, page.get_by_role("button", name="Show", exact=True).first)
    return service


def free_times(page):
    """The starts that are shown, with whom, and their links."""
    found = []
    for link in page.locator("main a.slot").all():
        [start] = parse_qs(urlsplit(link.get_attribute("href")).query)["start"]
        starts_at = datetime.fromisoformat(start).astimezone(ZONE)
        found.append((starts_at, link.locator("small").last.inner_text(), link))
    return found


def hours_apart(starts):
    """As many of the sorted starts as lie an hour or more apart, taken from the first on."""
    taken = []
    for start in starts:
        if not taken or start >= taken[-1] + HOUR:
            taken.append(start)
    return taken


def somebody_with_time(page):
    """A service, a person who can give it three times on one day, an hour apart, and the first of these starts."""
    back = page.url
    service = show_free_times(page)
    offered = defaultdict(list)
    for starts_at, person, _link in free_times(page):
        if starts_at > datetime.now(ZONE) + HOUR:  # not a time that passes while the test still types
            offered[starts_at.date(), person].append(starts_at)
    page.goto(back)
    person, first = next(
        (person, starts[0]) for (_day, person), starts in sorted(offered.items()) if len(hours_apart(starts)) >= VISITS
    )
    return service, person, first


def book(page, given, born, wanted=None, after=None):
    """A new patient with a visit, after that moment; returns its start, what and with whom, and its page."""
    add_patient(page, given, "Ailing", born=born)
    if wanted:
        service, person = wanted
    else:
        service, person, after = somebody_with_time(page)
    show_free_times(page, service, person)
    starts_at, link = next((at, link) for at, _who, link in free_times(page) if at >= after)
    follow(page, link)
    follow(page, page.get_by_role("button", name="Book", exact=True))
    expect(heading(page)).to_have_text(f"{given} Ailing")
    return starts_at, (service, person), urlsplit(page.url).path


def enter_illness(page, person, first, last):
    page.goto("/diary/")
    follow(page, page.get_by_role("link", name="Somebody is ill…"))
    page.get_by_label("Who").select_option(label=person)
    page.get_by_label("From this day").fill(first.date().isoformat())
    page.get_by_label("From", exact=True).fill(f"{first:%H:%M}")
    page.get_by_label("Until").fill(f"{last:%H:%M}")
    page.get_by_label("Reason").fill("Has the flu")


def take_only(page, family):
    """Untick the visits of people who belong to other tests."""
    for row in page.locator("tbody tr").all():
        if family not in row.inner_text():
            row.locator("input[name=take]").uncheck()


def test_somebody_is_ill_all_visits_are_moved_and_the_patients_called(sign_in, counted):
    page = sign_in("reception")
    looker = Looker(page, who="reception")
    first, wanted, one = book(page, "Ida", "1971-03-04")
    second, _same, two = book(page, "Jon", "1984-09-17", wanted, after=first + HOUR)
    third, _same, three = book(page, "Kim", "1999-12-01", wanted, after=second + HOUR)
    assert first.date() == third.date()
    looks = []
    page.on("response", lambda answer: looks.append(answer.url) if "/go-on/" in answer.url else None)

    enter_illness(page, wanted[1], first, third + HOUR)
    picture(page, "ill-enter")
    follow(page, page.get_by_role("button", name="Work out new times"))
    expect(page.get_by_role("heading", name=PLANNED)).to_be_visible()

    assert looks
    looker.look("bulk_move")
    page.set_viewport_size(DESK)
    picture(page, "ill-plan")
    take_only(page, "Ailing")
    mine = page.locator("tbody tr", has_text="Ailing")
    expect(mine).to_have_count(3)
    new = {row.locator("th label").inner_text(): row.locator("strong").inner_text() for row in mine.all()}
    follow(page, page.get_by_role("button", name="Move all now"))

    expect(page.locator("#messages")).to_contain_text("3 visits are moved.")
    calls = page.locator("section", has=page.get_by_role("heading", name=re.compile("Call list")))
    if (first.date() - datetime.now(ZONE).date()).days < 2:  # else they are told in time by a message
        ida, jon = (calls.locator("li", has_text=f"{given} Ailing") for given in ("Ida", "Jon"))
        follow(page, ida.get_by_role("button", name="Reached"))
        follow(page, jon.get_by_role("button", name="Message left"))
        expect(ida).to_contain_text("reached, ")
        expect(jon).to_contain_text("message left, ")
    looker.look("bulk_move")
    page.set_viewport_size(DESK)
    picture(page, "ill-done")
    for given, address in (("Ida", one), ("Jon", two), ("Kim", three)):
        page.goto(address)
        expect(page.get_by_role("main")).to_contain_text(new[f"{given} Ailing"][-5:])
    page.goto(f"/diary/?day={first.date()}")
    assert looker.problems == []
    counted(f"Illness: {len(new)} visits moved together after {len(looks)} looks")


def test_without_scripts_a_button_goes_on_and_the_plan_is_given_up(sign_in):
    page = sign_in("reception", java_script_enabled=False)
    starts_at, (_service, person), address = book(page, "Lea", "1966-06-30")
    shown = starts_at.strftime("%H:%M")

    enter_illness(page, person, starts_at, starts_at + HOUR)
    follow(page, page.get_by_role("button", name="Work out new times"))
    expect(page.locator("progress")).to_be_visible()
    for _step in range(STEPS):
        if not page.get_by_role("button", name="Go on").count():
            break
        follow(page, page.get_by_role("button", name="Go on"))
    expect(page.get_by_role("heading", name=PLANNED)).to_be_visible()
    follow(page, page.get_by_role("button", name="Give up: leave these visits as they are"))

    expect(page.locator("#messages")).to_contain_text("Given up")
    page.goto(address)
    expect(page.get_by_role("main")).to_contain_text(shown)
