"""Scoring: the kernel against NumPy's bare weighted sum and against a pydantic model a row."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, create_model

from bench.table import seconds, show
from scoring.arrays import FloatArray
from scoring.kernel import score_many
from scoring.load import builtin

ROWS = 200_000
BARE = "NumPy's bare weighted sum"


def values(rows: int) -> FloatArray:
    """Plausible raw values, a tenth of them missing."""
    card, dice = builtin("intervention"), np.random.default_rng(7)
    columns = []
    for metric in card.metrics:
        low = metric.minimum if metric.minimum is not None else 0.0
        high = metric.maximum if metric.maximum is not None else 100.0
        columns.append(dice.uniform(low, min(high, low + 200), rows))
    found = np.column_stack(columns)
    found[dice.random(found.shape) < 0.1] = np.nan
    return found


def row_by_row(found: FloatArray, weights: FloatArray) -> float:
    """What an engine with a validated object per customer does."""
    names = builtin("intervention").metric_names
    model: type[BaseModel] = create_model("Row", **{name: (float, ...) for name in names})  # type: ignore[call-overload]
    total = 0.0
    for row in found:
        checked = model(**dict(zip(names, row.tolist(), strict=True)))
        total += sum(getattr(checked, name) * weight for name, weight in zip(names, weights, strict=True))
    return total


def main() -> None:
    """Measure and print."""
    card, found = builtin("intervention"), values(ROWS)
    weights = np.array([metric.weight for metric in card.metrics])
    filled = np.nan_to_num(found)
    few = filled[: ROWS // 20]
    measured = {
        BARE: seconds(lambda: filled @ weights),
        "score_many: points, score, level, coverage": seconds(lambda: score_many(card, found)),
        "a pydantic model a row, weighted sum only": seconds(lambda: row_by_row(few, weights), 2) * 20,
    }
    show("Scoring with 17 metrics", ROWS, measured, BARE)


if __name__ == "__main__":
    main()
