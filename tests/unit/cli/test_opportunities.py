"""`keepwell opportunities`, and what `keepwell metric` says of a signal, without a Temporal server."""

from __future__ import annotations

from datetime import datetime

import pytest

from keepwell.db.tables import Customer, Health, Opportunity
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import DAY, NOW, World


@pytest.fixture
def acme(world: World) -> str:
    """A customer at risk: a signal of it is noted, and no campaign begins."""
    world.customer("acme", name="Acme", monthly_revenue=100.0, currency="EUR")
    now = datetime.now(NOW.tzinfo)
    world.score("acme", 50, now - DAY)
    world.measure("acme", {"next_plan_price": 150}, now - DAY)
    return "acme"


def test_a_metric_brings_an_opportunity_and_the_reason_why_nothing_starts(cli: Cli, acme: str) -> None:
    assert "No opportunities" in cli("opportunities").out
    told = cli("metric", acme, "usage_percentage", "87")
    assert told.code == 0
    assert "Opportunity: usage is at 87 % of the plan's limit." in told.out
    assert "No campaign yet: The level is AT_RISK" in told.out
    (one,) = cli("opportunities", "--json").json["opportunities"]
    assert (one["customer"], one["signal"], one["value"]) == ("Acme", "USAGE_LIMIT_APPROACHING", 600.0)
    text = cli("opportunities").out
    for part in ("Acme", "HIGH", "600", "open", "1 of 1 opportunity"):
        assert part in text


def test_states_are_chosen_and_others_refused(cli: Cli, acme: str) -> None:
    found = cli("metric", acme, "usage_percentage", "87", "--json").json
    assert (found["campaign"], len(found["opportunities"])) == (False, 1)
    assert cli("metric", acme, "usage_percentage", "20").code == 0
    assert cli("opportunities", "--json").json["total"] == 0
    assert cli("opportunities", "--state", "GONE", "--json").json["total"] == 1
    assert cli("opportunities", "--state", "all", "--json").json["total"] == 1
    wrong = cli("opportunities", "--state", "lots")
    assert wrong.code == 2
    assert "'lots' is no state; there are open, running, baseline, converted" in wrong.err


def test_a_value_out_of_range_is_refused(cli: Cli, acme: str) -> None:
    wrong = cli("metric", acme, "advanced_feature_usage", "1.2")
    assert wrong.code == 2
    assert "allowed is 0 to 1" in wrong.err


def test_without_a_server_the_signal_is_stored_and_the_worker_left_to_start_it(
    cli: Cli, world: World, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    world.score(acme, 72, datetime.now(NOW.tzinfo))
    world.change(Health, acme, level="HEALTHY", raw_level="HEALTHY")
    told = cli("metric", acme, "usage_percentage", "87")
    assert told.code == 0
    assert "Campaigns start when a worker runs." in told.err
    assert cli("opportunities", "--json").json["total"] == 1


def test_what_a_converted_one_has_brought_stands_beside_what_was_foretold(
    cli: Cli, world: World, acme: str
) -> None:
    assert cli("metric", acme, "usage_percentage", "87").code == 0
    assert "Brought" not in cli("opportunities").out
    (one,) = cli("opportunities", "--json").json["opportunities"]
    world.change(Opportunity, one["id"], state="converted", closed_at=datetime.now(NOW.tzinfo))
    world.change(Customer, acme, monthly_revenue=130.0)
    (line,) = cli("opportunities", "--state", "converted", "--json").json["opportunities"]
    assert (line["value"], line["increase"], line["revenue_before"]) == (600.0, 360.0, 100.0)
    text = cli("opportunities", "--state", "all").out
    assert "Brought" in text
    assert "EUR 360" in text
