"""What activities need from the world. The store, channels and renderer implement these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from keepwell.contracts.campaigns import UpgradeSeen, WaitingCustomer
from keepwell.contracts.delivery import (
    Accepted,
    Attachment,
    DeliveryState,
    Found,
    GateAnswer,
    LedgerRow,
    LeftOver,
    Message,
    Recipient,
)
from keepwell.contracts.intervention import (
    Ended,
    Ending,
    Miss,
    NotOpened,
    Opened,
    OpenRequest,
    Record,
    Recorded,
    Refusal,
    StepCall,
    StepResult,
)
from keepwell.contracts.playbook import Audience, Offer, Playbook, Sender
from keepwell.contracts.rendering import Rendered
from keepwell.contracts.scoring import (
    CustomerScored,
    Handed,
    PartitionCall,
    PartitionResult,
    PendingTransition,
    ScorePlan,
    ScoreRequest,
    ScoreSummary,
)
from scoring.levels import Level
from scoring.signal import Signal


class Playbooks(Protocol):
    """The playbooks in force now."""

    def for_level(self, level: Level) -> Playbook | None:
        """The current playbook for a risk level with its templates pinned, None where there is none."""
        ...

    def for_signal(self, signal: Signal) -> Playbook | None:
        """The same for an expansion signal."""
        ...


class Interventions(Protocol):
    """Interventions in the store. Each method is one transaction and may be called again."""

    def open(self, request: OpenRequest) -> Opened | NotOpened:
        """Claim the transition and open the intervention, or decide that it opens none."""
        ...

    def refuse(self, refusal: Refusal) -> bool:
        """Decide that a transition opens nothing, unless it is decided already.

        Gives whether the customer is at risk while a campaign is open, which has to be told so.
        """
        ...

    def record(self, record: Record) -> Recorded:
        """Write lines to the timeline with what follows from them."""
        ...

    def end(self, ending: Ending, review: Rendered | None) -> Ended:
        """Close the intervention: cancel what is planned, withdraw open tasks, write the outcome.

        `review` is the text of the task for a customer that is still at risk.
        """
        ...


class Steps(Protocol):
    """What steps leave behind in the store. Each method is one transaction and may be called again."""

    def assign(self, call: StepCall) -> StepResult:
        """Make sure that somebody owns the customer."""
        ...

    def add_task(
        self, call: StepCall, kind: str, audience: Audience, due: datetime, text: Rendered
    ) -> StepResult:
        """Create the step's task."""
        ...

    def add_document(self, call: StepCall, text: Rendered) -> StepResult:
        """Keep the step's document."""
        ...

    def add_offer(self, call: StepCall, offer: Offer) -> StepResult:
        """Keep the offer; it may be accepted from now on."""
        ...

    def document(self, intervention: str, step: str) -> Attachment | None:
        """A document that an earlier step wrote, as an attachment."""
        ...

    def fall_back(self, miss: Miss, text: Rendered) -> StepResult:
        """Write a miss, raise the alert, and give a person the task to do it by hand."""
        ...


class Directory(Protocol):
    """Who is who at a customer's and among the staff."""

    def recipients(self, call: StepCall, audience: Audience, channel: str) -> tuple[Recipient, ...] | str:
        """Whom the audience means now, best first; or the reason why nobody."""
        ...

    def sender(self, call: StepCall, sender: Sender) -> tuple[str, str]:
        """Name and address in whose name a message goes out."""
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


class Ledger(Protocol):
    """The send ledger. Each method is one committed transaction."""

    def plan(self, call: StepCall, key: str, recipient: Recipient, channel: str) -> LedgerRow:
        """The row under the key, made as `planned` where it is missing."""
        ...

    def rows_of(self, call: StepCall) -> tuple[LedgerRow, ...]:
        """The rows of a step, however many recipients it has tried."""
        ...

    def begin(self, key: str, lease: str, until: datetime) -> bool:
        """Take the row for one attempt: `sending`, committed; False where another attempt holds it."""
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
    ) -> bool:
        """Give the row another state, with the reason, if it still is as it was seen."""
        ...

    def left_over(self, organisation: str, before: datetime) -> tuple[LeftOver, ...]:
        """Rows in `sending` whose lease ended before this moment and whose step is over."""
        ...

    def resolve(self, key: str, found: Found, now: datetime) -> None:
        """Write what the provider says of a row that was left over."""
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


class Scores(Protocol):
    """Scores, levels and transitions in the store."""

    def begin_run(self, request: ScoreRequest, now: datetime) -> ScorePlan:
        """The run for this request, made where it is missing, and its partitions."""
        ...

    def score_partition(self, call: PartitionCall) -> PartitionResult:
        """Score a partition; scores, levels and transitions in one transaction, once."""
        ...

    def score_customer(self, organisation: str, customer: str, now: datetime) -> CustomerScored:
        """Score one customer at once."""
        ...

    def finish_run(self, plan: ScorePlan, now: datetime) -> ScoreSummary:
        """Mark a run as finished and add it up."""
        ...


class Transitions(Protocol):
    """Transitions that wait to be handed over."""

    def pending(self, organisation: str, run: str | None, older_than: datetime | None) -> tuple[str, ...]:
        """Ids of transitions to hand over, oldest first.

        With a run: those of it that nobody has handed over. Without: all that are undecided and
        older than `older_than`, also those that were handed over and never claimed.
        """
        ...

    def get(self, transition: str) -> PendingTransition:
        """One transition."""
        ...

    def mark(self, transition: str, handed: Handed, now: datetime) -> None:
        """Note how a transition was handed over; the first note stays."""
        ...


class Opportunities(Protocol):
    """What campaigns are started from, and what running ones have to be told."""

    def waiting(self, organisation: str, after: str = "") -> tuple[WaitingCustomer, ...]:
        """The next customers with open opportunities, in the order of their ids; empty at the end."""
        ...

    def waiting_of(self, customer: str) -> WaitingCustomer | None:
        """One customer, None where it has no open opportunity."""
        ...

    def give_reasons(self, reasons: Mapping[str, str]) -> None:
        """Write why opportunities, by their ids, have no campaign yet."""
        ...

    def upgraded(self, organisation: str) -> tuple[UpgradeSeen, ...]:
        """Customers of running campaigns who have upgraded since."""
        ...

    def held(self, organisation: str, customer: str | None = None) -> tuple[str, ...]:
        """Customers whose expansion is held though nothing holds it any more; all of them, or this one."""
        ...


class HandOver(Protocol):
    """Brings transitions and opportunities to their customers' runs."""

    async def hand_over(self, transition: str, now: datetime) -> Handed:
        """Start or signal the run, or refuse; the same transition again changes nothing."""
        ...

    async def start_campaign(self, waiting: WaitingCustomer, now: datetime) -> bool:
        """Start the campaign for the customer's best opportunity that may begin; whether one was started."""
        ...

    async def tell_upgraded(self, upgrade: UpgradeSeen) -> bool:
        """Tell the customer's campaign of an upgrade; False where no run is left to hear it."""
        ...

    async def release(self, organisation: str, customer: str) -> bool:
        """Let a held campaign go on; False where no run is left to hear it."""
        ...
