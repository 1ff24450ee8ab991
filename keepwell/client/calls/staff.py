"""Calls of staff. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.customer_work import AllReassigned
from keepwell.client.core import Call, Group, Listing, Sender, at, endpoint, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_staff import StaffLine


class StaffCalls(Group[Sender]):
    """Calls of staff."""

    @listing
    def list(self, *, active: bool | None = None) -> Listing[StaffLine]:
        """The staff by name, who is away, and how many customers each owns."""
        return Listing("GET", "/api/v1/staff", Page[StaffLine], query={"active": active}, items="items")

    @endpoint
    def reassign_all(self, staff: str, *, to: str) -> Call[AllReassigned]:
        """As when somebody leaves."""
        return Call("POST", at("/api/v1/staff/{staff}/reassign", staff=staff), AllReassigned, body={"to": to})
