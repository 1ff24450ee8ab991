"""How a playbook goes, and what a message that needs approval stands at."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import DoNotGo
from keepwell.contracts.rendering import Rendered


class Mode(StrEnum):
    """How a playbook goes: by itself, with a person's approval of each message to a contact, or not at all.

    What runs when it is switched off goes on, and its messages as before: by themselves or after approval.
    """

    AUTOMATIC = "automatic"
    DRAFT = "draft"
    OFF = "off"


class DraftState(StrEnum):
    """Where a draft stands. Withdrawn is one whose step has become needless, or whose time is over."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


LOOK_AGAIN = timedelta(days=1)
"""A run looks at its draft at least so often, should it not be told that somebody has decided."""


class Frame(Frozen):
    """What stands around the text of an edited email: the layout and the footer. `MARK` is where it goes."""

    text: str
    html: str


class NoApproval(Frozen):
    """The message may go without approval."""


class Undrafted(Frozen):
    """The message needs approval, and no draft of it has been written yet."""


class Waits(Frozen):
    """A draft waits for a decision; `until` is when to look again, `reason` whose word and until when."""

    until: datetime
    reason: str


class Approved(Frozen):
    """A person has approved the message as it is here: this goes out, and nothing else."""

    text: Rendered
    by: str


class TooLate(Frozen):
    """Nobody has decided in time."""

    reason: str


Approval = NoApproval | Undrafted | Waits | Approved | TooLate | DoNotGo


class Proposal(Frozen):
    """A message for somebody to approve. `frame` is for what they may make of it; None: it has no layout."""

    text: Rendered
    frame: Frame | None = None
