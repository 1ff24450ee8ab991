"""What every page must be: accessible, and no wider than its window."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def accessible(page: Page) -> None:
    """Nothing that the checker of WCAG 2.2 AA finds."""
    found = Axe().run(page, options={"runOnly": list(WCAG)})
    assert found.violations_count == 0, found.generate_report()


def fits(page: Page) -> None:
    """It is not wider than its window: nobody scrolls sideways."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{wide} pixels too wide"


def on_a_phone(page: Page) -> None:
    """The page in a window of 390 by 844."""
    page.set_viewport_size({"width": 390, "height": 844})
