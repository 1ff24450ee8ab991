"""Answers that are dear to compute, kept for a moment: many who ask at once cost as much as one.

Figures of all customers are one pass over them. What is kept is given again only while nothing has been told
of since (`views_live.where_now`), by nobody in this process either (`forget`), and for `SECONDS` at most: a
change to customers that another process makes is told of by nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Final, TypeVar, cast

from sqlmodel import Session
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keepwell.db.repositories.views_live import where_now

SECONDS: Final = 3.0
"""So old may an answer be."""

MOST: Final = 500
"""So many answers; of more, all are forgotten."""

Answer = TypeVar("Answer")


class _Place:
    """One answer, and the lock under which one asker computes it while the others wait for it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.seen: object = None
        self.began = float("-inf")
        self.answer: object = None


class Kept:
    """The answers of one process. Keys begin with the organisation whose answer it is."""

    def __init__(self) -> None:
        self._places: dict[Hashable, _Place] = {}
        self._lock = Lock()
        self._forgotten = 0

    def of(
        self, session: Session, organisation: str, asked: Hashable, compute: Callable[[], Answer]
    ) -> Answer:
        """The answer to what an organisation asked; computed where what is kept may be of before.

        `asked` names the function and everything it is given beside the moment. `compute` reads by `session`.
        """
        asked_at, position = time.monotonic(), where_now(session)
        seen = (position.end, position.open, self._forgotten)
        place = self._place((organisation, asked))
        with place.lock:
            began = time.monotonic()
            fresh = place.seen == seen and began - place.began < SECONDS
            # What another asker has begun to compute since this one asked is new enough for both.
            if not fresh and place.began < asked_at:
                place.answer = compute()
                # Last: a compute that fails leaves what is there as old as it was.
                place.seen, place.began = seen, began
            return cast(Answer, place.answer)

    def forget(self) -> None:
        """This process has written: nothing that was kept before is given again."""
        self._forgotten += 1

    def _place(self, key: Hashable) -> _Place:
        with self._lock:
            if len(self._places) >= MOST and key not in self._places:
                self._places.clear()
            return self._places.setdefault(key, _Place())


class ForgetAfter:
    """Whoever has changed something through this process finds it in what they ask next."""

    def __init__(self, app: ASGIApp, kept: Kept) -> None:
        self._app, self._kept = app, kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; forget before its answer begins."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._kept.forget()
            await send(message)

        await self._app(scope, receive, sending)
