"""What a daily run keeps of each customer: score, categories, level and the costliest metrics."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.arrays import FloatArray
from scoring.chunk import Chunk
from scoring.kernel import Totals, empty_totals, freeze, in_chunks, matrices_of, wide
from scoring.plan import plan_of
from scoring.scorecard import Scorecard

_NONE = -1


@dataclass(frozen=True, slots=True)
class Summary(Totals):
    """The totals of n customers and their k costliest metrics; read-only arrays.

    top: (n, k) columns of the metrics that cost most, the costliest first; -1 fills up where fewer than k
        cost anything, and everywhere where the data is insufficient. A default is no risk factor.
    top_points, top_lost: (n, k) the metric's points (0 to 100) and what it costs of the score's 100, as in
        `Scores`; NaN where top is -1.
    """

    top: NDArray[np.int16]
    top_points: FloatArray
    top_lost: FloatArray


def summarise(
    card: Scorecard, values: ArrayLike, ages_days: ArrayLike | None = None, *, top: int = 3
) -> Summary:
    """Scores n customers like `score_many`, to the same bits, and keeps of the metrics only the costliest.

    values, ages_days: as in `score_many`. Costs that agree to 12 digits are a tie, which goes to the metric
    that comes first in the scorecard. Raises ValueError if shapes do not fit or top is below 1.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1, not {top}")
    raw, ages = matrices_of(card, values, ages_days)
    plan, n = plan_of(card), len(raw)
    summary = Summary(
        **empty_totals(plan, n),
        top=np.empty((top, n), dtype=np.int16).T,
        top_points=wide(n, top),
        top_lost=wide(n, top),
    )

    in_chunks(plan, raw, ages, summary, lambda chunk, rows: _fill_top(chunk, summary, rows), top)
    freeze(summary)
    return summary


def _fill_top(chunk: Chunk, out: Summary, rows: slice) -> None:
    """Writes the costliest metrics, with points and cost."""
    size, insufficient = chunk.columns.size, out.insufficient[rows]
    place, flat = np.empty(size, dtype=np.intp), np.empty(size, dtype=np.intp)
    lost, within = np.empty(size), np.arange(size)
    for rank in range(chunk.top):
        chunk.ranking.places(rank, place)
        np.copyto(place, _NONE, where=insufficient)
        out.top[rows, rank] = place
        # A place of -1 reads some other number, which is replaced below.
        np.multiply(place, size, out=flat)
        np.add(flat, within, out=flat)
        np.take(chunk.columns.lost.reshape(-1), flat, out=lost, mode="wrap")
        points, cost = out.top_points[rows, rank], out.top_lost[rows, rank]
        np.subtract(100.0, lost, out=points)
        np.take(chunk.plan.weights, place, out=cost, mode="wrap")
        np.multiply(cost, lost, out=cost)
        np.divide(cost, chunk.weight, out=cost)
        none = np.less(place, 0)
        if none.any():
            np.copyto(points, np.nan, where=none)
            np.copyto(cost, np.nan, where=none)
