"""A worker on a real Temporal server beside the browser, on a loop of its own: Playwright holds this one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from keepwell.db.engine import Store
from tests.workflows.stage import PATIENCE, Stage, stage

Value = TypeVar("Value")


class Engine:
    """The stage of the tests of runs, driven from outside of its loop."""

    def __init__(self, opened: Stage, loop: asyncio.AbstractEventLoop) -> None:
        self.stage = opened
        self._loop = loop

    def do(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Let it do something, and wait until it has."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * PATIENCE)


@contextmanager
def running(store: Store, address: str) -> Iterator[Engine]:
    """A worker on a store, as long as the context lasts."""
    ready, stop = threading.Event(), threading.Event()
    found: list[Engine] = []

    async def work() -> None:
        async with stage(store, address) as opened:
            found.append(Engine(opened, asyncio.get_running_loop()))
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(work()), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE), "the worker did not start"
    yield found[0]
    stop.set()
    thread.join(PATIENCE)
