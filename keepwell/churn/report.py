"""The report of an evaluation: one HTML page with pictures, for readers who are no statisticians."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from keepwell.churn import words
from scoring.arrays import FloatArray
from scoring.churn.results import Evaluation


@dataclass(frozen=True, slots=True)
class Made:
    """Where a report comes from. `left_out` are rows that are missing from the table, by reason.

    `quick`: judged with the settings of a first look.
    """

    source: str
    digest: str
    at: datetime
    seed: int
    folds: int
    command: str
    left_out: Mapping[str, int]
    window_days: int = 0
    quick: bool = False


def page_of(evaluation: Evaluation, made: Made, *, duration: FloatArray | None = None) -> str:
    """The page's HTML; it loads nothing. `duration`: the months of every row that was given, if known."""
    from keepwell.churn import pictures  # noqa: PLC0415  (loads matplotlib)

    drawn = {
        "roc": pictures.roc_picture(evaluation),
        "pr": pictures.pr_picture(evaluation),
        "calibration": pictures.calibration_picture(evaluation.curve, evaluation.pooled.ece),
        "spread": pictures.spread_picture(evaluation),
        "gain": pictures.gain_picture(evaluation.deciles),
        "lift": pictures.lift_picture(evaluation.deciles, evaluation.pooled.share),
        "importance": pictures.importance_picture(evaluation.importance) if evaluation.importance else "",
        "staying": ""
        if duration is None or evaluation.survival is None
        else pictures.staying_picture(evaluation, duration),
    }
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            one=evaluation,
            made=made,
            drawn=drawn,
            tiles=words.tiles(evaluation),
            findings=words.sorted_findings(evaluation.findings),
            called=words.CALLED,
            figures=words.figure_rows(evaluation),
            categories=words.category_rows(evaluation),
            gain=words.gain_words(evaluation),
            coverage=words.coverage_words(evaluation.coverage),
            time=words.time_words(evaluation.survival) if evaluation.survival else "",
            choice=words.choice_words(evaluation),
            versions=_versions(),
        )
    )


def _versions() -> Sequence[tuple[str, str]]:
    from importlib.metadata import version  # noqa: PLC0415

    names = ("keepwell", "scikit-learn", "scikit-survival", "numpy")
    return [(name, version(name)) for name in names]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": words.percent, "number": words.number}
    return environment
