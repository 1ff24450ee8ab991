"""A command to a run as the update that is answered at once: what the command line and the API call."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from temporalio.client import Client, RPCTimeoutOrCancelledError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.commands import Answer, Command
from keepwell.errors import RefusedError, ServerUnavailableError
from keepwell.settings import Settings
from keepwell.temporal.commands import send_command
from keepwell.temporal.pollers import pollers

ANSWER_WITHIN: Final = timedelta(seconds=10)
"""A worker answers an update in milliseconds; waking a long history takes a second or two."""


class NoRunError(Exception):
    """Temporal has no running workflow of that id."""


async def require_worker(client: Client, settings: Settings) -> None:
    """Raise ServerUnavailableError where nobody works on the task queue."""
    if not any(poller.recent for poller in await pollers(client, settings.task_queue)):
        raise ServerUnavailableError(
            f"No worker works on the task queue {settings.task_queue!r}.",
            hint="Start one: keepwell worker",
        )


async def update(
    client: Client,
    settings: Settings,
    workflow_id: str,
    command: Command,
    within: timedelta = ANSWER_WITHIN,
) -> Answer:
    """Tell a run a command and wait for its answer.

    Raises:
        RefusedError: the run says no, and why.
        NoRunError: there is no such run, or it ended meanwhile.
        ServerUnavailableError: no worker answers; nothing was sent, unless the message says otherwise.
    """
    await require_worker(client, settings)
    handle = client.get_workflow_handle(workflow_id)
    try:
        return await asyncio.wait_for(send_command(handle, command), within.total_seconds())
    except WorkflowUpdateFailedError as error:
        raise _refused(error.cause) from error
    except (TimeoutError, RPCTimeoutOrCancelledError) as error:
        raise ServerUnavailableError(
            f"No worker answered within {within.total_seconds():.0f} s; whether it was done is not known.",
            hint="Look: keepwell intervention ID. Is a worker running? (keepwell worker)",
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
