"""`keepwell churn predict` and `explain` for our own customers."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import col, select

from keepwell.churn.saved import open_model, open_time_model
from keepwell.churn.service import ChurnService
from keepwell.contracts.churn import ChurnCall
from keepwell.db.engine import Store
from keepwell.db.repositories.churn_predictions import latest
from keepwell.db.tables import ChurnModel, ChurnPrediction, Customer, Event
from keepwell.errors import RefusedError
from tests.unit.churn_app.conftest import TRAINED_AT
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import DAY, World


def stored(store: Store) -> list[ChurnPrediction]:
    with store.read() as session:
        return list(session.exec(select(ChurnPrediction)).all())


def test_everybody_is_predicted_or_listed_and_kept(cli: Cli, trained: Store) -> None:
    found = cli("churn", "predict", "--json").json
    with trained.read() as session:
        active = {row.id for row in session.exec(select(Customer).where(col(Customer.active)))}
    assert {one["id"] for one in found["predictions"]} == active
    assert found["model"] == "customers@1"
    for one in found["predictions"]:
        assert 0 <= one["low"] <= one["probability"] <= one["high"] <= 1
        assert one["months_beyond"] is None or one["months_beyond"] > 0
    assert sum(one["months_low"] is not None for one in found["predictions"]) > 10
    order = [one["probability"] for one in found["predictions"]]
    assert order == sorted(order, reverse=True)
    rows = {row.customer_id: row for row in stored(trained)}
    assert set(rows) == active
    first = found["predictions"][0]
    assert rows[first["id"]].probability == pytest.approx(first["probability"], abs=1e-6)
    assert rows[first["id"]].category == first["category"]


def test_predictions_of_another_moment_are_added_and_the_latest_counts(cli: Cli, trained: Store) -> None:
    for _ in range(2):
        assert cli("churn", "predict", "--customer", "Customer 003").code in (0, 2)
    rows = stored(trained)
    key = rows[0].customer_id
    assert len(rows) == 2
    with trained.read() as session:
        assert latest(session, [key, "nobody"])[key].at == max(row.at for row in rows)


def test_the_csv_file_is_safe_to_open(cli: Cli, trained: Store, tmp_path: Path) -> None:
    with trained.write() as session:
        row = session.exec(select(Customer).where(col(Customer.active))).first()
        assert row is not None
        row.name = "=HYPERLINK(1)"
    path = tmp_path / "predictions.csv"
    told = cli("churn", "predict", "--out", str(path))
    assert f"predictions of customers@1 is in {path}" in told.out
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(stored(trained))
    names = {row["customer"] for row in rows}
    assert "'=HYPERLINK(1)" in names
    assert not any(name.startswith("=") for name in names)


def test_one_who_is_not_active_or_not_there(cli: Cli, trained: Store) -> None:
    with trained.read() as session:
        gone = session.exec(select(Customer).where(~col(Customer.active))).first()
        assert gone is not None
    told = cli("churn", "predict", "--customer", gone.id)
    assert (told.code, "not active" in told.err) == (2, True)
    assert cli("churn", "predict", "--customer", "Nobody Ever").code == 3
    assert cli("churn", "predict", "file.csv", "--customer", gone.id).code == 2
    assert stored(trained) == []


def test_a_customer_of_whom_nothing_was_measured_lately_is_listed(cli: Cli, trained: Store) -> None:
    World.customer(_over(trained), "silent")
    found = cli("churn", "predict", "--json").json
    assert found["left_out"] == {"nothing measured in the 45 days before": 1}
    assert "1: nothing measured in the 45 days before" in cli("churn", "predict").out


def test_why_one_customer(cli: Cli, trained: Store) -> None:
    first = cli("churn", "predict", "--json").json["predictions"][0]
    told = cli("churn", "explain", first["customer"])
    assert told.code == 0, told.err
    assert f"{first['probability']:.1%}" in told.out
    assert "days_since_last_login" in told.out
    found = cli("churn", "explain", first["customer"], "--json").json["explanation"]
    total = found["base"] + sum(one["push"] for one in found["pushes"])
    assert total == pytest.approx(found["probability"], abs=1e-6)
    assert found["pushes"][0]["push"] > 0


def test_a_metric_that_nobody_measures_any_more_is_missing_not_an_error(cli: Cli, trained: Store) -> None:
    with trained.write() as session:
        row = session.exec(select(ChurnModel)).one()
        row.card = {**row.card, "mapping": {**row.card["mapping"], "features": ["long_gone_metric"]}}
    service = ChurnService(trained)
    with trained.read() as session:
        one = session.exec(select(Customer).where(col(Customer.active))).first()
        assert one is not None
    frame = service.customer_row("org-1", one.id, TRAINED_AT + DAY, service.model("org-1", None))
    assert frame["long_gone_metric"].isna().all()


def test_a_model_of_a_file_says_nothing_of_our_own_customers(cli: Cli, trained: Store) -> None:
    with trained.write() as session:
        session.exec(select(ChurnModel)).one().name = "telco"
    for words in (("predict",), ("predict", "--customer", "Customer 003"), ("explain", "Customer 003")):
        told = cli("churn", *words, "--model", "telco@1")
        assert told.code != 0
        assert "telco@1 learned from a file and knows nothing of your own customers" in told.err
    assert stored(trained) == []


def test_predictions_of_a_model_that_is_not_in_use_are_shown_only(cli: Cli, trained: Store) -> None:
    with trained.write() as session:
        session.exec(select(ChurnModel)).one().state = "rejected"
    told = cli("churn", "predict", "--model", "customers@1")
    assert told.code == 0, told.err
    assert "By customers@1" in told.out
    assert "not kept, as customers@1 is not in use" in told.out
    assert stored(trained) == []
    found = ChurnService(trained).predict_now("org-1", TRAINED_AT, model="customers@1")
    with pytest.raises(RefusedError, match="customers@1 is not in use"):
        ChurnService(trained).keep("org-1", TRAINED_AT, found)


def test_a_column_that_is_no_feature_of_ours_is_missing_in_words(
    cli: Cli, trained: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that asks for something else gets no blanks for it: nobody would have the same 74 %."""
    opened = open_model(ChurnService(trained).model("org-1", None))
    strange = replace(opened, numeric=("TotalCharges",))
    monkeypatch.setattr("keepwell.churn.service.open_model", lambda _: strange)
    told = cli("churn", "predict")
    assert told.code == 2
    assert "your own customers: to predict: the table has no column TotalCharges" in told.err
    call = ChurnCall(organisation="org-1", as_of=TRAINED_AT, by="ada")
    night = ChurnService(trained).predict(call)
    assert (night.predicted, "TotalCharges" in night.why) == (0, True)
    assert "Train a model of what is measured now: keepwell churn train" in night.why
    assert ChurnService(trained).predict(call) == night
    with trained.read() as session:
        lines = session.exec(select(Event).where(col(Event.kind) == "churn_model.not_predicted")).all()
    assert [(one.by, one.why) for one in lines] == [("ada", night.why)], "once for a moment"
    assert stored(trained) == []


def test_a_time_model_that_counts_from_another_beginning_is_not_asked(
    trained: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ChurnService(trained)
    assert any(one.time for one in service.predict_now("org-1", TRAINED_AT).rows)
    found = open_time_model(service.model("org-1", None))
    assert found is not None
    older = replace(found, mapping=replace(found.mapping, duration="months_stayed"))
    monkeypatch.setattr("keepwell.churn.service.open_time_model", lambda _: older)
    assert not any(one.time for one in service.predict_now("org-1", TRAINED_AT).rows)


def _over(store: Store) -> World:
    """The world of a store that has its organisation already."""
    world = object.__new__(World)
    world.store, world.organisation = store, "org-1"
    return world
