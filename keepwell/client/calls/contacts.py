"""Calls of contacts. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.wishes import WishAnswer
from keepwell.client.core import Call, Group, Sender, at, endpoint
from keepwell.contracts.people import Consent, Purpose
from keepwell.db.repositories.views_wishes import ContactWishes


class ContactsCalls(Group[Sender]):
    """Calls of contacts."""

    @endpoint
    def get_wishes(self, contact: str) -> Call[ContactWishes]:
        """By purpose and channel, with what keeps us from writing."""
        return Call("GET", at("/api/v1/contacts/{contact}/wishes", contact=contact), ContactWishes)

    @endpoint
    def set_consent(self, contact: str, *, consent: Consent, why: str) -> Call[WishAnswer]:
        """As they told you."""
        return Call(
            "POST",
            at("/api/v1/contacts/{contact}/consent", contact=contact),
            WishAnswer,
            body={"consent": consent, "why": why},
        )

    @endpoint
    def set_wish(self, contact: str, *, purpose: Purpose, wanted: bool, why: str) -> Call[WishAnswer]:
        """As they told you."""
        return Call(
            "POST",
            at("/api/v1/contacts/{contact}/wishes", contact=contact),
            WishAnswer,
            body={"purpose": purpose, "wanted": wanted, "why": why},
        )
