"""Why one customer has this probability: Shapley values against typical customers, by sampling."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scoring.arrays import FloatArray
from scoring.churn.columns import MISSING, Columns
from scoring.churn.errors import TableError
from scoring.churn.members import one_thread
from scoring.churn.model import ChurnModel
from scoring.churn.results import Explanation, Push
from scoring.churn.table import customers_of

_ORDERS = 4
"""Orders of features per background customer; each is also gone through backwards, which halves the noise."""


def explain(model: ChurnModel, frame: pd.DataFrame, row: int, *, orders: int = _ORDERS) -> Explanation:
    """Pushes per feature for the row at position `row` (from 0). They add up to probability - base.

    For every background customer and some random orders of the features, the customer's values replace the
    background's one feature after the other; a feature's push is the mean step it makes (interventional
    Shapley values; Strumbelj and Kononenko 2014). It tells what the model does, not what causes leaving.
    The same model and row give the same pushes. Raises TableError for a row that is not there.
    """
    if not 0 <= row < len(frame):
        raise TableError(f"row {row + 1} is not there; the table has {len(frame)} rows")
    one = frame.iloc[[row]].reset_index(drop=True)
    columns, _ = model.read(one)
    with one_thread():
        base, probability, pushes = _pushes(model, columns, orders)
    found = [
        _push(name, columns[name][0], float(pushes[place])) for place, name in enumerate(model.card.features)
    ]
    found.sort(key=lambda push: -abs(push.push))
    return Explanation(customers_of(one, model.mapping)[0], probability, base, tuple(found))


def _pushes(model: ChurnModel, columns: Columns, orders: int) -> tuple[float, float, FloatArray]:
    ensemble = model.classifier.ensemble
    blocks = list(ensemble.encoder.blocks().values())
    asked = ensemble.encoder.matrix(columns)[0]
    typical = ensemble.encoder.matrix(model.background)
    dice = np.random.default_rng([model.settings.seed, 17])
    paths, steps = [], []
    for customer in typical:
        for _ in range(orders):
            order = dice.permutation(len(blocks))
            for path in (order, order[::-1]):
                rows = np.tile(customer, (len(blocks) + 1, 1))
                for step, feature in enumerate(path, start=1):
                    rows[step:, blocks[feature]] = asked[blocks[feature]]
                paths.append(path)
                steps.append(rows)
    values = ensemble.of_matrix(np.concatenate(steps)).reshape(len(paths), len(blocks) + 1)
    pushes = np.zeros(len(blocks))
    for path, gained in zip(paths, np.diff(values, axis=1), strict=True):
        pushes[path] += gained
    return float(values[:, 0].mean()), float(ensemble.of_matrix(asked[None, :])[0]), pushes / len(paths)


def _shown(value: float) -> str:
    """Six digits, or all of them where that would cut off some before the point."""
    return f"{value:.0f}" if 1e5 <= abs(value) < 1e15 else f"{value:.6g}"


def _push(name: str, value: object, push: float) -> Push:
    empty = value == MISSING or (isinstance(value, float) and np.isnan(value))
    shown = "not known" if empty else _shown(value) if isinstance(value, float) else str(value)
    points = abs(push) * 100
    if points < 0.05:
        words = f"{name} is {shown}: hardly moves the probability"
    else:
        words = (
            f"{name} is {shown}: {'raises' if push > 0 else 'lowers'} the probability by {points:.1f} points"
        )
    return Push(name, shown, push, words)
