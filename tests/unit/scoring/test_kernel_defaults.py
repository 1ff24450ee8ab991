"""Default points stand in until a value was ever measured: flagged, no coverage, no risk factor."""

import numpy as np
import pytest

from scoring.kernel import score_many
from scoring.load import parse_scorecard
from scoring.scorecard import Scorecard
from scoring.summary import summarise

NAN = np.nan


@pytest.fixture(scope="module")
def card(small_text: str) -> Scorecard:
    """The small scorecard, whose last login counts 50 points until there was one."""
    text = small_text.replace('owner = "customer"', 'owner = "customer"\ndefault = 50')
    return parse_scorecard(text, "small.toml")


def test_a_default_counts_but_is_not_measured(card: Scorecard) -> None:
    # active 40 of 50 -> 80 points, trend -25 -> 30, login unknown -> 50
    # score = 80 x 0.50 + 30 x 0.25 + 50 x 0.25 = 40 + 7.5 + 12.5 = 60
    scores = score_many(card, [[40.0, -25.0, NAN]])
    assert scores.score.tolist() == [60.0]
    assert scores.coverage.tolist() == [0.75]
    assert scores.points.tolist() == [[80.0, 30.0, 50.0]]
    assert scores.lost.tolist() == [[10.0, 17.5, 12.5]]
    assert scores.defaulted.tolist() == [[False, False, True]]
    assert (scores.defaulted.sum(), scores.rejected.tolist()) == (1, [0])
    np.testing.assert_allclose(scores.category_scores, [[4750 / 75, 50]])
    np.testing.assert_allclose(scores.category_coverage, [[1, 0]])
    found = summarise(card, [[40.0, -25.0, NAN]])
    assert found.top.tolist() == [[1, 0, -1]]
    assert found.defaulted.tolist() == [[False, False, True]]


def test_a_value_that_is_there_but_unusable_was_measured_once(card: Scorecard) -> None:
    # (80 x 50 + 30 x 25) / 75
    scores = score_many(card, [[40.0, -25.0, -1.0]])
    np.testing.assert_allclose(scores.score, [4750 / 75])
    assert (scores.defaulted.sum(), scores.rejected.tolist()) == (0, [1])
    assert np.isnan(scores.points[0, 2])


def test_a_measured_value_replaces_the_default(card: Scorecard, small: Scorecard) -> None:
    row = [[40.0, -25.0, 7.0]]
    with_default, without = score_many(card, row), score_many(small, row)
    assert with_default.score.tobytes() == without.score.tobytes()
    assert not with_default.defaulted.any()


def test_defaults_alone_are_no_score(card: Scorecard, small_text: str) -> None:
    scores = score_many(card, [[NAN, NAN, NAN], [NAN, 0.0, NAN]])
    assert scores.insufficient.tolist() == [True, True]
    assert scores.coverage.tolist() == [0.0, 0.25]
    text = small_text.replace('owner = "customer"', 'owner = "customer"\ndefault = 50')
    lax = parse_scorecard("coverage_minimum = 0\n" + text, "small.toml")
    scores = score_many(lax, [[NAN, NAN, NAN], [NAN, 0.0, NAN]])
    assert scores.insufficient.tolist() == [True, False]
    # trend 0 -> 60 and the default 50, both of weight 25
    np.testing.assert_array_equal(scores.score, [NAN, 55.0])
    np.testing.assert_allclose(scores.lost[1], [NAN, 20.0, 25.0])


def test_bits_do_not_depend_on_the_neighbours(card: Scorecard) -> None:
    dice = np.random.default_rng(2)
    values = dice.uniform(-1, 50, (33_000, 3))
    values[dice.random(values.shape) < 0.3] = NAN
    whole, found = score_many(card, values), summarise(card, values)
    for at in (0, 1, 32_767, 32_768, 32_999):
        alone = score_many(card, values[at : at + 1])
        assert (
            alone.score.tobytes() == whole.score[at : at + 1].tobytes() == found.score[at : at + 1].tobytes()
        )
        assert alone.lost.tobytes() == whole.lost[at : at + 1].tobytes()
