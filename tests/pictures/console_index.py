"""Writes docs/console.md: every page of the console, by what one does there."""

from __future__ import annotations

from itertools import groupby

from tests.pictures.console_camera import WINDOWS, file_of
from tests.pictures.console_pages import SHOTS, Shot
from tests.pictures.index import DOCS

PAGE = DOCS / "console.md"
FOLDER = DOCS / "pictures" / "console"

HEAD = """# Every page of the console as a picture

Each page in a window of 1,440 pixels and on a phone of 390, in light and in dark colours. They are \
pages of the demo: `make demo` opens the same. Customers, people and figures are made up.

How to work with them is in the [guide for CSMs](guide/csm.md). `make pictures` takes the pictures and makes \
this page.
"""


def written() -> str:
    """The whole page."""
    parts = [HEAD]
    for part, shots in groupby(SHOTS, key=lambda shot: shot.part):
        parts.append(f"## {part}\n\n" + "\n".join(_shown(shot) for shot in shots))
    return "\n".join(parts)


def pictures() -> set[str]:
    """The names of all picture files."""
    return {file_of(shot, window) for shot in SHOTS for window in WINDOWS}


def _shown(shot: Shot) -> str:
    first, *others = WINDOWS
    heads = " | ".join(window.ends.removeprefix("-").replace("-", ", ") for window in others)
    cells = " | ".join(_picture(shot, file_of(shot, window)) for window in others)
    lines = "|---" * len(others) + "|"
    return (
        f"### {shot.title}\n\n{shot.words}\n\n{_picture(shot, file_of(shot, first))}\n\n"
        f"| {heads} |\n{lines}\n| {cells} |\n"
    )


def _picture(shot: Shot, file: str) -> str:
    return f"![{shot.title}](pictures/console/{file})"
