"""Texts that have to stay on one line: names, subjects, addresses.

They come from files that others wrote. In an email, what ends a line there would begin a header of somebody
else's choosing, and characters that cannot be seen make a name read as another one.
"""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""Unseen, but emoji and several scripts are written with them."""


def one_line(text: str) -> str:
    """The text on one line: what ends lines, cannot be seen or turns the direction of writing is a space."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(" " if unseen(char) else char for char in text).split())


def unseen(char: str) -> bool:
    """Whether a character ends a line, cannot be seen, or is no character at all."""
    kind = unicodedata.category(char)
    return kind in {"Cc", "Cs", "Zl", "Zp"} or (kind == "Cf" and char not in JOINERS)
