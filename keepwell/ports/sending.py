"""What one message needs: recipient, gate, text, ledger, approval, channel."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from keepwell.contracts.delivery import (
    Accepted,
    DeliveryState,
    DoNotGo,
    Found,
    GateAnswer,
    GoAt,
    LedgerRow,
    LeftOver,
    Message,
    Recipient,
    WaitsFor,
    WaysBack,
)
from keepwell.contracts.drafts import Approval, Frame, Proposal, Waits
from keepwell.contracts.intervention import (
    StepCall,
)
from keepwell.contracts.playbook import Audience, Sender
from keepwell.contracts.rendering import Rendered

Look = Callable[[], AbstractContextManager[None]]
"""Opens a look at the store: what asks it within shares what was found already. Nothing is written in it."""


class Directory(Protocol):
    """Who is who at a customer's and among the staff."""

    def recipients(self, call: StepCall, audience: Audience, channel: str) -> tuple[Recipient, ...] | str:
        """Whom the audience means now, best first; or the reason why nobody."""
        ...

    def sender(self, call: StepCall, sender: Sender) -> tuple[str, str]:
        """Name and address in whose name a message goes out."""
        ...

    def ways_back(self, call: StepCall, row: LedgerRow, channel: str) -> WaysBack:
        """How the reader of this message answers and leaves; all empty for staff and outside of emails."""
        ...


class Gate(Protocol):
    """Asked before every attempt."""

    def ask(self, call: StepCall, recipient: Recipient, channel: str) -> GateAnswer:
        """Now, at a moment, or not at all, with the reason."""
        ...


class Renderer(Protocol):
    """Turns a pinned template and the customer's own figures into text."""

    def render(
        self,
        call: StepCall,
        template: str,
        *,
        recipient: Recipient | None = None,
        sender: Sender = Sender.COMPANY,
        notice: str = "",
    ) -> Rendered:
        """Render `template` (by its name in the playbook) for this step.

        `notice` is the reason why the step was not done, for templates that say so to a person.
        """
        ...

    def frame(self, call: StepCall, recipient: Recipient, sender: Sender) -> Frame:
        """The layout and the footer that an email to this recipient gets whose text a person changes."""
        ...


class Ledger(Protocol):
    """The send ledger. Each method is one committed transaction."""

    def plan(self, call: StepCall, key: str, recipient: Recipient, channel: str) -> LedgerRow:
        """The row under the key, made as `planned` where it is missing."""
        ...

    def readdress(self, call: StepCall, seen: LedgerRow, recipient: Recipient) -> LedgerRow:
        """Let a message that waits go to somebody else, under its key; the row as it is now."""
        ...

    def rows_of(self, call: StepCall) -> tuple[LedgerRow, ...]:
        """The rows of a step, however many recipients it has tried."""
        ...

    def begin(self, call: StepCall, key: str, lease: str, until: datetime) -> bool | GoAt | DoNotGo:
        """Take the row for one attempt: `sending`, committed; False where another attempt holds it.

        Where a cap leaves no room, nothing is taken, and the answer is when to ask again.
        """
        ...

    def accept(self, call: StepCall, key: str, message: Message | None, accepted: Accepted) -> None:
        """The provider took it: row, step and timeline in one transaction."""
        ...

    def settle(
        self,
        call: StepCall,
        seen: LedgerRow,
        state: DeliveryState,
        reason: str,
        *,
        deferred_until: datetime | None = None,
        waits_for: WaitsFor | None = None,
    ) -> bool:
        """Give the row another state, with the reason, if it still is as it was seen."""
        ...

    def left_over(self, organisation: str, before: datetime) -> tuple[LeftOver, ...]:
        """Rows in `sending` whose lease ended before this moment and whose step is over."""
        ...

    def resolve(self, key: str, found: Found, now: datetime) -> None:
        """Write what the provider says of a row that was left over."""
        ...


class Drafts(Protocol):
    """Messages that wait for a person's word. Each method may be called again."""

    def stand(self, call: StepCall, row: LedgerRow) -> Approval:
        """Whether the message may go without approval, needs a draft, or what has become of its draft."""
        ...

    def keep(self, call: StepCall, row: LedgerRow, proposal: Proposal) -> Waits:
        """Keep the draft, put the step off, and give its owner the task to decide, once each."""
        ...


class ChannelAdapter(Protocol):
    """A way out: SendGrid, Slack, the outbox, …"""

    def send(self, message: Message) -> Accepted:
        """Hand the message over.

        Raises:
            SendRefusedError: the provider said no; `retryable` says whether later may help.
            Any other error, SendUnknownError first of all, means that nobody knows whether it was taken.
        """
        ...

    def find(self, key: str, address: str) -> Found:
        """Ask the provider for a message by its key; `address` is where it went."""
        ...
