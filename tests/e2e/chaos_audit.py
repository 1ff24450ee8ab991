"""The books after the chaos: store, providers and the server's histories, each against the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
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
    ProviderEvent,
    Task,
    Transition,
)
from keepwell.temporal.search_attribute_keys import NEXT_STEP_AT, PAUSED, STEP
from tests.e2e.chaos_cast import Cast
from tests.e2e.chaos_rest import every_run
from tests.e2e.chaos_wishes import Wishes, lines, wrong_in_attempts, wrong_in_receipts
from tests.e2e.killable_server import failed_tasks
from workflows import policies

RUNNING, ENDED = WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED
FINE = (RUNNING, ENDED, WorkflowExecutionStatus.CONTINUED_AS_NEW)
SEND = "/v3/mail/send"
TAKEN = ("accepted", "delivered", "bounced", "unknown")
SENT = TAKEN[:-1]
WISHES = ("unsubscribed", "withdrawn consent", "suppressed")
"""Words in the reasons of messages that were not wanted."""

REAL = ("/left_over", "/reported")
"""How keys of lines end whose time is a real one: when something was found, or a provider's own time."""

LATEST = policies.STEP_WINDOW + timedelta(hours=1)
UNDER_WAY = timedelta(seconds=6)
"""How long after a risk intervention began a campaign's message may still be accepted, on the real clock.

The attempt that runs then is let finish, and the slowest provider takes it after 4 s.
"""

RANK = ("accepted", "failed", "delivered", "bounced")
SHOWS = {
    **dict.fromkeys(
        ("processed", "deferred", "open", "click", "unsubscribe", "group_unsubscribe"), "accepted"
    ),
    **dict.fromkeys(("delivered", "spamreport"), "delivered"),
    **dict.fromkeys(("bounce", "blocked"), "bounced"),
    "dropped": "failed",
}
"""What SendGrid's words show of a message at least, and which of these states outranks which."""

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
    reported: dict[str, list[str]] = field(default_factory=dict)
    """What SendGrid said of each message, by key."""

    kept: Counter[str] = field(default_factory=Counter)
    """Its events that were kept, by their ids."""

    said: frozenset[str] = frozenset()
    """The ids of all that it sent."""

    @property
    def open(self) -> list[Intervention]:
        """What has no outcome yet."""
        return [row for row in self.interventions.values() if row.outcome is None]


async def books(cast: Cast) -> Books:
    """Read them all."""
    stage = cast.stage
    interventions: dict[str, Intervention] = {row.id: row for row in stage.rows(Intervention)}
    chains = {row.workflow_id for row in interventions.values()}
    runs = await every_run(stage.skipper.client, chains)
    remotes = [one for remote in (cast.providers.email, cast.providers.slack) for one in remote.accepted()]
    shown: list[InAppNotification] = stage.rows(InAppNotification)
    reported: dict[str, list[str]] = {}
    for key, name in cast.post.planned.values():
        reported.setdefault(key, []).append(name)
    return Books(
        interventions=interventions,
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
        reported=reported,
        kept=Counter(row.event_id for row in stage.rows(ProviderEvent)),
        said=frozenset(cast.post.planned),
    )


def wrong_in_ledger(found: Books) -> Iterator[str]:
    """No message accepted twice, none in the dark, and the ledger says what the providers say."""
    rows = {row.key: row for row in found.deliveries}
    alerts = {str(one.data.get("delivery")) for one in found.events if one.kind == "delivery.unknown"}
    for key, times in found.accepted.items():
        if times > 1:
            yield f"{key} was accepted {times} times"
        dropped = "dropped" in found.reported.get(key, [])
        if key not in rows or rows[key].state not in (*TAKEN, *(("failed",) if dropped else ())):
            yield f"{key} was accepted, and the ledger says {rows[key].state if key in rows else 'nothing'}"
    for key, row in rows.items():
        live = row.channel != "in_app"
        if row.state == "sending":
            yield f"{key} is still sending"
        if row.state in SENT and live and found.accepted[key] != 1:
            yield f"{key} counts as accepted, and its provider knows nothing of it"
        if row.state in ("planned", "deferred") and found.interventions[row.intervention_id].outcome:
            yield f"{key} is {row.state}, and its intervention has ended"
        if row.state == "unknown" and key not in alerts:
            yield f"{key} is unknown, and nobody was told"


def wrong_in_reports(found: Books) -> Iterator[str]:
    """Each event is kept once, and a message stands where the most telling of them puts it, in any order."""
    rows = {row.key: row for row in found.deliveries}
    for event in found.said | found.kept.keys():
        if event not in found.said or found.kept[event] != 1:
            yield f"{event} was sent by SendGrid, and is kept {found.kept[event]} times"
    for key, names in found.reported.items():
        state = max((SHOWS[name] for name in names), key=RANK.index)
        if key in rows and rows[key].state != state:
            yield f"{key} is {rows[key].state}, and should be {state}: {names}"


def wrong_in_tasks(found: Books) -> Iterator[str]:
    """A step that was missed or held, or whose message was not wanted, has become a task for a person."""
    tasks = {(one.intervention_id, one.step) for one in found.tasks}
    for (intervention, name), step in found.steps.items():
        if step.state in (StepState.MISSED, StepState.HELD) and (intervention, name) not in tasks:
            yield f"{intervention} {name} is {step.state}, and nobody has a task: {step.why}"
    for row in found.deliveries:
        unwanted = row.state == "skipped" and any(word in row.reason for word in WISHES)
        if unwanted and (row.intervention_id, row.step) not in tasks:
            yield f"{row.key} was not wanted, and nobody has a task: {row.reason}"


def wrong_in_transitions(found: Books) -> Iterator[str]:
    """Each has opened one intervention or was refused, with the reason."""
    decisions = Counter(row.decision for row in found.transitions)
    risk = [row for row in found.interventions.values() if row.family == "risk"]
    if decisions["started"] + decisions["refused"] != len(found.transitions):
        yield f"{len(found.transitions)} transitions, but {dict(decisions)}"
    if decisions["started"] != len(risk):
        yield f"{decisions['started']} transitions started something, but there are {len(risk)} interventions"
    if max(Counter(row.transition_id for row in risk).values(), default=0) > 1:
        yield "a transition has opened two interventions"
    yield from (f"transition {row.id} has no reason" for row in found.transitions if not row.reason)


def wrong_in_time(found: Books) -> Iterator[str]:
    """No message before its moment on the playbook's clock, and none longer after it than a step is tried."""
    rows = {row.key: row for row in found.deliveries}
    for one in found.events:
        # The row's own time is the earliest of all that is known, reports included, which bear real times.
        if one.kind != "delivery.accepted" or one.key.endswith(REAL):
            continue
        row = rows[str(one.data["delivery"])]
        intervention = found.interventions[row.intervention_id]
        due = intervention.started_at + found.steps[row.intervention_id, row.step].offset
        if one.at < due:
            yield f"{row.key} was sent at {one.at}, before its moment {due}"
        if one.at > due + intervention.shift + LATEST:
            yield f"{row.key} was sent at {one.at}, long after {due} + {intervention.shift}"


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


def wishes(found: Books, cast: Cast) -> Wishes:
    """What the audit of opt-outs looks at."""
    asked = cast.providers.email.requests()
    return Wishes(
        log=lines(cast.stage.store),
        receipts=cast.leavers.receipts,
        deliveries={row.key: row for row in found.deliveries},
        interventions=found.interventions,
        taken=found.taken,
        requests=Counter(key for path, key, _ in asked if path == SEND and key.count("/") == 5),
    )


async def audit(cast: Cast) -> tuple[Books, Wishes, list[str]]:
    """The books, what was wished, and everything that is wrong in them."""
    found = await books(cast)
    wished = wishes(found, cast)
    checks: tuple[Any, ...] = (
        wrong_in_ledger,
        wrong_in_reports,
        wrong_in_tasks,
        wrong_in_transitions,
        wrong_in_time,
        wrong_in_voice,
        wrong_in_open,
    )
    return (
        found,
        wished,
        [
            *(line for check in checks for line in check(found)),
            *wrong_in_attempts(wished),
            *wrong_in_receipts(wished),
            *await wrong_in_histories(found, cast),
            *cast.post.wrong,
            *cast.web.broken(),
        ],
    )
