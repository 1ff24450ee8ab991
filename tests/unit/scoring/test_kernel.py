"""Scores worked by hand: sums, renormalisation, coverage, unusable values, borders."""

import numpy as np
import pytest

from scoring.kernel import score_many
from scoring.levels import LEVELS, Level
from scoring.load import parse_scorecard
from scoring.normalise import raw_for
from scoring.scorecard import Scorecard

NAN = np.nan


def test_a_full_score_by_hand(small: Scorecard) -> None:
    # active 40 of 50 -> 80 points; trend -25 -> 30; 7 days since the login -> 75
    # score = 80 x 0.50 + 30 x 0.25 + 75 x 0.25 = 40 + 7.5 + 18.75 = 66.25
    scores = score_many(small, [[40.0, -25.0, 7.0]])
    assert scores.score.tolist() == [66.25]
    assert scores.points.tolist() == [[80.0, 30.0, 75.0]]
    # use = (80 x 50 + 30 x 25) / 75 = 4750 / 75 = 63.33; money = 75
    np.testing.assert_allclose(scores.category_scores, [[4750 / 75, 75]])
    # lost: (100-80) x 0.5 = 10, (100-30) x 0.25 = 17.5, (100-75) x 0.25 = 6.25; together 33.75
    assert scores.lost.tolist() == [[10.0, 17.5, 6.25]]
    assert (scores.coverage[0], scores.rejected[0], scores.insufficient[0]) == (1.0, 0, False)
    assert LEVELS[scores.level[0]] is Level.HEALTHY
    assert small.band_of(scores.score[0]).name == "Good"


def test_a_missing_metric_neither_helps_nor_hurts(small: Scorecard) -> None:
    # without trend: (80 x 50 + 75 x 25) / 75 = 5875 / 75 = 78.33
    scores = score_many(small, [[40.0, NAN, 7.0]])
    np.testing.assert_allclose(scores.score, [5875 / 75])
    # lost: 20 x 50/75 = 13.33, 25 x 25/75 = 8.33; together 21.67 = 100 - 78.33
    np.testing.assert_allclose(scores.lost, [[20 * 50 / 75, NAN, 25 * 25 / 75]])
    np.testing.assert_allclose(scores.category_scores, [[80, 75]])
    np.testing.assert_allclose(scores.category_coverage, [[50 / 75, 1]])
    assert (scores.coverage[0], scores.rejected[0]) == (0.75, 0)


def test_below_the_coverage_limit_there_is_no_score(small: Scorecard) -> None:
    # exactly half of the weight is enough, a quarter or nothing is not
    scores = score_many(small, [[40.0, NAN, NAN], [NAN, 0.0, NAN], [NAN, NAN, NAN]])
    assert scores.coverage.tolist() == [0.5, 0.25, 0.0]
    assert scores.insufficient.tolist() == [False, True, True]
    np.testing.assert_array_equal(scores.score, [80, NAN, NAN])
    assert scores.level.tolist() == [1, -1, -1]
    # what is known is still shown, but nothing is lost from a score that is not there
    np.testing.assert_array_equal(scores.category_scores[1], [60, NAN])
    assert np.isnan(scores.lost[1:]).all()


def test_without_a_limit_nothing_measured_is_still_no_score(small_text: str) -> None:
    card = parse_scorecard("coverage_minimum = 0\n" + small_text, "s.toml")
    scores = score_many(card, [[NAN, 0.0, NAN], [NAN, NAN, NAN]])
    assert scores.insufficient.tolist() == [False, True]
    np.testing.assert_array_equal(scores.score, [60, NAN])


@pytest.mark.parametrize(
    ("row", "ages", "rejected"),
    [
        ([101.0, 0.0, 1.0], None, 1),  # above maximum
        ([-0.1, 0.0, 1.0], None, 1),  # below minimum
        ([np.inf, 0.0, 1.0], None, 1),
        ([-np.inf, 0.0, 1.0], None, 1),
        ([40.0, 0.0, 1.0], [14.01, 0.0, 0.0], 1),  # too old
        ([40.0, 0.0, 1.0], [NAN, 0.0, 0.0], 1),  # of unknown age
        ([NAN, 0.0, 1.0], [20.0, 0.0, 0.0], 0),  # not there at all
    ],
)
def test_an_unusable_value_counts_as_missing(
    small: Scorecard, row: list[float], ages: list[float] | None, rejected: int
) -> None:
    scores = score_many(small, [row], None if ages is None else [ages])
    # trend 0 -> 60, login 1 day -> 100: (60 x 25 + 100 x 25) / 50 = 80
    assert scores.score.tolist() == [80.0]
    assert (scores.coverage[0], scores.rejected[0]) == (0.5, rejected)
    assert np.isnan(scores.points[0, 0])


def test_values_as_old_as_allowed_and_of_metrics_without_a_limit_count(small: Scorecard) -> None:
    scores = score_many(small, [[40.0, 0.0, 1.0]], [[14.0, 4000.0, NAN]])
    assert (scores.coverage[0], scores.rejected[0]) == (1.0, 0)


@pytest.mark.parametrize(("points", "level"), [(80, 0), (60, 1), (40, 2), (20, 3), (19.99, 4), (0, 4)])
def test_borders_are_inclusive_through_the_whole_kernel(
    intervention: Scorecard, points: float, level: int
) -> None:
    row = [raw_for(metric.normalise, points) for metric in intervention.metrics]
    scores = score_many(intervention, [row])
    assert scores.score[0] == pytest.approx(points, abs=1e-9)
    assert scores.level[0] == level


def test_the_best_and_the_worst_customer(intervention: Scorecard) -> None:
    best = [raw_for(metric.normalise, 100) for metric in intervention.metrics]
    worst = [raw_for(metric.normalise, 0) for metric in intervention.metrics]
    assert score_many(intervention, [best, worst]).score.tolist() == [100.0, 0.0]


def test_no_customers_give_empty_arrays(small: Scorecard) -> None:
    scores = score_many(small, np.empty((0, 3)))
    assert scores.score.shape == (0,)
    assert scores.points.shape == (0, 3)


def test_the_arrays_cannot_be_changed(small: Scorecard) -> None:
    with pytest.raises(ValueError, match="read-only"):
        score_many(small, [[40.0, 0.0, 1.0]]).score[0] = 1.0


def test_wrong_shapes_are_refused(small: Scorecard) -> None:
    with pytest.raises(ValueError, match="one column per metric"):
        score_many(small, [[1.0, 2.0]])
    with pytest.raises(ValueError, match="one column per metric"):
        score_many(small, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="they must be the same"):
        score_many(small, [[1.0, 2.0, 3.0]], np.zeros((2, 3)))
