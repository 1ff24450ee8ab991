"""Addresses that a customer's mail program answers to: they say which message was answered.

The part before the @ holds a token that was drawn for the message and stands in the send ledger
(`delivery.reply_token`; `keepwell.db.repositories.replies` finds it). It is 32 digits of hex, as the part may
have 64 characters, and mail servers may turn it into capitals.
"""

from __future__ import annotations

import re
import secrets
from enum import StrEnum
from typing import NamedTuple

TOKEN_LENGTH = 32


class Way(StrEnum):
    """What a letter to an address of ours means, by the first letter of the address."""

    REPLY = "r"
    UNSUBSCRIBE = "u"


class Meant(NamedTuple):
    """What an address means, and the token of the message that gave it."""

    way: Way
    token: str


_LOCAL = re.compile(rf"([ru])\+([0-9a-f]{{{TOKEN_LENGTH}}})")


def new_token() -> str:
    """A token that nobody can guess: 128 random bits."""
    return secrets.token_hex(TOKEN_LENGTH // 2)


def reply_address(domain: str, token: str, way: Way = Way.REPLY) -> str:
    """The address for a message with this token; "" where there is no domain or no token."""
    return f"{way.value}+{token}@{domain}" if domain and token else ""


def meant_by(address: str, domain: str) -> Meant | None:
    """What an address of ours means; None for any other, and without a domain."""
    local, at, host = address.strip().lower().rpartition("@")
    found = _LOCAL.fullmatch(local)
    if not domain or not at or host != domain.lower() or found is None:
        return None
    return Meant(Way(found[1]), found[2])
