"""What holds for any customers: ranges, direction, and independence of order and partition, bit by bit."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.arrays import FloatArray
from scoring.kernel import Scores, score_many
from scoring.load import builtin
from scoring.normalise import higher_is_better

CARD = builtin("intervention")
METRICS = len(CARD.metrics)
_ODD = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, -1e308, 5e-324])
CELLS = st.one_of(st.floats(-60, 120), st.floats(-1, 3), _ODD)
ROWS = st.integers(1, 12).flatmap(lambda n: arrays(np.float64, (n, METRICS), elements=CELLS))


def same_bits(left: Scores, right: Scores) -> bool:
    return all(
        getattr(left, field.name).tobytes() == getattr(right, field.name).tobytes()
        for field in fields(Scores)
    )


def pick(scores: Scores, rows: list[int] | slice) -> Scores:
    return Scores(*(getattr(scores, field.name)[rows] for field in fields(Scores)))


@given(values=ROWS)
def test_ranges_and_no_nan_unless_insufficient(values: FloatArray) -> None:
    scores = score_many(CARD, values)
    assert np.array_equal(np.isnan(scores.score), scores.insufficient)
    known = ~scores.insufficient
    assert np.all((scores.score[known] >= 0) & (scores.score[known] <= 100))
    assert np.all((scores.coverage >= 0) & (scores.coverage <= 1))
    assert np.array_equal(scores.level == -1, scores.insufficient)
    measured = ~np.isnan(scores.points)
    assert np.array_equal(scores.rejected, (~np.isnan(values) & ~measured).sum(axis=1))
    np.testing.assert_allclose(np.nansum(scores.lost[known], axis=1), 100 - scores.score[known], atol=1e-9)
    for row in np.flatnonzero(known):
        assert CARD.level_of(float(scores.score[row])).severity == scores.level[row]


@given(values=ROWS, metric=st.integers(0, METRICS - 1), share=st.floats(0, 1))
def test_a_better_value_never_lowers_the_score(values: FloatArray, metric: int, share: float) -> None:
    spec = CARD.metrics[metric]
    assert spec.minimum is not None
    assert spec.maximum is not None
    values[:, metric] = np.clip(np.nan_to_num(values[:, metric]), spec.minimum, spec.maximum)
    goal = spec.maximum if higher_is_better(spec.normalise) else spec.minimum
    better = values.copy()
    better[:, metric] = np.clip(
        values[:, metric] + share * (goal - values[:, metric]), spec.minimum, spec.maximum
    )
    before, after = score_many(CARD, values), score_many(CARD, better)
    known = ~before.insufficient
    assert np.all(after.score[known] >= before.score[known])
    assert np.all(after.level[known] <= before.level[known])


@given(values=ROWS, data=st.data())
def test_order_and_partition_change_no_bit(values: FloatArray, data: st.DataObject) -> None:
    whole = score_many(CARD, values)
    order = data.draw(st.permutations(range(len(values))))
    assert same_bits(score_many(CARD, values[order]), pick(whole, list(order)))
    cut = data.draw(st.integers(0, len(values)))
    assert same_bits(score_many(CARD, values[:cut]), pick(whole, slice(cut)))
    assert same_bits(score_many(CARD, np.asfortranarray(values[cut:])), pick(whole, slice(cut, None)))


@pytest.mark.parametrize("size", [1, 7, 1000, 16_384, 16_385])
def test_many_customers_are_scored_like_each_part_of_them(size: int) -> None:
    rng = np.random.default_rng(20261121)
    values = rng.uniform(-1, 90, (40_000, METRICS))
    values[rng.random(values.shape) < 0.2] = np.nan
    ages = rng.uniform(0, 40, values.shape)
    whole = score_many(CARD, values, ages)
    assert 0 < whole.insufficient.sum() < len(values)
    for start in (0, 16_380, 32_765, 32_768, 39_000):
        rows = slice(start, start + size)
        assert same_bits(score_many(CARD, values[rows], ages[rows]), pick(whole, rows))
