"""A scorecard as people read it in a terminal, and as programs read it in JSON."""

from __future__ import annotations

from rich.text import Text

from keepwell.cli.output import Column, level_text, print_table, say
from scoring.describe import default_words, normalisation_words, review_words
from scoring.scorecard import Metric, Scorecard


def print_scorecard(card: Scorecard) -> None:
    """All of a scorecard that decides a score, and where its numbers come from."""
    say(f"{card.name}@{card.version}  {card.title}", style="bold")
    say(card.description)
    say()
    _print_metrics(card)
    say()
    say(
        "Points run in a straight line from one value to the next; beyond the first and the last they stay.",
        style="dim",
    )
    say()
    _print_bands(card)
    say()
    _print_rules(card)
    _print_sources(card)


def _print_metrics(card: Scorecard) -> None:
    columns = [
        Column("Metric", keep=True),
        Column("Title", wide=130),
        Column("Weight", justify="right", keep=True),
        Column("Unit", keep=True, drop=2),
        Column("Better", keep=True, drop=1),
        Column("Points"),
        Column("Allowed", wide=150),
    ]
    rows: list[list[object]] = []
    for category in card.categories:
        rows.append([Text(category.title, "bold"), "", Text(f"{category.weight:g}", "bold"), "", "", "", ""])
        rows += [_row(metric) for metric in card.metrics if metric.category == category.name]
    print_table(columns, rows)


def _row(metric: Metric) -> list[object]:
    points = "; ".join(part for part in (normalisation_words(metric), default_words(metric)) if part)
    return [
        f"  {metric.name}",
        metric.title,
        f"{metric.weight:g}",
        metric.unit.value,
        metric.direction,
        points,
        _allowed(metric),
    ]


def _allowed(metric: Metric) -> str:
    low = "" if metric.minimum is None else f"{metric.minimum:,.15g}"
    high = "" if metric.maximum is None else f"{metric.maximum:,.15g}"
    span = f"{low} … {high}" if low or high else "any"
    return span if metric.max_age_days is None else f"{span}, up to {metric.max_age_days:g} d old"


def _print_bands(card: Scorecard) -> None:
    reviewed = any(band.review_days is not None for band in card.bands)
    columns = [
        Column("From", justify="right", keep=True),
        Column("Band", keep=True),
        Column("Level", keep=True),
        Column("Action"),
        *([Column("Review", keep=True, drop=1)] if reviewed else []),
    ]
    rows = []
    for band in card.bands:
        row = [f"{band.lower:g}", band.name, level_text(band.level), band.action]
        rows.append([*row, review_words(band)] if reviewed else row)
    print_table(columns, rows)


def _print_rules(card: Scorecard) -> None:
    say(
        f"A score needs {card.coverage_minimum:.0%} of the weight measured. A better level takes effect "
        f"{card.guard.margin:g} points above its border, or when {card.guard.agreeing_days} days agree. "
        f"A change of {card.trend_threshold:g} points within 30 days counts as rising or declining.",
        style="dim",
    )


def _print_sources(card: Scorecard) -> None:
    """The scorecard's source, then what differs from it, those of one source together."""
    own: dict[str, list[str]] = {}
    parts: list[tuple[str, str | None]] = [
        *((band.name, band.source) for band in card.bands),
        *((category.title, category.source) for category in card.categories),
        *((metric.name, metric.source) for metric in card.metrics),
    ]
    for name, source in parts:
        if source:
            own.setdefault(source, []).append(name)
    if card.source or own:
        say()
        say("Where the numbers come from", style="bold")
    if card.source:
        say(card.source)
    for source, names in own.items():
        say(f"  {', '.join(names)}: {source}")
