"""Who listens, and the one look at the store that serves everybody who does.

A look reads what has changed since the one before (`views_live`), puts it into words once for each
organisation and socket, and gives each listener what concerns it. Nobody waits for anybody: a listener has
a queue of its own, and who lets it run full is hung up on. Who comes back names the last cursor they got; the
next look then reads what they missed, up to the same moment as for everybody: nothing is told twice or left
out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from starlette.concurrency import run_in_threadpool

from keepwell.api.sockets.line import ENDED, TOO_SLOW, HangUpError
from keepwell.api.sockets.look import Look, Told
from keepwell.api.sockets.messages import PING, Message
from keepwell.api.sockets.topics import Topic
from keepwell.api.sockets.who import Visitor, still_welcome
from keepwell.db.engine import Store
from keepwell.db.listening import listen
from keepwell.db.repositories.views_live import Position
from keepwell.errors import KeepwellError

log = logging.getLogger("keepwell.live")

WINDOWS = 20
"""Listeners of one account or key, over all sockets."""

KEPT: Final = 500
"""Messages kept for a listener that is slow."""

BREATH = 0.2
"""Seconds after a look in which further changes gather for the next one."""

QUIET = 25.0
"""Seconds without a message after which a ping says that the line is alive."""

WELCOME = 20.0
"""Seconds between two looks at whether keys and sessions still hold."""


class Listener:
    """One open socket. `next()` waits for something to send."""

    def __init__(
        self, topic: Topic, visitor: Visitor, *, customer: str | None, since: Position | None
    ) -> None:
        self.topic, self.visitor, self.customer, self.since = topic, visitor, customer, since
        self.organisation = visitor.who.organisation_id
        self._cursor = since.cursor if since else ""
        self._queue: deque[str] = deque()
        self._waiting = asyncio.Event()
        self._code: int | None = None

    def tell(self, messages: Iterable[Message], cursor: str) -> None:
        """Put messages into the queue. Only the last one carries the new cursor: who is cut off before it
        comes back for all of them."""
        ours = [one for one in messages if self.customer is None or one.customer in (None, self.customer)]
        for one in ours[:-1]:
            self._queue.append(one.at(self._cursor or cursor))
        self._cursor = cursor
        if ours:
            self._queue.append(ours[-1].at(cursor))
            self._waiting.set()
        if len(self._queue) > KEPT:
            self.end(TOO_SLOW)

    def end(self, code: int) -> None:
        """Hang up on it."""
        self._code = code
        self._waiting.set()

    async def next(self) -> str:
        """What to send next; a ping where there is nothing for long.

        Raises:
            HangUpError: it is to be hung up on.
        """
        if not self._queue and self._code is None:
            self._waiting.clear()
            try:
                async with asyncio.timeout(QUIET):
                    await self._waiting.wait()
            except TimeoutError:
                return PING.at(self._cursor)
        if self._code is not None:
            raise HangUpError(self._code)
        return self._queue.popleft()


class LiveHub:
    """The listeners of one process. It looks at the store as long as there is one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._look = Look(store)
        self._listeners: set[Listener] = set()
        self._joining: list[Listener] = []
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._of: Counter[str] = Counter()

    def join(self, listener: Listener) -> bool:
        """Let it listen from the next look on, which is at once; False where they have too many windows."""
        if self._of[listener.visitor.account] >= WINDOWS:
            return False
        self._of[listener.visitor.account] += 1
        self._joining.append(listener)
        self._wake.set()
        if not any(task for task in self._tasks if not task.done() and not task.cancelling()):
            self._look = Look(self._store)
            work = (self._look_on(), listen(self._store, self._wake.set), self._check_on())
            self._tasks = [asyncio.create_task(one) for one in work]
        return True

    def leave(self, listener: Listener) -> None:
        """It has gone."""
        self._of[listener.visitor.account] -= 1
        self._of += Counter()
        self._listeners.discard(listener)
        if listener in self._joining:
            self._joining.remove(listener)
        if not self._listeners and not self._joining:
            for task in self._tasks:
                task.cancel()

    async def _look_on(self) -> None:
        while True:
            # Not wait_for: in Python 3.11 a wake at the moment of the cancellation would swallow it.
            try:
                async with asyncio.timeout(self._look.figures_in(time.monotonic())):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._once()
            await asyncio.sleep(BREATH)

    async def _once(self) -> None:
        listening, joining = tuple(self._listeners), tuple(self._joining)
        try:
            told = await run_in_threadpool(self._look.read, listening, joining, time.monotonic())
        except KeepwellError as error:
            log.warning("Changes could not be looked at: %s", error.message)
        except Exception:
            # Who listens would else wait for ever for what nobody looks for any more.
            log.exception("Changes could not be looked at")
        else:
            self._tell(told, listening, joining)
            return
        await asyncio.sleep(1)
        self._wake.set()

    def _tell(self, told: Told, listening: Sequence[Listener], joining: Sequence[Listener]) -> None:
        for one in listening:
            one.tell(told.messages.get((one.organisation, one.topic), ()), told.cursor)
        for one in joining:
            # Whoever has gone meanwhile is not there any more.
            if one in self._joining:
                self._joining.remove(one)
                self._listeners.add(one)
                one.tell(told.first[one], told.cursor)

    async def _check_on(self) -> None:
        while True:
            await asyncio.sleep(WELCOME)
            visitors = {one.visitor for one in (*self._listeners, *self._joining)}
            try:
                welcome = await run_in_threadpool(still_welcome, self._store, visitors, datetime.now(UTC))
            except KeepwellError as error:
                log.warning("Who listens could not be looked at: %s", error.message)
                continue
            except Exception:
                # Else nobody would ever be hung up on again.
                log.exception("Who listens could not be looked at")
                continue
            for one in (*self._listeners, *self._joining):
                if one.visitor in visitors and one.visitor not in welcome:
                    one.end(ENDED)
