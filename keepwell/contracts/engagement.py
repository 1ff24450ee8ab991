"""Engagement events as they come in, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from keepwell.contracts.base import Frozen

OLDEST = timedelta(days=730)
"""An older event says nothing of anybody's engagement."""

AHEAD = timedelta(minutes=10)
"""By so much a sender's clock may be ahead of ours."""


class NewEvent(Frozen):
    """An event to store. `key` makes it once in its organisation; `customer` is our id."""

    customer: str
    key: str
    kind: str
    at: datetime
    data: Mapping[str, Any] = Field(default_factory=dict)


class EventsStored(Frozen):
    """What followed from new events: ids of alerts that were raised, and how many were closed."""

    raised: tuple[str, ...] = ()
    closed: int = 0
