"""Training, predicting, explaining: what a user of a model relies on."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from scoring.churn.classify import _one_sided
from scoring.churn.errors import TableError
from scoring.churn.explain import _push, explain
from scoring.churn.model import ChurnModel, train
from scoring.churn.results import Finding, Severity, Trouble, category_of
from tests.unit.churn.conftest import MAPPING, QUICK, made


def test_twice_the_same_bits_whatever_the_threads(customers: pd.DataFrame, model: ChurnModel) -> None:
    with threadpool_limits(limits=2):
        again = train(customers, MAPPING, QUICK, trained_at="2026-11-22")
    assert again.predict(customers) == model.predict(customers)
    assert again.card == model.card
    other = train(customers, MAPPING, replace(QUICK, seed=7))
    assert other.predict(customers) != model.predict(customers)


def test_predictions_fit_together(customers: pd.DataFrame, model: ChurnModel) -> None:
    found = model.predict(customers)
    assert [row.customer for row in found.rows] == list(customers["customer"])
    for row in found.rows:
        assert 0 < row.low <= row.probability <= row.high < 1
        assert row.category is category_of(row.probability)
        assert row.time is not None
        assert row.time.low is None or row.time.low >= 0
        assert row.time.high is None or (row.time.months is not None and row.time.months <= row.time.high)
        assert row.time.months is None or (row.time.low is not None and row.time.low <= row.time.months)
        assert row.time.months is None or row.time.months <= row.time.horizon + 1e-9


def test_probabilities_of_new_customers_are_near_the_truth(customers: pd.DataFrame) -> None:
    # Without the duration, which knows of the answer in these made-up customers.
    plain = replace(MAPPING, duration=None, drop=("months",))
    new = made(1500, seed=2)
    found = train(customers, plain, replace(QUICK, refits=5)).predict(new).rows
    assert found[0].time is None
    p, true = np.array([row.probability for row in found]), new["true"].to_numpy()
    assert np.corrcoef(p, true)[0, 1] > 0.9
    assert abs(p.mean() - true.mean()) < 0.04
    held = np.mean([row.low <= truth <= row.high for row, truth in zip(found, true, strict=True)])
    assert held > 0.8


def test_who_is_likelier_to_leave_leaves_sooner(model: ChurnModel) -> None:
    pair = made(2).drop(columns=["true", "left"])
    pair[["use", "tickets", "plan", "months"]] = [[20.0, 6.0, "free", 1.0], [75.0, 0.0, "firm", 1.0]]
    risky, steady = model.predict(pair).rows
    assert risky.probability > 0.8
    assert steady.probability < 0.2
    assert risky.time is not None
    assert steady.time is not None
    assert risky.time.months is not None
    assert steady.time.months is None or steady.time.months > risky.time.months


def test_who_has_outlived_the_horizon_is_beyond_it(customers: pd.DataFrame, model: ChurnModel) -> None:
    old = customers.head(1).assign(months=1000)
    time = model.predict(old).rows[0].time
    assert time is not None
    assert (time.months, time.low, time.high, time.horizon) == (None, None, None, 0.0)
    assert time.words == "beyond 0 months (beyond 0 to beyond 0)"


def test_oddities_at_prediction_are_handled_and_told(customers: pd.DataFrame, model: ChurnModel) -> None:
    odd = customers.head(4).assign(
        plan=["gold", "free", None, " "], use=["", "12", "n/a", "inf"], tickets=[1e300, 1.0, 2.0, 3.0]
    )
    found = model.predict(odd.drop(columns="left"))
    assert all(0 < row.probability < 1 for row in found.rows)
    told = {(one.trouble, one.columns) for one in found.findings}
    assert {(Trouble.UNSEEN, ("plan",)), (Trouble.BLANKS, ("use",)), (Trouble.NOT_FINITE, ("use",))} <= told
    assert any("gold" in one.words for one in found.findings)
    assert model.predict(customers.head(0)).rows == ()


def test_decimal_commas_mean_the_same_at_prediction(customers: pd.DataFrame, model: ChurnModel) -> None:
    few = customers.head(4).assign(use=[23.41, 50.0, 61.5, 70.25])
    written = few.assign(use=["23,41", "50", "61,5", "70,25"])
    assert model.predict(written).rows == model.predict(few).rows
    assert Trouble.DECIMAL_COMMA in {one.trouble for one in model.predict(written).findings}
    thousand = customers.head(1).assign(use="1.234")
    assert model.read(thousand)[0]["use"].tolist() == [1.234]
    note = Finding(Trouble.DECIMAL_COMMA, Severity.NOTE, ("use",), "")
    learnt = replace(model, card=replace(model.card, findings=(note,)))
    assert learnt.read(thousand)[0]["use"].tolist() == [1234.0]
    assert learnt.read(thousand.assign(use="1,234"))[0]["use"].tolist() == [1.234]
    assert learnt.read(thousand.assign(use="23.41"))[0]["use"].tolist() == [23.41]


def test_missing_columns_are_all_named(customers: pd.DataFrame, model: ChurnModel) -> None:
    with pytest.raises(TableError, match=r"no column use, plan; it has customer"):
        model.predict(customers.drop(columns=["use", "plan"]))
    with pytest.raises(TableError, match="no column months; it has"):
        model.predict(customers.rename(columns={"months": "months "}))


def test_an_explanation_adds_up_and_says_the_truth(customers: pd.DataFrame, model: ChurnModel) -> None:
    pair = customers.head(1).assign(use=20.0, tickets=7.0, plan="free")
    why = explain(model, pair, 0)
    row = model.predict(pair).rows[0]
    assert why.probability == pytest.approx(row.probability, abs=1e-12)
    assert why.base + sum(push.push for push in why.pushes) == pytest.approx(why.probability, abs=1e-9)
    pushes = {push.feature: push for push in why.pushes}
    assert all(pushes[name].push > 0.02 for name in ("use", "tickets", "plan"))
    assert pushes["plan"].words.startswith("plan is free: raises the probability by ")
    assert [abs(push.push) for push in why.pushes] == sorted((abs(p.push) for p in why.pushes), reverse=True)
    assert explain(model, pair, 0) == why
    with pytest.raises(TableError, match="row 2 is not there"):
        explain(model, pair, 1)


def test_amounts_are_told_with_all_their_digits() -> None:
    told = [_push("revenue", value, 0.01).value for value in (1234567.0, 1e6, 250000.5, 12.5, 0.000123)]
    assert told == ["1234567", "1000000", "250000", "12.5", "0.000123"]


def test_an_interval_is_wide_on_the_side_where_refits_lie() -> None:
    """Eleven refits agree with the model and one lies far below: the doubt is below."""
    apart = np.zeros((12, 1))
    apart[3] = -2.0
    assert _one_sided(apart).tolist() == [0.0]
    assert _one_sided(-apart) == pytest.approx(np.sqrt(2 * 4.0 / 11))
    even = np.random.default_rng(0).normal(0, 0.7, (4000, 1))
    assert _one_sided(even) == pytest.approx(0.7, abs=0.03)
    assert _one_sided(-even) == pytest.approx(0.7, abs=0.03)


def test_sampled_pushes_are_near_the_exact_shapley_values(customers: pd.DataFrame, model: ChurnModel) -> None:
    one = customers.head(1).assign(use=25.0, tickets=5.0, plan="free")
    ensemble = model.classifier.ensemble
    blocks = list(ensemble.encoder.blocks().values())
    asked = ensemble.encoder.matrix(model.read(one)[0])[0]
    exact = np.zeros(len(blocks))
    typical = ensemble.encoder.matrix(model.background)
    orders = list(permutations(range(len(blocks))))
    for order in orders:
        rows = typical.copy()
        before = ensemble.of_matrix(rows).mean()
        for feature in order:
            rows[:, blocks[feature]] = asked[blocks[feature]]
            after = ensemble.of_matrix(rows).mean()
            exact[feature] += (after - before) / len(orders)
            before = after
    sampled = {push.feature: push.push for push in explain(model, one, 0).pushes}
    assert [sampled[name] for name in model.card.features] == pytest.approx(exact, abs=0.02)


def test_the_card_says_what_the_model_is(customers: pd.DataFrame, model: ChurnModel) -> None:
    card = model.card
    assert (card.rows, card.target, card.trained_at, card.seed) == (600, "left", "2026-11-22", 42)
    assert card.features == ("use", "tickets", "plan", "months")
    assert card.time_features == ("use", "tickets", "plan")
    assert card.share == pytest.approx((customers["left"] == "Yes").mean())
    assert 0.6 < card.inner_roc_auc < 1
    assert 0.5 < card.inner_c_index < 1
    assert not [one for one in card.findings if one.severity is Severity.DROP]


@pytest.mark.parametrize(
    ("probability", "category"),
    [
        (0.0, "low"),
        (0.3, "low"),
        (0.1 + 0.2, "low"),
        (0.3001, "medium"),
        (0.6, "medium"),
        (0.61, "high"),
        (0.8, "high"),
        (0.801, "critical"),
        (1.0, "critical"),
    ],
)
def test_categories_at_their_borders(probability: float, category: str) -> None:
    assert category_of(probability) == category


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan")])
def test_no_category_for_what_is_no_probability(wrong: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        category_of(wrong)
