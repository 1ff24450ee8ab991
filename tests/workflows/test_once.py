"""One transition opens one intervention, however often it is delivered; and nothing that arrives is lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowUpdateFailedError

from keepwell.contracts.commands import Acknowledge, CommandBase, Pause, Respond, Resume, Skip, Stop
from keepwell.contracts.intervention import InterventionInput, ScoreChange
from keepwell.contracts.scoring import PendingTransition
from keepwell.db.tables import Event, Intervention, Transition
from keepwell.keys import new_id
from tests.workflows.stage import HOUR, Stage
from workflows.critical import CRITICAL

CUSTOMERS = 60
KINDS: tuple[type[CommandBase], ...] = (Pause, Resume, Acknowledge, Skip, Respond)


def settled(stage: Stage) -> bool:
    """Every transition has opened an intervention or was refused with a reason."""
    rows = stage.rows(Transition, organisation_id=stage.world.organisation)
    return all(row.decision is not None for row in rows)


def add_up(stage: Stage) -> None:
    rows = stage.rows(Transition, organisation_id=stage.world.organisation)
    decisions = Counter(row.decision for row in rows)
    interventions = stage.rows(Intervention, organisation_id=stage.world.organisation)
    assert decisions["started"] == len(interventions)
    assert decisions["started"] + decisions["refused"] == len(rows)
    assert all(row.reason for row in rows), "each decision says why"


async def test_a_thousand_deliveries_open_one_intervention(stage: Stage) -> None:
    key = stage.customer("acme")
    scored = await stage.score(key, 12)
    assert scored.transition is not None
    transition, now = scored.transition, datetime.now(UTC)
    hand_over = stage.parts.hand_over

    async def deliver(times: int) -> None:
        await asyncio.gather(*(hand_over.hand_over(transition, now) for _ in range(times)))

    for _ in range(5):
        await deliver(100)
    await stage.opened(key)
    await stage.command(key, Stop, reason="enough")
    await stage.handle(key).result()
    for _ in range(5):
        await deliver(100)
    assert len(stage.interventions(key)) == 1
    add_up(stage)


async def test_late_deliveries_that_start_a_run_of_their_own_open_nothing(stage: Stage) -> None:
    """Deliveries that were decided upon before the end and reach the server after it."""
    key = stage.customer("acme")
    scored = await stage.score(key, 12)
    assert scored.transition is not None
    pending = stage.parts.transitions.get(scored.transition)
    await stage.opened(key)
    await stage.command(key, Stop)
    await stage.handle(key).result()
    for _ in range(20):
        await _start_anew(stage, pending)
    result = await stage.handle(key).result()
    assert result["outcome"] == "not_opened"
    assert "has opened intervention" in result["why"]
    assert len(stage.interventions(key)) == 1
    assert len(stage.outbox(key)) <= 2


async def _start_anew(stage: Stage, pending: PendingTransition) -> None:
    playbook = stage.parts.playbooks.for_level(pending.level)
    assert playbook is not None
    await stage.parts.hand_over.signal_with_start(pending, playbook)


async def test_an_older_transition_than_the_last_is_refused(stage: Stage) -> None:
    key = stage.customer("acme")
    now = datetime.now(UTC)
    for points in (50, 12):
        stage.world.at_points(key, points, now)
        stage.parts.scores.score_customer(stage.world.organisation, key, now)
        now += timedelta(seconds=1)
    older, newer = stage.transitions(key)
    for row in (newer, older):
        await stage.parts.hand_over.hand_over(row.id, now)
    await stage.opened(key)
    assert [row.playbook for row in stage.interventions(key)] == ["critical"]
    assert [row.code for row in stage.transitions(key)] == ["older", "started"]


async def test_nothing_is_lost_around_concurrent_commands_signals_and_take_overs(stage: Stage) -> None:
    """60 customers, each with updates, signals and a take-over at once; every one is accounted for."""
    keys = [stage.customer(f"c{number:02}", contacts=1) for number in range(CUSTOMERS)]
    await asyncio.gather(*(stage.score(key, 50) for key in keys))
    await asyncio.gather(*(stage.opened(key) for key in keys))
    answered, refused = Counter[str](), Counter[str]()
    sent: dict[str, set[str]] = {key: set() for key in keys}

    async def update(key: str, number: int) -> None:
        kind = random.choice(KINDS)
        try:
            answer = await stage.command(key, kind, **said(kind, f"update {number}"))
        except WorkflowUpdateFailedError as error:
            refused[key] += bool(str(error.cause))
        else:
            answered[key] += 1
            sent[key].add(answer.command)

    async def signal(key: str, number: int) -> None:
        identifier = new_id()
        body = {"id": identifier, "by": "dana@brightdesk.example", "note": f"signal {number}"}
        await stage.handle(key).signal("acknowledge", body)
        sent[key].add(identifier)

    async def one(key: str) -> None:
        work: list[Coroutine[Any, Any, object]] = [update(key, n) for n in range(6)]
        work += [signal(key, n) for n in range(4)]
        work.append(stage.score(key, 12))
        random.shuffle(work)
        await asyncio.gather(*work)

    await asyncio.gather(*(one(key) for key in keys))
    assert sum(answered.values()) + sum(refused.values()) == 6 * CUSTOMERS, "a refusal says why"
    await stage.eventually(lambda: settled(stage), bool, 60)
    add_up(stage)
    every = set[str]().union(*sent.values())
    noted = await stage.eventually(lambda: in_journal(stage), lambda found: every <= found, 60)
    assert every <= noted, "each accepted update and each signal left its line"
    for key in keys:
        rows = stage.interventions(key)
        outcomes = [row.outcome for row in rows]
        assert outcomes[:-1] == ["superseded"] * (len(rows) - 1) or "responded" in outcomes
        assert sum(outcome is None for outcome in outcomes) <= 1, "one voice per customer"


def said(kind: type[CommandBase], words: str) -> dict[str, str]:
    """What a command says. Each has words of its own: one that says nothing new leaves no line."""
    fields: dict[type[CommandBase], dict[str, str]] = {
        Skip: {"step": "benchmark"},
        Pause: {"reason": words},
        Resume: {},
    }
    return fields.get(kind, {"note": words})


def in_journal(stage: Stage) -> set[str]:
    """The ids of the commands that left a line in the journal."""
    return {row.key.rsplit("/", 1)[-1] for row in stage.rows(Event)}


async def test_what_arrives_while_the_run_ends_is_read(stage: Stage) -> None:
    """A recovery and, within the same second, a new fall: the first run ends, the next one begins."""
    key = stage.customer("acme")
    await stage.score(key, 50)
    await stage.opened(key)
    await stage.forward(key, 2 * HOUR)
    await asyncio.gather(stage.score(key, 70))
    await stage.score(key, 12)
    rows = await stage.eventually(lambda: stage.interventions(key), lambda rows: len(rows) == 2)
    assert [row.playbook for row in rows] == ["at_risk", "critical"]
    await stage.eventually(lambda: settled(stage), bool)
    add_up(stage)


async def test_a_recovery_closes_what_a_terminated_run_left_open(stage: Stage) -> None:
    key = stage.customer("acme")
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.forward(key, 25 * HOUR)
    await stage.handle(key).terminate("by mistake")
    await stage.score(key, 75)
    assert stage.interventions(key)[0].outcome == "recovered"
    assert "open" not in {task.state for task in stage.tasks(key)}
    add_up(stage)


def test_the_input_of_a_run_is_small() -> None:
    """Payloads carry ids and decisions; the playbook is the largest part of it."""
    change = ScoreChange(
        transition=new_id(), sequence=1, level=CRITICAL.level, previous=None, score=12, at=datetime.now(UTC)
    )
    entry = InterventionInput(
        organisation="o", customer=new_id(), start=new_id(), change=change, playbook=CRITICAL
    )
    assert len(entry.model_dump_json()) < 10_000
