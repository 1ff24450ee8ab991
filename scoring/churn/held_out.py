"""Who is held out of training: a fifth of the customers, always the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.churn import columns
from scoring.churn.answers import FEWEST, of_each
from scoring.churn.errors import TableError
from scoring.churn.mapping import Mapping
from scoring.churn.table import Data, read

ONE_IN = 5
_LATEST = 0.2
"""With a time column, at least this share of the held-out rows is judged, from the latest on."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A table in two: `learned`, and `judged`, whose customers no model of the same `by` learns from.

    `by` are the columns that name a customer: with other ones, other customers would be held out.
    """

    learned: pd.DataFrame
    judged: pd.DataFrame
    by: tuple[str, ...]


def hold_out(frame: pd.DataFrame, mapping: Mapping, before: Sequence[str] = ()) -> HeldOut:
    """The rows to learn from and those to judge by.

    Whether a customer is held out hangs on its name alone, so that next month's training holds out the same
    ones: the model in use has not learnt from them either. Where the mapping names no customer, a row's
    cells are its name: those of the columns held out by `before` if they are all still there (so a new
    column changes nothing), or else of all features that do not grow with time. Rows that must stay together
    (near-copies where there are many) follow the one whose name comes first.

    With a time column the latest of the held-out rows are judged, as the next predictions are of later
    days still; as many as hold a fifth of them and enough customers of each kind.

    Raises:
        TableError: the table cannot be used, or is too small to be held out from.
    """
    data = read(frame, mapping)
    by = _names(frame, mapping, data, before)
    cells = [columns.texts(frame[name]) for name in by]
    drawn = np.array([_number("\x1f".join(row)) for row in zip(*cells, strict=True)], dtype=np.uint64)
    # Rows without an answer are in no group; they are told of where the others are learnt from.
    out = np.zeros(len(frame), dtype=bool)
    out[data.rows] = _first(data.groups, drawn[data.rows]) % np.uint64(ONE_IN) == 0
    held = out[data.rows]
    _enough(data, held)
    judged = data.rows[held & _latest(data, held)]
    learned, judged_rows = frame[~out].reset_index(drop=True), frame.iloc[judged].reset_index(drop=True)
    return HeldOut(learned, judged_rows, by)


def _names(frame: pd.DataFrame, mapping: Mapping, data: Data, before: Sequence[str]) -> tuple[str, ...]:
    if mapping.apart is not None:
        return (mapping.apart,)
    if before and all(name in frame.columns for name in before):
        return tuple(before)
    return data.table.time_features or data.table.features


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])


def _first(groups: NDArray[np.int64], drawn: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The least number of each row's group."""
    found, which = np.unique(groups, return_inverse=True)
    least = np.full(len(found), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(least, which, drawn)
    return least[which]


def _latest(data: Data, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The rows from the latest day on from which the held-out ones are enough."""
    every = np.ones(len(data.y), dtype=bool)
    if data.time is None:
        return every
    for begin in np.unique(data.time[held])[::-1]:
        late: NDArray[np.bool_] = data.time >= begin
        here = late & held
        if here.sum() >= _LATEST * held.sum() and min(of_each(data.y[here], data.groups[here])) >= FEWEST:
            return late
    return every


def _enough(data: Data, held: NDArray[np.bool_]) -> None:
    left, stayed = of_each(data.y[~held], data.groups[~held])
    judged = of_each(data.y[held], data.groups[held])
    if min(left, stayed) < FEWEST or not min(judged):
        raise TableError(
            f"too little to learn from: one customer in {ONE_IN} is held out to judge by "
            f"({judged[0]} who left, {judged[1]} who stayed); of the others {left} left and {stayed} stayed, "
            f"and at least {FEWEST} of each are needed"
        )
