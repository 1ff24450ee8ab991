"""Calls of letters. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.client.core import Call, Group, Listing, Sender, at, endpoint, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_inbox import LetterDetail, LetterLine


class LettersCalls(Group[Sender]):
    """Calls of letters."""

    @endpoint
    def get(self, letter: str) -> Call[LetterDetail]:
        """As plain text, with the message that it answers."""
        return Call("GET", at("/api/v1/letters/{letter}", letter=letter), LetterDetail)

    @listing
    def list(
        self, *, customer: str | None = None, automatic: bool | None = None, limit: int | None = None
    ) -> Listing[LetterLine]:
        """What customers wrote back; `effect` says what was made of each."""
        return Listing(
            "GET",
            "/api/v1/letters",
            Page[LetterLine],
            query={"customer": customer, "automatic": automatic, "limit": limit},
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        customer: str | None = None,
        automatic: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[Page[LetterLine]]:
        """What customers wrote back; `effect` says what was made of each."""
        return Call(
            "GET",
            "/api/v1/letters",
            Page[LetterLine],
            query={"customer": customer, "automatic": automatic, "cursor": cursor, "limit": limit},
        )
