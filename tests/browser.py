"""A headless Chromium for tests of pages. Nothing is installed here: what is missing is named."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.absent import absent

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def launched() -> Iterator["Browser"]:
    """The browser, closed at the end."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("the Python package playwright is missing; install the dev extra: pip install -e '.[dev]'")
    if CHROMIUM is None:
        absent("no chromium on the path; on Debian or Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield found
        found.close()
