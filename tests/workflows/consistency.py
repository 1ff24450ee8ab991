"""What holds for a customer whatever arrived, in whatever order: for tests that send level changes."""

from __future__ import annotations

import asyncio
from collections import Counter

from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.intervention import RECOVERED
from keepwell.contracts.playbook import Playbook
from keepwell.db.tables import Delivery, Event, InAppNotification, Intervention, Transition
from keepwell.temporal.search_attribute_keys import PLAYBOOK
from scoring.levels import Level
from tests.workflows.stage import Stage

REFUSED = {"older", "goes_on", "cooldown", "recovered", "not_needed", "no_playbook", "not_active"}
"""The codes of transitions that open nothing."""


async def decided(stage: Stage, key: str, count: int = 1) -> list[Transition]:
    """Wait until a customer has so many transitions, and each of them is decided; give them."""
    return await stage.eventually(
        lambda: stage.transitions(key),
        lambda rows: len(rows) >= count and all(row.decision for row in rows),
        # A killed worker's work is given to another after 15 s; that one may have to start first.
        120,
    )


async def chain_of(stage: Stage, key: str) -> str:
    """The id of the first run of the chain that the customer's run belongs to."""
    described = await stage.handle(key).describe()
    return described.raw_description.workflow_execution_info.first_run_id


async def waits(stage: Stage, key: str, playbook: Playbook) -> None:
    """Wait until a run of this playbook has begun, and waits for its next step.

    To skip time before would skip it before the run's first task: the server holds a continued run back
    for a second after the one before.
    """
    handle = stage.handle(key)
    for _ in range(3000):
        described = await handle.describe()
        shown = described.typed_search_attributes.get(PLAYBOOK)
        if (described.workflow_type, shown) == (playbook.workflow, playbook.label):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{handle.id} is still {shown}")


def codes(stage: Stage, key: str) -> list[str]:
    """How a customer's transitions were decided, oldest first."""
    return [row.code for row in stage.transitions(key)]


def sent(stage: Stage, intervention: str) -> list[str]:
    """The steps of an intervention whose messages are with a provider, a step as often as it was sent."""
    steps: dict[str, str] = {row.key: row.step for row in stage.rows(Delivery, intervention_id=intervention)}
    customer = stage.rows(Intervention, id=intervention)[0].customer_id
    keys = [row.key for row in stage.outbox(customer)]
    keys += [row.key for row in stage.rows(InAppNotification, customer_id=customer)]
    return sorted(steps[key] for key in keys if key in steps)


def consistent(stage: Stage, key: str) -> None:
    """One voice, each transition decided once, each message sent once; the last level has decided."""
    rows = stage.interventions(key)
    risk = [row for row in rows if row.family == "risk"]
    assert sum(row.outcome is None for row in risk) <= 1, "one voice per customer"
    _each_transition_once(stage, key, risk)
    _each_message_once(stage, key, quiet=all(row.outcome for row in rows))
    _nothing_left_behind(stage, rows)
    _the_last_level_decides(stage, key, risk)


def _each_transition_once(stage: Stage, key: str, risk: list[Intervention]) -> None:
    rows = stage.transitions(key)
    started = {row.id: row.intervention_id for row in rows if row.decision == "started"}
    refused = [row for row in rows if row.decision == "refused"]
    assert started == {row.transition_id: row.id for row in risk}
    assert len(started) + len(refused) == len(rows)
    assert {row.code for row in refused} <= REFUSED
    assert all(row.reason and row.handed for row in rows), "each decision says why"
    lines: list[Event] = stage.rows(Event, customer_id=key)
    told = Counter(row.data["transition"] for row in lines if row.kind.startswith("transition."))
    assert told == Counter(row.id for row in rows), "one line in the journal for each"


def _each_message_once(stage: Stage, key: str, quiet: bool) -> None:
    """Where a playbook runs, a message may leave between two looks: what is read first is among the later."""
    before = _in_ledger(stage, key, DeliveryState.ACCEPTED)
    keys = [row.key for row in (*stage.outbox(key), *stage.rows(InAppNotification, customer_id=key))]
    on_the_way = () if quiet else (DeliveryState.SENDING,)
    after = _in_ledger(stage, key, DeliveryState.ACCEPTED, *on_the_way)
    assert len(set(keys)) == len(keys), "at most one message under a key of the ledger"
    assert before <= set(keys) <= after, "the ledger knows each message, and no other"


def _in_ledger(stage: Stage, key: str, *states: DeliveryState) -> set[str]:
    return {row.key for row in stage.deliveries(key) if row.state in states}


def _nothing_left_behind(stage: Stage, rows: list[Intervention]) -> None:
    """Of what has ended nothing is planned, waits, or is told twice."""
    for row in rows:
        kinds = Counter(line.kind for line in stage.rows(Event, intervention_id=row.id))
        assert kinds["intervention.began"] == 1
        if row.outcome is None:
            continue
        assert kinds[f"intervention.{row.outcome}"] == 1
        assert not row.paused
        assert not {"planned", "deferred"} & set(stage.steps(row.id).values())
        states = {one.state for one in stage.rows(Delivery, intervention_id=row.id)}
        assert not states & {DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.SENDING}


def _the_last_level_decides(stage: Stage, key: str, risk: list[Intervention]) -> None:
    """Well: nothing runs. At risk: a playbook for this level or a worse one, or a person was asked."""
    last = stage.transitions(key)[-1]
    level = Level(last.level)
    assert level == stage.world.health(key).level
    running = next((row for row in risk if row.outcome is None), None)
    if level in RECOVERED:
        assert running is None
        assert last.code in ("recovered", "not_needed")
    elif last.code == "cooldown":
        title = f"{key.title()} is {level.value}: look at it by hand"
        assert title in [task.title for task in stage.tasks(key) if task.state == "open"]
    elif running is not None:
        assert last.code in ("started", "goes_on", "no_playbook")
        assert running.level is not None, "a risk playbook begins at a level"
        assert Level(running.level).severity >= level.severity or last.code == "no_playbook"
    else:
        assert last.code in ("no_playbook", "started", "goes_on"), "nobody but a person has ended it"
