"""The id by which replies and returned mail name an email of ours, whoever carries it."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from keepwell.contracts.delivery import Message

KEY_HEADER = "X-Keepwell-Key"
"""The header that holds the ledger's key as it is."""

_ID = re.compile(r"<([^<>@\s]+)@[^<>@\s]+>")


def message_id(message: Message) -> str:
    """The Message-ID: made of the ledger's key, so the same however often the message is built.

    The key holds no personal data. What stands before the "@" is a dot-atom (RFC 5322, 3.2.3).
    """
    domain = message.sender_address.rpartition("@")[2]
    return f"<{quote(message.key, safe='/')}@{domain}>"


def keys_in(text: str) -> list[str]:
    """What may be keys of ours among the message ids of a header; none of them is known to be one."""
    return [unquote(found) for found in _ID.findall(text) if "/" in found]
