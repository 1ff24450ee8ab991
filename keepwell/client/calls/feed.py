"""Calls of feed. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from keepwell.client.core import Call, Group, Sender, at, endpoint
from keepwell.db.repositories.feed import FeedCount, FeedItem, FeedPage


class FeedCalls(Group[Sender]):
    """Calls of feed."""

    @endpoint
    def all_read(self, *, until: str) -> Call[FeedCount]:
        """All up to this one were read, also those that are not on the page."""
        return Call("POST", "/api/v1/feed/all/read", FeedCount, body={"until": until})

    @endpoint
    def count(self) -> Call[FeedCount]:
        """How many are unseen and unread."""
        return Call("GET", "/api/v1/feed/count", FeedCount)

    @endpoint
    def move(self, notification: str, to: Literal["read", "dismissed", "acted_on"]) -> Call[FeedItem]:
        """One was read, dismissed or acted on."""
        return Call(
            "POST", at("/api/v1/feed/{notification}/{to}", notification=notification, to=to), FeedItem
        )

    @endpoint
    def page(self, *, limit: int | None = None, before: str | None = None) -> Call[FeedPage]:
        """The newest notifications, or those older than the one with the id `before`."""
        return Call("GET", "/api/v1/feed", FeedPage, query={"limit": limit, "before": before})

    @endpoint
    def seen(self, *, ids: Sequence[str]) -> Call[FeedCount]:
        """They were on the screen."""
        return Call("POST", "/api/v1/feed/seen", FeedCount, body={"ids": ids})
