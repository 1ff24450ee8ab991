"""From columns to the matrix that models see; everything is learnt from the training rows alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.churn.columns import Columns, length

_RARE = 5
"""Categories with fewer training rows than this share one column with the others like them."""
_MOST = 40
"""At most so many categories of one feature get a column of their own, the most frequent ones."""
_FAR = 8.0
"""Scaled numbers are cut here, so that one typing error does not decide a linear model's answer."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Per feature either (median, mean, standard deviation, whether values were missing) or its categories.

    A numeric feature becomes its scaled value, and a second column that says "was missing" if that
    happened in training. A categorical one becomes a column per category, and one for all rare ones;
    a category never seen counts as rare, or as none of them if there were no rare ones.
    """

    names: tuple[str, ...]
    scales: dict[str, tuple[float, float, float, bool]]
    levels: dict[str, tuple[str, ...]]
    rare: dict[str, bool]

    def blocks(self) -> dict[str, slice]:
        """The columns of the matrix that belong to each feature."""
        found, at = {}, 0
        for name in self.names:
            wide = (
                1 + self.scales[name][3] if name in self.scales else len(self.levels[name]) + self.rare[name]
            )
            found[name] = slice(at, at + wide)
            at += wide
        return found

    def matrix(self, columns: Columns) -> FloatArray:
        """(rows, columns) of finite numbers."""
        blocks = self.blocks()
        out = np.zeros((length(columns), blocks[self.names[-1]].stop))
        for name, block in blocks.items():
            out[:, block] = (
                self._numeric(name, columns) if name in self.scales else self._coded(name, columns)
            )
        return out

    def unseen(self, columns: Columns) -> dict[str, tuple[str, ...]]:
        """Categories by feature that have no column of their own and are not known to be rare."""
        found = {}
        for name, levels in self.levels.items():
            extra = sorted(set(columns[name].tolist()) - set(levels))
            if extra:
                found[name] = tuple(extra)
        return found

    def _numeric(self, name: str, columns: Columns) -> FloatArray:
        median, mean, deviation, gaps = self.scales[name]
        values = columns[name].astype(float)
        empty = np.isnan(values)
        scaled = np.clip((np.where(empty, median, values) - mean) / deviation, -_FAR, _FAR)
        return np.column_stack([scaled, empty.astype(float)]) if gaps else scaled[:, None]

    def _coded(self, name: str, columns: Columns) -> FloatArray:
        levels = self.levels[name]
        place = {level: index for index, level in enumerate(levels)}
        codes = np.array([place.get(value, len(levels)) for value in columns[name].tolist()], dtype=np.int64)
        out = np.zeros((len(codes), len(levels) + 1))
        out[np.arange(len(codes)), codes] = 1.0
        return out if self.rare[name] else out[:, :-1]

    def state(self) -> dict[str, object]:
        """Plain values that the encoder can be built from again."""
        return {
            "names": list(self.names),
            "scales": {name: list(scale) for name, scale in self.scales.items()},
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "rare": dict(self.rare),
        }


def learn(columns: Columns) -> Encoder:
    """An encoder for these training rows, its features in the columns' order."""
    scales: dict[str, tuple[float, float, float, bool]] = {}
    levels: dict[str, tuple[str, ...]] = {}
    rare: dict[str, bool] = {}
    for name, values in columns.items():
        if values.dtype == object:
            levels[name], rare[name] = _frequent(values)
        else:
            scales[name] = _scale(values.astype(float))
    return Encoder(tuple(columns), scales, levels, rare)


def from_state(state: dict[str, object]) -> Encoder:
    """The encoder of `state()`. Raises KeyError, TypeError or ValueError where it is not one."""
    scales, levels, rare, names = (state[key] for key in ("scales", "levels", "rare", "names"))
    if not (isinstance(scales, dict) and isinstance(levels, dict) and isinstance(rare, dict)):
        raise TypeError("scales, levels and rare must be by feature")
    if not isinstance(names, list) or set(names) != set(scales) | set(levels) or not names:
        raise ValueError("each feature needs a scale or levels")
    return Encoder(
        tuple(str(name) for name in names),
        {
            str(name): (float(scale[0]), float(scale[1]), float(scale[2]), bool(scale[3]))
            for name, scale in scales.items()
        },
        {str(name): tuple(str(level) for level in found) for name, found in levels.items()},
        {str(name): bool(flag) for name, flag in rare.items()},
    )


def _scale(values: FloatArray) -> tuple[float, float, float, bool]:
    empty = np.isnan(values)
    there = values[~empty]
    if not len(there):
        return 0.0, 0.0, 1.0, True
    median, mean = float(np.median(there)), float(np.where(empty, np.median(there), values).mean())
    deviation = float(there.std())
    return median, mean, deviation if deviation > 0 else 1.0, bool(empty.any())


def _frequent(values: NDArray[np.generic]) -> tuple[tuple[str, ...], bool]:
    names, counts = np.unique(values.astype(str), return_counts=True)
    # The most frequent first; equal counts by name, so that the order of rows does not matter.
    order = sorted(range(len(names)), key=lambda index: (-int(counts[index]), str(names[index])))
    kept = [index for index in order if counts[index] >= _RARE][:_MOST]
    return tuple(sorted(str(names[index]) for index in kept)), len(kept) < len(names)
