"""Photographs the console: each page in four windows, each picture with few colours and so small."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.pictures.camera import Scheme
from tests.pictures.console_demo import Demo
from tests.pictures.console_pages import Shot

COLOURS = 96
"""A page has few, and its edges' shades: more of them make larger files, not better pictures."""
SETTLED = 900.0
"""Milliseconds until parts that a page loads by itself are there, and its charts stand still."""


@dataclass(frozen=True)
class Window:
    """A reader's window: what its pictures' names end with, its size in CSS pixels, and its colours."""

    ends: str
    width: int
    height: int
    scheme: Scheme


WINDOWS = (
    Window("", 1440, 1000, "light"),
    Window("-dark", 1440, 1000, "dark"),
    Window("-phone", 390, 844, "light"),
    Window("-phone-dark", 390, 844, "dark"),
)


def file_of(shot: Shot, window: Window) -> str:
    """The name of a picture."""
    return f"{shot.key}{window.ends}.png"


class ConsoleCamera:
    """Windows on one browser, each signed in once as each of those who look."""

    def __init__(self, browser: Browser, demo: Demo) -> None:
        self._browser, self._demo = browser, demo
        self._open: dict[tuple[str, str], Page] = {}

    def take(self, shot: Shot, folder: Path) -> None:
        """The four pictures of a page."""
        for window in WINDOWS:
            page = self._window(window, shot.role)
            answer = page.goto(self._demo.url + shot.path.format(**self._demo.facts))
            assert answer is not None, shot.key
            assert answer.ok, (shot.key, answer.status)
            page.wait_for_timeout(SETTLED)
            shot.do(page)
            page.wait_for_timeout(SETTLED / 2)
            self._keep(page.screenshot(), folder / file_of(shot, window))

    def _window(self, window: Window, role: str) -> Page:
        key = (window.ends, role)
        if key not in self._open:
            context = self._browser.new_context(
                viewport={"width": window.width, "height": window.height},
                color_scheme=window.scheme,
                locale="en-GB",
                reduced_motion="reduce",
            )
            page = self._open[key] = context.new_page()
            if role:
                page.goto(f"{self._demo.url}/sign-in")
                page.locator(f"button[name='role'][value='{role}']").click()
                page.wait_for_load_state()
        return self._open[key]

    def _keep(self, shot: bytes, file: Path) -> None:
        whole = Image.open(BytesIO(shot)).convert("RGB")
        few = whole.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(file, optimize=True)
