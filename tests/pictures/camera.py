"""Takes pictures in a headless browser: desktop and phone, light and dark, side by side in one file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import PROGRAMS

DESKTOP, PHONE = 1000, 360
"""Widths of the windows, in CSS pixels."""
SHOWN = 680
"""Of the desktop's width, so much is kept, from the middle: beyond it there is only ground."""
GAP = 24
BETWEEN = "#8a949e"

Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class View:
    """A window: how wide, how much of it is kept, and the reader's colours."""

    width: int
    keep: int
    scheme: Scheme


VIEWS = (
    View(DESKTOP, SHOWN, "light"),
    View(DESKTOP, SHOWN, "dark"),
    View(PHONE, PHONE, "light"),
    View(PHONE, PHONE, "dark"),
)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Debian's chromium, headless. Raises FileNotFoundError where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise FileNotFoundError(f"No browser: install one of {', '.join(PROGRAMS)}.")
    with sync_playwright() as playwright:
        # Within a container it runs as root, and there is no sandbox for root.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--lang=en-GB"])
        yield browser
        browser.close()


class Camera:
    """Four windows on one browser."""

    def __init__(self, browser: Browser) -> None:
        self._windows = [
            (
                view,
                browser.new_page(
                    viewport={"width": view.width, "height": 200}, color_scheme=view.scheme, locale="en-GB"
                ),
            )
            for view in VIEWS
        ]

    def letter(self, html: str, file: Path) -> None:
        """The picture of an email."""
        self._take(partial(fill, html=html), file)

    def page(self, url: str, do: Callable[[Page], None], file: Path) -> None:
        """The picture of a page, once something is done there."""
        self._take(partial(visit, url=url, do=do), file)

    def still(self, show: Callable[[Page], object], file: Path, *, width: int, height: int) -> None:
        """One picture alone: a desktop in light colours, the middle of it, its upper part."""
        view, page = self._windows[0]
        show(page)
        shot = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        left = (view.width - width) // 2
        shot.crop((left, 0, left + width, min(height, shot.height))).save(file, optimize=True)

    def _take(self, open_: Callable[[Page], object], file: Path) -> None:
        shots = []
        for view, page in self._windows:
            open_(page)
            shot = Image.open(BytesIO(page.screenshot(full_page=True)))
            left = (view.width - view.keep) // 2
            shots.append(shot.crop((left, 0, left + view.keep, shot.height)).convert("RGB"))
        sheet(shots).save(file, lossless=True, method=6)


def fill(page: Page, html: str) -> None:
    """Show an email; nothing of a page that was there before counts any more."""
    page.goto("about:blank")
    page.set_content(html)


def visit(page: Page, url: str, do: Callable[[Page], None]) -> None:
    """Open a page, and do there what its reader does."""
    page.goto(url)
    do(page)


def sheet(shots: list[Image.Image]) -> Image.Image:
    """Pictures side by side."""
    size = sum(one.width for one in shots) + GAP * (len(shots) - 1), max(one.height for one in shots)
    whole = Image.new("RGB", size, BETWEEN)
    left = 0
    for one in shots:
        whole.paste(one, (left, 0))
        left += one.width + GAP
    return whole
