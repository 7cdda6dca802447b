"""Ways in and out for people who work at the clinic: password, second step, passkey and PIN, as they do it."""

from playwright.sync_api import expect

from tests.journeys.browsers import follow, heading
from tests.journeys.letters import code_in, wait_for_mail
from tests.sign_in import PASSWORD, app_code

MENU = "details.menu:not(.nav-narrow)"


def choose_password(page, clinic, email):
    page.goto("/account/login/")
    follow(page, page.get_by_role("link", name="Forgot"))
    page.locator("input[name=email]").fill(email)
    follow(page, page.get_by_role("button", name="Send me a code"))
    letter = wait_for_mail(clinic.mail_dir, email, "Your code to choose a password")
    page.locator("input[name=code]").fill(code_in(letter))
    follow(page, page.get_by_role("button", name="Go on"))
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password2]").fill(PASSWORD)
    follow(page, page.get_by_role("button", name="Save the new password"))
    expect(heading(page)).to_have_text("Your password is changed")


def by_password(page, email, password=PASSWORD):
    page.goto("/account/login/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(password)
    follow(page, page.get_by_role("button", name="Sign in", exact=True))


def type_password_again(page, password):
    """On the page that stands before a sensitive change, minutes after signing in."""
    page.locator("input[name=password]").fill(password)
    follow(page, page.get_by_role("button", name="Go on", exact=True))


def set_up_app(page):
    """From any page of the desk; returns the key of the app."""
    from_menu(page, "Set up a second step")
    follow(page, page.get_by_role("link", name="Set up an app"))
    return type_code_of_app(page)


def type_code_of_app(page):
    """From the key of a new app to the page after the recovery codes; returns the key."""
    secret = page.locator(".secret").inner_text()
    page.locator("input[name=code]").fill(app_code(secret))
    follow(page, page.get_by_role("button", name="Set up the app"))
    keep_recovery_codes(page)
    return secret


def keep_recovery_codes(page):
    expect(page.locator(".codes li")).to_have_count(10)
    follow(page, page.get_by_role("link", name="I have kept them, go on"))


def from_menu(page, name):
    page.locator(f"{MENU} > summary").click()
    follow(page, page.locator(MENU).get_by_role("link", name=name))


def sign_out(page):
    page.locator(f"{MENU} > summary").click()
    follow(page, page.get_by_role("button", name="Sign out"))
    page.wait_for_url("**/account/login/**")


def make_clinic_device(page):
    from_menu(page, "How you sign in")
    follow(page, page.get_by_role("link", name="Make this browser a clinic device"))
    page.get_by_role("textbox").last.fill("Reception tablet")
    follow(page, page.get_by_role("button", name="Make it a clinic device"))
    expect(page.get_by_role("status").first).to_contain_text("Reception tablet")


def choose_pin(page, pin):
    from_menu(page, "PIN")
    page.locator("input[name=pin]").fill(pin)
    page.locator("input[name=again]").fill(pin)
    follow(page, page.get_by_role("button", name="Save the PIN"))
    expect(page.get_by_role("status").first).to_contain_text("Your PIN is saved")


def take_over(page, name, pin):
    """From the page that asks who it is: one of the names, and a PIN."""
    page.get_by_role("radio", name=name).check()
    page.get_by_label("PIN").fill(pin)
    follow(page, page.get_by_role("button", name="Take over"))


def is_at_the_diary_as(page, name):
    page.wait_for_url("**/diary/**")
    expect(page.locator(".menu-name")).to_have_text(name)
