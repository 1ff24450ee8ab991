"""A metric's history as a small inline SVG, readable by a screen reader too."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from keepwell.contracts.shown import Point

WIDTH, HEIGHT, MARGIN = 220, 48, 5
LEAST_SPAN = 0.3
"""The height stands for at least this share of the greatest value."""


def sparkline(history: Sequence[Point], title: str = "") -> Markup:
    """The history as a line, days to scale; "" where it is empty.

    Colours come from the page's style (`.spark path`, `.spark circle`). One value gives one dot, equal
    values a level line.
    """
    if not history:
        return Markup("")
    spots = _spots(history)
    path = " ".join(f"{'L' if index else 'M'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(spots))
    x, y = spots[-1]
    return Markup(
        '<svg class="spark" role="img" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
        'aria-label="{label}"><path d="{path}" fill="none" stroke-width="2" stroke-linecap="round" '
        'stroke-linejoin="round"/><circle cx="{x}" cy="{y}" r="3.5"/></svg>'
    ).format(w=WIDTH, h=HEIGHT, label=escape(_label(history, title)), path=path, x=f"{x:.1f}", y=f"{y:.1f}")


def _spots(history: Sequence[Point]) -> list[tuple[float, float]]:
    first, last = history[0].day.toordinal(), history[-1].day.toordinal()
    values = [point.value for point in history]
    low, high = min(values), max(values)
    # Without a floor, 19 to 18 would look as steep as 34 to 12.
    span = max(high - low, LEAST_SPAN * max(abs(low), abs(high))) or 1.0
    spots = []
    for point in history:
        along = (point.day.toordinal() - first) / (last - first) if last > first else 1.0
        up = 0.5 + (point.value - (low + high) / 2) / span
        spots.append((MARGIN + along * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)))
    return spots


def _label(history: Sequence[Point], title: str) -> str:
    first, last = history[0], history[-1]
    lead = f"{title}: " if title else ""
    end = f"{last.text} on {last.day.day} {last.day:%B %Y}"
    if len(history) == 1:
        return f"{lead}{end}"
    return f"{lead}from {first.text} on {first.day.day} {first.day:%B %Y} to {end}, {len(history)} values"
