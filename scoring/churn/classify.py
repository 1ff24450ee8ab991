"""The probability of leaving: an ensemble, its calibration, and refits that say how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from scoring.arrays import FloatArray
from scoring.churn.calibrate import Calibrator, calibrator, expit, logit
from scoring.churn.choose import Chosen, as_chosen, choose, every_member, unseen
from scoring.churn.columns import Columns, take
from scoring.churn.encode import Encoder, learn
from scoring.churn.folds import Split
from scoring.churn.mapping import Settings
from scoring.churn.members import Estimator, Size, member, probability

_REFIT_TREES = 40
"""A refit's forest is smaller: its spread matters, not its last digit."""
_NEIGHBOURS = 200
"""An interval is never narrower than the chance of so many customers with the same probability allows: a
calibration curve is not known better than that."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Members that vote with equal weight, on the matrix of one encoder, and the calibration of the mean."""

    encoder: Encoder
    members: tuple[Estimator, ...]
    calibrator: Calibrator

    def of_matrix(self, matrix: FloatArray) -> FloatArray:
        """Calibrated probabilities of encoded rows."""
        raw: FloatArray = np.mean([probability(found, matrix) for found in self.members], axis=0)
        return self.calibrator(raw)

    def __call__(self, columns: Columns) -> FloatArray:
        """Calibrated probabilities."""
        return self.of_matrix(self.encoder.matrix(columns))


@dataclass(frozen=True, slots=True)
class Classifier:
    """The ensemble and its refits on bootstrap samples of the same rows."""

    ensemble: Ensemble
    refits: tuple[Ensemble, ...]
    level: float

    def predict(self, columns: Columns) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Probability, and the interval's low and high end.

        To each side, the spread of the refits' log odds from the model's own (model and calibration learnt
        anew from resampled customers) and the chance in a calibration curve's neighbourhood are added in
        squares; the width is Student's t. Each side has a spread of its own: beside a step of an isotonic
        calibration, all of the doubt is on the step's side.
        """
        p = self.ensemble(columns)
        if len(self.refits) < 2:
            return p, p, p
        kept = np.clip(p, 1e-3, 1 - 1e-3)
        chance = 1 / np.sqrt(_NEIGHBOURS * kept * (1 - kept))
        centre, wide = logit(p), student.ppf((1 + self.level) / 2, len(self.refits) - 1)
        apart = np.array([logit(refit(columns)) for refit in self.refits]) - centre
        below, above = (wide * np.hypot(_one_sided(side), chance) for side in (-apart, apart))
        return p, np.minimum(p, expit(centre - below)), np.maximum(p, expit(centre + above))


def _one_sided(apart: FloatArray) -> FloatArray:
    """(refits, rows) to the deviation of a spread that is as wide to the other side as to the one above 0."""
    found: FloatArray = np.sqrt(2 * np.sum(np.maximum(apart, 0.0) ** 2, axis=0) / (len(apart) - 1))
    return found


def fit(
    columns: Columns,
    y: NDArray[np.int64],
    inner: tuple[Split, ...],
    groups: NDArray[np.int64],
    settings: Settings,
    like: Chosen | None = None,
) -> tuple[Classifier, Chosen]:
    """Choose by the inner splits (or take the choice of `like`), then learn from all rows, then refit."""
    wanted = every_member() if like is None else tuple(like.variants.items())
    found = unseen(columns, y, inner, wanted, settings)
    chosen = choose(found) if like is None else as_chosen(found, like)
    curve = calibrator(chosen.choice.calibration, chosen.raw, chosen.y)
    ensemble = _learn(columns, y, chosen, curve, Size(settings.trees, settings.rounds), settings.seed)
    refits = tuple(_refit(columns, y, groups, chosen, settings, number) for number in range(settings.refits))
    return Classifier(ensemble, refits, settings.level), chosen


def _learn(
    columns: Columns, y: NDArray[np.int64], chosen: Chosen, curve: Calibrator, size: Size, seed: int
) -> Ensemble:
    encoder = learn(columns)
    matrix = encoder.matrix(columns)
    fitted = tuple(
        member(family, variant, size, seed).fit(matrix, y) for family, variant in chosen.variants.items()
    )
    return Ensemble(encoder, fitted, curve)


def _refit(
    columns: Columns,
    y: NDArray[np.int64],
    groups: NDArray[np.int64],
    chosen: Chosen,
    settings: Settings,
    number: int,
) -> Ensemble:
    dice = np.random.default_rng([settings.seed, 7, number])
    rows = _resampled(groups, y, dice)
    again = _resampled(groups[chosen.rows], chosen.y, dice)
    curve = calibrator(chosen.choice.calibration, chosen.raw[again], chosen.y[again])
    size = Size(min(_REFIT_TREES, settings.trees), settings.rounds)
    return _learn(take(columns, rows), y[rows], chosen, curve, size, settings.seed + number)


def _resampled(
    groups: NDArray[np.int64], y: NDArray[np.int64] | FloatArray, dice: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of as many customers as there are, drawn with replacement; drawn again until both answers are
    there (one class alone cannot be learnt)."""
    order = np.argsort(groups, kind="stable")
    _, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    for _ in range(100):
        drawn = np.sort(dice.integers(0, len(starts), len(starts)))
        rows = np.concatenate([order[starts[g] : starts[g] + counts[g]] for g in drawn])
        if len(np.unique(y[rows])) == 2:
            return rows.astype(np.int64)
    return order.astype(np.int64)
