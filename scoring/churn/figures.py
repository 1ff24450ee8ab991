"""Figures of quality for probabilities, each beside what the class share alone would give."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from scoring.arrays import FloatArray
from scoring.churn.results import Bin, Confusion, Decile, Figures

BINS = 10
"""Bins of the calibration curve and of the ECE, of equal width."""


def log_loss(y: FloatArray, p: FloatArray) -> float:
    """Mean negative log likelihood."""
    return float(losses(y, p).mean())


def losses(y: FloatArray, p: FloatArray) -> FloatArray:
    """Negative log likelihood per row; probabilities are kept 1e-9 away from 0 and 1."""
    kept = np.clip(p, 1e-9, 1 - 1e-9)
    found: FloatArray = -(y * np.log(kept) + (1 - y) * np.log(1 - kept))
    return found


def ece(y: FloatArray, p: FloatArray) -> float:
    """Expected calibration error: the mean distance between predicted and observed share, over bins of
    equal width, weighted by customers (Naeini, Cooper and Hauskrecht 2015)."""
    return float(sum(b.customers * abs(b.predicted - b.observed) for b in curve(y, p)) / len(y))


def curve(y: FloatArray, p: FloatArray) -> tuple[Bin, ...]:
    """The calibration curve: the bins that hold customers, in order."""
    place = np.minimum((p * BINS).astype(int), BINS - 1)
    found = []
    for number in range(BINS):
        here = place == number
        if here.any():
            low, high = number / BINS, (number + 1) / BINS
            found.append(Bin(low, high, int(here.sum()), float(p[here].mean()), float(y[here].mean())))
    return tuple(found)


def within_ties(values: FloatArray, p: FloatArray) -> FloatArray:
    """Each value replaced by the mean over all customers with the same probability.

    Cut anywhere inside a tie, the parts are then alike: no figure depends on the order of the rows.
    """
    _, tie = np.unique(p, return_inverse=True)
    found: FloatArray = (np.bincount(tie, values) / np.bincount(tie))[tie]
    return found


def deciles(y: FloatArray, p: FloatArray) -> tuple[Decile, ...]:
    """Tenths of the customers, the likeliest first; fewer below ten rows. A tie that a border cuts is
    shared out evenly, and `churned` rounded so that the tenths add up."""
    order, share, all_left = np.argsort(-p, kind="stable"), float(y.mean()), float(y.sum())
    shared = within_ties(y, p)
    found: list[Decile] = []
    before, counted = 0.0, 0
    for number, rows in enumerate(np.array_split(order, min(10, len(y))), start=1):
        left = float(shared[rows].sum())
        before += left
        churned = round(before) - counted
        counted += churned
        observed = left / len(rows)
        found.append(
            Decile(
                number,
                len(rows),
                churned,
                float(p[rows].mean()),
                observed,
                observed / share,
                before / all_left,
            )
        )
    return tuple(found)


def figures(y: FloatArray, p: FloatArray, threshold: float) -> Figures:
    """All figures. Raises ValueError unless both answers are among `y`."""
    share = float(y.mean())
    if not 0 < share < 1:
        raise ValueError("figures need customers who left and customers who stayed")
    guess = p >= threshold
    left = y == 1
    hits, alarms = int((guess & left).sum()), int((guess & ~left).sum())
    misses, quiet = int((~guess & left).sum()), int((~guess & ~left).sum())
    precision = hits / (hits + alarms) if hits + alarms else 0.0
    recall = hits / (hits + misses)
    constant = np.full(len(y), share)
    return Figures(
        rows=len(y),
        share=share,
        roc_auc=float(roc_auc_score(y, p)),
        pr_auc=float(average_precision_score(y, p)),
        brier=float(np.mean((p - y) ** 2)),
        log_loss=log_loss(y, p),
        ece=ece(y, p),
        threshold=threshold,
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if hits else 0.0,
        accuracy=(hits + quiet) / len(y),
        confusion=Confusion(hits, alarms, quiet, misses),
        baseline_pr_auc=share,
        baseline_brier=share * (1 - share),
        baseline_log_loss=log_loss(y, constant),
        baseline_accuracy=max(share, 1 - share),
    )
