"""One in-memory Temporal server with a virtual clock for all tests of a session."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from keepwell.settings import Settings
from keepwell.temporal.embedded import embedded_server


@pytest.fixture(scope="session")
def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server, in memory, with virtual time switched on."""
    settings = Settings(home=tmp_path_factory.mktemp("temporal"))
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
