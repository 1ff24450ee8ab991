"""Calls of views. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.views import ViewAnswer
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.saved_views import ViewLine


class ViewsCalls(Group[Sender]):
    """Calls of views."""

    @listing
    def list(self) -> Listing[ViewLine]:
        """One's own views, then those that everybody has."""
        return Listing("GET", "/api/v1/views", Page[ViewLine], items="items")

    @endpoint
    def put(self, name: str, *, query: str, shared: bool | Omitted = OMITTED) -> Call[ViewAnswer]:
        """Keep a view under a name, in place of one that has it."""
        return Call(
            "PUT", at("/api/v1/views/{name}", name=name), ViewAnswer, body={"query": query, "shared": shared}
        )

    @endpoint
    def remove(self, name: str, *, shared: bool | None = None) -> Call[ViewAnswer]:
        """Take a view away."""
        return Call("DELETE", at("/api/v1/views/{name}", name=name), ViewAnswer, query={"shared": shared})
