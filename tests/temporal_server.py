"""One in-memory Temporal server with a virtual clock for all tests of a session."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.worker._workflow import _WorkflowWorker

from keepwell.settings import Settings
from keepwell.temporal.embedded import embedded_server

HUNG_SECONDS = 60


@pytest.fixture(scope="session", autouse=True)
def _slow_is_not_hung() -> Iterator[None]:
    """Workers of tests wait longer than 2 s before they call workflow code hung.

    The SDK throws an error into the thread then, wherever it is; a busy machine lets honest code stand for
    as long, and an error inside a weak reference's callback fails the test that is there.
    """
    honest = _WorkflowWorker.__init__

    def patient(self: _WorkflowWorker, **given: Any) -> None:
        honest(self, **given)
        assert self._deadlock_timeout_seconds == 2, "the SDK has changed: is this still needed?"
        self._deadlock_timeout_seconds = HUNG_SECONDS

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_WorkflowWorker, "__init__", patient)
        yield


@pytest.fixture(scope="session")
def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server, in memory, with virtual time switched on."""
    with serving(tmp_path_factory.mktemp("temporal")) as address:
        yield address


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """A server in memory, with virtual time switched on, and its address."""
    settings = Settings(home=home)
    ready, stop = threading.Event(), threading.Event()
    found: list[str] = []

    async def serve() -> None:
        async with embedded_server(settings, in_memory=True, ui=False) as server:
            found.append(server.address)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(60), "the test server did not start"
    yield found[0]
    stop.set()
    thread.join(30)
