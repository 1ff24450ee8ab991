"""What the benchmarks of runs play on: a home, the embedded server on a database file, a store, workers."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle

from bench.bare import BareInput
from bench.portfolio import Portfolio
from bench.processes import cpu_seconds, program
from bench.same import SameInput
from keepwell.contracts.intervention import Closed, InterventionInput
from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.keys import new_id, risk_workflow_id
from keepwell.settings import Settings
from keepwell.temporal.connect import connect_to
from keepwell.temporal.embedded import embedded_server
from keepwell.temporal.hand_over import change_of
from worker import Parts, compose

CORES = os.cpu_count() or 1
QUEUES = {"ours": "ours", "bare": "bare", "same": "same"}


class Scene:
    """One server and one store for everything that a benchmark compares."""

    def __init__(self, home: Path, address: str, server: int, client: Client, instead: Sequence[Playbook]):
        self.home, self.address, self.server, self.client = home, address, server, client
        settings = Settings(home=home, task_queue=QUEUES["ours"], sending="outbox")
        self.store = Store(settings.database_url)
        ensure_current(self.store)
        self.portfolio = Portfolio(self.store)
        self.parts: Parts = compose(settings, self.store, client, instead=tuple(instead))

    @contextmanager
    def worker(
        self, which: str, report: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> Iterator[int]:
        """A worker process, "ours", "same" or "bare"; yields its pid."""
        given = {
            "KEEPWELL_HOME": str(self.home),
            "KEEPWELL_TASK_QUEUE": QUEUES[which],
            "TEMPORAL_ADDRESS": self.address,
            **(variables or {}),
        }
        with program("bench.work", which, *([str(report)] if report else []), variables=given) as pid:
            yield pid

    def cpu(self, worker: int) -> tuple[float, float, float]:
        """Seconds of processor time so far: server, worker, this process."""
        return cpu_seconds(self.server), cpu_seconds(worker), cpu_seconds(os.getpid())

    async def start_bare(self, entry: BareInput) -> WorkflowHandle[Any, Any]:
        """A run of the bare workflow."""
        return await self.client.start_workflow(
            "Bare", entry, id=f"bare-{new_id()}", task_queue=QUEUES["bare"]
        )

    async def start_same(self, transition: str, gap: float) -> WorkflowHandle[Any, Any]:
        """A run of the plain workflow around the production activities."""
        pending = await asyncio.to_thread(self.parts.transitions.get, transition)
        playbook = await asyncio.to_thread(self.parts.playbooks.for_level, pending.level)
        assert playbook is not None
        entry = InterventionInput(
            organisation=pending.organisation,
            customer=pending.customer,
            start=new_id(),
            change=change_of(pending),
            playbook=playbook,
        )
        return await self.client.start_workflow(
            "Same", SameInput(entry=entry, gap=gap), id=f"same-{new_id()}", task_queue=QUEUES["same"]
        )

    def run_of(self, customer: str) -> WorkflowHandle[Any, Any]:
        """A customer's run."""
        name = risk_workflow_id(self.portfolio.world.organisation, customer)
        return self.client.get_workflow_handle(name, result_type=Closed)


@asynccontextmanager
async def scene(instead: Sequence[Playbook] = ()) -> AsyncIterator[Scene]:
    """A scene in a temporary home; `instead` are playbooks in force in the place of those of their name."""
    with tempfile.TemporaryDirectory(prefix="keepwell-bench-", ignore_cleanup_errors=True) as name:
        async with embedded_server(Settings(home=Path(name)), ui=False) as server:
            client = await connect_to(server.address)
            made = await asyncio.to_thread(Scene, Path(name), server.address, server.pid, client, instead)
            try:
                yield made
            finally:
                made.store.dispose()
