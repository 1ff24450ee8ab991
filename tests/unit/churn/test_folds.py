"""Splits: nothing of the judged part is known to the training part, and few leavers are enough."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from scoring.churn.errors import TableError
from scoring.churn.evaluate import evaluate
from scoring.churn.folds import PARTS, _parts, splits
from scoring.churn.mapping import Mapping
from scoring.churn.model import _inner
from scoring.churn.table import read
from tests.unit.churn.conftest import QUICK, made

MAPPING = Mapping("left", customer="customer", time="day", window_days=60)


def snapshots(customers: int, moments: int, seed: int = 5) -> pd.DataFrame:
    """Each customer once a month until it leaves; one in six does, as many in each month."""
    dice = np.random.default_rng(seed)
    people = made(customers, seed).drop(columns=["true", "months", "left"])
    gone = np.full(customers, moments)
    gone[: customers // 6] = np.arange(customers // 6) % moments
    found = []
    for number in range(moments):
        there = people[number <= gone].copy()
        there["day"] = str(np.datetime64("2026-01-01") + 30 * number)
        there["left"] = np.where(gone[number <= gone] == number, "Yes", "No")
        there["use"] += dice.normal(0, 3, len(there)) - 20 * (there["left"] == "Yes")
        found.append(there)
    return pd.concat(found, ignore_index=True)


def test_groups_stay_on_one_side_and_time_keeps_its_order() -> None:
    dice = np.random.default_rng(0)
    y, groups = dice.integers(0, 2, 300), dice.integers(0, 80, 300)
    for split in splits(y, 4, 42, groups):
        assert not set(groups[split.train]) & set(groups[split.judge])
    time = np.datetime64("2026-01-01") + dice.integers(0, 300, 300).astype("timedelta64[D]")
    found = splits(y, 4, 42, None, time, window_days=30)
    for split in found:
        assert time[split.train].max() < time[split.judge].min() - np.timedelta64(30, "D")
    assert all(a.judge.size and time[a.judge].max() < time[b.judge].min() for a, b in pairwise(found))
    both = splits(y, 2, 42, groups, time)
    assert all(not set(groups[split.train]) & set(groups[split.judge]) for split in both)
    assert all(time[split.train].max() < time[split.judge].min() for split in both)
    with pytest.raises(TableError, match="too few different dates"):
        splits(y, 4, 42, None, np.full(300, np.datetime64("2026-01-01")))
    with pytest.raises(TableError, match="5 folds need 5 rows of each answer and there are 3"):
        splits(np.array([1] * 3 + [0] * 50), 5, 42)


def test_all_customers_of_a_span_are_judged_together() -> None:
    """24 who left among 150: one part of the customers alone would often hold none of a span's leavers."""
    frame = snapshots(150, 12)
    data = read(frame, MAPPING)
    found = splits(data.y, 4, 42, data.groups, data.time, 60)
    assert [split.fold for split in found] == [fold for fold in range(4) for _ in range(PARTS)]
    assert data.time is not None
    for fold in range(4):
        rows = np.concatenate([split.judge for split in found if split.fold == fold])
        days = data.time[rows]
        span = np.flatnonzero((data.time >= days.min()) & (data.time <= days.max()))
        assert sorted(rows) == span.tolist()
        assert data.y[rows].sum() >= 2
    parts = _parts(data.groups, data.y, 42)
    leavers = [len(np.unique(data.groups[(parts == part) & (data.y == 1)])) for part in range(PARTS)]
    assert sorted(leavers) == [8, 8, 9], "those who left are dealt out evenly"


def test_an_evaluation_by_time_and_customer_judges_every_later_row() -> None:
    frame = snapshots(240, 10)
    said: list[str] = []
    found = evaluate(frame, MAPPING, QUICK, progress=said.append, measure_truth=False)
    assert [fold.number for fold in found.folds] == [1, 2, 3]
    assert all(len(fold.choices) == PARTS for fold in found.folds)
    assert all(one.last < two.first for one, two in pairwise(found.folds))
    judged = ~np.isnan(found.p)
    begin = frame["day"].iloc[found.row[judged]].min()
    assert judged.sum() == (frame["day"] >= begin).sum() == sum(fold.judged for fold in found.folds)
    assert found.pooled.roc_auc > 0.7
    assert "in the order of time" in found.split
    assert "3 parts" in found.split
    assert len(said) == 3 * PARTS


def test_choices_are_made_in_the_order_of_time() -> None:
    data = read(snapshots(240, 10), MAPPING)
    assert data.time is not None
    every = np.arange(len(data.y))
    for split in _inner(data, every, QUICK):
        assert data.time[split.train].max() < data.time[split.judge].min() - np.timedelta64(60, "D")
        assert not set(data.groups[split.train]) & set(data.groups[split.judge])
    # The first two months alone hold no span whose answers were known before the next one began.
    early = np.flatnonzero(data.time < np.datetime64("2026-03-01"))
    assert sorted(np.concatenate([s.judge for s in _inner(data, early, QUICK)])) == list(range(len(early)))


@pytest.mark.parametrize("answer", [0, 1])
def test_one_answer_is_refused(answer: int) -> None:
    with pytest.raises(TableError, match="need 3 rows of each answer and there are 0"):
        splits(np.full(30, answer), 3, 42)
