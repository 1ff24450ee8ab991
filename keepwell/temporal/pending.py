"""Tells runs the commands that came from outside while nobody waited for an answer.

Each goes as the signal of its kind, which the server keeps also while no worker runs. It carries the
command's id, by which a run knows one that it was told before: two tellers at once, or one that died
between the signal and its note, change nothing. It names its intervention, so that another one under the
same workflow id refuses it, and says so in the timeline.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.commands import KINDS
from keepwell.contracts.pending import Told, WaitingCommand
from keepwell.errors import ServerUnavailableError
from keepwell.ports import PendingCommands

LOOK_AGAIN: Final = "look_again"
"""The signal without a command: look at what you have put off."""

PATIENCE: Final = timedelta(seconds=5)
"""For one signal, which the server takes in milliseconds."""

DOWN: Final = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.PERMISSION_DENIED,
}
"""What is no word about this one command, but about the server: nothing else would get through either."""

NO_RUN = "Temporal has no run of it any more (was it terminated, or is it another server?)"

log = logging.getLogger("keepwell.teller")


class Teller:
    """Implements the port `Telling` with a Temporal client."""

    def __init__(self, client: Client, pending: PendingCommands) -> None:
        self._client = client
        self._pending = pending

    async def tell(self, now: datetime) -> Told:
        """Tell what is due, in its order; one that rests keeps the later ones of its intervention.

        Raises:
            ServerUnavailableError: no server answers. What was not told stays as it is, and due.
        """
        counts = {"told": 0, "refused": 0, "resting": 0}
        behind: set[str] = set()
        for one in await asyncio.to_thread(self._pending.due, now):
            if one.intervention not in behind:
                what = await self._one(one, now)
                counts[what] += 1
                if what == "resting":
                    behind.add(one.intervention)
        return Told(**counts)

    async def _one(self, one: WaitingCommand, now: datetime) -> str:
        hindrance = _hindrance(one)
        if not hindrance:
            try:
                await self._signal(one)
            except RuntimeError as error:
                # A client that connects at its first call has not got that far.
                raise _down(str(error)) from error
            except RPCError as error:
                if error.status in DOWN:
                    raise _down(error.message) from error
                if error.status is not RPCStatusCode.NOT_FOUND:
                    log.warning("A command could not be told: %s", error.message, extra={"command": one.key})
                    await asyncio.to_thread(self._pending.rest, one.key, error.message, now)
                    return "resting"
                hindrance = NO_RUN
        if hindrance:
            await asyncio.to_thread(self._pending.refuse, one.key, hindrance, now)
            return "refused"
        await asyncio.to_thread(self._pending.settle, one.key, now)
        return "told"

    async def _signal(self, one: WaitingCommand) -> None:
        given: list[Any] = [one.body] if one.signal else []
        handle = self._client.get_workflow_handle(one.workflow_id)
        await handle.signal(one.signal or LOOK_AGAIN, args=given, rpc_timeout=PATIENCE)


def _down(why: str) -> ServerUnavailableError:
    return ServerUnavailableError(
        f"The Temporal server does not take commands: {why}.",
        hint="They are kept, and told when it answers again.",
    )


def _hindrance(one: WaitingCommand) -> str:
    """Why a command cannot be told to any run; "" if it can."""
    if one.ended:
        return f"Intervention {one.intervention} has ended ({one.ended})."
    if one.signal and one.signal not in KINDS:
        return f"There is no command {one.signal!r}."
    return ""
