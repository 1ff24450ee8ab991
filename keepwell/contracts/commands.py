"""What a person tells an intervention."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from keepwell.contracts.base import Frozen
from keepwell.contracts.offers import LONGEST_PAUSE_MONTHS, OfferKind

TAKING_OVER: Final = "TakingOver"
"""The type of the refusal that is over in a moment: another playbook is being put in this one's place."""

Reason = Annotated[str, Field(max_length=500)]


class CommandBase(Frozen):
    """What all commands have: an id (the same one twice counts once), the intervention, the person."""

    id: str = Field(min_length=1, max_length=100)
    intervention: str | None = None
    by: str = Field(min_length=1, max_length=200)


class Acknowledge(CommandBase):
    """The CSM has it in hand: stops the escalation to the manager."""

    kind: Literal["acknowledge"] = "acknowledge"
    note: Reason = ""


class Pause(CommandBase):
    """Stops the playbook's clock, until a moment or until somebody resumes it."""

    kind: Literal["pause"] = "pause"
    until: AwareDatetime | None = None
    reason: Reason = ""


class Resume(CommandBase):
    """Lets the playbook's clock go on; the remaining delays are as they were."""

    kind: Literal["resume"] = "resume"


class Respond(CommandBase):
    """The customer answered: ends the waiting for an answer."""

    kind: Literal["respond"] = "respond"
    note: Reason = ""


class Complete(CommandBase):
    """A step is done, by hand or because its task is."""

    kind: Literal["complete"] = "complete"
    step: str
    note: Reason = ""


class Skip(CommandBase):
    """A step that has not run yet is left out."""

    kind: Literal["skip"] = "skip"
    step: str
    reason: Reason = ""


class Reassign(CommandBase):
    """Somebody else owns the customer and the intervention's open tasks from now on."""

    kind: Literal["reassign"] = "reassign"
    to: str
    to_name: str = ""


class Stop(CommandBase):
    """Ends the intervention; what is planned is cancelled, open tasks are withdrawn."""

    kind: Literal["stop"] = "stop"
    reason: Reason = ""


class Seen(CommandBase):
    """The customer has seen the offer."""

    kind: Literal["seen"] = "seen"


class Accept(CommandBase):
    """The customer accepts one option of the offer, with terms.

    Also before the offer went out: what was agreed on the phone counts.
    """

    kind: Literal["accept"] = "accept"
    option: OfferKind
    months: int | None = Field(default=None, ge=1, le=LONGEST_PAUSE_MONTHS)
    plan: str = Field(default="", max_length=100)
    note: Reason = ""


class Decline(CommandBase):
    """The customer declines the offer: an answer like any other."""

    kind: Literal["decline"] = "decline"
    note: Reason = ""


class Upgraded(CommandBase):
    """The customer has upgraded: what an expansion playbook is for."""

    kind: Literal["upgraded"] = "upgraded"
    plan: str = Field(default="", max_length=100)
    note: Reason = ""


Command = Annotated[
    Acknowledge
    | Pause
    | Resume
    | Respond
    | Complete
    | Skip
    | Reassign
    | Stop
    | Seen
    | Accept
    | Decline
    | Upgraded,
    Field(discriminator="kind"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
KINDS = (
    "acknowledge",
    "pause",
    "resume",
    "respond",
    "complete",
    "skip",
    "reassign",
    "stop",
    "seen",
    "accept",
    "decline",
    "upgraded",
)


class Answer(Frozen):
    """What a command brought about, in words; `noted_at` is the intervention's own time."""

    command: str
    text: str
    noted_at: datetime
