"""The Temporal server killed (-9) under running interventions and started again from its database file.

What it proves: with the real server process, its file, a worker process and providers in processes of their
own, all on the real clock, a server that dies loses no intervention, no timer and no message, and makes
nobody get a message twice. Four customers are at four instants when it dies: a message is on its way to the
provider, a provider has accepted and nobody knows yet, a timer runs down that is due while the server is
away, and one that is due later (the same customer's next). The delays are seconds
(`tests/e2e/seconds_playbook.py`); everything else is what production runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowExecutionStatus

from keepwell.db.engine import Store
from keepwell.db.tables import Delivery, Event, Intervention, Task
from tests.e2e.killable_server import KillableServer, failed_tasks, killable_server, runs
from tests.e2e.seconds_playbook import SECONDS
from tests.e2e.test_kills import worker
from tests.fakes.providers import Providers
from tests.workflows.stage import Stage, stage

pytestmark = pytest.mark.slow

KEYS = ("timer", "before", "accepted")
OFFSETS = {step.name: step.at for step in SECONDS.steps}
DEADLINE = 15
"""Seconds that the worker waits for a provider, which holds the request until the server has died: by then
all customers have to be at their instants, however busy the machine is. The lease is twice that.
"""

PROMPT = timedelta(seconds=60)
"""On an idle machine it is one or two; a worker that finds its server again late loses 10 s more."""

LOST = timedelta(seconds=90)
"""A dead worker's heartbeat is missed after 15 s, its lease ends after 30 s, and another has to start."""


@pytest.fixture(autouse=True)
def _in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_PLAYBOOKS", "tests.e2e.seconds_playbook")


async def until(true: Callable[[], bool]) -> None:
    """Wait until the providers say that something is so."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.03)


async def to_the_instants(opened: Stage, found: Providers) -> None:
    """Bring three customers to where they are when the server dies; "timer" sleeps by then."""
    found.email.script(path="mail/send", key="/before-0/", times=1, held="before")
    found.slack.script(path="chat.postMessage", key="/alert_csm/lena/", times=1, held="after")
    for key, owner in (("timer", "dana"), ("before", "dana"), ("accepted", "lena")):
        opened.customer(key, owner=owner)
    await asyncio.gather(*(opened.score(key, 12) for key in KEYS))
    sleeps = opened.eventually(
        lambda: [row.state for row in opened.deliveries("timer")],
        lambda states: states.count("accepted") == 2,
        60,
    )
    await asyncio.gather(
        sleeps,
        until(lambda: any("/before-0/" in key for _, key, _ in found.email.requests())),
        until(lambda: any("/alert_csm/lena/" in key for key in found.slack.counts())),
    )


def under_way(opened: Stage, found: Providers) -> None:
    """At the death: one message has not reached its provider yet, one has, and our side knows of neither."""
    rows = {f"{row.customer_id}/{row.step}": row for row in opened.rows(Delivery)}
    unsent, sent = rows["before/executive_email"], rows["accepted/alert_csm"]
    assert (unsent.state, found.email.counts()[unsent.key]) == ("sending", 0)
    assert (sent.state, found.slack.counts()[sent.key]) == ("sending", 1)
    assert "timer/csm_outreach" not in rows


async def all_ended(opened: Stage) -> dict[str, Intervention]:
    """Wait until every intervention and its run have ended, and give them by customer."""

    def read() -> list[Intervention]:
        return [row for key in KEYS for row in opened.interventions(key)]

    rows = await opened.eventually(
        read, lambda rows: all(row.outcome for row in rows) and len(rows) == 3, 150
    )
    for key in KEYS:
        # The outcome is in the store a moment before its run hears of it.
        await asyncio.wait_for(opened.handle(key).result(), 60)
    return {row.customer_id: row for row in rows}


@dataclass(frozen=True)
class Away:
    """The server's absence: it was away until the first moment at least, and was back by the second."""

    until: datetime
    back: datetime


def at_their_moments(opened: Stage, ended: dict[str, Intervention], away: Away, late: timedelta) -> None:
    """No message before its moment; none later than the server's absence and a lost attempt explain."""
    back = away.back
    for row in opened.rows(Delivery, state="accepted"):
        due = ended[row.customer_id].started_at + OFFSETS[row.step]
        assert row.accepted_at is not None
        assert due <= row.accepted_at <= max(due, back) + LOST, (row.key, due, row.accepted_at)
    timer = {row.step: row.accepted_at for row in opened.deliveries("timer") if row.accepted_at is not None}
    start = ended["timer"].started_at
    assert start + OFFSETS["csm_outreach"] < away.until, "its moment passed while the server was down"
    assert away.until < timer["csm_outreach"] < back + late
    assert timer["final_offer"] < max(start + OFFSETS["final_offer"], back) + late


async def history_is_sound(opened: Stage) -> None:
    """Every run has ended well, without a workflow task that failed."""
    for key in KEYS:
        handle = opened.handle(key)
        described = await handle.describe()
        assert described.status is WorkflowExecutionStatus.COMPLETED
        for events in await runs(opened.skipper.client, handle.id):
            assert failed_tasks(events) == []


def ledger_is_honest(opened: Stage, found: Providers) -> dict[str, str]:
    """Accepted once at most; each row settled; what is unknown has an alert and a task. States by key."""
    accepted = found.email.counts() + found.slack.counts()
    rows = {row.key: row for row in opened.rows(Delivery)}
    assert max(accepted.values()) == 1
    assert accepted.keys() <= rows.keys()
    for key, row in rows.items():
        assert row.state in ("accepted", "failed", "unknown"), (key, row.state)
        assert (row.state == "accepted") <= (accepted[key] == 1), key
        if row.state == "unknown":
            about = {"intervention_id": row.intervention_id}
            assert any(one.data.get("delivery") == key for one in opened.rows(Event, kind="delivery.unknown"))
            assert any(one.step == row.step for one in opened.rows(Task, kind="fallback", **about))
    return {f"{row.customer_id}/{row.step}": row.state for row in rows.values()}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("dies", ["server", "server_and_worker"])
async def test_every_run_goes_on_from_the_file(
    dies: str, providers: Providers, sqlite_store: Store, tmp_path: Path
) -> None:
    """SendGrid cannot say what it took, Slack can: what only a dead worker knew is unknown, or found."""
    variables = providers.variables(activity=False) | {"KILLABLE_DEADLINE": str(DEADLINE)}
    marker = tmp_path / "died"
    async with (
        killable_server(tmp_path) as server,
        stage(sqlite_store, server.address, works=False) as opened,
    ):
        with ExitStack() as stack:
            process = stack.enter_context(
                worker(opened, server.address, tmp_path, "never", marker, **variables)
            )
            await to_the_instants(opened, providers)
            await server.kill()
            under_way(opened, providers)
            if dies == "server_and_worker":
                process.kill()
                process.wait(60)
            for remote in (providers.email, providers.slack):
                remote.let_go()
            away = await again(opened, server)
            if dies == "server_and_worker":
                stack.enter_context(worker(opened, server.address, tmp_path, "never", marker, **variables))
            ended = await all_ended(opened)
        states = ledger_is_honest(opened, providers)
        lost = {"before/executive_email"} if dies == "server_and_worker" else set()
        assert {one for one, state in states.items() if state == "unknown"} == lost
        assert len(states) == 3 * len(SECONDS.steps)
        assert {row.outcome for row in ended.values()} == {"completed"}
        at_their_moments(opened, ended, away, LOST if lost else PROMPT)
        await history_is_sound(opened)


async def again(opened: Stage, server: KillableServer) -> Away:
    """Start the server again once the timer's moment has passed; when that was."""
    start = opened.interventions("timer")[0].started_at
    passed = start + OFFSETS["csm_outreach"] + timedelta(seconds=1)
    await asyncio.sleep(max((passed - datetime.now(UTC)).total_seconds(), 1))
    until = datetime.now(UTC)
    await server.start()
    return Away(until, datetime.now(UTC))
