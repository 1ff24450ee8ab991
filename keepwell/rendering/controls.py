"""Characters that no text from outside may bring along."""

from __future__ import annotations

import unicodedata
from typing import Any

_DIRECTION_OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"


def without_controls(value: Any) -> Any:
    """Plain data with control characters and direction overrides taken out of its texts.

    They break MJML and can make a name read as something else; line ends and tabs stay.
    """
    if isinstance(value, str):
        return value if value.isprintable() else "".join(filter(_harmless, value))
    if isinstance(value, dict):
        return {key: without_controls(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_controls(item) for item in value]
    return value


def _harmless(char: str) -> bool:
    if char in "\n\t":
        return True
    return unicodedata.category(char) not in {"Cc", "Cs"} and char not in _DIRECTION_OVERRIDES
