"""Sending a run a command: the one update every caller uses."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from keepwell.contracts.commands import TAKING_OVER, Answer, CommandBase

PATIENCE: Final = timedelta(seconds=5)
"""How long a command waits for a take-over, which is one write to the store."""

PAUSE: Final = timedelta(milliseconds=50)
"""Between two tries."""


async def send_command(handle: WorkflowHandle[Any, Any], command: CommandBase) -> Answer:
    """Send a run a command and wait for its answer; a take-over under way is waited for.

    The command's id is the update's id: sending it twice does it once.

    Raises:
        WorkflowUpdateFailedError: the run refuses it; the cause's message says why.
        RPCError: the server refuses it, as where there is no such run.
    """
    end = asyncio.get_running_loop().time() + PATIENCE.total_seconds()
    while True:
        try:
            answer: Answer = await handle.execute_update(
                "command", command, id=command.id, result_type=Answer
            )
        except WorkflowUpdateFailedError as error:
            busy = isinstance(error.cause, ApplicationError) and error.cause.type == TAKING_OVER
            if not busy or asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(PAUSE.total_seconds())
        else:
            return answer
