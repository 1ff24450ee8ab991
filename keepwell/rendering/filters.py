"""What templates use to write numbers, dates and lists for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from keepwell.rendering.sparkline import sparkline
from scoring.levels import Level


def number(value: float, decimals: int = 1) -> str:
    """A number with at most so many decimals: 1234.50 is "1,234.5", 17.0 is "17"."""
    # Adding 0.0 turns a rounded -0.0 into 0.0, which would else read "-0".
    text = f"{round(value, decimals) + 0.0:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: float) -> str:
    """A value from 0 to 100 as a percentage: 41.0 is "41 %"."""
    return f"{number(value, 0)} %"


def points(value: float) -> str:
    """Points of the score: "6.2 points", "1 point"."""
    text = number(value)
    return f"{text} point{'' if text == '1' else 's'}"


def count(value: int, thing: str) -> str:
    """A number of things: `3|count("month")` is "3 months"; only nouns whose plural ends in s."""
    return f"{value:,} {thing}{'' if value == 1 else 's'}"


def long_date(value: date) -> str:
    """A day in full: 21 November 2026 (of a moment, its day in the zone it carries)."""
    return f"{value.day} {value:%B %Y}"


def near_date(value: date) -> str:
    """A day so near that its year is clear, in a sentence: 21 November."""
    return f"{value.day} {value:%B}"


def short_date(value: date) -> str:
    """A day of a year that is clear: 21 Nov."""
    return f"{value.day} {value:%b}"


def level(value: Level) -> str:
    """A risk level in words: "at risk"."""
    return value.value.replace("_", " ").lower()


def upfirst(value: str) -> str:
    """The text with a capital first letter; the rest stays as it is, unlike with `capitalize`."""
    return value[:1].upper() + value[1:]


def sentence(value: str) -> str:
    """The text as a sentence: a capital first letter and an end mark."""
    text = upfirst(value.strip())
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


def short(value: str, limit: int = 60) -> str:
    """The text, cut at a word with "…" where it is longer than `limit` characters."""
    text = " ".join(value.split())
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, space, _ = cut.rpartition(" ")
    return f"{(head if space and len(head) > limit // 2 else cut).rstrip(' ,;:-')}…"


def possessive(value: str) -> str:
    """Whose something is: "Acme's", "Aspen Foods'"."""
    return f"{value}'" if value.endswith(("s", "S")) else f"{value}'s"


def listing(values: Iterable[str]) -> str:
    """A list in a sentence: "a, b and c"."""
    items = list(values)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


FILTERS: dict[str, Callable[..., object]] = {
    "number": number,
    "percent": percent,
    "points": points,
    "count": count,
    "date": long_date,
    "near_date": near_date,
    "short_date": short_date,
    "level": level,
    "upfirst": upfirst,
    "sentence": sentence,
    "short": short,
    "listing": listing,
    "possessive": possessive,
    "sparkline": sparkline,
}

BUILT_IN = frozenset(
    {"abs", "default", "d", "e", "escape", "first", "groupby", "int", "join", "last", "length", "list"}
    | {"lower", "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select", "selectattr"}
    | {"slice", "sort", "striptags", "sum", "title", "trim", "unique", "upper", "urlencode"}
)
"""Jinja2's own filters that stay. Missing on purpose: `safe`, and those that can blow a text up."""
