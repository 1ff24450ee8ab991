"""Judging the whole way of training on rows that no part of it has seen: choices are made inside."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from scoring.arrays import FloatArray
from scoring.churn import folds
from scoring.churn.answers import few
from scoring.churn.choose import Chosen
from scoring.churn.classify import Classifier
from scoring.churn.columns import Columns, take
from scoring.churn.coverage import of_rates
from scoring.churn.figures import curve, deciles, figures
from scoring.churn.folds import Split
from scoring.churn.mapping import STANDARD, Mapping, Settings
from scoring.churn.members import one_thread
from scoring.churn.model import fit_classifier, fit_survival
from scoring.churn.results import Choice, Evaluation, Figures, Fold, Importance
from scoring.churn.table import Data, day, read
from scoring.churn.timing import TimePart, judge_time, summed

NAMES = ("roc_auc", "pr_auc", "brier", "log_loss", "ece")
"""Figures that have a mean and a spread over folds."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one outer split gave. `drops` is (features, repeats), without repeats where the judged rows have
    one answer only; `truth` is the coverage where the truth was known."""

    choice: Choice
    p: FloatArray
    low: FloatArray
    high: FloatArray
    drops: FloatArray
    truth: NDArray[np.bool_]
    time: TimePart | None


def evaluate(
    frame: pd.DataFrame,
    mapping: Mapping,
    settings: Settings = STANDARD,
    *,
    progress: Callable[[str], None] | None = None,
    measure_truth: bool = True,
) -> Evaluation:
    """Nested cross-validation: each outer fold is judged by models whose members, calibration and encoding
    were chosen and learnt without it.

    `progress` is told of each fold in words (with one process only). `measure_truth` also measures how
    often intervals hold probabilities that are known because labels were drawn from them.
    Raises TableError where the table cannot be used.
    """
    began = time.perf_counter()
    data = read(frame, mapping)
    outer = folds.splits(data.y, settings.folds, settings.seed, data.groups, data.time, mapping.window_days)
    # Once a fold: one of its parts tells as much as all of them.
    known = [measure_truth and (not n or outer[n - 1].fold != split.fold) for n, split in enumerate(outer)]
    if settings.jobs > 1:
        parts = Parallel(n_jobs=settings.jobs)(
            delayed(_judge)(data, split, settings, truth) for split, truth in zip(outer, known, strict=True)
        )
    else:
        parts = []
        for number, split in enumerate(outer):
            if progress is not None:
                progress(f"training {number + 1} of {len(outer)}: {len(split.train):,} rows to learn from")
            parts.append(_judge(data, split, settings, known[number]))
    return _collected(data, outer, parts, settings, time.perf_counter() - began)


def importance(
    classifier: Classifier, columns: Columns, y: NDArray[np.int64], repeats: int, seed: int
) -> FloatArray:
    """(features, repeats): how much ROC AUC falls when one feature is shuffled (Breiman 2001)."""
    model = classifier.ensemble
    matrix, blocks = model.encoder.matrix(columns), model.encoder.blocks()
    drops = np.zeros((len(blocks), repeats))
    if not repeats:
        return drops
    whole = float(roc_auc_score(y, model.of_matrix(matrix)))
    for place, block in enumerate(blocks.values()):
        for repeat in range(repeats):
            shuffled = matrix.copy()
            order = np.random.default_rng([seed, place, repeat]).permutation(len(y))
            shuffled[:, block] = matrix[order, block]
            drops[place, repeat] = whole - float(roc_auc_score(y, model.of_matrix(shuffled)))
    return drops


def _judge(data: Data, split: Split, settings: Settings, truth: bool) -> _Part:
    with one_thread():
        classifier, chosen = fit_classifier(data, settings, split.train)
        unseen = take(data.churn_columns, split.judge)
        y = data.y[split.judge]
        p, low, high = classifier.predict(unseen)
        repeats = settings.repeats if len(np.unique(y)) == 2 else 0
        known = _truth(data, split, settings, classifier, chosen) if truth else np.zeros(0, bool)
        survival = fit_survival(data, settings, split.train)
        timed = None if survival is None else judge_time(data, split, split.fold, survival, settings)
        drops = importance(classifier, unseen, y, repeats, settings.seed)
    return _Part(chosen.choice, p, low, high, drops, known, timed)


def _fold(data: Data, number: int, found: list[tuple[Split, _Part]], threshold: float) -> Fold:
    """The figures of splits that are judged together."""
    rows = np.concatenate([split.judge for split, _ in found])
    first, last = _span(data, rows)
    return Fold(
        number=number + 1,
        trained=min(len(split.train) for split, _ in found),
        judged=len(rows),
        figures=figures(data.y[rows].astype(float), np.concatenate([part.p for _, part in found]), threshold),
        choices=tuple(part.choice for _, part in found),
        first=first,
        last=last,
    )


def _truth(
    data: Data, split: Split, settings: Settings, classifier: Classifier, chosen: Chosen
) -> NDArray[np.bool_]:
    """Take the fitted probabilities for the truth, draw every label anew from them, train again with the
    same members, and say which unseen customers' interval holds their true probability."""
    true = classifier.ensemble(data.churn_columns)
    drawn = (np.random.default_rng([settings.seed, 13, split.fold]).random(len(true)) < true).astype(np.int64)
    second, _ = fit_classifier(replace(data, y=drawn), settings, split.train, chosen)
    _, low, high = second.predict(take(data.churn_columns, split.judge))
    held = true[split.judge]
    found: NDArray[np.bool_] = (low <= held) & (held <= high)
    return found


def _collected(
    data: Data, outer: tuple[Split, ...], parts: list[_Part], settings: Settings, seconds: float
) -> Evaluation:
    pairs = list(zip(outer, parts, strict=True))
    p, low, high = (np.full(len(data.y), np.nan) for _ in range(3))
    for split, part in pairs:
        p[split.judge], low[split.judge], high[split.judge] = part.p, part.low, part.high
    judged = np.flatnonzero(~np.isnan(p))
    y = data.y.astype(float)
    judged_folds = tuple(
        _fold(data, number, [pair for pair in pairs if pair[0].fold == number], settings.threshold)
        for number in range(outer[-1].fold + 1)
    )
    each = {name: [float(getattr(fold.figures, name)) for fold in judged_folds] for name in NAMES}
    pooled: Figures = figures(y[judged], p[judged], settings.threshold)
    held = np.concatenate([part.truth for part in parts])
    timed = [part.time for part in parts if part.time is not None]
    return Evaluation(
        table=data.table,
        split=folds.words(len(judged_folds), data.grouped, data.time is not None),
        seconds=seconds,
        y=y,
        p=p,
        low=low,
        high=high,
        row=data.rows,
        folds=judged_folds,
        pooled=pooled,
        mean=tuple((name, float(np.mean(values))) for name, values in each.items()),
        spread=tuple((name, float(np.std(values))) for name, values in each.items()),
        curve=curve(y[judged], p[judged]),
        deciles=deciles(y[judged], p[judged]),
        importance=_importances(data, parts),
        coverage=of_rates(
            y[judged],
            p[judged],
            low[judged],
            high[judged],
            settings.level,
            float(held.mean()) if len(held) else float("nan"),
        ),
        findings=(*data.table.findings, *few(data.y, data.groups)),
        survival=summed(timed, data, settings) if timed else None,
    )


def _importances(data: Data, parts: list[_Part]) -> tuple[Importance, ...]:
    drops = np.concatenate([part.drops for part in parts], axis=1)
    if not drops.shape[1]:
        return ()
    found = [
        Importance(name, float(drops[place].mean()), float(drops[place].std()))
        for place, name in enumerate(data.table.features)
    ]
    return tuple(sorted(found, key=lambda one: -one.drop))


def _span(data: Data, rows: NDArray[np.int64]) -> tuple[str, str]:
    if data.time is None:
        return "", ""
    return day(data.time[rows].min()), day(data.time[rows].max())
