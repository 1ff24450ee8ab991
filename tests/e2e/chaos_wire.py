"""The way to the database in the chaos test, and how it is cut.

PostgreSQL is reached through a proxy in a process of its own, which is killed (-9): every connection breaks
in the middle of whatever it did, and nobody can connect until the proxy is back. A SQLite file cannot be cut
off; what happens to it in life is that another program holds its lock for longer than anybody waits.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import URL, make_url

from keepwell.db.engine import BUSY_SECONDS
from tests.ports import KeptPort

ROOT = Path(__file__).parents[2]
HOLD = """
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
held.execute("BEGIN IMMEDIATE")
time.sleep(float(sys.argv[2]))
"""


class Wire(Protocol):
    """`url` leads to the database for everybody; `cut` takes it from all of them for some seconds."""

    url: str

    async def there(self) -> None:
        """Wait until it leads there."""

    async def cut(self, seconds: float) -> None:
        """Cut it; it is back when this returns."""


class Proxied:
    """A PostgreSQL behind a proxy."""

    def __init__(self, database: URL) -> None:
        self._port = KeptPort()
        host = database.query.get("host") or database.host or "127.0.0.1"
        self._target = [str(host), str(database.port or 5432)]
        rest = {name: value for name, value in database.query.items() if name != "host"}
        whole = database.set(host="127.0.0.1", port=self._port.number, query=rest)
        self.url = whole.render_as_string(hide_password=False)
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.e2e.chaos_proxy", str(self._port.number), *self._target]
        return subprocess.Popen(command, cwd=ROOT)

    async def there(self) -> None:
        """Wait until it takes connections."""
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port.number)
            except OSError:
                assert self._process.poll() is None, "the proxy has ended"
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    async def cut(self, seconds: float) -> None:
        """Kill the proxy, and bring it back."""
        self.end()
        await asyncio.sleep(seconds)
        self._process = self._started()
        await self.there()

    def end(self) -> None:
        """Kill the proxy."""
        self._process.kill()
        self._process.wait(60)

    def close(self) -> None:
        """Kill it for good."""
        self.end()
        self._port.give_back()


class Locked:
    """A SQLite file that another process locks."""

    def __init__(self, database: URL) -> None:
        self.url = database.render_as_string(hide_password=False)
        self._path = str(database.database)

    async def there(self) -> None:
        """A file always is."""

    async def cut(self, seconds: float) -> None:
        """Hold the lock so long that who waits for it gives up, and for these seconds more."""
        command = [sys.executable, "-c", HOLD, self._path, str(BUSY_SECONDS + seconds)]
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0


@contextmanager
def wire(url: str) -> Iterator[Wire]:
    """The way to this database; nothing of ours stands in it after the block."""
    database = make_url(url)
    if database.get_backend_name() == "sqlite":
        yield Locked(database)
        return
    proxied = Proxied(database)
    try:
        yield proxied
    finally:
        proxied.close()
