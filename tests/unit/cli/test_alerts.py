"""`keepwell event`, `keepwell alerts`, `keepwell alert` and `keepwell import events`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.contracts.alerts import MonitorCall
from keepwell.db.repositories.monitor import MonitorRepository
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import World


@pytest.fixture(autouse=True)
def acme(world: World) -> None:
    """A customer with an owner."""
    world.staff("dana", name="Dana Reyes")
    world.customer("acme", name="Acme Analytics", owner_id="dana")


def test_a_failed_payment_from_event_to_acknowledgement(cli: Cli) -> None:
    result = cli("event", "Acme", "billing_failure", "--data", "amount=49", "--data", "currency=EUR")
    assert result.code == 0
    assert "Acme Analytics: billing_failure, stored." in result.out
    assert "Alert (critical): a payment failed: 49 EUR." in result.out
    assert "starts when a worker runs" in result.err
    (alert,) = cli("alerts", "--json").json["alerts"]
    assert (alert["owner"], alert["trigger"], alert["state"]) == ("Dana Reyes", "billing_failure", "open")
    assert alert["evidence"]["amount"] == 49
    taken = cli("alert", "acknowledge", alert["id"][-8:].lower(), "--by", "Dana")
    assert taken.code == 0
    assert "a payment failed: 49 EUR. Dana has it in hand" in taken.out
    (line,) = cli("alerts", "--summary", "--json").json["triggers"]
    assert (line["trigger"], line["raised"], line["acknowledged"], line["taken_in_hand"]) == (
        "billing_failure",
        1,
        1,
        1,
    )
    assert line["median_to_acknowledge"] is not None
    assert "billing_failure" in cli("alerts", "--summary").out
    cli("event", "Acme", "payment_received")
    assert cli("alerts").out.startswith("No alerts that are not closed.")
    assert "closed: a payment came in" in cli("alerts", "--state", "closed").out
    refused = cli("alert", "acknowledge", alert["id"])
    assert refused.code == 4
    kinds = [one["kind"] for one in cli("events", "--kind", "alert", "--json").json["events"]]
    assert kinds == ["alert.raised", "alert.acknowledged", "alert.closed"]


def test_an_event_again_with_its_id(cli: Cli, world: World) -> None:
    at = (world.began - timedelta(hours=3)).isoformat()
    once = ("event", "acme", "login", "--id", "e-1", "--at", at)
    assert "stored" in cli(*once).out
    assert "known already" in cli(*once).out
    other = cli("event", "acme", "page_view", "--id", "e-1", "--at", at)
    assert other.code == 2
    assert "the same event is stored with another kind: 'login'" in other.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("login", "--at", "2020-01-01"), "is too old; events count for 730 days"),
        (("login", "--at", "2199-01-01"), "lies in the future"),
        (("login", "--at", "yesterday"), "is not a moment like"),
        (("9lives",), "is no name of a kind"),
        (("feature_used",), "needs 'feature' in its data"),
        (("task_started", "--data", "task="), "needs 'task' in its data"),
        (("feedback_given", "--data", "score=101"), "score must be a number from 0 to 100"),
        (("login", "--data", "no pair"), "is no NAME=VALUE"),
    ],
)
def test_what_is_no_event(cli: Cli, arguments: tuple[str, ...], reason: str) -> None:
    result = cli("event", "acme", *arguments)
    assert result.code == 2
    assert reason in result.err
    assert cli("alerts").out.startswith("No alerts")


def test_an_unknown_kind_is_taken_and_told(cli: Cli) -> None:
    result = cli("event", "acme", "Feature Uesd")
    assert result.code == 0
    assert "feature_uesd (1) (did you mean 'feature_used'?)" in result.out


def test_a_file_of_events(cli: Cli, tmp_path: Path, world: World) -> None:
    old = (world.began - timedelta(hours=50)).isoformat()
    late = (world.began - timedelta(days=800)).date().isoformat()
    path, rejects = tmp_path / "events.csv", tmp_path / "rejects.csv"
    path.write_text(
        "customer,kind,at,id,data.feature,data.task\n"
        f"acme,login,{old},1,,\n"
        f"acme,feature_used,{old},2,reports,\n"
        f"nobody,login,{old},3,,\n"
        f"acme,login,{late},4,,\n"
        f"acme,task_started,{old},5,,audit\n"
        f"acme,login,,6,,\n"
        f"acme,page_view,{old},1,,\n"
    )
    first = cli("import", "events", str(path), "--rejects", str(rejects))
    assert first.code == 8
    assert "7 rows; 3 created, 0 updated, 0 unchanged, 4 rejected" in first.out
    told = rejects.read_text(encoding="utf-8-sig")
    for line, reason in (
        (4, "there is no customer with this external id"),
        (5, "is too old"),
        (7, "is empty"),
        (8, "line 2 says otherwise"),
    ):
        assert f"\n{line}," in told
        assert reason in told
    again = cli("import", "events", str(path), "--json").json
    assert (again["created"], again["unchanged"], again["rejected"]) == (0, 3, 4)
    seen = MonitorRepository(world.store).look(
        MonitorCall(organisation=world.organisation, as_of=world.began)
    )
    assert seen.raised == 1
    listed = cli("alerts", "--trigger", "inactivity", "--severity", "warning", "--customer", "acme")
    assert "no event for 50 hours; the limit is 48" in listed.out
    shown = cli("alert", "show", cli("alerts", "--json").json["alerts"][0]["id"])
    assert "Dana Reyes" in shown.out
    assert "inactivity" in shown.out


def test_events_as_json_lines_with_a_mapping(cli: Cli, tmp_path: Path, world: World) -> None:
    path, mapping = tmp_path / "events.jsonl", tmp_path / "map.toml"
    at = (world.began - timedelta(hours=1)).isoformat()
    path.write_text(
        f'{{"account": "acme", "event": "Page View", "ts": "{at}", "page": "launch_kit", "ip": 1}}\n'
    )
    mapping.write_text(
        'kind = "events"\nignore = ["ip"]\nfacts = ["page"]\n[columns]\ncustomer = "account"\n'
        'kind = "event"\nat = "ts"\n'
    )
    assert cli("import", "events", str(path), "--mapping", str(mapping)).code == 0


def test_the_rules(cli: Cli) -> None:
    assert cli("alerts", "rules", "--json").json["engagement"] == "60"
    assert "engagement: 60 → 55" in cli("alerts", "set", "engagement=55", "inactivity=off").out
    assert cli("alerts", "set", "engagement=55").out == "Nothing has changed.\n"
    wrong = cli("alerts", "set", "engagement=50", "inactvity=on")
    assert wrong.code == 2
    assert "did you mean 'inactivity'?" in wrong.err
    rules = cli("alerts", "rules", "--json").json
    assert (rules["engagement"], rules["inactivity"]) == ("55", "off"), "all of them or none"
    assert cli("events", "--kind", "alert.rules_changed", "--json").json["events"]


def test_what_is_not_there(cli: Cli) -> None:
    assert cli("alert", "acknowledge", "01ABCDEF").code == 3
    assert cli("alerts", "--state", "odd").code == 2
    assert cli("alerts", "--summary").out == "No alerts in 30 days.\n"


@pytest.mark.parametrize("seconds", ["9", "301", "fast"])
def test_an_interval_that_is_too_short_or_too_long_is_refused(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("KEEPWELL_MONITOR_SECONDS", seconds)
    refused = cli("alerts")
    assert refused.code == 7
    assert "KEEPWELL_MONITOR_SECONDS" in refused.err
    assert "10 to 300" in refused.err
