"""The real Temporal server as a process with its database file, to be killed (-9) and started again.

It is the program and the command line of the embedded server (`keepwell.temporal.server_process`), on one
port for its whole life, so that clients and workers find it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent, WorkflowTaskFailedEventAttributes
from temporalio.client import Client

from keepwell.settings import Settings
from keepwell.temporal import launch
from keepwell.temporal.home_files import ServerRecord
from keepwell.temporal.server_process import HOST, Ports, ServerProcess, start
from tests.ports import KeptPort

SECONDS = 120.0
ARRIVED_MEANWHILE = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
"""The server's own way to say: something arrived while the run was ending, look at it first."""

TOO_BUSY = "[TMPRL1101]"
"""The SDK's own way to say: the run's code got no further within two seconds. A worker that has just begun on
a busy machine, with many runs to read anew, is as slow as that; the run is looked at again. Code that really
hangs would do so each time, and its run would never end.
"""


class KillableServer:
    """A server on `home`'s database file. `kills` counts how often it died."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.kills = 0
        self._port = KeptPort()
        self._ports = Ports(grpc=self._port.number, ui=None)
        self._process: ServerProcess | None = None

    @property
    def address(self) -> str:
        """Where it is, also while it is down."""
        return f"{HOST}:{self._ports.grpc}"

    async def start(self) -> None:
        """Start it, from its file where there is one; it answers when this returns."""
        first = self._process is None
        process = self._process = await asyncio.to_thread(
            start,
            self._ports,
            home=self.home,
            log=self.home / f"temporal-{self.kills}.log",
            database=self.home / "temporal.sqlite3",
            lock=None,
        )
        end = asyncio.get_running_loop().time() + SECONDS
        while not await launch.answers(self.address):
            assert not process.ended(), (self.home / f"temporal-{self.kills}.log").read_text()
            assert asyncio.get_running_loop().time() < end, "the server does not answer"
            await asyncio.sleep(0.05)
        if first:
            await launch.prepare(
                ServerRecord(
                    address=self.address, ui_url=None, pid=process.pid, started_at=datetime.now(UTC)
                ),
                Settings(home=self.home),
            )

    async def kill(self) -> None:
        """End it like a power cut."""
        assert self._process is not None
        assert not self._process.ended(), "it has died by itself"
        await asyncio.to_thread(self._process.stop, at_once=True)
        self.kills += 1


@asynccontextmanager
async def killable_server(home: Path) -> AsyncIterator[KillableServer]:
    """A running server with an empty database; it is down after the block."""
    server = KillableServer(home)
    try:
        await server.start()
        yield server
    finally:
        if server._process is not None:
            server._process.stop(at_once=True)
        server._port.give_back()


async def runs(client: Client, workflow_id: str) -> list[list[HistoryEvent]]:
    """The histories of a chain's runs, the newest first, following continue-as-new backwards."""
    found: list[list[HistoryEvent]] = []
    run: str | None = None
    while True:
        history = await client.get_workflow_handle(workflow_id, run_id=run).fetch_history()
        found.append(list(history.events))
        begun = history.events[0].workflow_execution_started_event_attributes
        run = begun.continued_execution_run_id
        if not run:
            return found


def failed_tasks(events: Sequence[HistoryEvent]) -> list[str]:
    """What went wrong in a run's workflow tasks. A task whose worker or server died times out, no more."""
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    tasks = [event.workflow_task_failed_event_attributes for event in events if event.event_type == failed]
    return [
        f"{WorkflowTaskFailedCause.Name(one.cause)}: {one.failure.message}"
        for one in tasks
        if not _harmless(one)
    ]


def _harmless(task: WorkflowTaskFailedEventAttributes) -> bool:
    """Whether it says nothing of the run's code: it is looked at again, and that is all."""
    return task.cause == ARRIVED_MEANWHILE or task.failure.message.startswith(TOO_BUSY)
