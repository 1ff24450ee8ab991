"""A trained churn model: what it is, and what it says of customers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from scoring.arrays import FloatArray
from scoring.churn import classify, survive
from scoring.churn.answers import few
from scoring.churn.choose import Chosen
from scoring.churn.classify import Classifier
from scoring.churn.columns import MISSING, Columns, take
from scoring.churn.durations import months
from scoring.churn.errors import TableError
from scoring.churn.figures import log_loss
from scoring.churn.folds import PARTS, Split, splits
from scoring.churn.mapping import STANDARD, Mapping, Settings
from scoring.churn.members import one_thread
from scoring.churn.results import (
    Card,
    Finding,
    Prediction,
    Predictions,
    Severity,
    Time,
    Trouble,
    category_of,
)
from scoring.churn.survive import Survival
from scoring.churn.table import Data, customers_of, features_of, read

_LIBRARIES = ("scikit-learn", "scikit-survival", "numpy", "pandas")
_BACKGROUND = 50


@dataclass(frozen=True, slots=True)
class ChurnModel:
    """The classifier, the model of the time to churn if there were durations, and `background`: typical
    customers that explanations compare with."""

    card: Card
    mapping: Mapping
    settings: Settings
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    classifier: Classifier
    survival: Survival | None
    background: Columns

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Every row's probability with its interval, category and time. The target need not be there.

        Raises TableError naming all columns that are missing. Unseen categories and blanks are taken as
        rare or missing ones, and told.
        """
        if not len(frame):
            return Predictions((), ())
        columns, findings = self.read(frame)
        with one_thread():
            p, low, high = self.classifier.predict(columns)
            times = self._times(frame, columns)
        customers = customers_of(frame, self.mapping)
        rows = tuple(
            Prediction(
                customers[row],
                float(p[row]),
                float(low[row]),
                float(high[row]),
                category_of(float(p[row])),
                times[row],
            )
            for row in range(len(frame))
        )
        return Predictions(rows, tuple(findings))

    def without_time(self) -> ChurnModel:
        """The same model of the probability, which tells no time to churn."""
        card = replace(self.card, time_features=(), time_choice="", inner_c_index=float("nan"))
        return replace(self, card=card, survival=None)

    def read(self, frame: pd.DataFrame) -> tuple[Columns, list[Finding]]:
        """The features of a table in the model's order, and what was odd about them."""
        wanted = [*self.numeric, *self.categorical]
        told = (one for one in self.card.findings if one.trouble is Trouble.DECIMAL_COMMA)
        commas = frozenset(name for one in told for name in one.columns)
        found, findings = features_of(frame, self.numeric, self.categorical, commas)
        columns = {name: found[name] for name in self.card.features}
        for name, values in self.classifier.ensemble.encoder.unseen(columns).items():
            shown = ", ".join(values[:5]) + (", …" if len(values) > 5 else "")
            words = f"{name}: categories not seen (or hardly) in training: {shown}; treated as a rare one"
            figures = (("categories", float(len(values))),)
            findings.append(Finding(Trouble.UNSEEN, Severity.WARN, (name,), words, figures))
        for name in wanted:
            share = _share_missing(columns[name])
            if share > 0.5:
                words = f"{name}: {share:.0%} of the cells are empty; the model fills in typical values"
                findings.append(
                    Finding(Trouble.MISSING_VALUES, Severity.WARN, (name,), words, (("share", share),))
                )
        return columns, findings

    def _times(self, frame: pd.DataFrame, columns: Columns) -> tuple[Time | None, ...]:
        if self.survival is None or self.mapping.duration is None:
            return (None,) * len(frame)
        stayed, _ = months(frame, self.mapping.duration)
        timed = {name: columns[name] for name in self.card.time_features}
        return self.survival.times(timed, stayed)


def train(
    frame: pd.DataFrame,
    mapping: Mapping,
    settings: Settings = STANDARD,
    *,
    trained_at: str = "",
) -> ChurnModel:
    """A model from all rows of a table. The same rows, mapping and settings give the same bits.

    `trained_at` goes to the card as it is. Raises TableError where the table cannot be used.
    """
    data = read(frame, mapping)
    with one_thread():
        classifier, chosen = fit_classifier(data, settings)
        timed = fit_survival(data, settings)
    kinds = {name: values.dtype == object for name, values in data.churn_columns.items()}
    return ChurnModel(
        card=_card(data, mapping, settings, chosen, timed, trained_at),
        mapping=mapping,
        settings=settings,
        numeric=tuple(name for name, text in kinds.items() if not text),
        categorical=tuple(name for name, text in kinds.items() if text),
        classifier=classifier,
        survival=None if timed is None else timed[0],
        background=_background(data, settings.seed),
    )


def fit_classifier(
    data: Data, settings: Settings, rows: NDArray[np.int64] | None = None, like: Chosen | None = None
) -> tuple[Classifier, Chosen]:
    """The classifier of some rows of a table (all by default)."""
    part = np.arange(len(data.y)) if rows is None else rows
    columns = take(data.churn_columns, part)
    return classify.fit(
        columns, data.y[part], _inner(data, part, settings), data.groups[part], settings, like
    )


def fit_survival(
    data: Data, settings: Settings, rows: NDArray[np.int64] | None = None
) -> tuple[Survival, tuple[tuple[str, float], ...]] | None:
    """The model of the time to churn of some rows; None without durations or features for it."""
    if data.duration is None or not data.table.time_features:
        return None
    part = np.arange(len(data.y)) if rows is None else rows
    part = part[~np.isnan(data.duration[part])]
    columns = take(data.time_columns, part)
    return survive.fit(columns, data.duration[part], data.y[part], _inner(data, part, settings), settings)


def _inner(data: Data, rows: NDArray[np.int64], settings: Settings) -> tuple[Split, ...]:
    """The splits that choices are made by: in the order of time, where rows have one and span enough."""
    y, groups = data.y[rows], data.groups[rows]
    if data.time is not None:
        apart = len(np.unique(groups)) < len(groups)
        # About as many trainings as without a time: each span takes one per part.
        spans = max(2, round(settings.inner / PARTS)) if apart else settings.inner
        with suppress(TableError):
            return splits(y, spans, settings.seed, groups, data.time[rows], data.window_days)
    return splits(y, settings.inner, settings.seed, groups)


def _card(
    data: Data,
    mapping: Mapping,
    settings: Settings,
    chosen: Chosen,
    timed: tuple[Survival, tuple[tuple[str, float], ...]] | None,
    trained_at: str,
) -> Card:
    table = data.table
    return Card(
        trained_at=trained_at,
        rows=table.rows,
        share=table.share,
        target=mapping.target,
        features=table.features,
        time_features=table.time_features if timed else (),
        choice=chosen.choice.words,
        time_choice=timed[0].kind if timed else "",
        inner_log_loss=log_loss(chosen.y, chosen.p),
        inner_roc_auc=float(roc_auc_score(chosen.y, chosen.p)),
        inner_c_index=timed[1][0][1] if timed else float("nan"),
        first=table.first,
        last=table.last,
        digest=table.digest,
        seed=settings.seed,
        versions=tuple((name, version(name)) for name in _LIBRARIES),
        findings=(*table.findings, *few(data.y, data.groups)),
    )


def _background(data: Data, seed: int) -> Columns:
    dice = np.random.default_rng([seed, 11])
    rows = np.sort(dice.permutation(len(data.y))[:_BACKGROUND])
    return take(data.churn_columns, rows)


def _share_missing(values: NDArray[np.generic]) -> float:
    if values.dtype == object:
        return float(np.mean(values == MISSING))
    found: FloatArray = values.astype(float)
    return float(np.isnan(found).mean())
