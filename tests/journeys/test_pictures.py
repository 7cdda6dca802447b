"""The map of the body answers the pointer and the keyboard alike, and a form about areas works without scripts."""

import re


def open_form(page):
    """The form that starts a series of the first protocol for some patient."""
    page.goto("/diary/")
    page.locator("main a[href^='/appointments/']").first.click()
    page.locator("main a[href^='/patients/']").first.click()
    address = re.match(r".*/patients/[\w-]+/", page.url)[0] + "series/new/"
    page.goto(address)
    protocol = page.locator("#id_protocol option", has_text="Facial acne scars").get_attribute("value")
    page.goto(f"{address}?protocol={protocol}")


def classes(page, selector):
    return set(page.locator(selector).first.get_attribute("class").split())


def test_a_click_on_the_face_ticks_the_box_and_a_tick_colours_the_face(sign_in):
    page = sign_in("practitioner")
    open_form(page)
    box, zone = page.get_by_label("Forehead"), ".body-zone[data-area=forehead]"

    page.locator(zone).click()
    after_click = box.is_checked(), "is-chosen" in classes(page, zone)
    box.press("Space")
    after_key = box.is_checked(), "is-chosen" in classes(page, zone)

    assert (after_click, after_key) == ((False, False), (True, True))


def test_a_line_of_the_list_lights_its_zone_by_keyboard_and_by_pointer(sign_in):
    page = sign_in("practitioner")
    page.goto("/protocols/")
    page.get_by_role("link", name="Facial acne scars").click()
    page.wait_for_url("**/protocols/*/")

    page.locator(".body-row[data-area=cheek]").focus()
    by_key = "is-lit" in classes(page, ".body-zone[data-area=cheek]")
    page.locator(".body-zone[data-area=forehead]").hover()
    by_pointer = "is-lit" in classes(page, ".body-row[data-area=forehead]")

    assert (by_key, by_pointer) == (True, True)
    assert "is-lit" not in classes(page, ".body-zone[data-area=cheek]")
