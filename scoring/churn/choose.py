"""Choosing members and calibration by rows that a model has not seen, inside the training part only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.churn.calibrate import KINDS, calibrator
from scoring.churn.columns import Columns, take
from scoring.churn.encode import learn
from scoring.churn.figures import log_loss
from scoring.churn.folds import Split
from scoring.churn.mapping import Settings
from scoring.churn.members import FAMILIES, Size, member, probability
from scoring.churn.results import Choice

_TRIAL = 2
_WORTH = 5e-4
"""Log loss that calibrating must save to be preferred to leaving the probabilities as they are."""


@dataclass(frozen=True, slots=True)
class Inner:
    """What inner folds gave: probabilities of unseen rows by (family, variant), and which fold judged
    which row (-1: none, these rows count nowhere)."""

    raw: dict[tuple[str, str], FloatArray]
    fold: NDArray[np.int64]
    y: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The winner: its variants by family, and its raw out-of-fold probabilities with their answers, at the
    positions `rows`."""

    choice: Choice
    variants: dict[str, str]
    rows: NDArray[np.int64]
    raw: FloatArray
    y: FloatArray
    p: FloatArray


def unseen(
    columns: Columns,
    y: NDArray[np.int64],
    inner: tuple[Split, ...],
    wanted: tuple[tuple[str, str], ...],
    settings: Settings,
) -> Inner:
    """Train each wanted member on each inner training part, encoder and all, and let it judge the rest.

    The first two splits decide which variant of a family goes on; forests have half their trees here.
    """
    raw = {key: np.full(len(y), np.nan) for key in wanted}
    fold = np.full(len(y), -1, dtype=np.int64)
    size = Size(max(1, settings.trees // 2), settings.rounds)
    for number, split in enumerate(inner):
        known = take(columns, split.train)
        encoder = learn(known)
        train, judge = encoder.matrix(known), encoder.matrix(take(columns, split.judge))
        fold[split.judge] = number
        for (family, variant), found in raw.items():
            fitted = member(family, variant, size, settings.seed).fit(train, y[split.train])
            found[split.judge] = probability(fitted, judge)
        if number == _TRIAL - 1:
            raw = _best_variants(raw, y, fold)
    return Inner(raw, fold, y)


def _best_variants(
    raw: dict[tuple[str, str], FloatArray], y: NDArray[np.int64], fold: NDArray[np.int64]
) -> dict[tuple[str, str], FloatArray]:
    judged = fold >= 0
    losses: dict[str, tuple[float, str]] = {}
    for (family, variant), found in raw.items():
        loss = log_loss(y[judged].astype(float), found[judged])
        if family not in losses or loss < losses[family][0]:
            losses[family] = (loss, variant)
    return {key: found for key, found in raw.items() if losses[key[0]][1] == key[1]}


def every_member() -> tuple[tuple[str, str], ...]:
    """All families in all variants."""
    return tuple((family, variant) for family, variants in FAMILIES.items() for variant in variants)


def choose(inner: Inner) -> Chosen:
    """The best variant of each family, then the mean of members and the calibration with the least log
    loss. A calibration is judged on a fold that its own learning left out."""
    judged = inner.fold >= 0
    y, fold = inner.y[judged].astype(float), inner.fold[judged]
    variants = dict(_best_variants(inner.raw, inner.y, inner.fold).keys())
    tried: list[tuple[float, tuple[str, ...], str]] = []
    for size in range(1, len(variants) + 1):
        for families in combinations(variants, size):
            raw = _mean(inner, variants, families)[judged]
            tried += [(log_loss(y, _crossed(kind, raw, y, fold)), families, kind) for kind in KINDS]
    # Sorted by loss with a small handicap; the list's own order settles the rest.
    tried.sort(key=lambda found: found[0] + (0.0 if found[2] == "none" else _WORTH))
    candidates = tuple((f"{'+'.join(families)}, {kind}", loss) for loss, families, kind in tried)
    return _chosen(inner, Choice(tried[0][1], tried[0][2], candidates), variants)


def as_chosen(inner: Inner, like: Chosen) -> Chosen:
    """The same choice with other rows' probabilities: nothing is chosen anew."""
    return _chosen(inner, like.choice, like.variants)


def _chosen(inner: Inner, choice: Choice, variants: dict[str, str]) -> Chosen:
    judged = inner.fold >= 0
    y = inner.y[judged].astype(float)
    kept = {family: variants[family] for family in choice.members}
    raw = _mean(inner, kept, choice.members)[judged]
    p = _crossed(choice.calibration, raw, y, inner.fold[judged])
    return Chosen(choice, kept, np.flatnonzero(judged), raw, y, p)


def _mean(inner: Inner, variants: dict[str, str], families: tuple[str, ...]) -> FloatArray:
    found: FloatArray = np.mean([inner.raw[family, variants[family]] for family in families], axis=0)
    return found


def _crossed(kind: str, raw: FloatArray, y: FloatArray, fold: NDArray[np.int64]) -> FloatArray:
    if kind == "none":
        return raw
    out = np.zeros(len(raw))
    for number in np.unique(fold):
        here = fold == number
        if here.all() or len(np.unique(y[~here])) < 2:
            return raw
        out[here] = calibrator(kind, raw[~here], y[~here])(raw[here])
    return out
