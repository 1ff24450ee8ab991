"""Commands from outside on their way to their runs, as whoever tells them sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from keepwell.contracts.base import Frozen


class WaitingCommand(Frozen):
    """A command to be told now.

    `signal` is its kind and `body` what the signal carries; both are empty where the run need only look
    again at what it has put off. `ended` says how the intervention ended, where it has.
    """

    key: str
    intervention: str
    workflow_id: str
    signal: str
    body: dict[str, Any]
    ended: str


class TellCall(Frozen):
    """Tell the runs what waits for them; `now` is the caller's time."""

    now: datetime


class Told(Frozen):
    """How many commands were told, how many refused, and how many rest until a later try."""

    told: int = 0
    refused: int = 0
    resting: int = 0
