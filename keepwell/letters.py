"""An email that came in, and whether it is from whom it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

LONGEST_ID = 200
"""Characters of a message id that are kept; a longer one is known by its hash."""


class Proof(StrEnum):
    """Genuine: the sender's domain vouches for it. Forged: it says that it does not. Else nobody says."""

    GENUINE = "genuine"
    UNPROVEN = "unproven"
    FORGED = "forged"


@dataclass(frozen=True)
class Letter:
    """What somebody wrote. Texts are on one line but for `text`; `headers` are by name in lower case.

    `to` is every address that it came to. `return_path` is the sender of the envelope, empty for a letter
    to which nothing may be returned, None where nobody says. `spf` is the result for that sender, and `dkim`
    the result of each domain that signed.
    """

    message_id: str
    from_address: str
    from_name: str
    subject: str
    text: str
    received_at: datetime
    to: tuple[str, ...] = ()
    return_path: str | None = None
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    spf: str = ""
    dkim: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """The first header of that name; "" without one."""
        return next(iter(self.headers.get(name, ())), "")

    @property
    def names(self) -> str:
        """The message ids of the letters that it answers."""
        return " ".join((*self.headers.get("in-reply-to", ()), *self.headers.get("references", ())))


def known_id(message_id: str, *else_of: str) -> str:
    """What a letter is recognised by: its id as it is, or a hash where that is missing or too long."""
    if message_id and len(message_id) <= LONGEST_ID:
        return message_id
    parts = (message_id,) if message_id else else_of
    return f"sha256:{sha256(chr(0).join(parts).encode(errors='replace')).hexdigest()}"


def proof_of(letter: Letter) -> Proof:
    """Whether the domain in `From` stands behind the letter, as DMARC judges it (RFC 7489, 3.1).

    One of DKIM and SPF has to pass, and for that very domain, or one above or below it: anybody can pass
    both for a domain of their own.
    """
    domain = _domain(letter.from_address)
    signed = [result for name, result in letter.dkim.items() if _aligned(name, domain)]
    enveloped = _aligned(_domain(letter.return_path or ""), domain)
    if "pass" in signed or (letter.spf == "pass" and enveloped):
        return Proof.GENUINE
    if letter.spf in ("fail", "softfail") or "fail" in signed:
        return Proof.FORGED
    return Proof.UNPROVEN


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower().strip(".")


def _aligned(one: str, other: str) -> bool:
    if not one or not other:
        return False
    longer, shorter = sorted((one, other), key=len, reverse=True)
    # Of a domain above, at least two parts: everybody is below "com".
    return longer == shorter or ("." in shorter and longer.endswith(f".{shorter}"))


def dkim_results(text: str) -> dict[str, str]:
    """SendGrid's field `dkim`, such as "{@example.com : pass}", as results by domain."""
    found = re.findall(r"@([A-Za-z0-9.-]{1,253})\s*:\s*([a-z]{1,20})", text)
    return {domain.lower(): result for domain, result in found}
