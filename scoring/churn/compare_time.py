"""Whether a new model's time to churn is at least as good as the old one's, on customers held out of both."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.churn import brier
from scoring.churn.compare import customers, in_words, known_answers, saving
from scoring.churn.durations import months
from scoring.churn.errors import TableError
from scoring.churn.members import one_thread
from scoring.churn.model import ChurnModel
from scoring.churn.results import TimeComparison, TimeFigures
from scoring.churn.survive import Survival, c_index, positive


def measure_time(model: ChurnModel, frame: pd.DataFrame) -> TimeFigures:
    """The figures of a model's time to churn on rows that it has not learnt from (the caller sees to that).

    Raises TableError where it has no such model, a column is missing, or too few of the rows left to tell.
    """
    lives, _, part = _lives(model, frame)
    survival, curves = _curves(model, part)
    return _figures(survival, curves, lives, _span(lives, survival))


def compare_time(new: ChurnModel, old: ChurnModel, frame: pd.DataFrame, *, seed: int = 42) -> TimeComparison:
    """Both models' time to churn on the same rows, over the months that both know of. The new one is worse
    if its integrated Brier score is higher. Raises TableError as `measure_time` does."""
    if new.mapping.duration != old.mapping.duration:
        raise TableError(
            f"the time to churn counts {new.mapping.duration or 'nothing'} in the new model and "
            f"{old.mapping.duration or 'nothing'} in the old one; only the same duration can be compared"
        )
    lives, who, part = _lives(new, frame)
    first, second = _curves(new, part), _curves(old, part)
    span = _span(lives, first[0], second[0])
    gain, low, high = saving(_losses(*second, lives, span) - _losses(*first, lives, span), who, seed)
    return TimeComparison(
        new=_figures(*first, lives, span),
        old=_figures(*second, lives, span),
        gain=gain,
        low=low,
        high=high,
        worse=gain < 0,
        words=in_words("integrated Brier score of the time to churn", who, (gain, low, high)),
    )


def _lives(model: ChurnModel, frame: pd.DataFrame) -> tuple[brier.Lives, NDArray[np.int64], pd.DataFrame]:
    """The rows with an answer and a duration: how long, and whether they left then; whose rows; the rows."""
    if model.mapping.duration is None:
        raise TableError("the model has no time to churn; train it with a duration column")
    known, left = known_answers(model, frame)
    times, _ = months(frame, model.mapping.duration)
    there = known & ~np.isnan(times)
    if not (there & left).any() or not (times[there] > 0).any():
        raise TableError(
            "none of the held-out customers left after a known time; to judge the time, some must"
        )
    part = frame.loc[there].reset_index(drop=True)
    return (positive(times[there]), left[there]), customers(model, part), part


def _curves(model: ChurnModel, part: pd.DataFrame) -> tuple[Survival, FloatArray]:
    if model.survival is None:
        raise TableError("the model has no time to churn; train it with a duration column")
    found, _ = model.read(part)
    with one_thread():
        raw = model.survival.raw({name: found[name] for name in model.card.time_features})
    return model.survival, model.survival.still_there(raw, np.zeros(len(part)))


def _span(lives: brier.Lives, *models: Survival) -> FloatArray:
    span = brier.points(lives, lives, min(float(model.grid[-1]) for model in models))
    if not len(span):
        raise TableError(
            "too few of the held-out customers left to judge the time to churn by; give more rows"
        )
    return span


def _losses(model: Survival, curves: FloatArray, lives: brier.Lives, span: FloatArray) -> FloatArray:
    return brier.losses(span, brier.read_at(span, model.grid, curves), lives, lives)


def _figures(model: Survival, curves: FloatArray, lives: brier.Lives, span: FloatArray) -> TimeFigures:
    times, left = lives
    return TimeFigures(
        rows=len(times),
        left=int(left.sum()),
        c_index=c_index(times, left, model.grid, curves),
        brier=float(_losses(model, curves, lives, span).mean()),
        baseline_brier=float(
            brier.losses(span, brier.everybody(span, lives, len(times)), lives, lives).mean()
        ),
    )
