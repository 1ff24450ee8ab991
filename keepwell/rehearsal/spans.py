"""Lengths of time as people type and read them: "30h", "1d12h"."""

from __future__ import annotations

import re
from datetime import timedelta

from keepwell.errors import InputError

LONGEST = timedelta(days=366)
"""The longest playbook takes about three months: a time beyond a year is a slip of the pen."""

_UNITS = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PART = r"(\d{1,5})\s*(min|m|h|d|w)"
_SPAN = re.compile(rf"(?:{_PART}\s*)+", re.IGNORECASE)
TAKES = 'A time takes numbers with m, h, d or w: "30h", "2d", "1d12h", "45m".'


def parse_span(text: str, *, place: str) -> timedelta:
    """A length of time. Raises InputError, with `place` for the option, for anything else or above a year."""
    given = text.strip()
    if not _SPAN.fullmatch(given):
        raise InputError(f"{text!r} is no length of time.", place=place, hint=TAKES)
    parts = re.findall(_PART, given, re.IGNORECASE)
    span = sum((int(number) * _UNITS[unit.lower()] for number, unit in parts), timedelta())
    if span > LONGEST:
        raise InputError(f"{text!r} is more than a year.", place=place, hint="Name a time within a year.")
    return span


def span_words(span: timedelta) -> str:
    """A length of time, exactly to the minute: "2 h", "1 d 4 h", "30 min"."""
    minutes = round(span.total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    parts = [
        f"{days} d" if days else "",
        f"{rest // 60} h" if rest // 60 else "",
        f"{rest % 60} min" if rest % 60 else "",
    ]
    return " ".join(part for part in parts if part) or "0 min"


def offset_words(span: timedelta) -> str:
    """When, counted from the beginning: "at once", "+1 h", "day 3" (three days later)."""
    minutes = round(span.total_seconds() / 60)
    if minutes == 0:
        return "at once"
    if minutes % (24 * 60) == 0:
        return f"day {minutes // (24 * 60)}"
    return f"+{span_words(span)}"
