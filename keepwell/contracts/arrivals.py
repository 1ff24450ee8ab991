"""What providers report of messages, and what comes in by email."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from keepwell.contracts.base import Frozen


class ReportKind(StrEnum):
    """What a provider reports of a message.

    Bounced: the address takes nothing any more. Blocked: not this time. Dropped: the provider did not even
    try. A machine's opening says nothing of a person. Unsubscribed is from everything, `LEFT_GROUP` from
    messages of this purpose. `OTHER` is what has no effect.
    """

    ACCEPTED = "accepted"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    DROPPED = "dropped"
    OPENED = "opened"
    OPENED_BY_MACHINE = "opened_by_machine"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    LEFT_GROUP = "left_group"
    COMPLAINED = "complained"
    OTHER = "other"


class Report(Frozen):
    """One thing that a provider reports; `event_id` is the provider's own, `key` the send ledger's.

    `why` is the provider's reason in its own words. `data` holds no personal data.
    """

    provider: str
    event_id: str = Field(min_length=1, max_length=120)
    kind: ReportKind
    key: str = Field(default="", max_length=240)
    message: str = ""
    at: datetime
    why: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


class Taken(Frozen):
    """What became of reports: how many were new, were there already, and could not be written."""

    new: int = 0
    repeated: int = 0
    failed: int = 0
