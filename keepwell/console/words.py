"""How pages say moments, spans, sums and levels. Filters take what they need; none reads a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from keepwell.console.code_words import (
    LEVEL_WORDS,
    address,
    channels,
    journal_words,
    kind_words,
    named,
    plain,
    playbook_name,
    playbook_words,
    role_words,
    state_words,
    trigger_words,
)
from keepwell.db.repositories.views_customer_lines import HistoryLine, LineKind
from keepwell.playbook_picture import step_words
from keepwell.rendering.filters import count, number

# The order counts: most browsers name others, too, after which they take.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def moment(at: datetime | None, zone: ZoneInfo, now: datetime | None = None) -> Markup:
    """A `<time>`: "22 Nov 14:05", with the year where it is another than now's; an en dash for None."""
    if at is None:
        return Markup("–")
    local = at.astimezone(zone)
    year = "" if now is None or now.astimezone(zone).year == local.year else f" {local.year}"
    shown = f"{local.day} {local:%b}{year} {local:%H:%M}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), f"{local:%A} {local.day} {local:%B %Y, %H:%M} {zone.key}", shown
    )


def day(on: date | None) -> str:
    """ "22 Nov 2026"; an en dash for None."""
    return "–" if on is None else f"{on.day} {on:%b %Y}"


def away(at: datetime | None, now: datetime) -> Markup:
    """How far a moment is from now: "in 2 h", "3 days ago", as a `<time>`."""
    if at is None:
        return Markup("–")
    span = at - now
    words = span_words(abs(span))
    text = "now" if words == "0 min" else f"in {words}" if span > timedelta(0) else f"{words} ago"
    title = f"{at:%Y-%m-%d %H:%M} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), title, text)


def clock(at: datetime, zone: ZoneInfo) -> Markup:
    """The time of day as a `<time>`: "14:05"."""
    local = at.astimezone(zone)
    title = f"{local:%A} {local.day} {local:%B %Y, %H:%M} {zone.key}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), title, f"{local:%H:%M}")


def by_day(lines: Iterable[Any], zone: ZoneInfo) -> list[tuple[str, list[Any]]]:
    """Lines with a moment `at` under the days on which they lie, in their order."""
    days = groupby(lines, key=lambda line: line.at.astimezone(zone).date())
    return [(f"{on:%A} {day(on)}", list(found)) for on, found in days]


def span_words(span: timedelta) -> str:
    """A length of time in its largest unit that fits: "45 min", "5 h", "3 days"."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{round(minutes / 60)} h"
    return f"{round(minutes / 1440)} days"


def money(amount: float | None, currency: str) -> str:
    """ "1,200 EUR"; an en dash for None."""
    return "–" if amount is None else f"{amount:,.0f} {currency}".strip()


def score(value: float | None) -> str:
    """A health score in the whole points that it has reached; an en dash for None.

    39.6 is 39: as 40 it would stand beside a level that ends below 40.
    """
    return "–" if value is None else str(floor(value + 1e-9))


def level_words(level: str | None) -> str:
    """A level as people say it."""
    return (
        "Not scored"
        if level is None
        else LEVEL_WORDS.get(str(level), str(level).replace("_", " ").capitalize())
    )


def told_words(line: HistoryLine) -> str:
    """The title of a line of a timeline, with the step and the levels that it names in words."""
    if line.activity is not None:
        return f"{count(line.activity.total, 'event')} of the customer"
    title = line.title
    if line.step and title.startswith(f"{line.step}: "):
        title = channels(f"{step_words(line.step)}: {title.removeprefix(f'{line.step}: ')}")
    if line.planned:
        title = f"{title[:1].upper()}{title[1:]}"
    if line.kind in (LineKind.SCORE, LineKind.INTERVENTION, LineKind.GROWTH):
        title = plain(title)
    return title


def browser_words(agent: str) -> str:
    """A browser as people call it, by what it says of itself, or just that: "Chrome on Linux"."""
    name = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((system for mark, system in _SYSTEMS if mark in agent), "")
    if not name:
        return agent or "unknown"
    return f"{name} on {system}" if system else name


def level_class(level: str | None) -> str:
    """The class of a badge: one of five, or `none`."""
    return "none" if level is None else str(level).lower().replace("_", "-")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "moment": moment,
    "day": day,
    "away": away,
    "clock": clock,
    "groupby_day": by_day,
    "span": span_words,
    "money": money,
    "score": score,
    "level_words": level_words,
    "level_class": level_class,
    "told": told_words,
    "step": step_words,
    "browser": browser_words,
    "playbook": playbook_name,
    "playbook_words": playbook_words,
    "named": named,
    "plain": plain,
    "journal": journal_words,
    "kind": kind_words,
    "role": role_words,
    "state": state_words,
    "trigger": trigger_words,
    "address": address,
    "count": count,
    "number": number,
}
