"""When to look again: PostgreSQL says so, SQLite is asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import psycopg

from keepwell.db.engine import REACHABLE, Store
from keepwell.db.repositories.live import CHANNEL

log = logging.getLogger("keepwell.live")

EVERY: Final = 0.5
"""Seconds between two looks at SQLite: each is one step down an index."""

QUIET: Final = 15.0
"""Seconds without a notice after which PostgreSQL is looked at all the same: so a line that is dead without a
word, or a pooler that swallows notices, costs promptness and loses nothing."""

AGAIN: Final = 3.0
"""Seconds until the next attempt to listen. Meanwhile each is a look as well."""


async def listen(store: Store, wake: Callable[[], object]) -> None:
    """Call `wake` whenever there may be something new, until cancelled."""
    if store.url.get_backend_name() == "sqlite":
        while True:
            await asyncio.sleep(EVERY)
            wake()
    while True:
        try:
            await _hear(store, wake)
        except (psycopg.Error, OSError) as error:
            log.warning("Changes are not heard of at once: PostgreSQL does not let us listen: %s", error)
            wake()
        await asyncio.sleep(AGAIN)


async def _hear(store: Store, wake: Callable[[], object]) -> None:
    url = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    given: dict[str, Any] = {name: value for name, value in REACHABLE.items() if name not in store.url.query}
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, **given)
    async with connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        # What was committed before this moment nobody tells of.
        wake()
        while True:
            async for _ in connection.notifies(timeout=QUIET):
                wake()
            await connection.execute("SELECT 1")
            wake()
