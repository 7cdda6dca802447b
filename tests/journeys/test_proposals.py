"""Other times for a course in a browser: one visit goes far later, the rest come along; the patient answers."""

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.journeys.browsers import PHONE, follow, heading
from tests.journeys.letters import wait_for_mail
from tests.journeys.test_plan_course import BOOK, proposed
from tests.journeys.test_portal import enter_portal, give_access
from tests.journeys.test_story import add_patient, start_series
from tests.journeys.under_way import picture

ZONE = ZoneInfo("Europe/London")
LATER = timedelta(days=63)


def book_course(page, given, born, address):
    """A new patient with a whole course in the diary; returns its starts and stays on the page of the series."""
    add_patient(page, given, "Later", born=born, address=address)
    start_series(page)
    follow(page, page.get_by_role("link", name="Plan the whole course"))
    starts = proposed(page)
    follow(page, page.get_by_role("button", name=BOOK))
    expect(page.locator("ol.course > li.is-booked")).to_have_count(len(starts))
    return starts


def ask_for_the_second_visit_later(page, starts):
    """The second visit goes nine weeks later, and takes others along; returns the new starts by number."""
    return ask_for_later(page, 2, starts[2] + LATER)


def ask_for_later(page, number, start):
    """One visit goes to that time or one of the next days, by the page that takes others along."""
    wanted = start.astimezone(ZONE)
    follow(page, page.locator("ol.course > li").nth(number - 1).get_by_role("link", name="Visit"))
    follow(page, page.get_by_role("link", name="Move…"))
    follow(page, page.get_by_role("link", name="Move this one and take the later ones along"))
    expect(heading(page)).to_have_text("Adjust later visits")
    expect(page.get_by_label("Move this visit")).to_have_value(str(number))
    for days in range(14):  # some days are closed or full
        day = wanted + timedelta(days=days)
        page.get_by_label("New day").fill(f"{day:%Y-%m-%d}")
        page.get_by_label("New time").fill(f"{day:%H:%M}")
        follow(page, page.get_by_role("button", name="Show what changes"))
        if page.get_by_role("button", name="Propose to the patient").count():
            return new_times(page)
    raise AssertionError(page.get_by_role("main").inner_text())


def new_times(page):
    """The new start of each visit that the page would move, by number."""
    marks = [one.get_attribute("value") for one in page.locator("input[name=shown]").all()]
    found = (mark.partition("|")[0].partition(":") for mark in marks)
    return {int(number): datetime.fromisoformat(start) for number, _, start in found}


def in_diary(page, start, name):
    page.goto(f"/diary/?day={start.astimezone(ZONE):%Y-%m-%d}")
    return page.get_by_role("main").filter(has_text=name).count() > 0


def long(start):
    local = start.astimezone(ZONE)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M}"


def choose_another_time(phone, start):
    """Of several proposed visits the one at that time gets another; returns its start. Nothing is booked yet."""
    follow(phone, phone.get_by_role("link", name=f"Another time instead of {long(start)}"))
    picture(phone, "portal-choose")
    other = phone.locator("a.slot").first
    ((chosen,),) = parse_qs(urlsplit(other.get_attribute("href")).query).values()
    chosen = datetime.fromisoformat(chosen)
    follow(phone, other)
    expect(phone.get_by_role("main")).to_contain_text(f"chosen by you; proposed was {long(start)}")
    expect(phone.get_by_role("main")).to_contain_text(long(chosen))
    picture(phone, "portal-chosen")
    return chosen


def test_the_rest_of_a_course_is_proposed_and_the_patient_accepts_but_for_one_time(clinic, sign_in, visitor):
    desk, address = sign_in("reception"), "lotte.later@mail.example"
    before = book_course(desk, "Lotte", "1986-11-03", address)
    series = desk.url
    follow(desk, desk.get_by_role("link", name="Patient page"))
    give_access(desk, address)
    desk.goto(series)
    after = ask_for_the_second_visit_later(desk, before)
    assert set(after) > {2}
    picture(desk, "reflow")
    follow(desk, desk.get_by_role("button", name="Propose to the patient"))
    expect(desk.get_by_role("status").first).to_contain_text("Proposed to the patient")
    expect(desk.get_by_role("main")).to_contain_text("Other times are proposed to the patient, kept until")
    picture(desk, "series-proposed")
    assert in_diary(desk, before[2], "Lotte Later")

    letter = wait_for_mail(clinic.mail_dir, address, "We propose other times").get_content()
    for number, start in after.items():
        assert f"{long(before[number])} → {long(start)}" in letter
    link = re.search(r"answer here: \S+?(/portal/\S+)", letter)[1]
    phone = visitor(PHONE)
    enter_portal(phone, clinic, address)
    expect(phone.get_by_role("main")).to_contain_text("We propose other times for your visits")
    picture(phone, "portal-home")
    follow(phone, phone.get_by_role("link", name="See and answer"))
    assert phone.url.endswith(link)
    picture(phone, "portal-proposal")
    for number, start in after.items():
        expect(phone.get_by_role("main")).to_contain_text(long(start))
        expect(phone.get_by_role("main")).to_contain_text(f"instead of {long(before[number])}")
    last = max(after)
    after[last] = choose_another_time(phone, after[last])
    follow(phone, phone.get_by_role("button", name="Accept these times"))
    expect(heading(phone)).to_have_text("Your new times")
    picture(phone, "portal-accepted")

    told = wait_for_mail(clinic.mail_dir, address, "Your visits have new times").get_content()
    for number, start in after.items():
        assert f"{long(before[number])} → {long(start)}" in told
        assert in_diary(desk, start, "Lotte Later")
    assert not in_diary(desk, before[2], "Lotte Later")


def test_the_rest_of_a_course_moves_at_once_when_it_was_agreed_by_phone(clinic, sign_in):
    desk, address = sign_in("reception", java_script_enabled=False), "fenja.later@mail.example"
    before = book_course(desk, "Fenja", "1991-04-18", address)
    after = ask_for_the_second_visit_later(desk, before)
    follow(desk, desk.get_by_role("button", name="Agreed by phone: move now"))

    expect(desk.get_by_role("status").first).to_contain_text(f"{len(after)} visits have new times")
    expect(desk.locator("ol.course > li.is-booked")).to_have_count(len(before))
    told = wait_for_mail(clinic.mail_dir, address, "Your visits have new times").get_content()
    for number, start in after.items():
        assert f"{long(before[number])} → {long(start)}" in told
        assert in_diary(desk, start, "Fenja Later")
    assert not in_diary(desk, before[2], "Fenja Later")


def test_a_proposal_is_answered_by_another_wish_and_found_on_the_lists(sign_in, visitor, clinic):
    desk, address = sign_in("reception"), "merle.later@mail.example"
    before = book_course(desk, "Merle", "1979-08-27", address)
    series = desk.url
    follow(desk, desk.get_by_role("link", name="Patient page"))
    give_access(desk, address)
    desk.goto(series)
    ask_for_the_second_visit_later(desk, before)
    follow(desk, desk.get_by_role("button", name="Propose to the patient"))
    expect(desk.get_by_role("status").first).to_contain_text("Proposed to the patient")
    desk.goto("/proposals/")
    expect(desk.get_by_role("region", name="Merle Later")).to_contain_text("No answer yet")
    picture(desk, "proposals")

    phone = visitor(PHONE, java_script_enabled=False)
    enter_portal(phone, clinic, address)
    follow(phone, phone.get_by_role("link", name="See and answer"))
    phone.locator("summary", has_text="Please call me").click()
    phone.get_by_label("When can we reach you").fill("After five, please")
    follow(phone, phone.get_by_role("button", name="Ask for a call"))
    expect(phone.get_by_role("main")).to_contain_text("We will call you.")

    desk.goto("/tasks/")
    expect(desk.get_by_role("main")).to_contain_text("After five, please")
    follow(desk, desk.get_by_role("link", name="Proposed times"))
    mine = desk.get_by_role("region", name="Merle Later")
    expect(mine).to_contain_text("Asks for a call")
    follow(desk, mine.get_by_role("button", name="Take back"))
    expect(desk.get_by_role("region", name="Merle Later")).to_have_count(0)
    phone.reload()
    expect(phone.get_by_role("main")).to_contain_text("We have taken this proposal back.")


def test_the_patient_takes_another_time_than_the_proposed_one(sign_in, visitor, clinic):
    desk, address = sign_in("reception"), "ronja.later@mail.example"
    before = book_course(desk, "Ronja", "1993-02-14", address)
    series, last = desk.url, max(before)
    follow(desk, desk.get_by_role("link", name="Patient page"))
    give_access(desk, address)
    desk.goto(series)
    after = ask_for_later(desk, last, before[last] + timedelta(days=1))
    assert set(after) == {last}
    follow(desk, desk.get_by_role("button", name="Propose to the patient"))

    phone = visitor(PHONE, java_script_enabled=False)
    enter_portal(phone, clinic, address)
    follow(phone, phone.get_by_role("link", name="See and answer"))
    phone.locator("summary", has_text="Another time").click()
    picture(phone, "portal-others")
    choice = phone.locator("button.slot").first
    picked = datetime.fromisoformat(choice.get_attribute("value"))
    assert picked not in (before[last], after[last])
    follow(phone, choice)
    expect(heading(phone)).to_have_text("Your new times")
    expect(phone.get_by_role("main")).to_contain_text(long(picked))

    told = wait_for_mail(clinic.mail_dir, address, "Your visits have new times").get_content()
    assert f"{long(before[last])} → {long(picked)}" in told
    assert in_diary(desk, picked, "Ronja Later")
