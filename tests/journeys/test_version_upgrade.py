"""A newer version of a protocol and a course that is running: looked at before, published, compared, followed."""

from playwright.sync_api import expect

from tests.journeys.browsers import follow, heading
from tests.journeys.drafts import make_draft
from tests.journeys.test_story import SLOT, add_patient, option_like
from tests.journeys.under_way import picture
from tests.journeys.walking import Looker

NAME = "Stretch marks (abdomen, thigh, flank, buttock)"  # no other test touches its versions


def begin_course(page, given, *, born="1985-03-02", booked=2):
    """A course whose first sessions are booked, as early as may be; returns the address of its page."""
    add_patient(page, given, "Upgrade", born=born)
    follow(page, page.get_by_role("link", name="Start a series").first)
    page.get_by_label("Protocol").select_option(label=option_like(page, "Stretch marks"))
    follow(page, page.get_by_role("button", name="Choose"))
    follow(page, page.get_by_role("button", name="Start the series"))
    book = page.url.split("?")[0]
    for _session in range(booked):
        page.goto(book)
        follow(page, page.locator(SLOT).first)
        expect(page.get_by_role("status").first).to_contain_text("Booked")
    return book.removesuffix("book/")


def type_days(page, least, ideal, most):
    row = page.get_by_role("group", name="induction").first
    for label, days in (("At least, days", least), ("Ideally, days", ideal), ("At most, days", most)):
        row.get_by_label(label).fill(str(days))


def look(page, *, who="lead"):
    """What axe and a narrow page find on what is open; the window is as wide as before afterwards."""
    looker = Looker(page, who=who)
    looker.look()
    page.set_viewport_size({"width": 1280, "height": 900})
    assert looker.problems == []


def test_a_running_course_is_looked_at_before_publishing_and_follows_the_newer_version(sign_in):
    page = sign_in("lead")
    course = begin_course(page, "Uma")
    others = [
        begin_course(page, name, born=f"19{year}-07-01", booked=1) for name, year in (("Vera", 77), ("Wilma", 91))
    ]

    make_draft(page, NAME)
    type_days(page, 30, 40, 56)
    drawn = page.locator("#drawn-phases")
    drawn.get_by_text("As a table").click()
    expect(drawn.get_by_role("row", name="Session 2")).to_contain_text("day 40")
    picture(page, "protocol-draft")
    follow(page, page.get_by_role("button", name="Save draft").last)
    follow(page, page.get_by_role("link", name="What the saved draft would change for them"))
    expect(heading(page)).to_have_text("Running series")
    row = page.get_by_role("listitem").filter(has_text="Uma Upgrade")
    expect(row).to_contain_text("Sooner than the days between sessions then allow.")
    expect(page.get_by_role("main")).to_contain_text("Nothing changes by publishing")
    picture(page, "protocol-running-draft")
    look(page)

    page.goto(course)
    expect(page.get_by_role("main")).to_contain_text("This series follows version 1 of its protocol.")
    expect(page.get_by_role("main")).not_to_contain_text("Version 2 is in use.")
    publish_the_draft(page)

    page.goto(course)
    follow(page, page.get_by_role("link", name="What is different"))
    expect(heading(page)).to_have_text("Compare versions")
    expect(page.get_by_role("main")).to_contain_text("Phase 1: ideally 30 → 40 days")
    picture(page, "protocol-compare")
    look(page)

    follow_alone(page, course)
    follow_together(page, others)


def follow_alone(page, course):
    """One course goes over, after what becomes of each of its sessions was shown."""
    page.goto(course)
    third = page.locator("ol.course > li").nth(2)
    before = third.inner_text()
    follow(page, page.get_by_role("link", name="Follow the newer version…"))
    expect(page.get_by_role("row", name="Session 3")).to_contain_text("30 (14–42) → 40 (30–56)")
    expect(page.get_by_role("main")).to_contain_text("Becomes a task")
    picture(page, "series-upgrade")
    look(page)
    page.get_by_label("Reason").fill("Fewer marks when the skin rests longer")
    follow(page, page.get_by_role("button", name="Follow version 2"))

    expect(page.get_by_role("main")).to_contain_text("This series follows version 2 of its protocol.")
    expect(page.get_by_role("main")).to_contain_text("Fewer marks when the skin rests longer")
    expect(page.get_by_role("main")).to_contain_text("1 booked visit does not fit any more")
    assert third.inner_text() != before
    picture(page, "series-after")
    page.goto("/tasks/")
    task = page.get_by_role("listitem").filter(has_text="Uma Upgrade")
    expect(task).to_contain_text("The series follows a newer version of its protocol")


def follow_together(page, courses):
    """Of the series that run on older versions those of two patients go over at once, the others stay."""
    page.goto("/protocols/")
    follow(page, page.get_by_role("link", name=NAME).first)
    follow(page, page.get_by_role("link", name="Series that run on older versions"))
    rows = page.locator("ul.rows > li")
    expect(rows.filter(has_text="Uma Upgrade")).to_have_count(0)
    for row in rows.filter(has=page.get_by_role("checkbox")).all():
        row.get_by_role("checkbox").set_checked("Upgrade" in row.inner_text())
    picture(page, "protocol-running-many")
    page.get_by_label("Reason").fill("Longer rest for everybody")
    follow(page, page.get_by_role("button", name="Change the ticked series"))

    expect(page.get_by_role("status").first).to_contain_text("2 series follow version 2.")
    expect(page.locator("ul.rows > li").filter(has_text="Upgrade")).to_have_count(0)
    for course in courses:
        page.goto(course)
        expect(page.get_by_role("main")).to_contain_text("This series follows version 2 of its protocol.")
        expect(page.get_by_role("main")).to_contain_text("Longer rest for everybody")


def publish_the_draft(page):
    """From the list of protocols, as the clinical lead does it."""
    page.goto("/admin/treatments/protocol/")
    follow(page, page.get_by_role("link", name=NAME, exact=True))
    follow(page, page.get_by_role("link", name="Edit the draft"))
    page.get_by_label("I have checked every value").check()
    follow(page, page.get_by_role("button", name="Save and publish"))
    expect(page.get_by_role("main")).to_contain_text("Version 2 is published.")
