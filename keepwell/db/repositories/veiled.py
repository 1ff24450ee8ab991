"""Messages as others than their reader see them: without the links by which the reader answers.

Whoever opens such a link answers as the contact: accepts an offer, ends messages. The rows of the store stay
what was sent, word for word; only what is shown of them lacks the tokens.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

from keepwell.contracts.base import Frozen

VEIL: Final = "…"
_LINK = re.compile(r"(/(?:offers|preferences)/)[\w.-]*\.[\w-]{20,}")
"""A token ends with its signature, after a dot."""
_ADDRESS = re.compile(r"\b([ru]\+)[0-9a-f]{32}(?=@)", re.IGNORECASE)
"""Where a letter goes that answers a message, or ends them."""

_Shown = TypeVar("_Shown", bound=Frozen)


def veiled(shown: _Shown) -> _Shown:
    """The same without the tokens of its reader's links, in whatever field they stand."""
    return type(shown).model_validate(_veiled(shown.model_dump()))


def _veiled(value: Any) -> Any:
    match value:
        case str():
            return _ADDRESS.sub(rf"\1{VEIL}", _LINK.sub(rf"\1{VEIL}", value))
        case dict():
            return {name: _veiled(one) for name, one in value.items()}
        case list() | tuple():
            return [_veiled(one) for one in value]
        case _:
            return value
