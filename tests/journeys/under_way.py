"""Pictures of what a journey meets on its way: whole pages in the middle of the work, at the desk and on a phone."""

import os
from pathlib import Path

from playwright.sync_api import Page

from tests.journeys.browsers import DESK, PHONE

FOLDER, QUALITY = os.environ.get("CADENCE_PICTURES"), 45
CAPTIONS = "captions.tsv"  # of each picture its file and the title of the page


def picture(page: Page, name: str) -> None:
    """Keep the open page, where somebody has named a folder for pictures; the window is as before afterwards."""
    if not FOLDER:
        return
    before = page.viewport_size or DESK
    for view, scheme in ((DESK, "light"), (PHONE, "dark")):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(view)
        # As high as the page, so that what sticks to the lower edge covers nothing.
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size(view | {"height": max(height, view["height"])})
        file = f"{name}-{view['width']}-{scheme}.jpg"
        page.screenshot(path=Path(FOLDER) / file, type="jpeg", quality=QUALITY)
        with (Path(FOLDER) / CAPTIONS).open("a") as captions:
            captions.write(f"{file}\t{page.title().rpartition(' · ')[0] or page.title()}\n")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)
