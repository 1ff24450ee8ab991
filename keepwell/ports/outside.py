"""Commands that come from outside, and events that go there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from keepwell.contracts.pending import Told, WaitingCommand
from keepwell.contracts.webhooks import (
    WaitingWebhook,
    WebhookAnswer,
    WebhookCall,
    WebhookPost,
    WebhookState,
)


class PendingCommands(Protocol):
    """Commands from outside in the store. Each method is one transaction and may be called again."""

    def due(self, now: datetime) -> tuple[WaitingCommand, ...]:
        """What is to be told now, in its order; of all organisations."""
        ...

    def settle(self, key: str, now: datetime) -> None:
        """It was told."""
        ...

    def refuse(self, key: str, why: str, now: datetime) -> None:
        """There is no run that could hear it."""
        ...

    def rest(self, key: str, why: str, now: datetime) -> None:
        """It could not be told: later again."""
        ...


class Telling(Protocol):
    """Brings commands from outside to their runs."""

    async def tell(self, now: datetime) -> Told:
        """Tell what is due.

        Raises:
            ServerUnavailableError: no server answers; nothing is lost.
        """
        ...


class Webhooks(Protocol):
    """Deliveries of events to endpoints. Each method is one transaction and may be called again."""

    def waiting(self, organisation: str, now: datetime) -> tuple[WaitingWebhook, ...]:
        """Deliveries to hand over now, for each endpoint as many as it may have under way."""
        ...

    def handed(self, deliveries: Sequence[str], now: datetime) -> None:
        """Note that their runs were started."""
        ...

    def begin(self, delivery: str, now: datetime) -> WebhookPost | None:
        """What is to be posted; None where nothing is any more."""
        ...

    def note(self, delivery: str, answer: WebhookAnswer, now: datetime) -> WebhookState:
        """Write what a call came to; where the delivery stands then."""
        ...

    def give_up(self, delivery: str, why: str, now: datetime) -> None:
        """The time of a delivery is over."""
        ...


class WebhookCaller(Protocol):
    """Calls endpoints."""

    def call(self, post: WebhookPost, at: datetime) -> WebhookAnswer:
        """Call once, signed as of `at`; whatever comes of it is an answer."""
        ...


class WebhookRuns(Protocol):
    """Starts the runs of deliveries."""

    async def start(self, call: WebhookCall, kind: str) -> None:
        """Start the delivery's run; the same again finds the one under way."""
        ...
