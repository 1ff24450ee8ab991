"""Judging: nothing of the judged rows is known to the training part, and the figures are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from scoring.churn.coverage import of_rates
from scoring.churn.evaluate import evaluate
from scoring.churn.figures import curve, deciles, ece, figures
from scoring.churn.mapping import Mapping, Settings
from scoring.churn.results import Evaluation
from tests.unit.churn.conftest import MAPPING, QUICK, made


@pytest.fixture(scope="module")
def evaluation(customers: pd.DataFrame) -> Evaluation:
    return evaluate(customers, MAPPING, QUICK)


def test_every_row_is_judged_once_and_the_figures_fit(evaluation: Evaluation) -> None:
    assert not np.isnan(evaluation.p).any()
    assert ((evaluation.low <= evaluation.p) & (evaluation.p <= evaluation.high)).all()
    assert evaluation.pooled == figures(evaluation.y, evaluation.p, 0.5)
    assert sum(fold.judged for fold in evaluation.folds) == 600
    assert all(fold.trained + fold.judged == 600 for fold in evaluation.folds)
    mean = dict(evaluation.mean)
    assert mean["roc_auc"] == pytest.approx(np.mean([fold.figures.roc_auc for fold in evaluation.folds]))
    assert evaluation.pooled.roc_auc > 0.75
    assert evaluation.pooled.brier < evaluation.pooled.baseline_brier
    assert sum(one.customers for one in evaluation.curve) == 600
    assert {one.feature for one in evaluation.importance} == {"use", "tickets", "plan", "months"}
    assert evaluation.importance[0].drop > 0.02
    assert 0.5 < evaluation.coverage.truth <= 1
    assert evaluation.split == "3 stratified folds, shuffled"


def test_the_time_to_churn_is_judged(evaluation: Evaluation) -> None:
    found = evaluation.survival
    assert found is not None
    assert found.features == ("use", "tickets", "plan")
    assert found.c_index > 0.65
    assert found.brier < found.baseline_brier
    first = found.coverage[0]
    assert (first.months, first.customers) == (0.0, 600)
    assert abs(first.before - 0.05) < 0.06
    assert first.within > 0.8
    assert all(dict(fold.candidates)[fold.chosen] == fold.candidates[0][1] for fold in found.folds)


def test_processes_side_by_side_change_no_bit(customers: pd.DataFrame, evaluation: Evaluation) -> None:
    again = evaluate(customers, MAPPING, replace(QUICK, jobs=2))
    assert np.array_equal(again.p, evaluation.p)
    assert np.array_equal(again.high, evaluation.high)
    # As text, in which a figure that is not known equals itself.
    assert repr((again.survival, again.coverage)) == repr((evaluation.survival, evaluation.coverage))


def test_noise_is_not_taken_for_knowledge() -> None:
    """Answers by dice: whatever is chosen inside, unseen rows show that nothing was learnt."""
    noise = made(400, seed=3).drop(columns=["true", "months"])
    noise["left"] = np.random.default_rng(4).permutation(noise["left"].to_numpy())
    found = evaluate(noise, replace(MAPPING, duration=None), QUICK, measure_truth=False)
    assert abs(found.pooled.roc_auc - 0.5) < 0.08
    assert found.survival is None
    assert np.isnan(found.coverage.truth)


def test_copies_do_not_help(customers: pd.DataFrame) -> None:
    """Rows doubled before the split: kept together, the figures stay what they were without copies."""
    noise = customers.assign(left=np.random.default_rng(4).permutation(customers["left"].to_numpy()))
    doubled = pd.concat([noise, noise.assign(customer="e" + noise["customer"])], ignore_index=True)
    plain = replace(MAPPING, duration=None, drop=("months",))
    found = evaluate(doubled, plain, replace(QUICK, refits=0), measure_truth=False)
    assert abs(found.pooled.roc_auc - 0.5) < 0.08
    assert "all rows of a customer on one side" in found.split


def test_figures_by_hand() -> None:
    y, p = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.8, 0.4, 0.1])
    found = figures(y, p, 0.5)
    assert found.roc_auc == pytest.approx(0.75)
    assert found.brier == pytest.approx((0.01 + 0.64 + 0.36 + 0.01) / 4)
    counts = found.confusion
    assert (counts.true_positives, counts.false_positives) == (1, 1)
    assert (counts.true_negatives, counts.false_negatives) == (1, 1)
    assert (found.precision, found.recall, found.f1, found.accuracy) == (0.5, 0.5, 0.5, 0.5)
    # Bins: .1 alone (0), .4 alone (1), .8 alone (0), .9 alone (1): distances .1, .6, .8, .1.
    assert ece(y, p) == pytest.approx(0.4)
    assert [one.customers for one in curve(y, np.ones(4))] == [4]
    tenth = deciles(np.array([1.0] * 5 + [0] * 45), np.linspace(1, 0, 50))
    assert tenth[0].lift == pytest.approx(10)
    assert (tenth[0].churned, tenth[0].gain, tenth[9].gain) == (5, 1.0, 1.0)
    with pytest.raises(ValueError, match="who stayed"):
        figures(np.ones(3), np.ones(3), 0.5)


def test_ties_do_not_depend_on_the_order_of_rows() -> None:
    dice = np.random.default_rng(2)
    y, p = dice.integers(0, 2, 400).astype(float), dice.choice([0.2, 0.5, 0.9], 400)
    low, high = p - dice.uniform(0, 0.1, 400), p + dice.uniform(0, 0.1, 400)
    for order in (np.argsort(y, kind="stable"), np.argsort(-y, kind="stable")):
        for one, other in zip(deciles(y[order], p[order]), deciles(y, p), strict=True):
            assert one.churned == other.churned
            assert (one.lift, one.gain) == pytest.approx((other.lift, other.gain))
        shown = of_rates(y[order], p[order], low[order], high[order], 0.9, 0.9)
        plain = of_rates(y, p, low, high, 0.9, 0.9)
        assert (shown.rates, shown.rates_bare) == (plain.rates, plain.rates_bare)
    same = deciles(np.array([1.0] * 15 + [0.0] * 35), np.full(50, 0.3))
    assert [one.lift for one in same] == pytest.approx([1.0] * 10), "who knows nothing has no lift"
    assert sum(one.churned for one in same) == 15
    assert same[-1].gain == pytest.approx(1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mapping", "auc", "c_index"),
    [
        ("telco.csv", Mapping("Churn", customer="customerID", duration="tenure"), 0.84, 0.860),
        ("saas_churn.csv", Mapping("churned", duration="months_active"), 0.91, 0.866),
    ],
)
def test_public_data(
    public: Callable[[str], pd.DataFrame], name: str, mapping: Mapping, auc: float, c_index: float
) -> None:
    """A small run stays near what the benchmark measures in full."""
    frame = public(name)
    small = Settings(folds=3, inner=3, refits=2, trees=40, rounds=80, repeats=1)
    found = evaluate(frame, mapping, small, measure_truth=False)
    assert found.pooled.roc_auc > auc
    assert found.pooled.ece < 0.03
    assert found.survival is not None
    assert found.survival.c_index > c_index
    if name == "telco.csv":
        assert "TotalCharges" not in found.survival.features
        assert any("nearly tenure × MonthlyCharges" in one.words for one in found.findings)
