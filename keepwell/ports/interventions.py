"""What interventions and their steps need of the store."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.campaigns import UpgradeSeen, WaitingCustomer
from keepwell.contracts.delivery import (
    Attachment,
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
from keepwell.contracts.playbook import Audience, Offer, Playbook
from keepwell.contracts.rendering import Rendered
from keepwell.contracts.scoring import (
    Handed,
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

    def for_trigger(self, trigger: Trigger) -> Playbook | None:
        """The same for an alert's trigger."""
        ...


class Interventions(Protocol):
    """Interventions in the store. Each method is one transaction and may be called again."""

    def open(self, request: OpenRequest) -> Opened | NotOpened:
        """Claim the transition and open the intervention, or decide that it opens none."""
        ...

    def refuse(self, refusal: Refusal) -> NotOpened:
        """Decide that a transition opens nothing, unless it is decided already.

        Gives whether the customer's campaign has to be told to wait, or to go on.
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

    def add_fallback(self, call: StepCall, text: Rendered, reason: str) -> None:
        """Give a person the task to look after a step that was done in another way than meant."""
        ...

    def fall_back(self, miss: Miss, text: Rendered) -> StepResult:
        """Write a miss, raise the alert, and give a person the task to do it by hand."""
        ...


class HandOver(Protocol):
    """Brings transitions, opportunities and alerts to their customers' runs."""

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

    async def start_event(self, alert: str, now: datetime) -> bool:
        """Start the event playbook of an alert, or decide that none starts; whether it was started.

        The same alert again starts nothing. One whose run has not claimed it yet is started once more, which
        finds that run.
        """
        ...

    async def end_events(self, organisation: str, now: datetime) -> int:
        """Tell event playbooks whose cause is gone to end; how many were told.

        What is still open of one whose run is gone is closed as of `now`.
        """
        ...
