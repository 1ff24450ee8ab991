"""How one category of a customer's score is shown: its metrics, the costliest first."""

from __future__ import annotations

from rich.text import Text

from keepwell.cli import words
from keepwell.cli.insight_view import beside, compared_with
from keepwell.cli.output import Column, print_fields, print_table, say
from keepwell.db.repositories.views_customer_category import CategoryDetail, MetricLine


def print_category(detail: CategoryDetail) -> None:
    """The category and a line for each of its metrics."""
    say(f"{detail.customer}: {detail.title}", style="bold")
    cost = "" if detail.lost is None else f"costs {detail.lost:.1f} of the score's 100 points"
    points = "nothing of it counts" if detail.points is None else f"{words.score(detail.points)} of 100"
    print_fields(
        [
            ("points", f"{points}{', ' if cost else ''}{cost}"),
            ("weight", f"{detail.weight:g} % of {detail.scorecard}"),
            ("measured", f"{words.percent(detail.coverage)} of the category"),
        ]
    )
    compared = bool(detail.comparison.customers)
    columns = [
        Column("Metric"),
        Column("Value", justify="right", keep=True),
        Column("30 days before", drop=3, wide=100),
        Column("Points", justify="right", keep=True),
        Column("Change", justify="right", keep=True, drop=4),
        Column("Costs", justify="right", keep=True),
        Column("Weight", justify="right", keep=True, drop=1),
        *(
            (
                Column("Others", justify="right", keep=True, drop=2),
                Column("Better than", justify="right", keep=True, drop=5),
            )
            if compared
            else ()
        ),
    ]
    say()
    print_table(columns, [_row(one, compared=compared) for one in detail.metrics])
    if detail.outdated:
        say(
            "Values were stored or taken back since the last score. Score again: keepwell score",
            style="yellow",
        )
    say()
    text = f"{compared_with(detail.comparison)}Costs are of the 100 points of the score."
    say(text, style="dim")


def _row(one: MetricLine, *, compared: bool) -> list[object]:
    change = "" if one.points_change is None else f"{one.points_change:+.1f}"
    style = "red" if one.points_change is not None and one.points_change <= -1 else ""
    row: list[object] = [
        Text.assemble(one.title, (f"  {one.why}", "dim")) if one.why else one.title,
        one.value_words or "–",
        one.before_words or "–",
        words.score(one.points),
        Text(change or "–", style=style),
        "–" if one.lost is None else f"{one.lost:.1f}",
        f"{one.weight:g} %",
    ]
    return [*row, *beside(one.others)] if compared else row
