"""A course that does not go as planned, in a browser: begun elsewhere, moved by hand, paused, longer, lost, stopped."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.journeys.browsers import follow, heading
from tests.journeys.test_story import LONDON, SLOT, add_patient, choose, option_like
from tests.journeys.under_way import picture

TODAY = date.today()  # noqa: DTZ011 (the clinic's own day, give or take one)


def press(page, name):
    follow(page, page.get_by_role("button", name=name, exact=True))


def go(page, name):
    follow(page, page.get_by_role("link", name=name, exact=True))


def day(number):
    return (TODAY + timedelta(days=number)).isoformat()


def main(page):
    return page.get_by_role("main")


def start_part_way(page, first_possible=0):
    """A course of which one session was done in Leeds, six weeks ago; ends at the series."""
    follow(page, page.get_by_role("link", name="Start a series").first)
    page.get_by_label("Protocol").select_option(label=option_like(page, "Collagen induction"))
    press(page, "Choose")
    page.get_by_label("Number of visits").fill("4")
    page.get_by_label("First possible day").fill(day(first_possible))
    page.get_by_text("Begun before, or to be used until a day").click()
    page.get_by_label("To be used until").fill(day(400))
    page.get_by_label("Done on").first.fill(day(-42))
    page.get_by_label("Where").first.fill("Dr Bloom, Leeds")
    picture(page, "course-begun")
    press(page, "Start the series")
    expect(heading(page)).to_have_text("Book session 2 of 4")
    follow(page, page.get_by_role("link", name=re.compile("Collagen induction")).first)


def enter_a_missed_visit(page, who):
    """A visit of yesterday, before anybody was at work; nobody came."""
    page.goto("/appointments/past/")
    services = page.locator("select[name=service] option").all_inner_texts()
    page.locator("select[name=service]").select_option(label=next(one for one in services if "icroneedling" in one))
    page.locator("select[name=location]").select_option(label=LONDON)
    page.get_by_label("Day", exact=True).fill(day(-1))
    page.get_by_label("Time", exact=True).fill("04:15")
    follow(page, page.locator("main form button").first)
    page.locator("#id_q").fill(who)
    page.get_by_label(re.compile(who)).check()
    press(page, "Enter the visit")
    press(page, "Did not come")


@pytest.fixture
def reception(sign_in):
    return sign_in("reception")


def test_a_course_is_begun_part_way_changed_paused_lost_and_stopped(reception, sign_in):
    page = reception
    add_patient(page, "Cora", "Courses", born="1977-06-05")
    start_part_way(page)
    series = page.url
    expect(main(page)).to_contain_text("1 of 4 used, 3 left")
    expect(main(page)).to_contain_text("Dr Bloom, Leeds")
    picture(page, "course-series")

    set_own_dates(sign_in("practitioner"), series)
    page.goto(series)
    expect(main(page)).to_contain_text("own dates: Skin was red")

    go(page, "Book the next session")
    choose(page, location=LONDON)
    follow(page, page.locator(SLOT).first)
    page.goto(series)
    go(page, "Pause…")
    page.get_by_label("Why it pauses").fill("Travels for a while")
    page.get_by_role("checkbox").first.check()
    picture(page, "course-pause")
    press(page, "Pause the series")
    expect(main(page)).to_contain_text("Paused: Travels for a while")
    expect(page.get_by_role("link", name="Book the next session")).to_have_count(0)

    go(page, "Let it go on…")
    page.get_by_label("Goes on from").fill(day(-3))
    picture(page, "course-resume")
    press(page, "Let it go on")
    expect(page.get_by_role("link", name="Book the next session")).to_have_count(1)

    go(page, "Change the series…")
    picture(page, "course-change")
    press(page, "Add a visit")
    expect(main(page)).to_contain_text("1 of 5 used, 4 left")

    page.goto(series)
    go(page, "Stop…")
    page.get_by_label("Why it is stopped").fill("Moves to Leeds")
    picture(page, "course-stop")
    press(page, "Stop the series")
    expect(main(page)).to_contain_text("Stopped: Moves to Leeds")


def set_own_dates(page, series):
    page.goto(series)
    follow(page, page.get_by_role("link", name="Change Session 3"))
    page.get_by_label("Not before").fill(day(60))
    page.get_by_label("Not after").fill(day(80))
    page.get_by_label("Why these dates").fill("Skin was red")
    picture(page, "course-session")
    press(page, "Save the dates")


def test_a_missed_visit_is_counted_by_hand(reception):
    page = reception
    add_patient(page, "Hedda", "Noshow", born="1961-10-30")
    start_part_way(page, first_possible=-10)
    series = page.url
    enter_a_missed_visit(page, "Noshow")

    go(page, "Does it use up a session?")
    page.get_by_label("It uses up a session").check()
    page.get_by_label("Reason").fill("The third time")
    picture(page, "course-count")
    press(page, "Save")
    expect(main(page)).to_contain_text("It uses up a session: The third time")

    page.goto(series)
    expect(main(page)).to_contain_text("Session 2: used up")
    expect(main(page)).to_contain_text("2 of 4 used (1 without a treatment), 2 left")
    picture(page, "course-used-up")
