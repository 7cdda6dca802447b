"""The map of the body answers the pointer and the keyboard alike, and a form about areas works without scripts."""

import re

from playwright.sync_api import expect

from tests.journeys.browsers import follow


def open_form(page):
    """The form that starts a series of the first protocol for some patient."""
    page.goto("/patients/?q=an")
    follow(page, page.locator("#found a[href^='/patients/']").first)
    address = re.match(r".*/patients/[\w-]+/", page.url)[0] + "series/new/"
    page.goto(address)
    protocol = page.locator("#id_protocol option", has_text="Facial acne scars").get_attribute("value")
    page.goto(f"{address}?protocol={protocol}")


def test_a_click_on_the_face_ticks_the_box_and_a_tick_colours_the_face(sign_in):
    page = sign_in("practitioner")
    open_form(page)
    box = page.locator("input[name=areas][value=forehead]")
    zone = page.locator(".body-zone[data-area=forehead]")

    zone.first.click()
    expect(box).not_to_be_checked()
    expect(zone.first).not_to_contain_class("is-chosen")

    box.press("Space")
    expect(box).to_be_checked()
    expect(zone.first).to_contain_class("is-chosen")


def test_a_line_of_the_list_lights_its_zone_by_keyboard_and_by_pointer(sign_in):
    page = sign_in("practitioner")
    page.goto("/protocols/")
    follow(page, page.get_by_role("link", name="Facial acne scars"))
    cheek, forehead = (page.locator(f"[data-area={area}]") for area in ("cheek", "forehead"))
    zone, row = page.locator(".body-zone"), page.locator(".body-row")

    row.and_(cheek).focus()
    expect(zone.and_(cheek).first).to_contain_class("is-lit")
    zone.and_(forehead).hover()
    expect(row.and_(forehead)).to_contain_class("is-lit")
    expect(zone.and_(cheek).first).not_to_contain_class("is-lit")
