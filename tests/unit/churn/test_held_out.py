"""Who is held out: always the same customers, with everything that is theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from scoring.churn.errors import TableError
from scoring.churn.held_out import hold_out
from scoring.churn.mapping import Mapping
from tests.unit.churn.conftest import MAPPING, made
from tests.unit.churn.test_folds import MAPPING as BY_TIME
from tests.unit.churn.test_folds import snapshots

NAMELESS = replace(MAPPING, customer=None, drop=("customer",))


def test_the_same_customers_next_month(customers: pd.DataFrame) -> None:
    parts = hold_out(customers, MAPPING)
    assert parts.by == ("customer",)
    assert len(parts.learned) + len(parts.judged) == 600
    assert 80 < len(parts.judged) < 160
    later = pd.concat([made(700, seed=9).drop(columns="true").iloc[600:], customers]).assign(use=1.5)
    later["use"] += np.arange(len(later))
    assert set(parts.judged["customer"]) <= set(hold_out(later, MAPPING).judged["customer"])


def test_rows_of_one_customer_and_rows_without_an_answer(customers: pd.DataFrame) -> None:
    twice = pd.concat([customers, customers.assign(use=customers["use"] * 1.7)], ignore_index=True)
    twice.loc[:9, "left"] = None
    parts = hold_out(twice, MAPPING)
    assert not set(parts.learned.dropna()["customer"]) & set(parts.judged["customer"])
    assert parts.learned["left"].isna().sum() == 10, "training says how many rows had no answer"
    assert not parts.judged["left"].isna().any()


def test_without_a_name_a_new_column_changes_nothing(customers: pd.DataFrame) -> None:
    parts = hold_out(customers, NAMELESS)
    assert parts.by == ("use", "tickets", "plan")
    wider = customers.assign(region=np.random.default_rng(1).choice(["n", "s"], 600))
    again = hold_out(wider[["region", *customers.columns]], NAMELESS, parts.by)
    assert again.by == parts.by
    assert list(again.judged["customer"]) == list(parts.judged["customer"])
    assert "region" in hold_out(wider, NAMELESS).by, "without a model before, all features name a row"
    assert hold_out(customers.drop(columns="tickets"), NAMELESS, parts.by).by == ("use", "plan")


def test_without_a_name_a_month_more_changes_nothing(customers: pd.DataFrame) -> None:
    """Neither how long somebody has been there nor whether they have left since is part of a name."""
    parts = hold_out(customers, NAMELESS)
    later = customers.assign(months=customers["months"] + 1)
    later.loc[later.index[:40], "left"] = "Yes"
    assert list(hold_out(later, NAMELESS).judged["customer"]) == list(parts.judged["customer"])


@pytest.mark.parametrize("mapping", [MAPPING, NAMELESS])
def test_near_copies_stay_together(customers: pd.DataFrame, mapping: Mapping) -> None:
    near = customers.head(200).assign(customer=[f"d-{n:05d}" for n in range(200)])
    near["use"] += 1e-4
    parts = hold_out(pd.concat([customers, near], ignore_index=True), mapping)
    learned, judged = (set(part["customer"].str[2:]) for part in (parts.learned, parts.judged))
    assert not learned & judged
    assert len(judged) > 80


def test_with_dates_the_latest_rows_judge() -> None:
    frame = snapshots(1500, 12)
    parts = hold_out(frame, BY_TIME)
    held = frame[~frame["customer"].isin(parts.learned["customer"])]
    begin = parts.judged["day"].min()
    assert begin > "2026-06-01"
    assert len(parts.judged) == (held["day"] >= begin).sum()
    assert (parts.judged["left"] == "Yes").sum() >= 20
    few = snapshots(300, 12)
    assert hold_out(few, BY_TIME).judged["day"].min() == few["day"].min(), "too few left lately to judge by"


def test_too_few_to_hold_any_out(customers: pd.DataFrame) -> None:
    left = customers[customers["left"] == "Yes"].head(22)
    small = pd.concat([left, customers[customers["left"] == "No"].head(60)])
    with pytest.raises(TableError, match=r"one customer in 5 is held out .* at least 20 of each"):
        hold_out(small, MAPPING)
