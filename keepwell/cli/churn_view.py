"""What the churn commands show: findings, figures beside their baselines, predictions, reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from keepwell.cli.output import Column, plain, print_table, say

if TYPE_CHECKING:
    from scoring.churn.results import Evaluation, Explanation, Finding, Prediction, Time

STYLES = {"refuse": "bold red", "warn": "yellow", "drop": "yellow", "note": "dim"}
CATEGORY_STYLES = {"low": "green", "medium": "yellow", "high": "bold yellow", "critical": "bold red"}


def show_evaluation(evaluation: Evaluation, source: str, left_out: Mapping[str, int]) -> None:
    """Everything that matters of an evaluation, the findings first."""
    from keepwell.churn import words  # noqa: PLC0415

    table = evaluation.table
    say(f"{source}: {table.rows:,} rows, {table.share:.1%} left", style="bold")
    say(f"{evaluation.split[:1].upper()}{evaluation.split[1:]}.", style="dim")
    show_findings(evaluation.findings, left_out)
    say()
    columns = [
        Column("Figure", keep=True),
        Column("Model", justify="right", keep=True),
        Column("±", justify="right", drop=1),
        Column("Without a model", justify="right", keep=True),
        Column("What it means", wide=90),
    ]
    rows = [
        [row.name, row.value, row.spread.removeprefix("± "), row.baseline, row.meaning]
        for row in words.figure_rows(evaluation)
    ]
    print_table(columns, rows)
    say()
    print_table(
        [
            Column("Category", keep=True),
            Column("Probability", keep=True),
            Column("Customers", justify="right", keep=True),
            Column("Left", justify="right", keep=True),
            Column("Share", justify="right", keep=True),
        ],
        [
            [_category(row.category.value), row.range, f"{row.customers:,}", f"{row.left:,}", row.share]
            for row in words.category_rows(evaluation)
        ],
    )
    say()
    say(words.gain_words(evaluation))
    say(words.coverage_words(evaluation.coverage))
    if evaluation.survival is not None:
        say(f"Time to churn: {words.time_words(evaluation.survival)}")
    say(f"Chosen inside the folds: {words.choice_words(evaluation)}.", style="dim")


def show_findings(findings: Sequence[Finding], left_out: Mapping[str, int] | None = None) -> None:
    """What a person should know of a table, the gravest first; nothing for none."""
    from keepwell.churn import words  # noqa: PLC0415

    lines = [
        (words.CALLED[one.severity], one.words, STYLES[one.severity.value])
        for one in words.sorted_findings(findings)
    ]
    lines += [("not in it", f"{count:,}: {reason}", "dim") for reason, count in (left_out or {}).items()]
    if not lines:
        return
    say()
    print_table(
        [Column("Found", keep=True), Column("")],
        [[Text(called, style=style), text] for called, text, style in lines],
    )


def evaluation_json(evaluation: Evaluation, left_out: Mapping[str, int]) -> dict[str, Any]:
    """The evaluation for programs; the rows' own probabilities are left out."""
    from keepwell.churn.plain import plain as as_plain  # noqa: PLC0415

    big = {"y", "p", "low", "high", "row"}
    found = {name: as_plain(getattr(evaluation, name)) for name in evaluation.__slots__ if name not in big}
    return {**found, "left_out": dict(left_out)}


def show_predictions(
    rows: Sequence[tuple[str, Prediction, Time | None]], total: int, *, title: str = ""
) -> None:
    """Predictions, the riskiest first."""
    columns = [
        Column("Customer"),
        Column("Probability", justify="right", keep=True),
        Column("Interval", justify="right", keep=True, drop=1),
        Column("Category", keep=True),
        Column("Leaves in", drop=2),
    ]
    cells: list[list[object]] = [
        [
            name,
            f"{one.probability:.1%}",
            f"{one.low:.0%} – {one.high:.0%}",
            _category(one.category.value),
            time.words if time else "–",
        ]
        for name, one, time in rows
    ]
    print_table(columns, cells, title=title)
    if len(rows) < total:
        say()
        say(
            f"{len(rows):,} of {total:,}, the riskiest first. All of them: --out FILE.csv or --json",
            style="dim",
        )


def show_explanation(name: str, explanation: Explanation, prediction: Prediction, time: Time | None) -> None:
    """Why one customer has its probability."""
    say(
        f"{plain(name)}: ",
        Text(f"{prediction.probability:.1%}", style="bold"),
        " probability of leaving, ",
        _category(prediction.category.value),
        f" (interval {prediction.low:.0%} to {prediction.high:.0%})",
    )
    if time is not None:
        say(f"Time until they leave: {time.words}")
    say(f"A typical customer has {explanation.base:.1%}. What makes the difference, the strongest first:")
    say()
    rows: list[list[object]] = [
        [
            Text(f"{one.push * 100:+.1f}", style="red" if one.push > 0 else "green"),
            one.words,
        ]
        for one in explanation.pushes
        if abs(one.push) >= 0.0005
    ]
    print_table([Column("Points", justify="right", keep=True), Column("Why")], rows)
    say()
    say("It says what the model goes by, not what makes the customer leave.", style="dim")


def _category(name: str) -> Text:
    return Text(name, style=CATEGORY_STYLES[name])
