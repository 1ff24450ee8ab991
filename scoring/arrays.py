"""Array types, and how a score is compared with a border."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
LevelArray = NDArray[np.int8]


def judged(score: FloatArray) -> FloatArray:
    """The scores as borders see them: rounded to 6 decimals.

    A weighted mean that is 80 on paper may come out as 79.99999999999999 in binary. Without the
    rounding, which weights a scorecard uses would decide whether a customer on the border is in or out.
    """
    return np.round(score, 6)
