"""Logarithm and halving from additions, multiplications and divisions alone.

A processor's own logarithm may differ from another's in the last bit, and may fall where it should rise. Each
step here is rounded by the same rule everywhere (IEEE 754) and never falls when its input rises. So a better
value never gets fewer points, and a score has the same bits in any batch and on any machine.
"""

import numpy as np

from scoring.arrays import FloatArray

_TERMS = 18
"""Terms of the series: what the 18th adds is below the last bit of the sum."""

_LOG_SERIES = tuple(1.0 / (2 * k + 1) for k in reversed(range(_TERMS)))
_LN_2 = 0.6931471805599453
_FACTORIALS = tuple(float(np.prod(np.arange(1.0, k + 1.0))) for k in range(_TERMS + 2))
_EXP_SERIES = tuple(_LN_2**k / _FACTORIALS[k] for k in reversed(range(_TERMS + 2)))


def log2_from_1(value: FloatArray) -> FloatArray:
    """log2(1 + value) for values of 0 and more: 0, then 1 more with each doubling of 1 + value.

    1 + value is m x 2^n with m from 1 to 2, and log2(m) = 2 / ln 2 x (s + s^3 / 3 + s^5 / 5 + ...) with
    s = (m - 1) / (m + 1).
    """
    half, exponent = np.frexp(1.0 + value)
    s = 1.0 - 2.0 / (1.0 + 2.0 * half)
    square = s * s
    total = np.full(value.shape, _LOG_SERIES[0])
    for term in _LOG_SERIES[1:]:
        total = total * square + term
    # Held at 1, so that the value before a power of two is never above that power.
    within = np.minimum(total * s * (2.0 / _LN_2), 1.0)
    result: FloatArray = (exponent - 1) + within
    return result


def halvings(times: FloatArray) -> FloatArray:
    """0.5 to the power of `times` (0 and more): 1, then half with each whole number.

    With n the whole and f the broken part of `times` it is 2^(1 - f) / 2^(n + 1); 2^g for a g of 0 to 1 is
    the series of e^(g x ln 2).
    """
    # After 1,100 halvings nothing is left of the smallest number a float can hold.
    bounded = np.minimum(times, 1100.0)
    whole = np.floor(bounded)
    g = 1.0 - (bounded - whole)
    total = np.full(times.shape, _EXP_SERIES[0])
    for term in _EXP_SERIES[1:]:
        total = total * g + term
    result: FloatArray = np.ldexp(np.minimum(total, 2.0), -(whole.astype(np.int64) + 1))
    return result
