"""What a rehearsal tells: a dated timeline with every message as rendered. Plain values, also as JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from keepwell.contracts.base import Frozen
from keepwell.contracts.playbook import Family
from scoring.levels import Level

EntryKind = Literal[
    "begin", "message", "assignment", "task", "document", "escalation", "offer",
    "person", "pause", "score", "refused", "alert", "end",
]  # fmt: skip


class GateLine(Frozen):
    """What the gate said when an attempt asked it: now, later (`until`), or no; with the reason."""

    at: datetime
    recipient: str
    answer: Literal["now", "later", "no"]
    until: datetime | None = None
    reason: str = ""


class Message(Frozen):
    """A message as its recipient would see it; one that did not go has no text, and says why.

    `attachments` holds HTML documents by their file names.
    """

    channel: str
    to_customer: bool
    recipient: str
    address: str
    sender: str = ""
    sender_address: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    action: str = ""
    state: str
    reason: str = ""
    attachments: dict[str, str] = Field(default_factory=dict)


class Work(Frozen):
    """A task for a person; `late` where it was still open after its due time when the rehearsal ended."""

    kind: str
    title: str
    detail: str
    owner: str
    due_at: datetime
    state: str
    closed_by: str = ""
    late: bool = False


class Offered(Frozen):
    """An offer that a step made: its options in words, and until when they could be taken.

    `early` where it was agreed before it went out. `state` and `terms` are what became of it in the end;
    the moment of that has an entry of its own.
    """

    options: tuple[str, ...]
    until: datetime
    state: str
    terms: str = ""
    early: bool = False


class Entry(Frozen):
    """One line of a timeline.

    `at` is in the organisation's zone, `offset` counts from the beginning of the rehearsal. `step` is empty
    for what people, scores and the engine did. `why` is what a step is for, `reason` what made it end as
    `state` says. `html` is a document; messages carry their own.
    """

    offset: timedelta
    at: datetime
    kind: EntryKind
    playbook: str
    step: str = ""
    who: str = ""
    title: str
    why: str = ""
    reason: str = ""
    state: str = ""
    gate: tuple[GateLine, ...] = ()
    messages: tuple[Message, ...] = ()
    tasks: tuple[Work, ...] = ()
    offer: Offered | None = None
    text: str = ""
    html: str = ""


class Ending(Frozen):
    """How one of the interventions of a rehearsal ended; `outcome` is empty for one that has not."""

    family: Family = "risk"
    playbook: str
    title: str
    outcome: str
    why: str


class Timeline(Frozen):
    """A rehearsal. `entries` happened, in the order of time; `left_out` are steps that were not needed.

    `ahead` is what would still come where no end was reached (a pause that nobody ended). `notes` say what
    the reader must know: what was assumed, and what would prevent it today. `opportunity` is what a campaign
    or an event playbook is for, in words; empty for a risk playbook. `ended_at` is None where something is
    still open.
    """

    playbook: str
    title: str
    purpose: str
    level: Level | None
    opportunity: str = ""
    score: float
    customer: str
    customer_id: str
    organisation: str
    demo: bool
    owner: str
    zone: str
    started_at: datetime
    ended_at: datetime | None
    script: tuple[str, ...]
    notes: tuple[str, ...]
    endings: tuple[Ending, ...]
    entries: tuple[Entry, ...]
    left_out: tuple[Entry, ...]
    ahead: tuple[Entry, ...]

    @property
    def outcome(self) -> str:
        """How it ended for the rehearsed playbook, or for the one that took over from it, in a word."""
        chain = [one for one in self.endings if one.family == self.endings[0].family]
        return chain[-1].outcome or "still open"

    @property
    def refused(self) -> tuple[Entry, ...]:
        """What people wanted to do and could not."""
        return tuple(entry for entry in self.entries if entry.kind == "refused")

    @property
    def lasted(self) -> timedelta:
        """From the beginning to the end, or to the last thing that happened."""
        end = self.ended_at or max(entry.at for entry in self.entries)
        return end - self.started_at

    @property
    def letters(self) -> str:
        """How many messages the customer gets, in words."""
        sent = [entry for entry in self.entries if entry.state == "done"]
        number = sum(message.to_customer for entry in sent for message in entry.messages)
        return f"{number} message{'' if number == 1 else 's'}"

    @property
    def tasks(self) -> str:
        """How many tasks people get, in words."""
        number = sum(len(entry.tasks) for entry in self.entries)
        return f"{number} task{'' if number == 1 else 's'}"
