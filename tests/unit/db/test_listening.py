"""Who listens is woken by what is committed, and goes on listening when the line breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from keepwell.db import listening
from keepwell.db.engine import Store
from keepwell.db.listening import listen
from keepwell.db.repositories.live import CHANNEL, About, tell

ORGANISATION = "org-1"


def change(store: Store) -> None:
    with store.write() as session:
        tell(session, ORGANISATION, About.SCORE, ["acme"])


async def woken(woke: asyncio.Event, seconds: float) -> bool:
    """Whether it is woken in this time."""
    try:
        async with asyncio.timeout(seconds):
            await woke.wait()
    except TimeoutError:
        return False
    return True


def listening_to(store: Store, act: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    async def run() -> None:
        woke = asyncio.Event()
        task = asyncio.create_task(listen(store, woke.set))
        assert await woken(woke, 60), "once at the beginning, for what came before"
        woke.clear()
        try:
            await act(woke)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_change_wakes_who_listens(store: Store) -> None:
    async def act(woke: asyncio.Event) -> None:
        await asyncio.to_thread(change, store)
        assert await woken(woke, 60)

    listening_to(store, act)


def test_postgresql_wakes_at_the_commit_and_not_before(postgresql_url: str) -> None:
    store = Store(postgresql_url)

    async def act(woke: asyncio.Event) -> None:
        with store.write() as session:
            tell(session, ORGANISATION, About.SCORE, ["acme"])
            assert not await woken(woke, 0.5)
        assert await woken(woke, 60)

    listening_to(store, act)
    store.dispose()


def test_a_line_that_breaks_is_opened_again(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "AGAIN", 0.1)
    store = Store(postgresql_url)

    def cut() -> int:
        with store.write() as session:
            # Tests beside this one may listen on the same server, in databases of their own.
            query = text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query = :said"
            )
            return len(session.connection().execute(query, {"said": f"LISTEN {CHANNEL}"}).all())

    async def act(woke: asyncio.Event) -> None:
        assert await asyncio.to_thread(cut) == 1
        assert await woken(woke, 60), "it looks, as it may have missed something"
        for _ in range(50):
            woke.clear()
            await asyncio.to_thread(change, store)
            if await woken(woke, 0.3):
                break
        else:
            raise AssertionError("it does not listen any more")

    listening_to(store, act)
    store.dispose()
