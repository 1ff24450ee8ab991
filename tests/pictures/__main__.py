"""`make pictures`: takes every picture anew, and writes docs/emails.md and docs/console.md.

With a word only the emails whose names begin so; `console` takes the console alone, and with a second word
only those of its pages whose names begin so.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from tests.pictures import console_index
from tests.pictures.camera import Camera, fill, open_browser, visit
from tests.pictures.console_camera import ConsoleCamera
from tests.pictures.console_demo import demo
from tests.pictures.console_pages import SHOTS
from tests.pictures.index import FOLDER, PAGE, pictures, written
from tests.pictures.letters import LONG_CUSTOMER, LONG_PERSON, Letter, letters, with_long_names
from tests.pictures.pages import Shown, served


def take(folder: Path, starting: str = "", *, long_names: bool = False) -> None:
    """Take the pictures whose names start so into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found = letters(with_long_names) if long_names else letters()
    names = (LONG_CUSTOMER, LONG_PERSON.name) if long_names else ()
    with served(*names) as pages, open_browser() as browser:
        camera = Camera(browser)
        if folder == FOLDER and not starting:
            _stills(camera, found, pages)
        for letter in found:
            if letter.key.startswith(starting):
                camera.letter(letter.rendered.html, folder / f"{letter.key}.webp")
        for page in pages:
            if f"page-{page.key}".startswith(starting):
                camera.page(page.url, page.do, folder / f"page-{page.key}.webp")


def _stills(camera: Camera, found: list[Letter], pages: list[Shown]) -> None:
    """The pictures of the guides and the README that show one of these."""
    (value,) = [letter.rendered.html for letter in found if letter.key == "at_risk-value_email"]
    size = {"width": 700, "height": 1000}
    camera.still(partial(fill, html=value), FOLDER.parent / "email-value.png", **size)
    for page in pages:
        if page.key in ("offer", "preferences"):
            show = partial(visit, url=page.url, do=page.do)
            camera.still(show, FOLDER.parent / f"{page.key}.png", **size)


def take_console(folder: Path, starting: str = "") -> None:
    """Take the pictures of the console's pages whose names start so into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as running, open_browser() as browser:
        camera = ConsoleCamera(browser, running)
        for shot in SHOTS:
            if shot.key.startswith(starting):
                camera.take(shot, folder)


def _console(words: list[str]) -> None:
    take_console(console_index.FOLDER, *words[:1])
    for old in console_index.FOLDER.glob("*.png"):
        if old.name not in console_index.pictures():
            old.unlink()
    console_index.PAGE.write_text(console_index.written())


def main(words: list[str]) -> None:
    """Take them into docs; `--long-names FOLDER` takes them elsewhere, with the longest names, to look at."""
    if words[:1] == ["console"]:
        _console(words[1:])
        return
    if words[:1] == ["--long-names"]:
        take(Path(words[1]), long_names=True)
        return
    take(FOLDER, *words[:1])
    for old in FOLDER.glob("*.webp"):
        if old.name not in pictures():
            old.unlink()
    PAGE.write_text(written())
    if not words:
        _console([])


if __name__ == "__main__":
    main(sys.argv[1:])
