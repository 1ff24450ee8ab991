"""What commands ask of Temporal: whether a worker is there, an update, a signal, a daily run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.commands import Answer, Command
from keepwell.contracts.scoring import ScoreRequest, ScoreSummary
from keepwell.errors import KeepwellError, ServerUnavailableError
from keepwell.keys import score_workflow_id
from keepwell.settings import Settings
from keepwell.temporal import updates
from keepwell.temporal.run_client import run_with_client
from keepwell.temporal.updates import NoRunError, require_worker

T = TypeVar("T")

AS_SIGNAL = "Or leave the command for the next worker: the same with --signal"


def with_client(settings: Settings, function: Callable[[Client], Awaitable[T]]) -> T:
    """Run with a connected client. What the server refuses or fails at becomes an error for people."""
    try:
        return run_with_client(settings, function)
    except RPCError as error:
        raise ServerUnavailableError(
            f"The Temporal server did not do it: {error.message} ({error.status.name.lower()}).",
            hint="Try again; if it lasts, look at the server's log.",
        ) from error


async def update(client: Client, settings: Settings, workflow_id: str, command: Command) -> Answer:
    """Tell a run a command and wait for its answer, as `keepwell.temporal.updates` does."""
    try:
        return await updates.update(client, settings, workflow_id, command)
    except ServerUnavailableError as error:
        raise ServerUnavailableError(error.message, hint=f"{error.hint}\n{AS_SIGNAL}") from error


async def signal(client: Client, workflow_id: str, command: Command) -> None:
    """Leave a command for a run; NoRunError where there is none."""
    handle = client.get_workflow_handle(workflow_id)
    try:
        await handle.signal(command.kind, command.model_dump(mode="json", exclude={"kind"}))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NoRunError from error
        raise


async def score_everybody(client: Client, settings: Settings, organisation: str, again: str) -> ScoreSummary:
    """Run the daily run now and wait for it; one that is under way is waited for instead."""
    await require_worker(client, settings)
    try:
        summary: ScoreSummary = await client.execute_workflow(
            "DailyScoring",
            ScoreRequest(organisation=organisation, again=again),
            id=score_workflow_id(organisation),
            task_queue=settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            result_type=ScoreSummary,
            static_summary="Score every customer now (asked for by hand)",
        )
    except WorkflowFailureError as error:
        raise KeepwellError(
            f"The run {score_workflow_id(organisation)} did not succeed: {error.cause}.",
            hint="Its history in the Temporal UI says where it failed.",
            audience="ops",
        ) from error
    return summary
