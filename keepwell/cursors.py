"""Cursors: where a page of a list ended, as one opaque word for whoever asks for the next one.

A cursor holds the sort values of the last row, its id last, so that rows which come or go in between neither
repeat nor lose another. It is no secret: a made-up one leads nowhere but to another place of the same list.
"""

from __future__ import annotations

import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Final

from keepwell.errors import InputError

LARGEST: Final = 2**63


def encode(values: Sequence[Any]) -> str:
    """The cursor behind a row with these values (JSON's: text, numbers, booleans, None)."""
    text = json.dumps(list(values), separators=(",", ":"), allow_nan=False)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type | tuple[type, ...]) -> tuple[Any, ...]:
    """The values of a cursor, of these kinds.

    Raises:
        InputError: it is none of this list's.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = json.loads(urlsafe_b64decode(padded))
    except (ValueError, RecursionError):
        found = None
    fits = isinstance(found, list) and len(found) == len(kinds)
    # A boolean is an int to Python, and none to a database.
    if not fits or not all(
        isinstance(one, kind) and not (isinstance(one, bool) and kind is not bool) and _fits(one)
        for one, kind in zip(found, kinds, strict=True)
    ):
        raise InputError(
            "This cursor is none of this list.",
            place="cursor",
            hint="Take `next` of the page before, unchanged, or leave it out to begin at the start.",
        )
    return tuple(found)


def _fits(value: Any) -> bool:
    """Whether a value is one that databases take: no endless number, and no text that is none."""
    if isinstance(value, str):
        # Names hold what they like, marks that are not printed too; but no NUL and no half of a letter.
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or abs(value) < LARGEST
