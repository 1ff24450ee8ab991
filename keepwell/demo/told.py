"""A story that was played on the virtual clock, as it is told: plain values, also as JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from keepwell.contracts.base import Frozen
from keepwell.contracts.offers import Terms

MomentKind = Literal[
    "begin", "message", "offer", "task", "document", "assignment", "escalation",
    "left_out", "person", "hold", "score", "end",
]  # fmt: skip


class Moment(Frozen):
    """One line of a story's timeline: what happened when, to whom, by which channel, and why.

    `by` is who did it or in whose name it went out, `to` whom it reached; `text` is a message or a document
    as its reader sees it; `due` is for tasks, and for offers the moment when they end. `attached` is the step
    that wrote the document an email carries.
    """

    at: datetime
    kind: MomentKind
    playbook: str = ""
    step: str = ""
    channel: str = ""
    by: str = ""
    to: str = ""
    address: str = ""
    what: str
    why: str = ""
    due: datetime | None = None
    text: str = ""
    attached: str = ""


class OfferTold(Frozen):
    """An offer that was made, and what became of it. `terms` are what was agreed."""

    options: tuple[str, ...]
    state: str
    offered_at: datetime
    valid_until: datetime
    seen_at: datetime | None
    decided_at: datetime | None
    terms: Terms | None


class Tally(Frozen):
    """What a story has come to: messages that a channel accepted, tasks for people, escalations to the lead.

    `asked` is how often the gate was asked, `refused` how often it said no or later. `unsent` are messages
    for which it was not asked, since nobody was found who may be written to.
    """

    messages: int
    tasks: int
    escalations: int
    asked: int
    refused: int
    unsent: int = 0


class Story(Frozen):
    """A story that was played. Customer, people and figures are made up.

    `playbooks` and `levels` are those of its interventions, in the order in which they began; `worth` says
    what the product brings the customer, empty where nobody knows.
    """

    demo: bool = True
    title: str
    plot: str
    customer: str
    about: str
    worth: str
    owner: str
    playbooks: tuple[str, ...]
    levels: tuple[str, ...]
    score: float
    started_at: datetime
    ended_at: datetime
    outcome: str
    why: str
    offer: OfferTold | None
    tally: Tally
    moments: tuple[Moment, ...]

    @property
    def lasted(self) -> timedelta:
        """From the beginning to the last end."""
        return self.ended_at - self.started_at


class Checks(Frozen):
    """What must be true of any playing, counted in the store.

    Every change of level has started an intervention or was refused with a reason; `undecided` are neither.
    `recovered` are those of the refused that ended a playbook, since the customer is well again. `accepted`
    are the messages that a channel holds, `most_under_a_key` how many of them one key has at most.
    """

    changes: int
    started: int
    refused: int
    recovered: int = 0
    undecided: int
    accepted: int
    keys: int
    most_under_a_key: int
    still_open: int

    @property
    def decided(self) -> bool:
        """Whether every change of level has started something or says why not."""
        return self.changes == self.started + self.refused and self.undecided == 0

    @property
    def once(self) -> bool:
        """Whether no message was accepted twice."""
        return self.accepted == self.keys and self.most_under_a_key <= 1

    @property
    def ended(self) -> bool:
        """Whether every playbook has come to its end."""
        return self.still_open == 0

    @property
    def hold(self) -> bool:
        """Whether all of it is true."""
        return self.decided and self.once and self.ended


class Playing(Frozen):
    """All stories of `keepwell demo --once`, and what was checked at the end."""

    stories: tuple[Story, ...]
    checks: Checks
