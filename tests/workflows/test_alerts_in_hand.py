"""Who has an alert in hand has its intervention in hand, and the other way round."""

from __future__ import annotations

import asyncio
import json

import pytest

from keepwell.cli.app import run
from keepwell.contracts.commands import Acknowledge, Stop
from keepwell.db.tables import Event, Intervention
from tests.workflows.scenarios_events import PAYMENT
from tests.workflows.stage import HOUR, Stage


@pytest.fixture
def _as_a_person(
    clean_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    temporal_address: str,
    sqlite_stage: Stage,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The command line, on the stage's store and server."""
    settings = {
        "KEEPWELL_HOME": str(tmp_path_factory.mktemp("home")),
        "KEEPWELL_DATABASE_URL": sqlite_stage.store.url.render_as_string(hide_password=False),
        "KEEPWELL_ORGANISATION": "brightdesk",
        "TEMPORAL_ADDRESS": temporal_address,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


async def use_its_queue(stage: Stage, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands ask for the worker that plays this stage."""
    described = await stage.handle(key, "event").describe()
    monkeypatch.setenv("KEEPWELL_TASK_QUEUE", described.task_queue)


def lines(stage: Stage, key: str) -> list[tuple[str, str]]:
    """Who acknowledged what, as the journal has it."""
    found = stage.rows(Event, customer_id=key)
    return [(row.kind, row.by) for row in found if row.kind.endswith((".acknowledge", ".acknowledged"))]


async def test_acknowledging_the_intervention_acknowledges_its_alert(stage: Stage) -> None:
    key = stage.customer("acme")
    alert = await stage.alert(key, PAYMENT)
    await stage.opened(key)
    assert stage.alert_row(alert).state == "open"
    await stage.command(key, Acknowledge, by="Dana", family="event")
    await stage.command(key, Acknowledge, by="Lee", note="me, too", family="event")
    row = await stage.eventually(lambda: stage.alert_row(alert), lambda row: row.state == "acknowledged")
    assert row.acknowledged_by == "Dana"
    await stage.eventually(lambda: lines(stage, key), lambda found: len(found) == 3)
    assert sorted(lines(stage, key)) == [
        ("alert.acknowledged", "Dana"),
        ("command.acknowledge", "Dana"),
        ("command.acknowledge", "Lee"),
    ]
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


@pytest.mark.usefixtures("_as_a_person")
async def test_acknowledging_the_alert_acknowledges_its_intervention(
    sqlite_stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    alert = await stage.alert(key, PAYMENT)
    opened = await stage.opened(key)
    await use_its_queue(stage, key, monkeypatch)
    command = ("alert", "acknowledge", alert, "--by", "Dana")
    assert await asyncio.to_thread(run, command) == 0
    printed = capsys.readouterr()
    assert "Dana has it in hand" in printed.out
    assert "Its playbook: Acknowledged: it will not be escalated." in printed.out
    assert printed.err == ""
    # Once more changes nothing and asks nobody.
    assert await asyncio.to_thread(run, command) == 0
    assert "Its playbook" not in capsys.readouterr().out
    await stage.forward(key, 3 * HOUR, "event")
    (row,) = stage.rows(Intervention, id=opened.id)
    assert (row.acknowledged_by, row.outcome) == ("Dana", None)
    assert stage.steps(opened.id)["escalate"] == "cancelled"
    assert sorted(lines(stage, key)) == [("alert.acknowledged", "Dana"), ("command.acknowledge", "Dana")]
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


@pytest.mark.usefixtures("_as_a_person")
async def test_what_is_left_to_do_where_temporal_is_not_reached(
    sqlite_stage: Stage,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    temporal_address: str,
) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    alert = await stage.alert(key, PAYMENT)
    opened = await stage.opened(key)
    await use_its_queue(stage, key, monkeypatch)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    assert await asyncio.to_thread(run, ("alert", "acknowledge", alert, "--by", "Dana", "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["acknowledged_by"]) == ("acknowledged", "Dana")
    assert told["left_to_do"].startswith("The alert is acknowledged, but its playbook was not told")
    (row,) = stage.rows(Intervention, id=opened.id)
    assert row.acknowledged_by in ("", None)
    # The command that it names does the rest; so would the same command again.
    rest = told["left_to_do"].partition("keepwell ")[2].split()
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    assert await asyncio.to_thread(run, (*rest, "--by", "Dana")) == 0
    await stage.eventually(
        lambda: stage.rows(Intervention, id=opened.id)[0].acknowledged_by, lambda by: by == "Dana"
    )
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()
