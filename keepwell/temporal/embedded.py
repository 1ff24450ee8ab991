"""The embedded Temporal server: one for each home, shared by every process that works on this home."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from keepwell.errors import KeepwellError, ServerUnavailableError
from keepwell.settings import Settings
from keepwell.temporal import launch
from keepwell.temporal.home_files import HomeFiles, ServerRecord, try_lock
from keepwell.temporal.server_process import ServerProcess

# Long enough for a slow, busy machine; a server usually answers within a second.
START_SECONDS = 40.0
_POLL_SECONDS = 0.05
_WATCH_SECONDS = 1.0
_AGAIN_SECONDS = 15.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EmbeddedServer:
    """A server that answers. `owned`: this process ends it; otherwise another one does."""

    address: str
    ui_url: str | None
    owned: bool
    pid: int
    version: str
    namespace: str = "default"


@asynccontextmanager
async def embedded_server(
    settings: Settings, *, in_memory: bool = False, ui: bool = True
) -> AsyncIterator[EmbeddedServer]:
    """Start the home's server, or join the one another process owns; an owned one ends with the block.

    `in_memory`: a server of its own that keeps nothing and that no other process finds (rehearsals, tests).
    It has the search attributes, the history retention and the virtual clock switched on. Raises
    ServerUnavailableError where none can be had, ConfigurationError where a setting forbids it.
    """
    if in_memory:
        async with _in_memory(settings, ui=ui) as server:
            yield server
        return
    files = HomeFiles(await asyncio.to_thread(settings.ensure_home))
    found = await _lock_or_join(files)
    if isinstance(found, ServerRecord):
        yield _server(found, owned=False)
        return
    try:
        process, record = await _take_over_or_start(files, settings, ui=ui)
        kept = _Kept(settings, files, process, record, ui=record.ui_url is not None)
        watch = asyncio.create_task(kept.watch())
        try:
            yield _server(kept.record, owned=True)
        finally:
            watch.cancel()
            try:
                await asyncio.wait([watch])
                # The record first, so that nobody joins a server about to end; the owner's lock last.
                files.record.unlink(missing_ok=True)
            finally:
                await asyncio.shield(asyncio.to_thread(kept.process.stop))
    finally:
        os.close(found)


@dataclass
class _Kept:
    """The owner's server. One that dies under its owner (killed for its memory, say) is started again."""

    settings: Settings
    files: HomeFiles
    process: ServerProcess
    record: ServerRecord
    ui: bool

    async def watch(self) -> None:
        """Look for ever. Whatever keeps a dead server from coming back is told, and tried again."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                if await asyncio.to_thread(self.process.ended):
                    await self._start_again()
            except Exception as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    # Cleaning up after the cancellation failed in its place; the owner waits for our end.
                    raise asyncio.CancelledError from error
                # Not only our own errors: the new server may die while it is set up, the disk may be full.
                log.error("The embedded Temporal server could not be started again. %s", _words(error))
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _start_again(self) -> None:
        """From its file and at its address: workers and clients find it again. Only its UI may move."""
        log.error("The embedded Temporal server has died; it is started again")
        # It has ended; what is left of it here is what would end it with us.
        await asyncio.to_thread(self.process.stop)
        before = self.record.ui_url
        self.process, self.record = await launch.on_database(
            self.settings,
            self.files,
            ui=self.ui,
            seconds=START_SECONDS,
            ports=launch.ports_of(self.record),
        )
        if self.record.ui_url not in {before, None}:
            log.warning("The UI of the embedded Temporal server is now at %s", self.record.ui_url)


@asynccontextmanager
async def _in_memory(settings: Settings, *, ui: bool) -> AsyncIterator[EmbeddedServer]:
    with tempfile.TemporaryDirectory(prefix="keepwell-", ignore_cleanup_errors=True) as folder:
        process, record = await launch.in_memory(settings, Path(folder), ui=ui, seconds=START_SECONDS)
        try:
            yield _server(record, owned=True)
        finally:
            await asyncio.shield(asyncio.to_thread(process.stop, at_once=True))


async def _lock_or_join(files: HomeFiles) -> int | ServerRecord:
    """The owner's lock, or, while another process holds it, the record of its server."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        lock = try_lock(files.owner_lock)
        if lock is not None:
            return lock
        record = files.running()
        if record is not None and record.ready and await launch.answers(record.address):
            return record
        await asyncio.sleep(_POLL_SECONDS)
    raise ServerUnavailableError(
        f"Another process owns the Temporal server of KEEPWELL_HOME={files.home}, and that server has not "
        f"answered for {START_SECONDS:.0f} s.",
        hint=f"Stop that process, or read the server's log: {files.log}",
    )


async def _take_over_or_start(
    files: HomeFiles, settings: Settings, *, ui: bool
) -> tuple[ServerProcess, ServerRecord]:
    """A server for the holder of the owner's lock.

    Two servers on one database file damage each other's work, so one left behind by a killed owner is
    taken over if it answers, and ended if it does not, before another starts.
    """
    end = time.monotonic() + START_SECONDS
    while files.server_runs():
        record = files.read_record()
        if record is not None:
            process = ServerProcess(record.pid, lambda: not files.server_runs())
            if record.ready and await launch.answers(record.address):
                # This owner's settings may differ from the killed one's.
                return process, await launch.prepare(record, settings)
            await asyncio.to_thread(process.stop)
        if time.monotonic() > end:
            raise ServerUnavailableError(
                f"A Temporal server runs on {files.database}, does not answer, and cannot be ended.",
                hint=f"End the process that holds {files.server_lock} open (lsof shows it), and try again.",
            )
        await asyncio.sleep(_POLL_SECONDS)
    files.record.unlink(missing_ok=True)
    return await launch.on_database(settings, files, ui=ui, seconds=START_SECONDS)


def _words(error: Exception) -> str:
    if isinstance(error, KeepwellError):
        return f"{error.message} {error.hint}".strip()
    return f"{type(error).__name__}: {error}"


def _server(record: ServerRecord, *, owned: bool) -> EmbeddedServer:
    return EmbeddedServer(
        address=record.address, ui_url=record.ui_url, owned=owned, pid=record.pid, version=record.version
    )
