"""Scores, what follows from them, and churn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from keepwell.contracts.campaigns import UpgradeSeen, WaitingCustomer
from keepwell.contracts.churn import ChurnCall, ChurnPredicted, ChurnTrained
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


class Churn(Protocol):
    """Churn models of an organisation's own customers. What the data do not allow is an answer, no error."""

    def train(self, call: ChurnCall) -> ChurnTrained:
        """Train as of the call's moment, and take the model into use if it is better than the one in use."""
        ...

    def predict(self, call: ChurnCall) -> ChurnPredicted:
        """Predict for every active customer with the model in use, and keep what it says."""
        ...
