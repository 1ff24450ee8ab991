"""An evaluation in words, for the page and the terminal: each figure beside what no model would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.churn.results import (
    Category,
    Coverage,
    Evaluation,
    Figures,
    Finding,
    Severity,
    SurvivalEvaluation,
    Time,
    Trouble,
    category_of,
)

ORDER = (Severity.REFUSE, Severity.WARN, Severity.DROP, Severity.NOTE)
"""What a reader has to know first."""

CALLED = {
    Severity.REFUSE: "refused",
    Severity.WARN: "warning",
    Severity.DROP: "left out",
    Severity.NOTE: "note",
}
TIME_MODELS = {"cox": "a Cox model", "boosted": "boosted trees", "average": "the average of both"}
RANGES = {
    Category.LOW: "up to 30%",
    Category.MEDIUM: "above 30 to 60%",
    Category.HIGH: "above 60 to 80%",
    Category.CRITICAL: "above 80%",
}


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure, what it is without a model, and what it means."""

    name: str
    value: str
    baseline: str
    spread: str
    meaning: str


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """How many customers a category holds, and how many of them left."""

    category: Category
    range: str
    customers: int
    left: int

    @property
    def share(self) -> str:
        """The share that left."""
        return f"{self.left / self.customers:.0%}" if self.customers else "–"


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline: a figure and a sentence."""

    title: str
    figure: str
    words: str


def sorted_findings(findings: Sequence[Finding]) -> list[Finding]:
    """The gravest first; columns that are empty, or the same in all rows, in one line each."""
    shown = [one for one in findings if (one.trouble, one.severity) not in _TOGETHER]
    for (trouble, severity), words in _TOGETHER.items():
        alike = [one for one in findings if (one.trouble, one.severity) == (trouble, severity)]
        names = tuple(name for one in alike for name in one.columns)
        if len(alike) > 1:
            alike = [Finding(trouble, severity, names, words.format(len(names), ", ".join(names)))]
        shown += alike
    return sorted(shown, key=lambda one: ORDER.index(one.severity))


_TOGETHER = {
    (Trouble.EMPTY, Severity.DROP): "{} columns are empty: {}. Left out",
    (Trouble.CONSTANT, Severity.DROP): "{} columns have the same value in all rows: {}. Left out",
}
"""What a table may have dozens of, and one line can say."""


def number(value: float, places: int = 3) -> str:
    """A figure; a dash for one that could not be computed."""
    return "–" if math.isnan(value) else f"{value:.{places}f}"


def percent(value: float) -> str:
    """A share; a dash for one that could not be computed."""
    return "–" if math.isnan(value) else f"{value:.0%}"


def figure_rows(evaluation: Evaluation) -> list[FigureRow]:
    """All figures of the probability, the ranking first."""
    one, spread = evaluation.pooled, dict(evaluation.spread)

    def row(name: str, key: str, baseline: float | None, meaning: str) -> FigureRow:
        value: float = getattr(one, key)
        shown = f"± {spread[key]:.3f}" if key in spread else ""
        return FigureRow(name, number(value), "–" if baseline is None else number(baseline), shown, meaning)

    means = _meanings(one)
    return [
        row("ROC AUC", "roc_auc", 0.5, means["roc_auc"]),
        row("PR AUC", "pr_auc", one.baseline_pr_auc, means["pr_auc"]),
        row("Brier score", "brier", one.baseline_brier, means["brier"]),
        row("Log loss", "log_loss", one.baseline_log_loss, means["log_loss"]),
        row("Calibration error (ECE)", "ece", None, means["ece"]),
        row("Accuracy", "accuracy", one.baseline_accuracy, means["accuracy"]),
        row("Precision", "precision", one.share, means["precision"]),
        row("Recall", "recall", None, means["recall"]),
        row("F1", "f1", None, means["f1"]),
    ]


def _meanings(one: Figures) -> dict[str, str]:
    """What each figure says, in a sentence with its own numbers."""
    at, hits = f"At a threshold of {one.threshold:.0%}", one.confusion.true_positives
    pointed, left = hits + one.confusion.false_positives, hits + one.confusion.false_negatives
    return {
        "roc_auc": f"Of one customer who leaves and one who stays, the leaver gets the higher probability in "
        f"{one.roc_auc * 100:.0f} of 100 pairs. Higher is better.",
        "pr_auc": "How many of those pointed at really leave, over all thresholds. Higher is better.",
        "brier": "The mean squared distance between probability and what happened. Lower is better.",
        "log_loss": "Like Brier, but hard on being sure and wrong. Lower is better.",
        "ece": f"Probabilities are {one.ece * 100:.1f} points off what happened, on average. 0 is perfect.",
        "accuracy": f"{at}, this share of customers is told right. Saying the same of everybody gets the "
        f"baseline.",
        "precision": f"{at}, {pointed:,} customers are pointed at and {hits:,} of them left.",
        "recall": f"{at}, {hits:,} of {left:,} leavers are found.",
        "f1": "Precision and recall in one figure. Higher is better.",
    }


def tiles(evaluation: Evaluation) -> list[Tile]:
    """What a reader should take away."""
    one, first = evaluation.pooled, evaluation.deciles[0]
    made = [
        Tile(
            "Ranking",
            f"{one.roc_auc * 100:.0f} of 100",
            "pairs of a leaver and a stayer are put in the right order; a coin gets 50.",
        ),
        Tile(
            "Truth of the probabilities",
            f"{one.ece * 100:.1f} points",
            "lie on average between the probability and what happened; 0 is perfect.",
        ),
        Tile(
            "The riskiest tenth",
            f"{first.lift:.1f} ×",
            f"as many leave there as among all: {first.observed:.0%} instead of {one.share:.0%}.",
        ),
    ]
    if evaluation.survival is not None:
        made.append(
            Tile(
                "Time to churn",
                f"{evaluation.survival.c_index * 100:.0f} of 100",
                "pairs of customers are put in the right order of leaving; a coin gets 50.",
            )
        )
    return made


def category_rows(evaluation: Evaluation) -> list[CategoryRow]:
    """The four categories with what became of their customers."""
    seen = ~np.isnan(evaluation.p)
    y, p = evaluation.y[seen], evaluation.p[seen]
    mine = np.array([category_of(float(value)).value for value in p])
    return [
        CategoryRow(one, RANGES[one], int((mine == one.value).sum()), int(y[mine == one.value].sum()))
        for one in Category
    ]


def gain_words(evaluation: Evaluation) -> str:
    """What looking at the riskiest fifth first would bring."""
    fifth = evaluation.deciles[: max(1, len(evaluation.deciles) // 5)]
    customers, everybody = (
        sum(one.customers for one in fifth),
        sum(one.customers for one in evaluation.deciles),
    )
    return (
        f"Who looks at the riskiest {customers / everybody:.0%} of the customers reaches "
        f"{fifth[-1].gain:.0%} of all who leave."
    )


def coverage_words(coverage: Coverage) -> str:
    """How far the interval of a probability can be trusted."""
    words = (
        f"Each probability comes with an interval that promises {coverage.nominal:.0%}; it is "
        f"{coverage.width * 100:.0f} points wide on average. Customers with similar probabilities were put "
        f"into {coverage.groups} groups of about {coverage.group_size}: in {percent(coverage.rates)} of the "
        f"groups the share that left lay within the interval, once the chance of so few is counted in"
    )
    if not math.isnan(coverage.truth):
        words += (
            f"; on answers drawn from known probabilities, {coverage.truth:.0%} of the intervals held "
            f"the true one"
        )
    return words + ". An interval is about the probability; it does not say whether this customer leaves."


def time_words(survival: SurvivalEvaluation) -> str:
    """How good the time to churn is."""
    chosen = ", ".join(dict.fromkeys(TIME_MODELS.get(fold.chosen, fold.chosen) for fold in survival.folds))
    words = (
        f"C-index {survival.c_index:.3f} ± {survival.c_index_spread:.3f}: of two customers whose order of "
        f"leaving is known, it is told right in {survival.c_index * 100:.0f} of 100 pairs; a coin gets 50. "
        f"Chosen inside the folds: {chosen}."
    )
    if not math.isnan(survival.brier):
        words += (
            f" Integrated Brier score {survival.brier:.3f}, against {survival.baseline_brier:.3f} for "
            f"telling everybody the same curve; lower is better."
        )
    return words


def sayable(time: Time | None) -> Time | None:
    """None for a customer who has stayed longer than anybody the model learned from: it cannot say."""
    return None if time is None or (time.horizon < 1 and time.low is None) else time


def choice_words(evaluation: Evaluation) -> str:
    """What the folds chose, and how often."""
    names = [choice.words for fold in evaluation.folds for choice in fold.choices]
    counted = sorted({name: names.count(name) for name in names}.items(), key=lambda item: -item[1])
    return "; ".join(f"{name} ({count} of {len(names)} trainings)" for name, count in counted)
