"""From the list of protocols in the administration to the draft of one."""

from playwright.sync_api import expect

from tests.journeys.browsers import follow, heading

NAME = "Superficial face rejuvenation"


def open_protocol(page, name=NAME):
    page.goto("/admin/treatments/protocol/")
    follow(page, page.get_by_role("link", name=name, exact=True))


def make_draft(page, name=NAME):
    open_protocol(page, name)
    follow(page, page.get_by_role("button", name="Make a draft").first)
    expect(heading(page)).to_contain_text(name)
    expect(page.get_by_role("button", name="Save draft").last).to_be_visible()
