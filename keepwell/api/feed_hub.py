"""Who listens to which feed, and the one look at the store that serves them all.

Every second: one statement says where the feeds of all listening contacts stand; a second one fetches what is
new, where anything is. Nobody's slowness holds another up: a listener keeps only the latest count and the
newest notifications that it has not been sent yet.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool

from keepwell.db.engine import Store
from keepwell.db.repositories.feed import FeedItem, Standing, newer, standings
from keepwell.errors import KeepwellError

log = logging.getLogger("keepwell.feed")

EVERY = 1.0
"""Seconds between two looks."""

WINDOWS = 20
"""Listeners of one contact."""

KEPT = 20
"""Notifications kept for a listener who is slow; it finds older ones in the list."""

Message = dict[str, Any]


class Listener:
    """One browser window. `next()` waits for something to say."""

    def __init__(self, contact: str) -> None:
        self.contact = contact
        self._waiting = asyncio.Event()
        self._standing = Standing()
        self._new: deque[FeedItem] = deque(maxlen=KEPT)

    def tell(self, standing: Standing, new: list[FeedItem]) -> None:
        """The feed stands so now, and this is new in it."""
        self._standing = standing
        self._new.extend(new)
        self._waiting.set()

    async def next(self) -> Message:
        """What to send: the latest count, and what came since the last message."""
        await self._waiting.wait()
        self._waiting.clear()
        new = [item.model_dump(mode="json") for item in self._new]
        self._new.clear()
        return {"type": "feed", **self._standing.count.model_dump(), "new": new}


class FeedHub:
    """The listeners of one process. It looks at the store as long as there is one."""

    def __init__(self, store: Store, every: float | None = None) -> None:
        self._store = store
        self._every = EVERY if every is None else every
        self._listeners: dict[str, set[Listener]] = {}
        self._stand: dict[str, Standing] = {}
        self._looking: asyncio.Task[None] | None = None

    def join(self, contact: str) -> Listener | None:
        """A new listener, who is told at once where the feed stands; None where the contact has too many."""
        others = self._listeners.setdefault(contact, set())
        if len(others) >= WINDOWS:
            return None
        listener = Listener(contact)
        others.add(listener)
        if contact in self._stand:
            listener.tell(self._stand[contact], [])
        if self._looking is None or self._looking.done() or self._looking.cancelling():
            self._looking = asyncio.create_task(self._look_on())
        return listener

    def leave(self, listener: Listener) -> None:
        """A listener has gone."""
        others = self._listeners.get(listener.contact, set())
        others.discard(listener)
        if not others:
            self._listeners.pop(listener.contact, None)
            self._stand.pop(listener.contact, None)
        if not self._listeners and self._looking is not None:
            self._looking.cancel()

    async def _look_on(self) -> None:
        while self._listeners:
            try:
                await self._look()
            except KeepwellError as error:
                log.warning("The feeds could not be looked at: %s", error.message)
            except Exception:
                # Who listens would else wait for ever for what nobody looks for any more.
                log.exception("The feeds could not be looked at")
            await asyncio.sleep(self._every)

    async def _look(self) -> None:
        before = dict(self._stand)
        now, new = await run_in_threadpool(self._read, list(self._listeners), before)
        for contact, standing in now.items():
            if before.get(contact) == standing:
                continue
            # Whoever has come meanwhile hears of it too; whoever has gone is not there any more.
            for listener in self._listeners.get(contact, ()):
                listener.tell(standing, new.get(contact, []))
            if contact in self._listeners:
                self._stand[contact] = standing

    def _read(
        self, contacts: list[str], before: Mapping[str, Standing]
    ) -> tuple[dict[str, Standing], dict[str, list[FeedItem]]]:
        with self._store.read() as session:
            now = standings(session, contacts)
            grown = {
                contact: before[contact].newest
                for contact, standing in now.items()
                if contact in before and standing.newest > before[contact].newest
            }
            return now, newer(session, grown) if grown else {}
