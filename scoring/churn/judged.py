"""What judging a way of training gives back: figures, curves, folds and the coverage of intervals.

Probabilities, shares and coverages are 0 to 1, times are months since the customer came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.churn.findings import Finding, Table


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts at a threshold: left and predicted to (true_positives), stayed but predicted to leave, …"""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of the calibration curve: customers with a probability in [low, high], what was predicted
    on average and which share left."""

    low: float
    high: float
    customers: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Decile:
    """A tenth of the customers, the likeliest to leave first. `lift` = observed / share of all; `gain` =
    share of all who left that this tenth and the ones before hold."""

    number: int
    customers: int
    churned: int
    predicted: float
    observed: float
    lift: float
    gain: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The quality of probabilities `p` against what happened. `baseline` in each pair of names is what
    the class share alone gives: ROC AUC .5, PR AUC = share, Brier = share × (1 − share), …

    `ece` is the expected calibration error over ten bins of equal width; ECE of 0 is perfect.
    precision, recall, f1, accuracy are those at `threshold` (0 where nothing was predicted to leave).
    `baseline_accuracy` is what "nobody leaves" (or "everybody", if more do) gets right.
    """

    rows: int
    share: float
    roc_auc: float
    pr_auc: float
    brier: float
    log_loss: float
    ece: float
    threshold: float
    precision: float
    recall: float
    f1: float
    accuracy: float
    confusion: Confusion
    baseline_pr_auc: float
    baseline_brier: float
    baseline_log_loss: float
    baseline_accuracy: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen inside a training part: members ("forest", "boosting", "logistic"), how their mean
    is calibrated ("none", "sigmoid", "isotonic"), and the log loss each candidate had there, as
    ("forest+boosting, none", 0.41), the best first."""

    members: tuple[str, ...]
    calibration: str
    candidates: tuple[tuple[str, float], ...]

    @property
    def words(self) -> str:
        """As people read it: "forest + boosting, not calibrated"."""
        how = "not calibrated" if self.calibration == "none" else f"calibrated ({self.calibration})"
        return f"{' + '.join(self.members)}, {how}"


@dataclass(frozen=True, slots=True)
class Fold:
    """One outer fold: rows trained on and judged on (after the split's own leaving-out), its figures and what
    was chosen. With a time column and customers in several rows, a fold is judged in parts, each with a
    choice of its own; `trained` is then the fewest rows of these. `first`, `last` are the dates of the
    judged rows, "" without a time column."""

    number: int
    trained: int
    judged: int
    figures: Figures
    choices: tuple[Choice, ...]
    first: str
    last: str

    @property
    def chosen(self) -> str:
        """What was chosen, as people read it."""
        return "; ".join(sorted({choice.words for choice in self.choices}))


@dataclass(frozen=True, slots=True)
class Importance:
    """How much ROC AUC falls when a feature's values are shuffled among the judged rows: mean over folds
    and shuffles, and the standard deviation of these."""

    feature: str
    drop: float
    spread: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals held what they promise. `nominal` is the promise.

    `groups` of about `group_size` judged customers with similar probabilities: `rates` is the share of
    groups whose observed churn rate lay within the group's mean interval widened by the chance of so few
    customers; `rates_bare` the same without the widening (chance alone keeps it low in small groups).
    `truth` is measured on labels drawn anew from known probabilities (the model's own), where the truth of
    each customer is known: the share of customers whose interval held it; NaN if not measured.
    `width` is the mean width of the intervals.
    """

    nominal: float
    rates: float
    rates_bare: float
    truth: float
    width: float
    groups: int
    group_size: int


@dataclass(frozen=True, slots=True)
class TimeFold:
    """One outer fold of the time to churn. `chosen`: "cox", "boosted" or "average"; `candidates` are the
    C-indices inside the training part, the best first. `brier` is the integrated Brier score (NaN where
    it cannot be computed), `baseline_brier` that of the survival curve of everybody."""

    number: int
    trained: int
    judged: int
    c_index: float
    brier: float
    baseline_brier: float
    chosen: str
    candidates: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Landmark:
    """Coverage of the intervals of customers who had stayed for `months`; who has not left yet counts as
    censored. `before` is the estimated share who left before their interval's low end; it should be near
    (1 - nominal) / 2. `closed` is the share of customers whose interval ends within the horizon (for the
    others it reads "beyond"), and `after` the share *of these* who left after the high end (NaN: too few to
    tell). `within` = 1 - before - closed × after, over all customers.
    """

    months: float
    customers: int
    before: float
    closed: float
    after: float
    within: float


@dataclass(frozen=True, slots=True)
class SurvivalEvaluation:
    """How well the time to churn is predicted. A C-index of .5 is chance, 1 the perfect order."""

    folds: tuple[TimeFold, ...]
    c_index: float
    c_index_spread: float
    brier: float
    baseline_brier: float
    horizon: float
    nominal: float
    coverage: tuple[Landmark, ...]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A model's training procedure, judged on rows it had not seen.

    `y` (0 or 1), `p`, `low`, `high` are out of fold, in the order of the table's used rows, NaN in rows
    never judged (the oldest, when time has an order); `row` are their positions in the frame given.
    `pooled` are the figures over all judged rows; `mean` and `spread` (mean, standard deviation over
    folds) by name: roc_auc, pr_auc, brier, log_loss, ece. `split` says in words how rows were split.
    """

    table: Table
    split: str
    seconds: float
    y: FloatArray
    p: FloatArray
    low: FloatArray
    high: FloatArray
    row: NDArray[np.int64]
    folds: tuple[Fold, ...]
    pooled: Figures
    mean: tuple[tuple[str, float], ...]
    spread: tuple[tuple[str, float], ...]
    curve: tuple[Bin, ...]
    deciles: tuple[Decile, ...]
    importance: tuple[Importance, ...]
    coverage: Coverage
    findings: tuple[Finding, ...]
    survival: SurvivalEvaluation | None
