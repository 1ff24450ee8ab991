"""`keepwell customer`: why the score is what it is, what to do, and how it reads on narrow terminals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from keepwell.db.tables import ChurnModel, ChurnPrediction, Customer
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import DAY, NOW, World


@pytest.fixture
def acme(world: World) -> World:
    """Acme fell from 80 to 35 points within a month; seven others like it stand between 40 and 70."""
    now = datetime.now(NOW.tzinfo) - timedelta(minutes=5)
    world.staff("dana", name="Dana Reyes")
    world.customer("acme", name="Acme Analytics", owner_id="dana", industry="retail", segment="small")
    world.score("acme", 80, now - 31 * DAY)
    world.score("acme", 60, now - 15 * DAY)
    world.at_points("acme", 40, now, daily_active_rate=7, support_interaction_sentiment=40)
    world.rescore("acme", now)
    for number in range(7):
        world.customer(f"peer{number}", name=f"Secret{number}", industry="retail", segment="small")
        world.score(f"peer{number}", 40 + number * 5, now)
    return world


def predict(world: World) -> None:
    now = datetime.now(NOW.tzinfo)
    model: dict[str, Any] = {
        "name": "own",
        "version": 3,
        "state": "in_use",
        "content": b"",
        "sha256": "",
        "trained_at": now,
    }
    world.add(ChurnModel(id="model", organisation_id=world.organisation, **model))
    said: dict[str, Any] = {"probability": 0.72, "low": 0.64, "high": 0.8, "category": "high"}
    when: dict[str, Any] = {"months": 3.0, "months_low": 2.0, "months_high": 5.0}
    row: dict[str, Any] = {
        "organisation_id": world.organisation,
        "customer_id": "acme",
        "model_id": "model",
        "at": now,
    }
    world.add(ChurnPrediction(**row, **said, **when))


def test_the_whole_of_it_in_words(cli: Cli, acme: World) -> None:
    text = cli("customer", "acme").out
    for part in (
        "35.0 HIGH_RISK",
        "high: the health score 35 is below 50",
        "declining",
        "What costs most",
        "What to do",
        "Agree with Acme Analytics' lead on one daily task",
        "Dana Reyes",
        "7 days",
        "whole score",
        "Compared with 7 similar customers: small customers in retail",
        "Signs of churn",
        "Not known:",
        "--category usage",
    ):
        assert part in text, part
    assert "Secret" not in text


def test_as_fields(cli: Cli, acme: World) -> None:
    predict(acme)
    found = cli("customer", "acme", "--json").json
    insight = found["insight"]
    assert insight["priority"] == {
        "priority": "critical",
        "reason": "the probability of leaving, 72 %, is above 70 %",
    }
    assert insight["prediction"]["model"] == "own@3"
    assert [one["name"] for one in insight["churn_risk"]["factors"]] == [
        "healthDecline",
        "engagementReduction",
        "businessRisk",
        "competitiveThreats",
    ]
    assert insight["comparison"]["score"]["percentile"] == 0
    assert insight["recommendations"][0]["metric"] == found["score"]["costs"][0]["metric"]
    assert found["trend"]["slope"] < 0
    assert insight["others"] == []


def test_the_models_probability_stands_above_the_rule_of_thumb(cli: Cli, acme: World) -> None:
    predict(acme)
    text = cli("customer", "acme").out
    assert "72 % likely to leave (64 % to 80 %), high; by own@3" in text
    assert "half of such customers leave within 3 months (2 to 5)" in text
    assert "by rule of thumb and no probability" in text
    assert text.index("72 % likely to leave") < text.index("Signs of churn")


def test_a_category(cli: Cli, acme: World) -> None:
    text = cli("customer", "acme", "--category", "usage").out
    for part in ("Acme Analytics: Usage", "Daily active rate", "4.2 %", "13.9", "48 %", "Better than"):
        assert part in text, part
    assert "Payment health" not in text
    found = cli("customer", "acme", "--category", "usage", "--json").json
    assert found["metrics"][0]["metric"] == "daily_active_rate"
    assert found["comparison"]["segment"] == "small customers in retail"
    wrong = cli("customer", "acme", "--category", "use")
    assert wrong.code == 2
    assert "It has: usage, engagement, business, relationship." in wrong.err


def test_nobody_to_compare_with_and_nothing_scored(cli: Cli, world: World) -> None:
    world.customer("lone", name="Lone Ltd")
    text = cli("customer", "lone").out
    assert "Not scored yet" in text
    assert "0 % of the signs are known, too few for a figure" in text
    assert cli("customer", "lone", "--category", "usage").code == 3
    world.score("lone", 90, datetime.now(NOW.tzinfo))
    scored = cli("customer", "lone").out
    assert "Not compared: fewer than 5 other customers have a score by this scorecard." in scored
    assert "Better than" not in scored
    assert "low: the health score 90 is 70 or more" in scored
    assert cli("customer", "lone", "--json").json["insight"]["comparison"]["customers"] == 0


@pytest.mark.parametrize("columns", [80, 120])
def test_tables_fit_the_terminal(
    cli: Cli, acme: World, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    acme.change(Customer, "acme", name="Acme Analytics and Reporting for the Whole of Northern Europe")
    for command in (("customer", "acme"), ("customer", "acme", "--category", "usage")):
        blocks = [
            block for block in cli(*command).out.split("\n\n") if "Weight" in block or "Factor" in block
        ]
        assert blocks
        for line in "\n".join(blocks).splitlines():
            sentence = line.startswith(("Compared with", "Not known", "Signs of churn", "A wider"))
            assert sentence or len(line.rstrip()) <= columns, line
