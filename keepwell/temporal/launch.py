"""Bringing one embedded server up: ports, process, waiting for its answer, setting up its namespace."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from keepwell.errors import ConfigurationError, ServerUnavailableError
from keepwell.settings import Settings
from keepwell.temporal import server_process
from keepwell.temporal.checks import server_version
from keepwell.temporal.home_files import HomeFiles, ServerRecord, try_lock
from keepwell.temporal.search_attributes import register
from keepwell.temporal.server_process import HOST, Ports, ServerProcess, free_port

# What people and Temporal's own command line try first.
USUAL_PORT, USUAL_UI_PORT = 7233, 8233
_ATTEMPTS = 3
_POLL_SECONDS = 0.03
# Tries for the server's lock, about a second together.
_LOCK_ATTEMPTS, _LOCK_SECONDS = 20, 0.05

logger = logging.getLogger(__name__)


class _PortTakenError(Exception):
    """Somebody took the port between our look and the server's start."""


async def on_database(
    settings: Settings, files: HomeFiles, *, ui: bool, seconds: float, ports: Ports | None = None
) -> tuple[ServerProcess, ServerRecord]:
    """Start the home's server; its record is written at once (with its pid), and again when it is ready.

    `ports`: those it had, where clients look for it already. It gets its old address or none; its UI moves,
    or stays away, where another program has taken the UI's port.
    """
    lock = await _lock_for_server(files)
    try:
        for attempt in range(_ATTEMPTS):
            usual = attempt == 0
            if ports:
                chosen = Ports(grpc=ports.grpc, ui=_ui_again(settings, ports.ui if usual else None, ui=ui))
            else:
                chosen = Ports(
                    grpc=free_port(USUAL_PORT if usual else None),
                    ui=_ui_port(settings, USUAL_UI_PORT if usual else None) if ui else None,
                )
            process = await _start(chosen, home=files.home, log=files.log, database=files.database, lock=lock)
            record = _record(process, chosen)
            try:
                files.write_record(record)
                record = await _make_ready(process, record, settings, files.log, seconds)
                files.write_record(record)
            except _PortTakenError:
                await asyncio.to_thread(process.stop)
            except BaseException:
                await asyncio.shield(asyncio.to_thread(process.stop))
                files.record.unlink(missing_ok=True)
                raise
            else:
                return process, record
    finally:
        # From here on the server alone holds the lock.
        os.close(lock)
    raise _no_port()


async def _lock_for_server(files: HomeFiles) -> int:
    """The lock the server is to inherit; a process that just looks whether a server runs holds it briefly."""
    for _ in range(_LOCK_ATTEMPTS):
        lock = try_lock(files.server_lock)
        if lock is not None:
            return lock
        await asyncio.sleep(_LOCK_SECONDS)
    raise ServerUnavailableError(f"A Temporal server already runs on {files.database}.")


async def _start(
    ports: Ports, *, home: Path, log: Path, database: Path | None, lock: int | None
) -> ServerProcess:
    """Start the process in a thread. Cancelled meanwhile, it ends what the thread has started."""
    start = partial(server_process.start, ports, home=home, log=log, database=database, lock=lock)
    # A thread cannot be cancelled: without the shield its process would run on, known to nobody.
    starting = asyncio.get_running_loop().run_in_executor(None, start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # A start that failed has left nothing to end.
        with suppress(Exception):
            process = await starting
            await asyncio.shield(asyncio.to_thread(process.stop))
        raise


def ports_of(record: ServerRecord) -> Ports:
    """The ports of a server that runs, or ran."""
    ui = urlsplit(record.ui_url).port if record.ui_url else None
    return Ports(grpc=int(record.address.rpartition(":")[2]), ui=ui)


async def in_memory(
    settings: Settings, folder: Path, *, ui: bool, seconds: float
) -> tuple[ServerProcess, ServerRecord]:
    """Start a server that keeps nothing, on free ports; its log goes to `folder`."""
    log = folder / "temporal.log"
    for _ in range(_ATTEMPTS):
        ports = Ports(grpc=free_port(), ui=free_port() if ui else None)
        process = await _start(ports, home=folder, log=log, database=None, lock=None)
        try:
            return process, await _make_ready(process, _record(process, ports), settings, log, seconds)
        except _PortTakenError:
            await asyncio.to_thread(process.stop)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(process.stop, at_once=True))
            raise
    raise _no_port()


async def answers(address: str, *, seconds: float = 3.0) -> bool:
    """Whether a Temporal server answers at the address within the time."""
    try:
        async with asyncio.timeout(seconds):
            await Client.connect(address)
    except (RuntimeError, RPCError, TimeoutError):
        return False
    return True


async def _make_ready(
    process: ServerProcess, record: ServerRecord, settings: Settings, log: Path, seconds: float
) -> ServerRecord:
    end = time.monotonic() + seconds
    # Only its own log proves that this server has the port: another could answer in its place.
    while b"Temporal Server:" not in (text := await asyncio.to_thread(log.read_bytes)):
        if process.ended():
            raise _did_not_start(text, log)
        if time.monotonic() > end:
            raise _too_slow(log, seconds)
        await asyncio.sleep(_POLL_SECONDS)
    while not await answers(record.address):
        if process.ended() or time.monotonic() > end:
            raise _too_slow(log, seconds)
        await asyncio.sleep(_POLL_SECONDS)
    return await prepare(record, settings)


async def prepare(record: ServerRecord, settings: Settings) -> ServerRecord:
    """Give a server that answers its history retention and search attributes; the record, now ready."""
    client = await Client.connect(record.address)
    await _keep_history(client, timedelta(days=settings.history_retention_days))
    await register(client)
    return record.model_copy(update={"version": await server_version(client), "ready": True})


async def _keep_history(client: Client, wanted: timedelta) -> None:
    """Set how long finished runs can be read; the development server keeps them a day otherwise."""
    service = client.workflow_service
    described = await service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    if described.config.workflow_execution_retention_ttl.ToTimedelta() == wanted:
        return
    retention = Duration()
    retention.FromTimedelta(wanted)
    config = NamespaceConfig(workflow_execution_retention_ttl=retention)
    await service.update_namespace(UpdateNamespaceRequest(namespace=client.namespace, config=config))


def _ui_port(settings: Settings, preferred: int | None) -> int:
    wanted = settings.ui_port
    if wanted is None:
        return free_port(preferred)
    if free_port(wanted) != wanted:
        raise ConfigurationError(
            f"KEEPWELL_UI_PORT is {wanted}, and another program listens on this port.",
            hint="Choose another port, or unset it: a free one is then found.",
        )
    return wanted


def _ui_again(settings: Settings, before: int | None, *, ui: bool) -> int | None:
    """The UI's port of a server that comes back; without a port its UI stays away, its runs must not."""
    if not ui:
        return None
    try:
        return _ui_port(settings, before)
    except ConfigurationError as error:
        logger.error(
            "The embedded Temporal server comes back without its UI. %s %s", error.message, error.hint
        )
        return None


def _record(process: ServerProcess, ports: Ports) -> ServerRecord:
    return ServerRecord(
        address=f"{HOST}:{ports.grpc}",
        ui_url=f"http://{HOST}:{ports.ui}" if ports.ui else None,
        pid=process.pid,
        started_at=datetime.now(UTC),
    )


def _did_not_start(text: bytes, log: Path) -> Exception:
    if b"address already in use" in text:
        return _PortTakenError()
    last = "\n".join(text.decode(errors="replace").strip().splitlines()[-5:]) or "it wrote nothing"
    return ServerUnavailableError(
        f"The embedded Temporal server ended while it started. Its last words: {last}",
        hint=f"Its log is {log}. If its database is damaged, move temporal.sqlite3 out of the home folder: "
        "running interventions are in it, customers and scores are not.",
        retryable=False,
    )


def _too_slow(log: Path, seconds: float) -> ServerUnavailableError:
    return ServerUnavailableError(
        f"The embedded Temporal server did not answer within {seconds:.0f} s.",
        hint=f"Try again on a less busy machine, or read its log: {log}",
    )


def _no_port() -> ServerUnavailableError:
    return ServerUnavailableError(
        "The embedded Temporal server found no free port.", hint="Try again in a moment."
    )
