"""Array types, how a score is compared with a border, and small helpers of the vectorised modules."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
LevelArray = NDArray[np.int8]
BoolArray = NDArray[np.bool_]
ByteArray = NDArray[np.uint8]

CHUNK_ROWS = 32_768
"""Rows computed at once: few enough for the processor's caches, whatever n is, and so many that calls of
NumPy and fresh memory cost little (measured: in full a third faster than 16,384)."""

_TILE_ROWS = 512


def judged(score: FloatArray) -> FloatArray:
    """The scores as borders see them: rounded to 6 decimals.

    A weighted mean that is 80 on paper may come out as 79.99999999999999 in binary. Without the
    rounding, which weights a scorecard uses would decide whether a customer on the border is in or out.
    """
    return np.round(score, 6)


def subset_sums(weights: Sequence[float]) -> FloatArray:
    """For each pattern of presence (bit i stands for weights[i]) the sum of the weights present, in order."""
    sums = np.zeros(1 << len(weights))
    for bit, weight in enumerate(weights):
        # The patterns whose highest bit is this one are those below it, and this weight more.
        sums[1 << bit : 2 << bit] = sums[: 1 << bit] + weight
    return sums


def add_bit(pattern: ByteArray, present: BoolArray, bit: int, spare: ByteArray) -> None:
    """Sets a bit of the patterns where `present`; all arrays are of one shape."""
    np.multiply(present.view(np.uint8), np.uint8(1 << bit), out=spare)
    np.bitwise_or(pattern, spare, out=pattern)


def columns_of(matrix: FloatArray, space: FloatArray) -> FloatArray:
    """The columns of (n, m) values as rows (m, n), each contiguous: a view if they lie so, else in `space`.

    space: (m, at least n). It is filled tile by tile: a source that lies row by row is read from memory once.
    """
    size = len(matrix)
    if matrix.strides[0] == matrix.itemsize:
        return matrix.T
    for start in range(0, size, _TILE_ROWS):
        stop = min(start + _TILE_ROWS, size)
        np.copyto(space[:, start:stop], matrix[start:stop].T)
    return space[:, :size]
