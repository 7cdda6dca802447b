"""Windows of a real browser: how it starts, how large it is, and how a click that loads another page is waited for."""

import re

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
INSIDE_PORTAL = re.compile(r"/portal/(?!sign-in/)")
# As long as Playwright itself waits for a click: a page of a busy machine comes late.
PATIENCE_MS = 30_000
FINGERPRINT_READER = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def follow(page, target):
    """Click what loads another page; afterwards that page has loaded and its scripts have run."""
    with page.expect_navigation():
        target.click()


def add_fingerprint_reader(page):
    """Passkeys are made and used without asking anybody."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": FINGERPRINT_READER})


def heading(page):
    return page.get_by_role("heading", level=1)
