"""The models that vote: random forest, gradient boosting, logistic regression."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from scoring.arrays import FloatArray

FAMILIES: dict[str, tuple[str, ...]] = {
    "forest": ("coarse", "fine"),
    "boosting": ("shallow", "deep"),
    "logistic": ("plain",),
}
"""Each kind of member and the variants it is tried in. Coarse and shallow suit weak, additive effects;
fine and deep suit strong interactions. Which one, the training part decides."""


class Estimator(Protocol):
    """What of a scikit-learn classifier is used here."""

    def fit(self, matrix: FloatArray, y: NDArray[np.int64]) -> Estimator:
        """Learn."""

    def predict_proba(self, matrix: FloatArray) -> FloatArray:
        """(rows, 2), the second column is the probability of 1."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of threads depend on who comes first; with one thread the bits are always the same."""
    with threadpool_limits(limits=1):
        yield


@dataclass(frozen=True, slots=True)
class Size:
    """Trees of a forest and rounds of boosting."""

    trees: int
    rounds: int


def member(family: str, variant: str, size: Size, seed: int) -> Estimator:
    """A member that has not learnt anything yet."""
    if family == "forest":
        leaf, share = (20, "sqrt") if variant == "coarse" else (3, 0.3)
        forest: Estimator = RandomForestClassifier(
            n_estimators=size.trees, min_samples_leaf=leaf, max_features=share, random_state=seed, n_jobs=1
        )
        return forest
    if family == "boosting":
        shape: dict[str, float] = (
            {"max_leaf_nodes": 4, "min_samples_leaf": 30, "l2_regularization": 5.0}
            if variant == "shallow"
            else {"max_leaf_nodes": 16, "min_samples_leaf": 10, "max_features": 0.4}
        )
        boosting: Estimator = HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=size.rounds, early_stopping=False, random_state=seed, **shape
        )
        return boosting
    logistic: Estimator = LogisticRegression(C=1.0, max_iter=2000)
    return logistic


def probability(estimator: Estimator, matrix: FloatArray) -> FloatArray:
    """The probability of leaving, per row."""
    return estimator.predict_proba(matrix)[:, 1].astype(np.float64)
