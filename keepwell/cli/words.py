"""Numbers and moments in words, for people."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

SHORT_ID = 8
"""The end of an id: its letters there are random, so that few suffice to name it."""

BARS = "▁▂▃▄▅▆▇█"


class Clock:
    """Says moments in an organisation's zone, as seen from `now`."""

    def __init__(self, now: datetime, zone: ZoneInfo) -> None:
        self.now, self.zone = now, zone

    def moment(self, at: datetime | None) -> str:
        """Day and time, with the year where it is not this one: "21 Nov 09:30"."""
        if at is None:
            return ""
        local = self._local(at)
        year = "" if local.year == self.now.astimezone(self.zone).year else f" {local:%Y}"
        return f"{local:%d %b}{year} {local:%H:%M}"

    def day(self, at: datetime | None) -> str:
        """The day alone, with its year."""
        return "" if at is None else f"{self._local(at):%d %b %Y}"

    def _local(self, at: datetime) -> datetime:
        try:
            return at.astimezone(self.zone)
        except OverflowError:
            # The last hours of the calendar have no local time everywhere.
            return at

    def away(self, at: datetime | None) -> str:
        """How far off: "in 3 d", "2 h ago"."""
        if at is None:
            return ""
        return f"in {length(at - self.now)}" if at > self.now else f"{length(self.now - at)} ago"


def length(span: timedelta) -> str:
    """A span of time in its greatest unit: "45 s", "3 h", "12 d"."""
    seconds = abs(span.total_seconds())
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:.0f} d"


def short(identifier: str | None) -> str:
    """The end of an id, which commands accept for the whole."""
    if not identifier:
        return ""
    return identifier if len(identifier) <= SHORT_ID else f"…{identifier[-SHORT_ID:]}"


def tail(identifier: str | None) -> str:
    """The end of an id, as it may be typed."""
    return (identifier or "")[-SHORT_ID:]


def score(value: float | None) -> str:
    """A score with one decimal."""
    return "–" if value is None else f"{value:.1f}"


def percent(share: float) -> str:
    """A share of 1 as a whole percentage: "70 %"."""
    return f"{share * 100:.0f} %"


def money(value: float | None, currency: str) -> str:
    """An amount without cents: "EUR 1,200"."""
    return "" if value is None else f"{currency} {value:,.0f}"


def count(number: int, one: str, many: str = "") -> str:
    """ "1 customer", "1,200 customers"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def bars(values: list[float], low: float = 0.0, high: float = 100.0) -> str:
    """Values as a row of bars on a fixed scale."""
    steps = len(BARS) - 1
    return "".join(BARS[round((min(max(value, low), high) - low) / (high - low) * steps)] for value in values)


def one_line(text: str, longest: int) -> str:
    """The text on one line, cut where it is longer."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
