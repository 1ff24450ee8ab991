"""Webhooks out: what a run carries, what is posted, and what came back."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from keepwell.contracts.base import Frozen

WebhookState = Literal["waiting", "delivered", "failed"]
"""Where the delivery of an event to an endpoint stands."""


class WebhookCall(Frozen):
    """One event for one endpoint, as its run carries it: ids alone, no text and no secret."""

    organisation: str
    delivery: str


class WebhookGivenUp(Frozen):
    """A delivery whose time is over, and why."""

    organisation: str
    delivery: str
    why: str


class WebhookPass(Frozen):
    """Hand over what waits, and go on looking for so many seconds."""

    organisation: str
    seconds: float = 600.0


class WebhooksHanded(Frozen):
    """How many deliveries were handed over to runs of their own."""

    handed: int = 0


class WaitingWebhook(Frozen):
    """A delivery that no run has yet; `kind` is its event's."""

    id: str
    kind: str


class WebhookPost(Frozen):
    """What is posted. `secrets` sign it, the newest first; `attempts` is how many there were before.

    It stays within the process: Temporal never sees it.
    """

    delivery: str
    event: str
    url: str
    secrets: tuple[str, ...]
    body: str
    attempts: int


class WebhookAnswer(Frozen):
    """What a call came to. `status` is None where no answer came, `why` then says why.

    `refused` means that we do not call such an address; it is not tried again.
    """

    status: int | None
    why: str
    milliseconds: int
    retry_after: timedelta | None = None
    refused: bool = False

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300
