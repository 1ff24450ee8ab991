"""The books after the chaos: store, providers and the server's histories, each against the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowExecution, WorkflowExecutionStatus
from ulid import ULID

from keepwell.contracts.intervention import Outcome, StepState
from keepwell.db.tables import (
    Delivery,
    Event,
    InAppNotification,
    Intervention,
    InterventionStep,
    Task,
    Transition,
)
from keepwell.temporal.search_attribute_keys import NEXT_STEP_AT, PAUSED, STEP
from tests.e2e.chaos_cast import Cast
from tests.e2e.killable_server import failed_tasks
from workflows import policies

RUNNING, ENDED = WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED
FINE = (RUNNING, ENDED, WorkflowExecutionStatus.CONTINUED_AS_NEW)
UNFINISHED = (StepState.PLANNED, StepState.DEFERRED)
TAKEN = ("accepted", "unknown")
LATEST = policies.STEP_WINDOW + timedelta(hours=1)
UNDER_WAY = timedelta(seconds=6)
"""How long after a risk intervention began a campaign's message may still be accepted, on the real clock.

The attempt that runs then is let finish, and the slowest provider takes it after 4 s.
"""

ENDS = {f"intervention.{outcome.value}" for outcome in Outcome}


@dataclass
class Books:
    """Everything that was written down. `taken` are the messages with the real time of their acceptance."""

    interventions: dict[str, Intervention]
    steps: dict[tuple[str, str], InterventionStep]
    deliveries: list[Delivery]
    transitions: list[Transition]
    events: list[Event]
    tasks: list[Task]
    accepted: Counter[str]
    taken: list[tuple[str, datetime]]
    runs: list[WorkflowExecution]

    @property
    def open(self) -> list[Intervention]:
        """What has no outcome yet."""
        return [row for row in self.interventions.values() if row.outcome is None]


async def books(cast: Cast) -> Books:
    """Read them all."""
    stage = cast.stage
    runs = [one async for one in stage.skipper.client.list_workflows()]
    remotes = [one for remote in (cast.providers.email, cast.providers.slack) for one in remote.accepted()]
    shown: list[InAppNotification] = stage.rows(InAppNotification)
    return Books(
        interventions={row.id: row for row in stage.rows(Intervention)},
        steps={(row.intervention_id, row.name): row for row in stage.rows(InterventionStep)},
        deliveries=stage.rows(Delivery),
        transitions=stage.rows(Transition),
        events=stage.rows(Event),
        tasks=stage.rows(Task),
        accepted=Counter(one["key"] for one in remotes),
        taken=[
            *((one["key"], datetime.fromtimestamp(one["at"], UTC)) for one in remotes),
            *((one.key, drawn(one.id)) for one in shown),
        ],
        runs=runs,
    )


def wrong_in_ledger(found: Books) -> Iterator[str]:
    """No message accepted twice, none in the dark, and the ledger says what the providers say."""
    rows = {row.key: row for row in found.deliveries}
    alerts = {str(one.data.get("delivery")) for one in found.events if one.kind == "delivery.unknown"}
    for key, times in found.accepted.items():
        if times > 1:
            yield f"{key} was accepted {times} times"
        if key not in rows or rows[key].state not in TAKEN:
            yield f"{key} was accepted, and the ledger says {rows[key].state if key in rows else 'nothing'}"
    for key, row in rows.items():
        live = row.channel != "in_app"
        if row.state == "sending":
            yield f"{key} is still sending"
        if row.state == "accepted" and live and found.accepted[key] != 1:
            yield f"{key} counts as accepted, and its provider knows nothing of it"
        if row.state in ("planned", "deferred") and found.interventions[row.intervention_id].outcome:
            yield f"{key} is {row.state}, and its intervention has ended"
        if row.state == "unknown" and key not in alerts:
            yield f"{key} is unknown, and nobody was told"


def wrong_in_tasks(found: Books) -> Iterator[str]:
    """A step that was missed or held, and not by an end, has become a task for a person."""
    tasks = {(one.intervention_id, one.step) for one in found.tasks}
    for (intervention, name), step in found.steps.items():
        if step.state in (StepState.MISSED, StepState.HELD) and (intervention, name) not in tasks:
            yield f"{intervention} {name} is {step.state}, and nobody has a task: {step.why}"


def wrong_in_transitions(found: Books) -> Iterator[str]:
    """Each has opened one intervention or was refused, with the reason."""
    decisions = Counter(row.decision for row in found.transitions)
    risk = [row for row in found.interventions.values() if row.family == "risk"]
    if decisions["started"] + decisions["refused"] != len(found.transitions):
        yield f"{len(found.transitions)} transitions, but {dict(decisions)}"
    if decisions["started"] != len(risk):
        yield f"{decisions['started']} transitions started something, but there are {len(risk)} interventions"
    if Counter(row.transition_id for row in risk).most_common(1)[0][1] > 1:
        yield "a transition has opened two interventions"
    yield from (f"transition {row.id} has no reason" for row in found.transitions if not row.reason)


def wrong_in_time(found: Books) -> Iterator[str]:
    """No message before its moment on the playbook's clock, and none longer after it than a step is tried."""
    for row in found.deliveries:
        intervention = found.interventions[row.intervention_id]
        step = found.steps[row.intervention_id, row.step]
        # What the sweep found at the provider bears the time of the finding, which is real time.
        if row.accepted_at is None or step.why.endswith("found at the provider"):
            continue
        due = intervention.started_at + step.offset
        if row.accepted_at < due:
            yield f"{row.key} was sent at {row.accepted_at}, before its moment {due}"
        if row.accepted_at > due + intervention.shift + LATEST:
            yield f"{row.key} was sent at {row.accepted_at}, long after {due} + {intervention.shift}"


def drawn(identifier: str) -> datetime:
    """The real time at which an id was drawn. The rows' own times are those of the runs' virtual clocks."""
    return ULID.from_str(identifier).datetime


def wrong_in_voice(found: Books) -> Iterator[str]:
    """No campaign message reaches a contact while a risk intervention of the customer is open.

    By the real clock: each run has a virtual one of its own, and no two can be compared.
    """
    rows = {row.key: row for row in found.deliveries}
    ends = {one.intervention_id: drawn(one.id) for one in found.events if one.kind in ENDS}
    for key, at in found.taken:
        row = rows.get(key)
        if row is None or row.recipient_kind != "contact":
            continue
        if found.interventions[row.intervention_id].family != "expansion":
            continue
        for one in found.interventions.values():
            if (one.family, one.customer_id) != ("risk", row.customer_id):
                continue
            began, ended = drawn(one.id), ends.get(one.id)
            if at > began + UNDER_WAY and (ended is None or at < ended):
                yield f"{key} was accepted {at - began} into risk intervention {one.id}, before its end"


def wrong_in_open(found: Books) -> Iterator[str]:
    """Whatever is open has one run that runs, and the run says what it waits for."""
    running = {one.id: one for one in found.runs if one.status is RUNNING}
    if len(running) != sum(one.status is RUNNING for one in found.runs):
        yield "two runs of one chain are open"
    waiting = Counter(row.workflow_id for row in found.open)
    for workflow_id, count in waiting.items():
        if count > 1 or workflow_id not in running:
            yield f"{workflow_id}: {count} open, run {'there' if workflow_id in running else 'gone'}"
    for workflow_id in running.keys() - waiting.keys():
        yield f"{workflow_id} runs, and no intervention is open"
    for row in found.open:
        if row.workflow_id not in running:
            continue
        shown = running[row.workflow_id].typed_search_attributes
        stands = row.paused or bool(row.held_why)
        if shown.get(STEP) is None or shown.get(PAUSED) != row.paused:
            yield f"{row.workflow_id} does not say what it waits for: {shown}"
        if not stands and shown.get(NEXT_STEP_AT) is None:
            yield f"{row.workflow_id} does not say when it goes on: {shown}"


async def wrong_in_histories(found: Books, cast: Cast) -> list[str]:
    """No run failed, and no workflow task did."""
    client, room = cast.stage.skipper.client, asyncio.Semaphore(16)

    async def look(one: WorkflowExecution) -> list[str]:
        if one.status not in FINE:
            return [f"{one.id} is {one.status}"]
        async with room:
            history = await client.get_workflow_handle(one.id, run_id=one.run_id).fetch_history()
        return [f"{one.id}: {words}" for words in failed_tasks(history.events)]

    results = await asyncio.gather(*(look(one) for one in found.runs))
    log = cast.log.read_text(errors="replace")
    odd = [line for line in log.splitlines() if "ondeterminis" in line or "TMPRL1100" in line]
    return [line for result in results for line in result] + odd


async def audit(cast: Cast) -> tuple[Books, list[str]]:
    """The books, and everything that is wrong in them."""
    found = await books(cast)
    checks: tuple[Any, ...] = (
        wrong_in_ledger,
        wrong_in_tasks,
        wrong_in_transitions,
        wrong_in_time,
        wrong_in_voice,
        wrong_in_open,
    )
    return found, [
        *(line for check in checks for line in check(found)),
        *await wrong_in_histories(found, cast),
    ]
