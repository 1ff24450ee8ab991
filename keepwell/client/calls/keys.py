"""Calls of keys. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from keepwell.api.v1.keys import Keys
from keepwell.client.core import OMITTED, Call, Group, Omitted, Sender, at, endpoint
from keepwell.contracts.access import Permission
from keepwell.db.repositories.keys import KeyLine, NewKey


class KeysCalls(Group[Sender]):
    """Calls of keys."""

    @endpoint
    def list(self, *, revoked: bool | None = None) -> Call[Keys]:
        """The organisation's keys, without their texts."""
        return Call("GET", "/api/v1/keys", Keys, query={"revoked": revoked})

    @endpoint
    def make(
        self,
        *,
        name: str,
        scopes: Sequence[Permission],
        expires_at: datetime | Omitted | None = OMITTED,
        customer_id: str | Omitted | None = OMITTED,
    ) -> Call[NewKey]:
        """Make a key."""
        return Call(
            "POST",
            "/api/v1/keys",
            NewKey,
            body={"name": name, "scopes": scopes, "expires_at": expires_at, "customer_id": customer_id},
        )

    @endpoint
    def revoke(self, key: str) -> Call[KeyLine]:
        """Take a key back: from now on it lets nobody in."""
        return Call("DELETE", at("/api/v1/keys/{key}", key=key), KeyLine)
