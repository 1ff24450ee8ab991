"""The runs of interventions, as endpoints reach them: one client, connected at its first use and kept."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import FastAPI
from temporalio.client import Client
from temporalio.service import RPCError

from keepwell.api.door import Door
from keepwell.contracts.commands import Answer, Command
from keepwell.db.repositories.pending import PendingRepository
from keepwell.errors import ConfigurationError, ServerUnavailableError
from keepwell.settings import Settings
from keepwell.temporal import updates
from keepwell.temporal.connect import connect
from keepwell.temporal.pending import Teller

ANSWER_WITHIN: Final = timedelta(seconds=3)
"""A person waits for the answer. A worker gives one in milliseconds; what comes later is told as a signal."""

REST: Final = 3.0
"""Seconds for which a server or worker that has not answered is not asked again."""


class Runs:
    """Tells runs commands. Whoever asks while no server answers is told so at once, after the first one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._down: tuple[float, str] = (0.0, "")

    async def client(self) -> Client:
        """The client that is kept, connected where it is not.

        Raises:
            ServerUnavailableError: no server answers, or none has a moment ago.
            ConfigurationError: the settings lead to none.
        """
        until, why = self._down
        if time.monotonic() < until:
            raise ServerUnavailableError(why, hint="Start it, or try again later.")
        async with self._connecting:
            if self._client is None:
                try:
                    self._client = await asyncio.wait_for(
                        connect(self._settings), ANSWER_WITHIN.total_seconds()
                    )
                except TimeoutError as error:
                    raise self._gone("The Temporal server does not answer.") from error
                except ServerUnavailableError as error:
                    raise self._gone(error.message) from error
            return self._client

    async def update(self, workflow_id: str, command: Command) -> Answer:
        """Tell a run a command and wait a moment for its answer.

        Raises:
            RefusedError: the run says no, and why.
            NoRunError: Temporal has no such run.
            ServerUnavailableError: no server or worker answers; the run may still hear of it.
            ConfigurationError: the settings lead to no server.
        """
        client = await self.client()
        try:
            return await updates.update(client, self._settings, workflow_id, command, ANSWER_WITHIN)
        except ServerUnavailableError as error:
            raise self._silent(error.message) from error
        except RPCError as error:
            raise self._gone(f"The Temporal server did not do it: {error.message}.") from error

    async def tell_kept(self, door: Door) -> None:
        """Tell what is kept and due now. Raises ServerUnavailableError, ConfigurationError."""
        client = await self.client()
        try:
            await Teller(client, PendingRepository(door.store)).tell(datetime.now(UTC))
        except ServerUnavailableError as error:
            raise self._gone(error.message) from error

    def _gone(self, why: str) -> ServerUnavailableError:
        # An embedded server that was started again has another address.
        self._client = None
        return self._silent(why)

    def _silent(self, why: str) -> ServerUnavailableError:
        self._down = (time.monotonic() + REST, why)
        return ServerUnavailableError(why)


def runs_of(app: FastAPI) -> Runs:
    """The application's runs; made at the first call."""
    if not hasattr(app.state, "runs"):
        door: Door = app.state.door
        app.state.runs = Runs(door.settings)
    runs: Runs = app.state.runs
    return runs


UNREACHED: Final = (ServerUnavailableError, ConfigurationError)
"""No run was reached: what was to be told is kept."""
