"""Probability and time to churn come into use as a pair, and each on its own figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from keepwell.churn.registry import Origin, Outcome, train_and_keep
from keepwell.churn.saved import open_model
from keepwell.db.repositories import churn_models as models
from keepwell.db.tables import ChurnModel
from scoring.churn.held_out import hold_out
from scoring.churn.mapping import Mapping
from tests.unit.churn.conftest import MAPPING, QUICK, made
from tests.unit.db.world import World

LEAN = replace(QUICK, inner=2, refits=0, trees=8, rounds=20)
AT = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return made(400).drop(columns="true")


def trained(world: World, frame: pd.DataFrame, mapping: Mapping, weeks: int) -> Outcome:
    return train_and_keep(
        world.store,
        world.organisation,
        "file",
        frame,
        mapping,
        LEAN,
        origin=Origin("table.csv", "", 0, {}),
        time_part=None,
        at=AT + timedelta(weeks=weeks),
        by="ada",
    )


def with_wrong_months(frame: pd.DataFrame) -> pd.DataFrame:
    """All who left did so after four years, and the others are new: but for those held out."""
    held = frame["customer"].isin(hold_out(frame, MAPPING).judged["customer"])
    wrong = np.where(frame["left"] == "Yes", 48, 1 + np.arange(len(frame)) % 3)
    return frame.assign(months=np.where(held, frame["months"], wrong))


def in_use(world: World) -> ChurnModel:
    with world.store.read() as session:
        row = models.in_use(session, world.organisation, "file")
    assert row is not None
    return row


def test_a_worse_time_does_not_come_in_with_a_better_probability(world: World, frame: pd.DataFrame) -> None:
    plain = replace(MAPPING, features=("tickets", "plan", "use"))
    first = trained(world, frame, replace(plain, features=("use", "plan")), 0)
    assert first.state == "in_use", first.why
    assert "Time to churn: integrated Brier score" in first.why
    assert first.card["time_held_out"]["brier"] < first.card["time_held_out"]["baseline_brier"]
    second = trained(world, with_wrong_months(frame), plain, 1)
    assert second.card["comparison"]["better"] is True
    assert second.state == "rejected"
    assert "Its time to churn knows nothing yet" in second.why or "is worse than that of file@1" in second.why
    assert models.label(in_use(world)) == "file@1"
    third = trained(world, frame, plain, 2)
    assert third.state == "in_use", third.why
    assert third.card["time_comparison"]["worse"] is False
    assert "Its time to churn is better than that of file@1" in third.why


def test_a_first_time_that_knows_nothing_is_left_out(world: World, frame: pd.DataFrame) -> None:
    plain = replace(MAPPING, features=("tickets", "plan", "use"))
    first = trained(world, with_wrong_months(frame), plain, 0)
    assert first.state == "in_use", first.why
    assert "Its time to churn knows nothing yet: integrated Brier score" in first.why
    model = open_model(in_use(world))
    assert model.survival is None
    assert first.card["model"]["time_choice"] == ""
    assert model.predict(frame.head(2)).rows[0].time is None


def test_a_model_that_tells_no_time_waits_for_a_person(world: World, frame: pd.DataFrame) -> None:
    plain = replace(MAPPING, features=("use", "plan"))
    trained(world, frame, plain, 0)
    timeless = trained(world, frame, replace(plain, features=("tickets", "plan", "use"), duration=None), 1)
    assert timeless.state == "candidate"
    assert "It tells no time to churn, and file@1 does." in timeless.why
    assert models.label(in_use(world)) == "file@1"
