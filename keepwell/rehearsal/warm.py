"""One Temporal server in memory for all rehearsals of a process, kept for a while after the last of them."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile

from keepwell.keys import new_id
from keepwell.settings import Settings
from keepwell.temporal.connect import connect_to
from keepwell.temporal.embedded import EmbeddedServer, embedded_server
from keepwell.temporal.launch import answers
from keepwell.temporal.search_attributes import register

log = logging.getLogger(__name__)

RESTS = timedelta(minutes=5)
"""How long a server without work is kept: the next rehearsal then begins a second earlier."""
PLAYS = 100
"""So many plays a server takes: in memory, each of them leaves its history behind."""
ANSWERS_SECONDS = 30.0
"""How long a server may take to answer before another one is started: the machine, or this loop, may be busy,
and others may be playing on it. One that has ended refuses at once."""
_RETENTION = timedelta(days=1)


@dataclass
class _Up:
    server: EmbeddedServer
    stack: AsyncExitStack
    plays: int = 0
    on_stage: int = 0


class WarmServer:
    """A server that starts with the first play and ends some time after the last one, or with `close`.

    Each play has a namespace of its own, so that the same customer may be on stage twice at once, and what
    an earlier play left open disturbs nobody. All of it belongs to one event loop.
    """

    def __init__(self, settings: Settings, rests: timedelta = RESTS) -> None:
        self._settings = settings
        self._rests = rests
        self._lock = asyncio.Lock()
        self._up: _Up | None = None
        self._resting: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[ClientConfigProfile]:
        """A namespace that nobody else uses.

        Raises:
            ServerUnavailableError: no server can be started.
        """
        async with self._lock:
            up = await self._running()
            up.plays += 1
            up.on_stage += 1
        try:
            yield await _namespace(up.server.address)
        finally:
            up.on_stage -= 1
            self._rest(up)

    async def close(self) -> None:
        """End the server, if one runs."""
        self._stay()
        async with self._lock:
            await self._end()

    def _stay(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    async def _running(self) -> _Up:
        self._stay()
        up = self._up
        if up is not None and up.on_stage == 0 and up.plays >= PLAYS:
            await self._end()
        elif up is not None and not await answers(up.server.address, seconds=ANSWERS_SECONDS):
            log.warning("The Temporal server of the rehearsals does not answer; another one is started")
            await self._end()
        if self._up is None:
            stack = AsyncExitStack()
            server = embedded_server(self._settings, in_memory=True, ui=False)
            self._up = _Up(await stack.enter_async_context(server), stack)
        return self._up

    def _rest(self, up: _Up) -> None:
        """Begin to wait for the next play, where this was the last one on the stage."""
        if up is self._up and up.on_stage == 0:
            self._stay()
            self._resting = asyncio.create_task(self._end_later())

    async def _end_later(self) -> None:
        await asyncio.sleep(self._rests.total_seconds())
        # From here on nobody breaks it off: who comes now waits at the lock, and starts another.
        self._ending, self._resting = self._resting, None
        async with self._lock:
            if self._up is not None and self._up.on_stage == 0:
                await self._end()

    async def _end(self) -> None:
        up, self._up = self._up, None
        if up is not None:
            # A client must not outlive its server for long: see keepwell.temporal.run_client.
            gc.collect()
            await up.stack.aclose()


async def _namespace(address: str) -> ClientConfigProfile:
    name, kept = f"rehearsal-{new_id().lower()}", Duration()
    kept.FromTimedelta(_RETENTION)
    service = (await Client.connect(address)).workflow_service
    await service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=kept)
    )
    profile = ClientConfigProfile(address=address, namespace=name)
    await register(await connect_to(profile))
    return profile
