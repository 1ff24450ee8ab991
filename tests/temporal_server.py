"""One in-memory Temporal server with a virtual clock for all tests of a session."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keepwell.settings import Settings
from keepwell.temporal.embedded import embedded_server


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
