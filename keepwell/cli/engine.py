"""What commands ask of Temporal: whether a worker is there, an update, a signal, a daily run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.commands import Answer, Command
from keepwell.contracts.scoring import ScoreRequest, ScoreSummary
from keepwell.errors import KeepwellError, RefusedError, ServerUnavailableError
from keepwell.keys import score_workflow_id
from keepwell.settings import Settings
from keepwell.temporal.commands import send_command
from keepwell.temporal.pollers import pollers
from keepwell.temporal.run_client import run_with_client

T = TypeVar("T")

ANSWER_WITHIN = timedelta(seconds=10)
"""A worker answers an update in milliseconds; waking a long history takes a second or two."""


class NoRunError(Exception):
    """Temporal has no running workflow of that id."""


def with_client(settings: Settings, function: Callable[[Client], Awaitable[T]]) -> T:
    """Run with a connected client. What the server refuses or fails at becomes an error for people."""
    try:
        return run_with_client(settings, function)
    except RPCError as error:
        raise ServerUnavailableError(
            f"The Temporal server did not do it: {error.message} ({error.status.name.lower()}).",
            hint="Try again; if it lasts, look at the server's log.",
        ) from error


async def require_worker(client: Client, settings: Settings) -> None:
    """Raise ServerUnavailableError where nobody works on the task queue."""
    if not any(poller.recent for poller in await pollers(client, settings.task_queue)):
        raise no_worker(settings)


def no_worker(settings: Settings, *, signals: bool = False) -> ServerUnavailableError:
    """The error for a task queue without a worker."""
    hint = "Start one: keepwell worker"
    if signals:
        hint += "\nOr leave the command for the next worker: the same with --signal"
    return ServerUnavailableError(f"No worker works on the task queue {settings.task_queue!r}.", hint=hint)


async def update(client: Client, settings: Settings, workflow_id: str, command: Command) -> Answer:
    """Tell a run a command and wait for its answer.

    Raises:
        RefusedError: the run says no, and why.
        NoRunError: there is no such run, or it ended meanwhile.
        ServerUnavailableError: no worker answers; nothing was sent, unless the message says otherwise.
    """
    try:
        await require_worker(client, settings)
    except ServerUnavailableError:
        raise no_worker(settings, signals=True) from None
    handle = client.get_workflow_handle(workflow_id)
    try:
        return await asyncio.wait_for(send_command(handle, command), ANSWER_WITHIN.total_seconds())
    except WorkflowUpdateFailedError as error:
        raise _refused(error.cause) from error
    except (TimeoutError, RPCTimeoutOrCancelledError) as error:
        raise ServerUnavailableError(
            f"No worker answered within {ANSWER_WITHIN.total_seconds():.0f} s; "
            "whether it was done is not known.",
            hint="Look: keepwell intervention ID. Is a worker running? (keepwell worker)\n"
            "Or leave the command for the next worker: the same with --signal",
        ) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NoRunError from error
        raise


def _refused(cause: BaseException) -> Exception:
    if not isinstance(cause, ApplicationError):
        return RefusedError(f"It was refused: {cause}")
    if cause.type == "AcceptedUpdateCompletedWorkflow":
        return NoRunError()
    return RefusedError(cause.message)


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
