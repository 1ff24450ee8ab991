"""What makes a message safe to send as an email: plain addresses, and the headers to leave by."""

from __future__ import annotations

import re

from keepwell.contracts.delivery import Message
from keepwell.contracts.lines import one_line, unseen
from keepwell.errors import SendRefusedError

ONE_CLICK = "List-Unsubscribe=One-Click"
"""The body of the request that a mail program makes when somebody clicks its own button (RFC 8058)."""

LONGEST_ADDRESS = 254
"""Characters of an address that SMTP can carry (RFC 5321)."""

_ADDRESS = re.compile(r"[^\s\"(),:;<>@\[\\\]]+@[^\s\"(),:;<>@\[\\\]]+")


def checked_address(address: str) -> str:
    """An address that can stand in a header and in SMTP's commands.

    Raises:
        SendRefusedError: it cannot; trying again does not help.
    """
    if len(address) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(address) or any(map(unseen, address)):
        raise SendRefusedError(
            f"{one_line(address)[:LONGEST_ADDRESS]!r} is not an email address that can be sent to: correct "
            "it where it comes from, and import it again.",
            retryable=False,
        )
    return address


def headers_of(message: Message) -> dict[str, str]:
    """The headers by which a mail program lets its reader unsubscribe; none for a message to staff.

    `List-Unsubscribe-Post` (RFC 8058) wants an address with https://: without one a click asks first.
    """
    ways = [message.unsubscribe_url, message.unsubscribe_mailto]
    if not any(ways):
        return {}
    headers = {"List-Unsubscribe": ", ".join(f"<{one_line(way)}>" for way in ways if way)}
    if message.unsubscribe_url.startswith("https://"):
        headers["List-Unsubscribe-Post"] = ONE_CLICK
    return headers
