"""Small made-up customers whose true probability of leaving is known, and one model of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scoring.churn.mapping import Mapping, Settings
from scoring.churn.model import ChurnModel, train

MAPPING = Mapping("left", customer="customer", duration="months")
QUICK = Settings(folds=3, inner=3, refits=3, trees=20, rounds=40, repeats=1)


def made(rows: int, seed: int = 1) -> pd.DataFrame:
    """Customers: a high `tickets`, plan "free" and little `use` make them leave, and sooner. `true` is the
    probability (no feature)."""
    dice = np.random.default_rng(seed)
    use, tickets = dice.normal(50, 15, rows), dice.poisson(2, rows).astype(float)
    plan = dice.choice(["free", "team", "firm"], rows, p=[0.4, 0.4, 0.2])
    risk = -1.0 - 0.06 * (use - 50) + 0.35 * (tickets - 2) + 1.2 * (plan == "free")
    true = 1 / (1 + np.exp(-risk))
    left = dice.random(rows) < true
    gone, seen = dice.exponential(40 / np.exp(0.7 * risk)), dice.uniform(1, 48, rows)
    months = np.ceil(np.where(left, np.minimum(gone, 48), seen))
    return pd.DataFrame(
        {
            "customer": [f"c-{number:05d}" for number in range(rows)],
            "use": use,
            "tickets": tickets,
            "plan": plan,
            "months": months,
            "left": np.where(left, "Yes", "No"),
            "true": true,
        }
    )


@pytest.fixture(scope="session")
def customers() -> pd.DataFrame:
    return made(600).drop(columns="true")


@pytest.fixture(scope="session")
def model(customers: pd.DataFrame) -> ChurnModel:
    return train(customers, MAPPING, QUICK, trained_at="2026-11-22")


@pytest.fixture
def public() -> Callable[[str], pd.DataFrame]:
    """Reads a public data set; skips where it is missing."""
    folder = os.environ.get("KEEPWELL_DATA_DIR")
    if not folder:
        pytest.skip("KEEPWELL_DATA_DIR is not set: the public churn data are missing")
    return lambda name: pd.read_csv(Path(folder) / name)
