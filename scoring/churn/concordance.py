"""How well an order agrees with the order in which customers left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sksurv.metrics import concordance_index_censored

from scoring.arrays import FloatArray


def concordance(left: NDArray[np.bool_], times: FloatArray, risk: FloatArray) -> float:
    """Of two customers of whom one is known to have left earlier: how often that one had the higher risk
    (Harrell 1982). NaN where no two compare."""
    try:
        # Where no pair compares, the library divides 0 by 0.
        with np.errstate(invalid="ignore"):
            return float(concordance_index_censored(left, times, risk)[0])
    except ValueError:
        return float("nan")
