"""What the churn package gives back: frozen values, ready to be shown, stored and compared.

Probabilities, shares and coverages are 0 to 1, times are months since the customer came (`duration`) or
from now on (`months`). Column names are the user's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scoring.churn.findings import Column, Finding, Role, Severity, Table, Trouble
from scoring.churn.judged import (
    Bin,
    Choice,
    Confusion,
    Coverage,
    Decile,
    Evaluation,
    Figures,
    Fold,
    Importance,
    Landmark,
    SurvivalEvaluation,
    TimeFold,
)


class Category(StrEnum):
    """How high a probability is: low up to .30, medium up to .60, high up to .80, critical above."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


def category_of(probability: float) -> Category:
    """The category of a probability; borders belong to the lower one (.30 is low). Raises ValueError
    outside 0 to 1 (NaN too)."""
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"a probability is 0 to 1, not {probability}")
    # Rounded like scores at borders: .30000000000000004 is .3 on paper.
    rounded = round(probability, 6)
    if rounded <= 0.3:
        return Category.LOW
    if rounded <= 0.6:
        return Category.MEDIUM
    return Category.HIGH if rounded <= 0.8 else Category.CRITICAL


@dataclass(frozen=True, slots=True)
class Time:
    """Months from now until the customer leaves, given that they have stayed so far: the median and an
    interval. None means beyond the horizon: later than the data reach. `horizon` is in months from now."""

    months: float | None
    low: float | None
    high: float | None
    horizon: float

    @property
    def words(self) -> str:
        """As people read it: "14 months (5 to beyond 58)"."""
        far = f"beyond {self.horizon:.0f}"
        shown = [far if value is None else f"{value:.0f}" for value in (self.months, self.low, self.high)]
        return f"{shown[0]} months ({shown[1]} to {shown[2]})"


@dataclass(frozen=True, slots=True)
class Prediction:
    """One customer: the probability of leaving with its interval at the model's level, and the time.
    `customer` is the value of the mapping's customer column as text, or the row's position."""

    customer: str
    probability: float
    low: float
    high: float
    category: Category
    time: Time | None


@dataclass(frozen=True, slots=True)
class Predictions:
    """All rows of a table, in its order, and what was odd about them (unseen categories, blanks)."""

    rows: tuple[Prediction, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Push:
    """How far one feature pushes one customer's probability up (+) or down (−), with its words, such as
    "Contract is Month-to-month: raises the probability by 8.1 points"."""

    feature: str
    value: str
    push: float
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one customer has this probability: base + sum of pushes = probability (within 1e-9). `base` is
    the mean probability of the background, typical customers kept in the model. Greatest push first."""

    customer: str
    probability: float
    base: float
    pushes: tuple[Push, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What a model is, for whoever has to decide on it: data, choices, dates and figures.

    `trained_at` is given by the caller (ISO), `held_out` are the figures on rows held out of training where
    the caller had some. `versions` are the libraries by name.
    """

    trained_at: str
    rows: int
    share: float
    target: str
    features: tuple[str, ...]
    time_features: tuple[str, ...]
    choice: str
    time_choice: str
    inner_log_loss: float
    inner_roc_auc: float
    inner_c_index: float
    first: str
    last: str
    digest: str
    seed: int
    versions: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same held-out rows. `gain` is the mean log loss the new one saves per row, `low` and
    `high` its 90 % interval by drawing customers; `better` if gain > 0. Whether it is more than chance
    (`low` > 0: "clearly") is told in `words`."""

    new: Figures
    old: Figures
    gain: float
    low: float
    high: float
    better: bool
    words: str


@dataclass(frozen=True, slots=True)
class TimeFigures:
    """The quality of a time to churn on held-out rows, of whom `left` left. `brier` is the integrated Brier
    score (lower is better), `baseline_brier` that of telling everybody the same curve; NaN where a figure
    cannot be computed."""

    rows: int
    left: int
    c_index: float
    brier: float
    baseline_brier: float


@dataclass(frozen=True, slots=True)
class TimeComparison:
    """Two models' time to churn on the same held-out rows. `gain` is the integrated Brier score that the new
    one saves per row, `low` and `high` its 90 % interval by drawing customers; `worse` if gain < 0."""

    new: TimeFigures
    old: TimeFigures
    gain: float
    low: float
    high: float
    worse: bool
    words: str


__all__ = [
    "Bin",
    "Card",
    "Category",
    "Choice",
    "Column",
    "Comparison",
    "Confusion",
    "Coverage",
    "Decile",
    "Evaluation",
    "Explanation",
    "Figures",
    "Finding",
    "Fold",
    "Importance",
    "Landmark",
    "Prediction",
    "Predictions",
    "Push",
    "Role",
    "Severity",
    "SurvivalEvaluation",
    "Table",
    "Time",
    "TimeComparison",
    "TimeFigures",
    "TimeFold",
    "Trouble",
    "category_of",
]
