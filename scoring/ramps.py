"""Straight lines between corners as a sum of ramps: how many of the 100 points a raw value falls short of."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from scoring.arrays import FloatArray


class Ramp(NamedTuple):
    """One line: nothing is lost at `good`, then `slope` points a unit to the bad side, at most `most`."""

    good: float
    slope: float
    most: float
    higher: bool


@dataclass(frozen=True, slots=True)
class Ramps:
    """A table of corners taken apart into its lines.

    The points lost are `base` plus those of each ramp, held to 100 where their sum could round above it.
    """

    base: float
    ramps: tuple[Ramp, ...]
    held: bool


def ramps_of(corners: Sequence[tuple[float, float]]) -> Ramps:
    """The ramps of corners (raw value, points): the raw values rise, the points only rise or only fall."""
    higher = corners[0][1] < corners[-1][1]
    ramps = []
    for (left, low), (right, high) in pairwise(corners):
        if low != high:
            most = abs(high - low)
            ramps.append(Ramp(right if higher else left, _slope(right - left, most), most, higher))
    base = 100.0 - max(corners[0][1], corners[-1][1])
    worst = 0.0
    for ramp in ramps:
        worst += ramp.most
    return Ramps(base, tuple(ramps), worst + base > 100.0)


def lost_into(ramps: Ramps, raw: FloatArray, out: FloatArray, spare: FloatArray) -> None:
    """Writes the points (0 to 100) that raw values fall short of into `out`; NaN gives NaN.

    raw, out, spare: arrays of one shape and no common memory. Only elementwise subtractions,
    multiplications, bounds and additions, each of which keeps the order: a value's result does not depend
    on its neighbours, and a better value never loses more, not even by a rounding error. A value at a
    corner loses exactly what the corner says.
    """
    for number, ramp in enumerate(ramps.ramps):
        line = spare if number else out
        if ramp.higher:
            np.subtract(ramp.good, raw, out=line)
        else:
            np.subtract(raw, ramp.good, out=line)
        np.multiply(line, ramp.slope, out=line)
        line.clip(0.0, ramp.most, out=line)
        if number:
            np.add(out, line, out=out)
    if ramps.base:
        np.add(out, ramps.base, out=out)
    if ramps.held:
        np.minimum(out, 100.0, out=out)


def _slope(width: float, most: float) -> float:
    """`most` / `width`, a last bit steeper where rounding would leave the ramp's end short of `most`."""
    slope = most / width
    while width * slope < most:
        slope = math.nextafter(slope, math.inf)
    return slope
