"""Which metrics cost most: the greatest of m costs for many customers at once, without sorting."""

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import FloatArray

KeyArray = NDArray[np.uint64]

# Positive floats are in the same order as their bits read as whole numbers; the sign bit goes, as -0.0 is 0.
_ALL_BUT_SIGN = (1 << 63) - 1


class Ranking:
    """Working memory for the k greatest costs (0 or more) of `size` customers with `count` metrics each.

    Metrics are added one after the other, in the scorecard's order, all of them before places are read; the
    first one begins anew. Costs that agree to 12 digits are a tie, which goes to the metric that comes first.
    """

    def __init__(self, count: int, k: int, size: int) -> None:
        self._low = _low_bits(count)
        # A rank beyond the metrics keeps its 0, the key of no metric.
        self._best: KeyArray = np.zeros((k, size), dtype=np.uint64)
        self._key: KeyArray = np.empty(size, dtype=np.uint64)
        self._spare: KeyArray = np.empty(size, dtype=np.uint64)

    def add(self, cost: FloatArray, position: int) -> None:
        """Rank the costs (size,) of the metric at `position`: finite, 0 or more."""
        if not len(self._best):
            return
        key, spare = self._key, self._spare
        _keys_into(cost, position, self._low, key)
        for rank, best in enumerate(self._best):
            if rank == position:
                np.copyto(best, key)
                return
            np.minimum(best, key, out=spare)
            np.maximum(best, key, out=best)
            key, spare = spare, key

    def places(self, rank: int, out: NDArray[np.intp]) -> None:
        """Writes the positions of the costs that come at this rank (from 0); -1 where a cost is 0."""
        np.bitwise_and(self._best[rank], np.uint64(self._low), out=out, casting="unsafe")
        np.subtract(self._low, out, out=out)
        np.copyto(out, -1, where=self._best[rank] <= self._low)


def costliest(costs: FloatArray) -> list[int]:
    """The positions of the costs (m,) above 0 of one customer, the greatest first; ties as in `Ranking`."""
    low = _low_bits(len(costs))
    keys: KeyArray = np.empty(len(costs), dtype=np.uint64)
    _keys_into(costs, np.arange(len(costs), dtype=np.uint64), low, keys)
    order = np.argsort(keys)[::-1]
    found: list[int] = order[keys[order] > low].tolist()
    return found


def _keys_into(cost: FloatArray, position: int | KeyArray, low: int, out: KeyArray) -> None:
    """Writes costs with their metric's position in the last bits: all of a customer's keys differ."""
    np.bitwise_and(cost.view(np.uint64), np.uint64(_ALL_BUT_SIGN & ~low), out=out)
    np.bitwise_or(out, np.uint64(low) - np.asarray(position, dtype=np.uint64), out=out)


def _low_bits(count: int) -> int:
    return (1 << max(1, (count - 1).bit_length())) - 1
