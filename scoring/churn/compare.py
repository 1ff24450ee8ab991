"""Whether a new model is better than the one in use, on rows that neither has learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.churn import columns
from scoring.churn.errors import TableError
from scoring.churn.figures import figures, losses
from scoring.churn.members import one_thread
from scoring.churn.model import ChurnModel
from scoring.churn.results import Comparison, Figures

_DRAWS = 1000


def measure(model: ChurnModel, frame: pd.DataFrame) -> Figures:
    """The figures of a model on rows with answers that it has not learnt from (the caller sees to that)."""
    y, p = _judged(model, frame)
    return figures(y, p, model.settings.threshold)


def compare(new: ChurnModel, old: ChurnModel, frame: pd.DataFrame, *, seed: int = 42) -> Comparison:
    """Both models on the same rows. The new one is better if its log loss is lower; the interval by
    resampling customers says whether that is more than chance. Raises TableError for a column missing."""
    y, first = _judged(new, frame)
    _, second = _judged(old, frame)
    who = customers(new, frame)[known_answers(new, frame)[0]]
    gain, low, high = saving(losses(y, second) - losses(y, first), who, seed)
    return Comparison(
        new=figures(y, first, new.settings.threshold),
        old=figures(y, second, new.settings.threshold),
        gain=gain,
        low=low,
        high=high,
        better=gain > 0,
        words=in_words("log loss", who, (gain, low, high)),
    )


def customers(model: ChurnModel, frame: pd.DataFrame) -> NDArray[np.int64]:
    """A number per row, the same for rows of one customer."""
    return columns.numbered(frame, model.mapping.apart)


def saving(saved: FloatArray, who: NDArray[np.int64], seed: int) -> tuple[float, float, float]:
    """The mean of what each row saves, and its 90 % interval by drawing customers with all of their rows
    (rows of one customer go wrong together: drawn one by one, they would look like more than they are)."""
    _, which = np.unique(who, return_inverse=True)
    sums, counts = np.bincount(which, saved), np.bincount(which)
    dice = np.random.default_rng([seed, 19])
    means = []
    for _ in range(_DRAWS):
        drawn = dice.integers(0, len(sums), len(sums))
        means.append(sums[drawn].sum() / counts[drawn].sum())
    return float(saved.mean()), float(np.quantile(means, 0.05)), float(np.quantile(means, 0.95))


def in_words(figure: str, who: NDArray[np.int64], found: tuple[float, float, float]) -> str:
    """What a comparison says, for people. `figure` is one where lower is better."""
    gain, low, high = found
    count = len(np.unique(who))
    several = f" in {len(who):,} rows" if len(who) != count else ""
    if gain == 0:
        return f"on {count:,} held-out customers{several} both models have the same {figure}"
    sure = "clearly" if low > 0 or high < 0 else "within chance"
    return (
        f"on {count:,} held-out customers{several} the new model's {figure} is {abs(gain):.4f} "
        f"{'lower' if gain > 0 else 'higher'} than the old one's "
        f"({sure}; 90 % interval of the saving {low:+.4f} to {high:+.4f})"
    )


def known_answers(model: ChurnModel, frame: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows have an answer, and which say that the customer left. TableError without the column."""
    columns.require(frame, [model.mapping.target], "to judge")
    said = {columns.answer(value) for value in model.mapping.churned}
    found = [columns.answer(cell) for cell in frame[model.mapping.target].tolist()]
    there = np.array([value != columns.MISSING for value in found], dtype=bool)
    return there, np.array([value in said for value in found], dtype=bool)


def _judged(model: ChurnModel, frame: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Whether each customer with an answer left, and the model's probability of it."""
    there, left = known_answers(model, frame)
    y = left[there].astype(float)
    if not len(y) or y.all() or not y.any():
        raise TableError(
            f"column {model.mapping.target}: of {len(y)} held-out customers all have the same answer; "
            "to judge a model, both kinds must be there"
        )
    with one_thread():
        return y, model.classifier.ensemble(model.read(frame.loc[there])[0])
