"""The daily run's summary: the bits of score_many, and the costliest metrics."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.arrays import FloatArray
from scoring.factors import risk_factors
from scoring.kernel import Totals, score_many
from scoring.load import builtin, builtin_names, parse_scorecard
from scoring.scorecard import Scorecard
from scoring.summary import Summary, summarise

NAN = np.nan
CARD = builtin("intervention")
METRICS = len(CARD.metrics)
CELLS = st.one_of(st.floats(-60, 120), st.sampled_from([NAN, np.inf, -np.inf, 0.0, -0.0, 1e308, 5e-324]))
ROWS = st.integers(1, 8).flatmap(lambda n: arrays(np.float64, (n, METRICS), elements=CELLS))


def bits(summary: Summary, rows: slice | list[int] = slice(None)) -> list[bytes]:
    """The bytes of every array of some rows."""
    return [getattr(summary, field.name)[rows].tobytes() for field in fields(Summary)]


def portfolio(n: int, seed: int = 20261122) -> tuple[FloatArray, FloatArray]:
    """Values and ages of n customers, some of them missing, unusable or too old."""
    dice = np.random.default_rng(seed)
    values = dice.uniform(-1, 90, (n, METRICS))
    values[dice.random(values.shape) < 0.2] = NAN
    return values, dice.uniform(0, 40, values.shape)


def test_costs_by_hand(small: Scorecard) -> None:
    # active 12 of 50: 24 points, 38 lost; trend -25: 30 points, 17.5 lost; login 1 day: 100 points
    found = summarise(small, [[12.0, -25.0, 1.0], [NAN, NAN, 31.0]])
    np.testing.assert_array_equal(found.score, [44.5, NAN])
    assert found.top.tolist() == [[0, 1, -1], [-1, -1, -1]]
    np.testing.assert_array_equal(found.top_points, [[24, 30, NAN], [NAN] * 3])
    np.testing.assert_array_equal(found.top_lost, [[38, 17.5, NAN], [NAN] * 3])


@settings(deadline=None)
@given(values=ROWS, top=st.integers(1, METRICS + 2))
def test_the_numbers_are_those_of_score_many(values: FloatArray, top: int) -> None:
    scores, found = score_many(CARD, values), summarise(CARD, values, top=top)
    for field in fields(Totals):
        assert getattr(scores, field.name).tobytes() == getattr(found, field.name).tobytes(), field.name
    for row, places in enumerate(found.top.tolist()):
        kept = [place for place in places if place >= 0]
        lost = np.nan_to_num(scores.lost[row])
        costliest = sorted(np.flatnonzero(lost > 0), key=lambda place: (-lost[place], place))[:top]
        assert len(set(kept)) == len(costliest)
        # Rounding may swap costs that are the same to 12 digits.
        np.testing.assert_allclose(lost[kept], lost[costliest], rtol=1e-12)
        count = len(kept)
        assert places[count:] == [-1] * (top - count)
        assert found.top_points[row, :count].tolist() == scores.points[row, kept].tolist()
        assert found.top_lost[row, :count].tolist() == scores.lost[row, kept].tolist()
        assert np.isnan(found.top_points[row, count:]).all()
        assert np.isnan(found.top_lost[row, count:]).all()


def test_order_partition_and_layout_change_no_bit() -> None:
    values, ages = portfolio(40_000)
    whole = summarise(CARD, values, ages)
    assert 0 < whole.insufficient.sum() < len(values)
    assert whole.rejected.sum() > 0
    assert bits(summarise(CARD, np.asfortranarray(values), np.asfortranarray(ages))) == bits(whole)
    order = np.random.default_rng(1).permutation(len(values))[:20_000].tolist()
    for rows in (slice(0, 1), slice(32_767, 32_770), slice(20_000, 40_000), [39_999], order):
        assert bits(summarise(CARD, values[rows], ages[rows])) == bits(whole, rows)


def test_threads_at_once_and_one_after_the_other_give_the_same() -> None:
    """Working memory is used again, by one thread alone, and for another scorecard, size or number too."""
    cards = [builtin(name) for name in builtin_names()]
    calls = []
    for number in range(24):
        # The first are alike, so that threads would share their memory if it were not each one's own.
        alike = number < 16
        card = CARD if alike else cards[number % len(cards)]
        values, ages = portfolio(20_000 if alike else (9_000, 1)[number % 2], number)
        columns = np.arange(len(card.metrics)) % METRICS
        calls.append((card, values[:, columns], ages[:, columns], 3 if alike else 1 + number % 4))
    alone = [bits(summarise(card, values, ages, top=top)) for card, values, ages, top in calls]
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda call: bits(summarise(*call[:3], top=call[3])), calls)
        assert list(together) == alone


@pytest.mark.parametrize("name", builtin_names())
def test_every_scorecard_survives_whatever_is_missing(name: str) -> None:
    card = builtin(name)
    m = len(card.metrics)
    dice = np.random.default_rng(3)
    values = dice.uniform(0, 1, (200, m))
    values[0] = NAN
    for row, category in enumerate(card.category_names, start=1):
        values[row, [metric.category == category for metric in card.metrics]] = NAN
    for row in range(m):
        values[50 + row, row] = NAN
    found = summarise(card, values, top=m + 2)
    assert found.insufficient[0]
    assert found.coverage[0] == 0.0
    assert np.array_equal(np.isnan(found.score), found.insufficient)
    assert (found.top[:, m:] == -1).all()
    for place, category in enumerate(card.category_names):
        counts = any(one.default is not None for one in card.metrics if one.category == category)
        assert np.isnan(found.category_scores[1 + place, place]) != counts
    known = ~found.insufficient
    assert known.sum() > 150
    assert np.all((found.score[known] >= 0) & (found.score[known] <= 100))


ONE = """\
name = "one"
version = 1
title = "One"
description = "A single metric."
[[bands]]
name = "All"
from = 0
level = "HEALTHY"
action = "Nothing."
[categories.only]
title = "Only"
weight = 100
[metrics.only]
category = "only"
weight = 100
title = "Only"
unit = "percent"
normalise = { kind = "linear", worst = 0, best = 30 }
low = "it is low"
action = "Raise it."
success = "It is {target}."
owner = "csm"
due_days = 7
"""


def test_a_scorecard_with_one_metric_one_band_and_no_customers() -> None:
    card = parse_scorecard(ONE, "one.toml")
    found = summarise(card, [[12.0], [NAN], [30.0], [1e308]], top=2)
    np.testing.assert_array_equal(found.score, [40, NAN, 100, 100])
    assert found.top.tolist() == [[0, -1], [-1, -1], [-1, -1], [-1, -1]]
    assert found.level.tolist() == [1, -1, 1, 1]
    nobody = summarise(card, np.empty((0, 1)))
    assert (nobody.top.shape, nobody.category_scores.shape) == ((0, 3), (0, 1))


def test_the_arrays_cannot_be_changed(small: Scorecard) -> None:
    with pytest.raises(ValueError, match="read-only"):
        summarise(small, [[1.0, 2.0, 3.0]]).top[0] = 1


ROW = [[1.0, 2.0, 3.0]]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda card: summarise(card, ROW, top=0), "at least 1"),
        (lambda card: summarise(card, [[1.0]]), "one column per metric"),
        (lambda card: summarise(card, ROW, ROW * 2), "they must be the same"),
    ],
)
def test_what_does_not_fit_is_refused(
    small: Scorecard, call: Callable[[Scorecard], object], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        call(small)


def test_risk_factors_and_summary_name_the_same_metrics() -> None:
    values, _ = portfolio(300)
    scores, found = score_many(CARD, values), summarise(CARD, values)
    for row in range(len(values)):
        factors = risk_factors(CARD, values[row], scores.points[row], scores.lost[row])
        names = [CARD.metric_names[place] for place in found.top[row] if place >= 0]
        assert [factor.metric for factor in factors] == names
