"""Reading what providers answer: when to come again, and words of theirs that may be shown."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(days=1)
"""No provider's wish to wait is taken for more than this."""

WORDS = 300
"""Characters of a provider's own words that an error of ours repeats."""


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long a provider asks us to wait; None where it does not say.

    `Retry-After` is seconds or a date (RFC 9110, 10.2.3); `X-RateLimit-Reset` a Unix time in seconds.
    """
    named = {name.lower(): value.strip() for name, value in headers.items()}
    if "retry-after" in named:
        return _seconds_or_date(named["retry-after"])
    reset = _number(named.get("x-ratelimit-reset", ""))
    return None if reset is None else _bounded(reset - time.time())


def _seconds_or_date(text: str) -> timedelta | None:
    seconds = _number(text)
    if seconds is not None:
        return _bounded(seconds)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    # "-0000" instead of a zone gives a time without one; HTTP dates are UTC.
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return _bounded((at - datetime.now(UTC)).total_seconds())


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text) else None


def _bounded(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST.total_seconds()))


def shown(text: str, *secrets: str) -> str:
    """A provider's words on one line, cut short, with our secrets taken out."""
    for secret in secrets:
        text = text.replace(secret, "***")
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return plain if len(plain) <= WORDS else f"{plain[: WORDS - 1]}…"
