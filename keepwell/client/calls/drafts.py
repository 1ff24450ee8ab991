"""Calls of drafts. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from keepwell.api.v1.asked import Outcomes
from keepwell.api.v1.drafts import DraftAnswer
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_drafts import DraftDetail, DraftLine


class DraftsCalls(Group[Sender]):
    """Calls of drafts."""

    @endpoint
    def approve(
        self, draft: str, *, subject: str | Omitted | None = OMITTED, text: str | Omitted | None = OMITTED
    ) -> Call[DraftAnswer]:
        """As it is, or with another subject or text, which are changed first."""
        return Call(
            "POST",
            at("/api/v1/drafts/{draft}/approve", draft=draft),
            DraftAnswer,
            body={"subject": subject, "text": text},
        )

    @endpoint
    def decide_many(
        self, *, ids: Sequence[str], decision: Literal["approve", "reject"], reason: str | Omitted = OMITTED
    ) -> Call[Outcomes]:
        """Each in a transaction of its own; what became of each is in the answer."""
        return Call(
            "POST", "/api/v1/drafts/bulk", Outcomes, body={"ids": ids, "decision": decision, "reason": reason}
        )

    @endpoint
    def edit(
        self, draft: str, *, subject: str | Omitted | None = OMITTED, text: str | Omitted | None = OMITTED
    ) -> Call[DraftAnswer]:
        """It still waits."""
        return Call(
            "POST",
            at("/api/v1/drafts/{draft}/edit", draft=draft),
            DraftAnswer,
            body={"subject": subject, "text": text},
        )

    @endpoint
    def get(self, draft: str) -> Call[DraftDetail]:
        """With the part of it that may be changed, and what was changed."""
        return Call("GET", at("/api/v1/drafts/{draft}", draft=draft), DraftDetail)

    @listing
    def list(
        self,
        *,
        playbook: str | None = None,
        customer: str | None = None,
        owner: str | None = None,
        state: Literal["waiting", "all"] | None = None,
        limit: int | None = None,
    ) -> Listing[DraftLine]:
        """What nobody has approved by its time is not sent, and becomes a task."""
        return Listing(
            "GET",
            "/api/v1/drafts",
            Page[DraftLine],
            query={
                "playbook": playbook,
                "customer": customer,
                "owner": owner,
                "state": state,
                "limit": limit,
            },
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        playbook: str | None = None,
        customer: str | None = None,
        owner: str | None = None,
        state: Literal["waiting", "all"] | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[Page[DraftLine]]:
        """What nobody has approved by its time is not sent, and becomes a task."""
        return Call(
            "GET",
            "/api/v1/drafts",
            Page[DraftLine],
            query={
                "playbook": playbook,
                "customer": customer,
                "owner": owner,
                "state": state,
                "cursor": cursor,
                "limit": limit,
            },
        )

    @endpoint
    def reject(self, draft: str, *, reason: str) -> Call[DraftAnswer]:
        """Its step is left out, and nobody is asked to do it by hand."""
        return Call(
            "POST", at("/api/v1/drafts/{draft}/reject", draft=draft), DraftAnswer, body={"reason": reason}
        )
