"""Commands that change the store: imports, metrics, enrolment, scorecards, the organisation, migrations."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from pathlib import Path

import pytest

import keepwell
from keepwell.db.engine import Store
from keepwell.db.migrate import head
from keepwell.errors import ConfigurationError
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL

CUSTOMERS = "external_id,name,monthly_revenue\nc1,Acme,100\nc2,Borealis,200\n"


def test_an_import_that_goes_in_whole(cli: Cli, world: World) -> None:
    Path("customers.csv").write_text(CUSTOMERS)
    first = cli("import", "customers", "customers.csv", "--json")
    assert (first.code, first.json["created"], first.err) == (0, 2, "")
    again = cli("import", "customers", "customers.csv")
    assert again.code == 0
    assert "0 created, 0 updated, 2 unchanged" in again.out
    assert "keepwell import metrics FILE" in again.out
    event = cli("events", "--kind", "import", "--json").json["events"][0]
    assert event["kind"] == "import.finished"


def test_an_import_with_rejects(cli: Cli, world: World) -> None:
    Path("customers.csv").write_text(CUSTOMERS + "c3,,x\n")
    result = cli("import", "customers", "customers.csv", "--rejects", "rejects.csv")
    assert result.code == 8
    assert "is not a number" in result.out
    assert "All of them are in rejects.csv" in result.out
    assert "is empty; every row needs it" in Path("rejects.csv").read_text(encoding="utf-8-sig")
    Path("bad.csv").write_text("external_id,name\nc9,\n")
    nothing = cli("import", "customers", "bad.csv", "--json")
    assert (nothing.code, nothing.json["rejected"]) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("customers", "none.csv"), "none.csv"),
        (("customers", "file.xls"), "not a kind of file"),
        (("people", "file.csv"), "people"),
        (("customers", "customers.csv", "--mapping", "none.toml"), "none.toml"),
        (("metrics", "customers.csv", "--measured-at", "noon"), "--measured-at"),
    ],
)
def test_imports_refused(cli: Cli, world: World, arguments: tuple[str, ...], message: str) -> None:
    Path("customers.csv").write_text(CUSTOMERS)
    result = cli("import", *arguments)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err


def test_a_metric_scores_at_once(cli: Cli, world: World) -> None:
    world.customer("acme", name="Acme")
    world.score("acme", 62, NOW)
    same = cli("metric", "acme", "payment_health", "99")
    assert same.code == 0
    assert "HEALTHY" in same.out
    assert "nothing follows" in same.out
    fell = cli("metric", "acme", "usage_trend_30_days", "-90", "--json")
    assert fell.code == 0
    # No server runs here: the change of level waits in the store for the worker's sweep.
    assert fell.json["scored"]["level"] == "AT_RISK"
    assert fell.json["followed"]["handed"] is None
    assert "No Temporal server runs" in fell.err
    assert world.transitions("acme")[0].decision is None


def test_a_setting_that_stops_the_handing_over(
    cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConfigurationError("KEEPWELL_SENDING is 'live'.", hint="Unset it.")

    world.customer("acme", name="Acme")
    world.score("acme", 62, NOW)
    cli("metric", "acme", "payment_health", "99")
    monkeypatch.setattr("keepwell.cli.handing_over.hand_over", refuse)
    fell = cli("metric", "acme", "usage_trend_30_days", "-90")
    assert fell.code == 7
    assert "The value is stored and scored; the change of level was not handed over." in fell.err
    assert "KEEPWELL_SENDING is 'live'" in fell.err
    assert "AT_RISK" in cli("customer", "acme").out


def test_an_interrupted_import(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    Path("customers.csv").write_text(CUSTOMERS)
    monkeypatch.setattr("keepwell.cli.imports.import_file", interrupt)
    result = cli("import", "customers", "customers.csv")
    assert result.code == 130
    assert "the same import again goes on from there" in result.err


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("payment_helth", "1", "did you mean 'payment_health'?"),
        ("payment_health", "many", "is not a number"),
        ("payment_health", "101", "allowed is 0 to 100 %"),
    ],
)
def test_metrics_refused(cli: Cli, world: World, name: str, value: str, message: str) -> None:
    world.customer("acme")
    result = cli("metric", "acme", name, value)
    assert result.code == 2
    assert message in result.err
    assert world.scores("acme") == []


def test_enrol_shows_whom_and_asks(cli: Cli, world: World) -> None:
    world.staff("dana", name="Dana Reyes")
    world.customer("acme", name="Acme", owner_id="dana", monthly_revenue=900)
    world.score("acme", 5, NOW)
    world.customer("fine")
    world.score("fine", 90, NOW)
    dry = cli("enrol", "--level", "critical", "--limit", "5", "--dry-run")
    assert dry.code == 0
    for part in (f"{CRITICAL.label} would begin for", "Acme", "5.0", "USD 900", "Dana Reyes", "--dry-run"):
        assert part in dry.out
    asked = cli("enrol", "--level", "critical", "--limit", "5")
    assert asked.code == 2
    assert "Add --yes" in asked.err
    away = cli("enrol", "--level", "critical", "--limit", "5", "--yes")
    assert away.code == 5
    # Without a server nothing is written.
    assert world.transitions("acme") == []
    found = cli("enrol", "--level", "critical", "--limit", "5", "--dry-run", "--json").json
    assert [one["external_id"] for one in found["candidates"]] == ["acme"]
    assert found["enrolled"] == []


def test_enrol_refused(cli: Cli, world: World) -> None:
    none = cli("enrol", "--level", "HEALTHY", "--limit", "5")
    assert none.code == 2
    assert "There is no playbook for HEALTHY" in none.err
    assert cli("enrol", "--level", "critical").code == 2
    assert cli("enrol", "--level", "critical", "--limit", "0").code == 2
    nobody = cli("enrol", "--level", "critical", "--limit", "5", "--yes")
    assert nobody.code == 0
    assert "keepwell score" in nobody.out


def test_enrol_shows_the_money_of_each_customer_in_its_own_currency(cli: Cli, world: World) -> None:
    world.customer("oak", name="Oakline", monthly_revenue=240, currency="EUR")
    world.score("oak", 5, NOW)
    assert "EUR 240" in cli("enrol", "--level", "critical", "--limit", "5", "--dry-run").out
    found = cli("enrol", "--level", "critical", "--limit", "5", "--dry-run", "--json").json
    assert [one["currency"] for one in found["candidates"]] == ["EUR"]


def test_enrol_by_signal_shows_whom_and_asks(cli: Cli, world: World) -> None:
    now = datetime.now(NOW.tzinfo)
    for key, level in (("acme", 72), ("ill", 50)):
        world.customer(key, monthly_revenue=100.0, currency="EUR")
        world.measure(key, {"usage_percentage": 87.0, "next_plan_price": 150.0}, now - DAY)
        world.score(key, level, now - DAY)
    enrol = ("enrol", "--signal", "usage-limit-approaching", "--limit", "5")
    dry = " ".join(cli(*enrol, "--dry-run").out.split())
    for part in ("usage_limit@1 would begin for", "Acme", "EUR 600", "usage is at 87 %", "--dry-run"):
        assert part in dry
    assert "Not for 1 customer" in dry
    assert "The level is AT_RISK" in dry
    asked = cli(*enrol)
    assert (asked.code, "Add --yes" in asked.err) == (2, True)
    # Without a server nothing is written.
    assert cli(*enrol, "--yes").code == 5
    listed = cli("opportunities", "--state", "baseline", "--json").json["opportunities"]
    assert [(one["customer"], one["state"]) for one in listed] == [("Acme", "baseline"), ("Ill", "baseline")]
    found = cli(*enrol, "--dry-run", "--json").json
    assert (found["signal"], found["enrolled"]) == ("USAGE_LIMIT_APPROACHING", [])
    assert [(one["external_id"], bool(one["refusal"])) for one in found["candidates"]] == [
        ("acme", False),
        ("ill", True),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "a level and no signal, or a signal and no level"),
        (
            ("--level", "critical", "--signal", "consistent_overage"),
            "a level and no signal, or a signal and no level",
        ),
        (("--signal", "consistent_overages"), "did you mean 'CONSISTENT_OVERAGE'?"),
    ],
)
def test_enrol_takes_a_level_or_a_signal(
    cli: Cli, world: World, options: tuple[str, ...], message: str
) -> None:
    refused = cli("enrol", "--limit", "5", *options)
    assert refused.code == 2
    assert message in " ".join(refused.err.split())
    empty = cli("enrol", "--signal", "consistent overage", "--limit", "5")
    assert empty.code == 0
    assert "No customer has CONSISTENT_OVERAGE as a baseline" in empty.out


def test_scoring_nobody(cli: Cli, world: World) -> None:
    result = cli("score")
    assert result.code == 3
    assert "keepwell import customers FILE" in result.err
    world.customer("acme")
    assert cli("score", "--json").json["error"]["kind"] == "ServerUnavailableError"


def test_scorecards(cli: Cli, world: World) -> None:
    text = (files("scoring") / "scorecards" / "intervention.toml").read_text()
    Path("mine.toml").write_text(text.replace('name = "intervention"', 'name = "mine"', 1))
    assert cli("scorecards", "check", "mine.toml").out.startswith("mine.toml is sound: mine@")
    used = cli("scorecards", "use", "mine.toml", "--json").json
    listed = {one["name"]: one for one in cli("scorecards", "--json").json["scorecards"]}
    assert listed["mine"]["in_use"] is True
    assert listed["mine"]["hash"] == used["hash"]
    assert listed["intervention"]["in_use"] is False
    assert cli("scorecards", "show", "--json").json["name"] == "mine"
    assert cli("scorecards", "show", used["hash"][:8], "--json").json["name"] == "mine"
    assert cli("scorecards", "use", "intervention").code == 0
    assert cli("organisation", "--json").json["scorecard"].startswith("intervention@")
    assert cli("scorecards", "use", "mine").code == 0
    assert cli("organisation", "--json").json["scorecard"].startswith("mine@")


def test_scorecards_refused(cli: Cli, world: World) -> None:
    Path("bad.toml").write_text("name = 3\n")
    for command in ("check", "use"):
        result = cli("scorecards", command, "bad.toml")
        assert result.code == 2
        assert "bad.toml:1" in result.err
    unknown = cli("scorecards", "use", "intervenshun")
    assert unknown.code == 3
    assert "did you mean 'intervention'?" in unknown.err
    assert cli("scorecards", "show", "none.toml").code == 2


def test_the_organisation(cli: Cli, world: World) -> None:
    result = cli(
        "organisation",
        "set",
        "time_zone=Europe/Berlin",
        "currency=eur",
        "consent_required=yes",
        "--by",
        "lee",
    )
    assert result.code == 0
    found = cli("organisation", "--json").json
    assert (found["time_zone"], found["currency"], found["consent_required"]) == (
        "Europe/Berlin",
        "EUR",
        True,
    )
    event = cli("events", "--kind", "organisation", "--json").json["events"][0]
    assert (event["by"], "Europe/Berlin" in event["text"]) == ("lee", True)
    assert "Nothing has changed" in cli("organisation", "set", "currency=EUR").out
    assert "time_zone" in cli("organisation").out


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("time_zone=Mars/Base", "IANA zone"),
        ("currency=euro", "three letters"),
        ("sender_address=vera", "email address"),
        ("booking_url=brightdesk.example", "beginning with https://"),
        ("consent_required=perhaps", "yes"),
        ("name=", "a name of up to 200 letters"),
        ("key=other", "has no field 'key'"),
        ("currenci=EUR", "did you mean 'currency'?"),
        ("currency", "is no FIELD=VALUE"),
    ],
)
def test_the_organisation_refuses(cli: Cli, world: World, assignment: str, message: str) -> None:
    result = cli("organisation", "set", "product=Desk", assignment)
    assert result.code == 2
    assert message in result.err
    assert cli("organisation", "--json").json["product"] == "our product"


def test_migrate(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is up to date" in cli("migrate").out
    monkeypatch.setenv("KEEPWELL_DATABASE_URL", "sqlite:///fresh.sqlite3")
    found = cli("migrate", "--json").json
    assert (found["before"], found["after"]) == (None, head())
    assert Store("sqlite:///fresh.sqlite3").url.database == "fresh.sqlite3"


def test_an_installation_without_migrations(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "migrations"
    (bare / "versions").mkdir(parents=True)
    monkeypatch.setattr("keepwell.db.migrate.MIGRATIONS", bare)
    for command in (("customers",), ("metric", "acme", "payment_health", "9"), ("migrate",)):
        result = cli(*command)
        assert (result.code, "lacks its migrations" in result.err) == (6, True)


def test_version_help_and_usage(cli: Cli) -> None:
    assert cli("--version").out == f"keepwell {keepwell.__version__}\n"
    assert cli("--help").code == 0
    unknown = cli("custommers")
    assert unknown.code == 2
    assert "custommers" in unknown.err
    assert cli("customers", "--limit", "many", "--json").json["error"]["kind"] == "UsageError"
    assert "'--state': 'all' is not one of 'open'" in cli("interventions", "--state", "all").err


def test_a_wrong_setting(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_UI_PORTT", "1")
    warned = cli("customers")
    assert warned.code == 0
    assert warned.err.count("did you mean KEEPWELL_UI_PORT?") == 1
    monkeypatch.setenv("KEEPWELL_SENDING", "loud")
    wrong = cli("customers")
    assert wrong.code == 7
    assert "KEEPWELL_SENDING is 'loud'" in wrong.err


def test_the_unexpected_is_one_line(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("keepwell.cli.customers.customers_shown", broken)
    result = cli("customers")
    assert result.code == 1
    assert "ZeroDivisionError (test_writing.py, line " in result.err
    assert "): by nought" in result.err
    assert "KEEPWELL_LOG_LEVEL=DEBUG" in result.err
    assert "Traceback" not in result.err
    monkeypatch.setenv("KEEPWELL_LOG_LEVEL", "DEBUG")
    assert "Traceback" in cli("customers").err


def test_playbooks(cli: Cli, world: World) -> None:
    found = cli("playbooks", "--json").json["playbooks"]
    assert found[0]["name"] == "critical"
    text = cli("playbooks", "critical").out
    for part in (
        "executive_email",
        "+1 h",
        "day 3",
        "unless answered",
        "email to primary contact",
    ):
        assert part in text
    wrong = cli("playbooks", "crtical")
    assert wrong.code == 3
    assert "did you mean 'critical'?" in wrong.err
