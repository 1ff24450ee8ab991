"""What `keepwell serve` does beside answering: tell runs what came in, and tell Slack what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.client import Client

from keepwell.api.door import Door
from keepwell.api.slack import desk
from keepwell.api.slack_answers import SlackAnswers
from keepwell.db.repositories.pending import PendingRepository
from keepwell.errors import KeepwellError
from keepwell.temporal.pending import Teller

log = logging.getLogger("keepwell.teller")

EVERY: Final = 1.0
"""Seconds between two looks, where nothing rings before."""

LONGEST_REST: Final = 30.0
"""Seconds between two looks while no server answers."""

Look = Callable[[], Awaitable[object]]


class Bell:
    """Wakes those that wait for work; any thread may ring it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: list[asyncio.Event] = []

    def listen(self) -> asyncio.Event:
        """An event that is set at each ring."""
        event = asyncio.Event()
        self._events.append(event)
        return event

    def ring(self) -> None:
        """There may be work."""
        with suppress(RuntimeError):
            # The loop may be closed while a last thread still rings.
            self._loop.call_soon_threadsafe(self._set)

    def _set(self) -> None:
        for event in self._events:
            event.set()


class Courier:
    """Tells what is due. It connects when there is something to tell, and again after a failure."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pending = PendingRepository(door.store)
        self._client: Client | None = None

    async def look(self) -> None:
        """One look.

        Raises:
            KeepwellError: no server answers, or the database does not. Nothing is lost.
        """
        now = datetime.now(UTC)
        if not await asyncio.to_thread(self._pending.due, now):
            return
        try:
            self._client = self._client or await self._door.connect(self._door.settings)
            await Teller(self._client, self._pending).tell(now)
        except KeepwellError:
            # An embedded server that was started again has another address.
            self._client = None
            raise


@asynccontextmanager
async def beside(door: Door) -> AsyncIterator[Bell]:
    """Both go on in the background until the process ends; the bell wakes them at once."""
    bell = Bell()
    looks: list[Look] = [Courier(door).look]
    if door.settings.slack_token is not None and door.settings.slack_signing_secret is not None:
        answers = SlackAnswers(door.store, desk(door), bell.ring)
        looks.append(lambda: asyncio.to_thread(answers.step, datetime.now(UTC)))
    tasks = [asyncio.create_task(again_and_again(look, bell.listen())) for look in looks]
    try:
        yield bell
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def again_and_again(look: Look, bell: asyncio.Event) -> None:
    """Look, and rest: longer after each failure, and not at all after a ring."""
    rest = EVERY
    while True:
        bell.clear()
        try:
            await look()
        except KeepwellError as error:
            rest = min(rest * 2, LONGEST_REST)
            log.warning("%s Nothing is lost; looked at again in %.0f s", error.message, rest)
        except Exception:
            rest = min(rest * 2, LONGEST_REST)
            log.exception("A look failed; it is made again in %.0f s", rest)
        else:
            rest = EVERY
        # Not wait_for: in Python 3.11 a ring at the moment of the cancellation would swallow it.
        with suppress(TimeoutError):
            async with asyncio.timeout(rest):
                await bell.wait()


class RingAfter:
    """Rings after every request that may have put something to be told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, then ring."""
        await self._app(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            bell = getattr(scope["app"].state, "bell", None) if "app" in scope else None
            if bell is not None:
                bell.ring()
