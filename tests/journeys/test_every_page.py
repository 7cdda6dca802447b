"""Every page of the URLconf in Chromium: reachable, accessible, quiet, in plain words; every width, light and dark."""

import re

import pytest
from django.urls import reverse

from tests.journeys import walking
from tests.journeys.browsers import INSIDE_PORTAL, add_fingerprint_reader, follow
from tests.journeys.doors import by_password, type_code_of_app
from tests.journeys.drafts import make_draft
from tests.journeys.letters import code_in, wait_for_mail
from tests.journeys.walking import (
    NOT_A_PAGE,
    SIGNS_OUT,
    Looker,
    desk_seeds,
    fixed_addresses,
    fullest,
    name_of,
    page_names,
)

# What is not the same for every role is looked at as reception too.
LOOKS_DIFFERENT = ("diary", "day_list", "patient", "appointment", "series", "tasks")
LEADS_PAGES = {f"admin:treatments_protocol{page}" for page in ("_change", "version_change", "version_retire")}


def walk(looker, seeds, wanted):
    """Open one address of each name that this person reaches; returns all that were found."""
    shown = walking.reach(looker.page, seeds, wanted, looker.password)
    for name, urls in shown.items():
        if name in wanted:
            looker.open(name, fullest(urls))
    return shown


class Walk:
    """Everybody who walks, and what nobody has seen yet."""

    def __init__(self, password):
        self.lookers, self.password = [], password

    def look_as(self, page, who):
        self.lookers.append(Looker(page, who=who, password=self.password))
        return self.lookers[-1]

    @property
    def left(self):
        return page_names() - {name for looker in self.lookers for name in looker.seen}

    @property
    def problems(self):
        return [problem for looker in self.lookers for problem in looker.problems]


def walk_the_desk(walk_, sign_in):
    """The clinical lead opens every page of the desk, reception those that are different for it."""
    lead = walk_.look_as(sign_in("lead"), "clinical lead")
    desk = {name for name in walk_.left if ":" not in name and not name.startswith("portal_")}
    shown = walk(lead, desk_seeds(lead.page), desk - set(SIGNS_OUT))
    reception = walk_.look_as(sign_in("reception"), "reception")
    for name in LOOKS_DIFFERENT:
        reception.open(name, fullest(shown[name]))


def walk_the_administration(walk_, sign_in):
    """The administrator makes a draft, so that there is one, and opens what nobody saw; a lead may retire versions."""
    admin = walk_.look_as(sign_in("admin"), "administrator")
    make_draft(admin.page, "Pattern hair loss, scalp")  # no other test touches its versions
    walk(
        admin,
        [admin.page.url, *fixed_addresses()],
        {name for name in walk_.left if not name.startswith("portal_")} - set(SIGNS_OUT),
    )
    lead = walk_.look_as(sign_in("lead"), "clinical lead")
    walk(lead, [reverse("admin:treatments_protocol_changelist")], LEADS_PAGES)


def use_a_second_step(walk_, sign_in, logins):
    """Somebody sets up an authenticator app and a passkey, signs out, and is asked for the second step."""
    looker = walk_.look_as(sign_in("practitioner"), "practitioner")
    page = looker.page
    page.goto(reverse("mfa_activate_totp"))
    type_code_of_app(page)
    add_fingerprint_reader(page)
    page.goto(reverse("mfa_add_webauthn"))
    follow(page, page.get_by_role("button", name="Make the passkey"))
    seeds = [reverse(name) for name in ("mfa_index", "mfa_list_webauthn", "mfa_reauthenticate")]
    walk(looker, seeds, {one for one in walk_.left if "mfa_" in one})
    looker.open("account_logout", reverse("account_logout"))
    follow(page, page.get_by_role("button", name="Sign out").last)
    by_password(page, *logins["practitioner"])
    looker.look()


def walk_the_portal(walk_, visitor, clinic):
    """A patient asks for a code, types it in, and opens every page of the portal."""
    patient = walk_.look_as(visitor(), "patient")
    page = patient.page
    address = re.search(r"(\S+@\S+)\s+portal of", clinic.manage("demo", "--logins")).group(1)
    page.goto(reverse("portal_sign_in"))
    patient.look("portal_sign_in")
    page.locator("input[type=email], input[name=email]").first.fill(address)
    follow(page, page.get_by_role("button", name="Send me a code"))
    patient.look()
    letter = wait_for_mail(clinic.mail_dir, address, "Your code to sign in")
    page.get_by_role("textbox", name=re.compile("code", re.IGNORECASE)).fill(code_in(letter))
    follow(page, page.get_by_role("button", name="Sign in", exact=True))
    page.wait_for_url(INSIDE_PORTAL)
    walk(patient, [reverse("portal_home")], {name for name in walk_.left if name.startswith("portal_")})


def walk_outside(walk_, visitor, clinic, logins):
    """A stranger opens what is open to strangers, and chooses a new password with a code from the mail."""
    outside = walk_.look_as(visitor(), "stranger")
    page = outside.page
    page.goto(reverse("account_login"))
    outside.look()
    address, _password = logins["reception"]
    page.goto(reverse("account_reset_password"))
    page.locator("input[name=email]").fill(address)
    follow(page, page.get_by_role("button", name="Send me a code"))
    outside.look()
    letter = wait_for_mail(clinic.mail_dir, address, "Your code to choose a password")
    page.locator("input[name=code]").fill(code_in(letter))
    follow(page, page.get_by_role("button", name="Go on"))
    outside.look()
    walk(outside, fixed_addresses(), walk_.left)


@pytest.fixture
def second_steps_end(clinic):
    """The other tests sign in with a password alone."""
    yield
    clinic.manage("shell", "-c", "from allauth.mfa.models import Authenticator; Authenticator.objects.all().delete()")


@pytest.mark.usefixtures("second_steps_end")
def test_every_page_is_reachable_accessible_quiet_and_in_plain_words(clinic, sign_in, visitor, logins, counted):
    walked = Walk(password=logins["reception"][1])  # one for all of the demo

    walk_the_desk(walked, sign_in)
    use_a_second_step(walked, sign_in, logins)
    walk_the_administration(walked, sign_in)
    walk_the_portal(walked, visitor, clinic)
    walk_outside(walked, visitor, clinic, logins)

    seen, looks = page_names() - walked.left, sum(looker.looks for looker in walked.lookers)
    ways = ", ".join(f"{width} px {scheme}" for width, scheme in walking.RULES)
    counted(f"Chromium: {len(seen)} pages, {looks} looks: {ways}; {len(NOT_A_PAGE)} without a page")
    faults = [f"nobody saw {name}" for name in sorted(walked.left)] + walked.problems
    assert not faults, "\n".join(faults)


def test_a_page_that_breaks_a_rule_is_found(visitor):
    page = visitor()
    page.route("**/broken/", lambda route: route.fulfill(
        content_type="text/html",
        headers={"Content-Security-Policy": "style-src 'self'"},
        body="""<!doctype html><html lang="en"><title>Broken</title><style>p { color: red }</style><main><h1>Broken</h1>
            <img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><p>The queryset is empty</p>
            <table><tr><td>averyveryveryveryveryveryveryveryveryveryveryveryveryveryverylongwordinatable</table>""",
    ))  # fmt: skip
    looker = Looker(page, who="stranger")

    looker.open("broken", "/broken/")

    text = "\n".join(looker.problems)
    assert "says queryset" in text
    assert "1280 px light: image-alt" in text
    assert "px wide at 320 px" in text
    assert "Content Security Policy" in text


def test_the_walk_knows_the_addresses():
    assert name_of(reverse("diary")) == "diary"
    assert name_of("/nothing/here/") is None
    assert page_names() & set(NOT_A_PAGE) == set()
