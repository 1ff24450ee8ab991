"""Lengths of time as people type and read them: "30h", "1d12h"; "1 d 4 h", "day 3".

Standard library only, and the same in every run: workflow code imports this module, outside of Temporal's
sandbox.
"""

from __future__ import annotations

import re
from datetime import timedelta
from types import MappingProxyType

LONGEST = timedelta(days=366)
"""The longest playbook takes about three months: a time beyond a year is a slip of the pen."""

_UNITS = MappingProxyType(
    {
        "m": timedelta(minutes=1),
        "min": timedelta(minutes=1),
        "h": timedelta(hours=1),
        "d": timedelta(days=1),
        "w": timedelta(weeks=1),
    }
)
_PART = r"(\d{1,5})\s*(min|m|h|d|w)"
_SPAN = re.compile(rf"(?:{_PART}\s*)+", re.IGNORECASE)
_DAY = 24 * 60


def read_span(text: str) -> timedelta | None:
    """The length of time that a text names, of any size; None where it names none."""
    given = text.strip()
    if not _SPAN.fullmatch(given):
        return None
    parts = re.findall(_PART, given, re.IGNORECASE)
    return sum((int(number) * _UNITS[unit.lower()] for number, unit in parts), timedelta())


def span_words(span: timedelta) -> str:
    """A length of time, exactly to the minute: "2 h", "1 d 4 h", "30 min", "0 min"."""
    return _parts(span) or "0 min"


def lasted_words(span: timedelta) -> str:
    """How long something lasted, to the minute: "2 h", "1 d 4 h", "less than a minute"."""
    return _parts(span) or "less than a minute"


def offset_words(span: timedelta) -> str:
    """When, counted from the beginning: "at once", "+1 h", "day 3" (three days later)."""
    minutes = _minutes(span)
    if minutes == 0:
        return "at once"
    if minutes % _DAY == 0:
        return f"day {minutes // _DAY}"
    return f"+{_parts(span)}"


def _parts(span: timedelta) -> str:
    """Days, hours and minutes, those there are; empty for what rounds to no minute."""
    days, rest = divmod(_minutes(span), _DAY)
    hours, minutes = divmod(rest, 60)
    named = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in named if number)


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)
