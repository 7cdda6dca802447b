"""A clinical lead changes a protocol in the administration: a draft, the difference in words, the tick, a refusal."""

from playwright.sync_api import expect

from tests.journeys.browsers import follow
from tests.journeys.drafts import make_draft, open_protocol
from tests.journeys.walking import Looker


def row_of(page, words):
    return page.get_by_role("group", name=words).first


def publish(page):
    page.get_by_label("I have checked every value").check()
    follow(page, page.get_by_role("button", name="Save and publish"))


def kinds(page):
    """Which kind each part of the session has, from the first to the last."""
    chosen = page.locator("[data-rows=segments] select[name$='-kind']")
    return [chosen.nth(index).input_value() for index in range(chosen.count())]


def test_a_changed_protocol_is_published_and_one_over_the_cap_is_refused_at_its_field(sign_in):
    page = sign_in("lead")
    make_draft(page)

    row_of(page, "Forehead").get_by_label("Greatest depth, mm").fill("0.4")
    row_of(page, "induction").get_by_label("Ideally, days").fill("35")
    difference = page.locator("#difference")
    expect(difference).to_contain_text("Forehead: depth 0.25–0.5 → 0.25–0.4 mm")
    expect(difference).to_contain_text("Phase 1: ideally 28 → 35 days")
    expect(page.locator("#sums-phases")).to_contain_text("15 weeks")
    publish(page)
    expect(page.locator("#main")).to_contain_text("Version 2 is published. New series follow it.")
    expect(page.get_by_role("row", name="Version 2")).to_contain_text("In use")
    expect(page.get_by_role("row", name="Version 1")).to_contain_text("No longer in use")

    make_draft(page)
    row_of(page, "Forehead").get_by_label("Greatest depth, mm").fill("9")
    row_of(page, "Cheek").get_by_label("Most passes").fill("5")
    publish(page)
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("Greatest depth, mm: Forehead: 9 mm is deeper than the limit of")
    alert.get_by_role("link", name="is deeper than the limit of").first.click()
    refused = row_of(page, "Forehead").get_by_label("Greatest depth, mm")
    expect(refused).to_be_in_viewport()
    expect(refused).to_have_attribute("aria-invalid", "true")
    expect(refused).to_have_value("9")
    expect(row_of(page, "Cheek").get_by_label("Most passes")).to_have_value("5")
    page.reload()
    open_protocol(page)
    expect(page.get_by_role("row", name="Version 3")).to_contain_text("Draft, not checked yet")
    expect(page.get_by_role("row", name="Version 2")).to_contain_text("In use")


def test_rows_of_a_draft_move_by_buttons_with_and_without_scripts(sign_in, visitor):
    page = sign_in("admin")
    make_draft(page, "Facial acne scars")
    before = kinds(page)

    page.locator("[data-rows=segments] [data-row]").last.get_by_role("button", name="Up").click()
    moved = kinds(page)
    follow(page, page.get_by_role("button", name="Save draft").last)
    expect(page.locator("#main")).to_contain_text("The draft is saved.")
    saved = kinds(page)
    assert (len(before) > 1, moved, saved) == (True, [*before[:-2], *before[-1:], *before[-2:-1]], moved)

    plain = visitor(storage_state=page.context.storage_state(), java_script_enabled=False)
    plain.goto(page.url)
    plain.get_by_label("What the skin looks like when to stop").fill("Even redness")
    rows = plain.locator("[data-rows=segments] [data-row]")
    follow(plain, rows.nth(len(before) - 2).get_by_role("button", name="Down"))
    assert kinds(plain) == before
    expect(plain.get_by_label("What the skin looks like when to stop")).to_have_value("Even redness")


def test_the_pages_of_a_draft_are_accessible_in_plain_words_and_quiet(sign_in):
    page = sign_in("lead")
    make_draft(page, "Custom face cocktail: HA, vitamin C and vitamins")
    address = page.url

    looker = Looker(page, who="lead")
    for act in ("change", "delete", "compare"):
        looker.open(f"admin:treatments_protocolversion_{act}", address.replace("/change/", f"/{act}/"))

    assert looker.problems == []
