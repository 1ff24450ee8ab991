"""Commands on interventions: what is refused before it is sent, and what the server's answers become."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from keepwell.cli import engine
from keepwell.cli.moments import future_moment, past_moment
from keepwell.contracts.commands import Acknowledge, Answer
from keepwell.db.tables import Intervention
from keepwell.errors import InputError, RefusedError, ServerUnavailableError
from keepwell.settings import load_settings
from keepwell.temporal import updates
from tests.unit.cli.conftest import Begun, Cli
from tests.unit.db.world import NOW
from workflows.critical import CRITICAL

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-01", datetime(2026, 11, 30, 23, tzinfo=UTC)),
        ("2026-12-01T09:00", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("2026-12-01T09:00Z", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("3d", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("12 H", datetime(2026, 11, 21, 21, tzinfo=UTC)),
        ("30min", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2w", datetime(2026, 12, 5, 9, tzinfo=UTC)),
    ],
)
def test_moments_to_come(text: str, expected: datetime) -> None:
    assert future_moment(text, NOW, BERLIN, place="--until") == expected


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "",
        "2026-13-01",
        "3x",
        "2026-11-20",
        "0d",
        "2026-11-21T09:59",
        "0001-01-01",
        "9999w",
        "9999-12-31",
        "2027-11-23",
        "99999w99999w",
        "99999w" * 5,
    ],
)
def test_moments_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        future_moment(text, NOW, BERLIN, place="--until")
    assert caught.value.place == "--until"


@pytest.mark.parametrize("text", ["soon", "", "3x", "99999w99999w", "99999w" * 5])
def test_moments_of_the_past_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        past_moment(text, NOW, BERLIN, place="--since")
    assert caught.value.place == "--since"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("pause", "acme", "--until", "2020-01-01", "--reason", "x"), 2, "which is past"),
        (("pause", "acme"), 2, "Missing option '--reason'"),
        (("complete", "acme", "phone"), 2, "did you mean 'phone_call'?"),
        (("skip", "acme", "nonsense"), 2, "has no step 'nonsense'"),
        (("reassign", "acme", "Dana Rayes"), 3, "did you mean 'Dana Reyes'?"),
        (("acknowledge", "nobody"), 3, "no intervention 'nobody'"),
        (("respond", "acme", "--note", "x" * 501), 2, "at most 500 letters"),
        (("stop", "acme", "--reason", "x"), 5, "No Temporal server runs"),
        (("stop", "acme", "--reason", "x", "--signal"), 5, "No Temporal server runs"),
    ],
)
def test_refused_here(cli: Cli, begun: Begun, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = cli(*arguments)
    assert result.code == code
    assert message in result.err
    assert "Traceback" not in result.err
    as_json = cli(*arguments, "--json")
    assert as_json.code == code
    assert message in as_json.json["error"]["message"]
    assert as_json.json["error"]["exit_code"] == code


def test_one_that_has_ended(cli: Cli, begun: Begun) -> None:
    begun.world.change(
        Intervention, begun.id, outcome="recovered", outcome_why="The level is HEALTHY again", ended_at=NOW
    )
    result = cli("acknowledge", "acme")
    assert result.code == 4
    assert (
        f"Intervention {begun.id} of Acme Analytics has ended: recovered (The level is HEALTHY again)"
        in result.err
    )
    assert "21 Nov" in result.err


def test_the_answer_is_told(cli: Cli, begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer(command="c", text="Acknowledged: it will not be escalated.", noted_at=NOW)
    monkeypatch.setattr(engine, "with_client", lambda *_: answer)
    assert (
        cli("acknowledge", "acme").out
        == f"Acme Analytics, {CRITICAL.label}: Acknowledged: it will not be escalated.\n"
    )
    found = cli("pause", "acme", "--reason", "holiday", "--until", "3d", "--by", "lee", "--json").json
    assert found["sent_as"] == "update"
    assert found["command"]["kind"] == "pause"
    assert found["command"]["by"] == "lee"
    assert found["command"]["intervention"] == begun.id
    assert found["answer"]["text"] == answer.text


def test_a_run_that_is_gone(cli: Cli, begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> Answer:
        raise updates.NoRunError

    monkeypatch.setattr(engine, "with_client", gone)
    result = cli("acknowledge", "acme")
    assert result.code == 4
    assert "Temporal has no such run (risk/org-1/acme)" in result.err

    def ended(*_: object) -> Answer:
        begun.world.change(Intervention, begun.id, outcome="stopped", outcome_why="enough", ended_at=NOW)
        raise updates.NoRunError

    monkeypatch.setattr(engine, "with_client", ended)
    result = cli("acknowledge", "acme")
    assert result.code == 4
    assert "has ended: stopped (enough)" in result.err


def test_what_a_refused_update_becomes() -> None:
    refused = updates._refused(ApplicationError("It is not paused.", type="Refused"))
    assert isinstance(refused, RefusedError)
    assert refused.message == "It is not paused."
    late = updates._refused(ApplicationError("completed", type="AcceptedUpdateCompletedWorkflow"))
    assert isinstance(late, updates.NoRunError)


async def test_no_worker_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(*_: object) -> tuple[()]:
        return ()

    monkeypatch.setattr(updates, "pollers", nobody)
    command = Acknowledge(id="one", by="Dana")
    with pytest.raises(ServerUnavailableError) as refused:
        # Without a worker the client is asked for nothing.
        await engine.update(cast(Client, None), load_settings(), "risk/org-1/acme", command)
    assert "keepwell worker" in refused.value.hint
    assert "--signal" in refused.value.hint
