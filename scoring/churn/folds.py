"""Splitting rows so that nothing of the judged part is known to the training part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from scoring.churn.errors import TableError

Rows = NDArray[np.int64]


PARTS = 3
"""Parts of the customers that judge each span in turn, where rows have both a time and customers."""


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of the rows trained on and judged on. Splits with the same `fold` are judged together."""

    train: Rows
    judge: Rows
    fold: int


def splits(
    y: NDArray[np.int64],
    folds: int,
    seed: int,
    groups: NDArray[np.int64] | None = None,
    time: NDArray[np.datetime64] | None = None,
    window_days: int = 0,
) -> tuple[Split, ...]:
    """`folds` folds: stratified and shuffled; rows of a group together; in the order of time if given.

    With `time`, the first 1 / (folds + 1) of the rows are trained on only, and what follows them after
    `window_days` is cut into `folds` spans of about equal size, each judged by what came before it. A
    training row must lie at least `window_days` before the judged span begins (its label was known by
    then). With `groups` too, a span is judged in `PARTS` parts of the groups, drawn by `seed` and each by
    what was learnt from the others': most groups have rows in every span, and to leave all judged ones out
    at once would leave out nearly everybody who stays. Groups are drawn so that each part has its share of
    those who left. Raises TableError where what is trained on or judged lacks a class.
    """
    least = int(min(y.sum(), len(y) - y.sum()))
    if least < folds:
        raise TableError(
            f"{folds} folds need {folds} rows of each answer and there are {least}; ask for fewer folds"
        )
    apart = None if groups is None or len(np.unique(groups)) == len(groups) else groups
    if time is not None:
        found = _by_time(folds, None if apart is None else _parts(apart, y, seed), time, window_days)
    elif apart is not None:
        kind = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
        found = _numbered(kind.split(y, y, apart))
    else:
        plain = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
        found = _numbered(plain.split(y, y))
    _check(y, found)
    return found


def words(folds: int, grouped: bool, timed: bool) -> str:
    """How rows are split, as people read it."""
    apart = ", all rows of a customer on one side" if grouped else ""
    if timed:
        parts = f" (each in {PARTS} parts, by what was learnt of the other customers)" if grouped else ""
        return f"{folds} spans in the order of time, each judged by what came before it{apart}{parts}"
    return f"{folds} stratified folds, shuffled{apart}"


def _numbered(pairs: Iterable[tuple[Rows, Rows]]) -> tuple[Split, ...]:
    return tuple(Split(train, judge, fold) for fold, (train, judge) in enumerate(pairs))


def _check(y: NDArray[np.int64], found: tuple[Split, ...]) -> None:
    folds = found[-1].fold + 1
    for fold in range(folds):
        here = [split for split in found if split.fold == fold]
        judged = np.concatenate([split.judge for split in here])
        for rows, part in (*((split.train, "trained on") for split in here), (judged, "judged")):
            if len(np.unique(y[rows])) < 2:
                raise TableError(
                    f"fold {fold + 1} of {folds}: all {len(rows)} rows {part} have the same answer; "
                    "give more rows (or a longer time), or ask for fewer folds"
                )


def _parts(groups: NDArray[np.int64], y: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The part, 0 to `PARTS` - 1, of each row: that of its group. Those with somebody who left are dealt out
    first, so that no part goes without while there are enough."""
    found, which = np.unique(groups, return_inverse=True)
    left = np.bincount(which, y) > 0
    drawn = np.random.default_rng(seed).permutation(len(found))
    parts = np.empty(len(found), dtype=np.int64)
    parts[drawn[np.argsort(~left[drawn], kind="stable")]] = np.arange(len(found)) % PARTS
    return parts[which]


def _by_time(
    folds: int, parts: NDArray[np.int64] | None, time: NDArray[np.datetime64], window_days: int
) -> tuple[Split, ...]:
    moments = np.sort(time)
    window = np.timedelta64(window_days, "D")
    # Cut at moments, not at rows: rows of one moment stay together. What is judged begins where the rows
    # whose label was known by then are as many as a span has.
    learned = moments[len(time) // (folds + 1)]
    later = moments[moments >= learned + window]
    cuts = [later[len(later) * step // folds] for step in range(folds)] if len(later) else []
    if len(set(cuts)) < folds or learned == moments[0]:
        raise TableError(
            f"the time column has too few different dates for {folds} folds in the order of time; "
            "ask for fewer folds, or leave the time column out"
        )
    found = []
    for step, begin in enumerate(cuts):
        judged = time >= begin
        if step + 1 < folds:
            judged &= time < cuts[step + 1]
        known = time < begin - window
        if parts is None:
            found.append(Split(np.flatnonzero(known), np.flatnonzero(judged), step))
            continue
        for part in range(PARTS):
            train, judge = np.flatnonzero(known & (parts != part)), np.flatnonzero(judged & (parts == part))
            if len(judge):
                found.append(Split(train, judge, step))
    return tuple(found)
