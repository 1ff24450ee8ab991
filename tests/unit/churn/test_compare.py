"""Comparing two models: probability and time each by its own figure, on the same customers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sksurv.metrics import integrated_brier_score
from sksurv.util import Surv

from scoring.churn import brier
from scoring.churn.compare import compare, measure, saving
from scoring.churn.compare_time import compare_time, measure_time
from scoring.churn.errors import TableError
from scoring.churn.held_out import hold_out
from scoring.churn.model import ChurnModel, train
from tests.unit.churn.conftest import MAPPING, QUICK


@pytest.fixture(scope="module")
def parts(customers: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = hold_out(customers, MAPPING)
    return found.learned, found.judged


@pytest.fixture(scope="module")
def good(parts: tuple[pd.DataFrame, pd.DataFrame]) -> ChurnModel:
    return train(parts[0], MAPPING, QUICK)


@pytest.fixture(scope="module")
def poor(parts: tuple[pd.DataFrame, pd.DataFrame]) -> ChurnModel:
    return train(parts[0], replace(MAPPING, features=("tickets",)), QUICK)


def test_a_better_model_wins_on_held_out_rows(
    parts: tuple[pd.DataFrame, pd.DataFrame], good: ChurnModel, poor: ChurnModel
) -> None:
    held = parts[1]
    won = compare(good, poor, held)
    assert won.better
    assert won.low > 0
    assert won.new == measure(good, held)
    assert "lower than the old one's (clearly" in won.words
    lost = compare(poor, good, held)
    assert not lost.better
    assert lost.gain == pytest.approx(-won.gain)
    assert not compare(good, good, held).better
    with pytest.raises(TableError, match="both kinds must be there"):
        compare(good, poor, held[held["left"] == "No"])


def test_a_better_time_to_churn_is_told_by_its_own_figure(
    parts: tuple[pd.DataFrame, pd.DataFrame], good: ChurnModel, poor: ChurnModel
) -> None:
    held = parts[1]
    alone = measure_time(good, held)
    assert alone.rows == len(held)
    assert alone.left == (held["left"] == "Yes").sum()
    assert alone.brier < alone.baseline_brier
    assert alone.c_index > 0.65
    won, lost = compare_time(good, poor, held), compare_time(poor, good, held)
    assert (won.worse, lost.worse) == (False, True)
    assert won.gain == pytest.approx(won.old.brier - won.new.brier)
    assert lost.gain == pytest.approx(-won.gain)
    same = compare_time(good, good, held)
    assert not same.worse
    assert "both models have the same integrated Brier score" in same.words
    # A better classifier with a worse time: each has its own verdict.
    mixed = replace(good, survival=poor.survival, card=replace(good.card, time_features=("tickets",)))
    assert compare(mixed, poor, held).better
    assert compare_time(mixed, good, held).worse


def test_a_time_that_cannot_be_judged_says_why(
    parts: tuple[pd.DataFrame, pd.DataFrame], good: ChurnModel
) -> None:
    held = parts[1]
    with pytest.raises(TableError, match="has no time to churn"):
        measure_time(good.without_time(), held)
    with pytest.raises(TableError, match="none of the held-out customers left after a known time"):
        measure_time(good, held[held["left"] == "No"])
    with pytest.raises(TableError, match="none of the held-out customers left after a known time"):
        measure_time(good, held.assign(months=None))
    other = replace(good, mapping=replace(good.mapping, duration="use"))
    with pytest.raises(TableError, match="counts months in the new model and use in the old one"):
        compare_time(good, other, held)
    bare = good.without_time()
    assert bare.predict(held).rows[0].time is None
    assert bare.card.time_features == ()


def test_rows_of_one_customer_count_as_one(
    parts: tuple[pd.DataFrame, pd.DataFrame], good: ChurnModel, poor: ChurnModel
) -> None:
    """Each row four times over says no more than once: the interval stays as wide."""
    held = parts[1]
    once = compare(good, poor, held)
    often = compare(good, poor, pd.concat([held] * 4, ignore_index=True))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert often.words.startswith(f"on {len(held)} held-out customers in {4 * len(held)} rows ")
    by_row = saving(np.repeat([0.1, -0.1, 0.3], 40), np.arange(120), 42)
    by_customer = saving(np.repeat([0.1, -0.1, 0.3], 40), np.repeat([0, 1, 2], 40), 42)
    assert by_customer[2] - by_customer[1] > 4 * (by_row[2] - by_row[1])


def test_the_integrated_brier_score_is_the_library_s() -> None:
    dice = np.random.default_rng(0)
    times, left = np.ceil(dice.exponential(20, 400)), dice.random(400) < 0.5
    known = (np.ceil(dice.exponential(30, 500)), dice.random(500) < 0.5)
    grid = np.arange(1.0, 70.0)
    curves = np.exp(-grid * dice.uniform(0.01, 0.06, 400)[:, None])
    months = brier.points((times, left), known, 60.0)
    assert 10 < len(months) <= 60
    assert months[-1] <= 60
    at_months = brier.read_at(months, grid, curves)
    assert at_months == pytest.approx(curves[:, months.astype(int) - 1])
    ours = brier.losses(months, at_months, (times, left), known)
    seen = Surv.from_arrays(known[1], known[0]), Surv.from_arrays(left, times)
    assert ours.mean() == pytest.approx(integrated_brier_score(*seen, at_months, months))
    short = (np.minimum(known[0], 10.0), np.ones(500, dtype=bool))
    assert np.isnan(brier.losses(months, at_months, (times, left), short)).all()
    assert not len(brier.points((times, np.zeros(400, dtype=bool)), known, 60.0))
