"""The scheduled churn work: what it is asked, and what it answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from keepwell.contracts.base import Frozen

HOLDS = timedelta(days=31)
"""A prediction older than this is shown, but counts for nothing: not for how urgent a customer is either."""

Trained = Literal["in_use", "candidate", "rejected", "not_trained"]
"""`candidate`: better or not to be compared, and a person has to decide."""


class ChurnRequest(Frozen):
    """Train on, or predict for, an organisation's own customers as of a moment.

    `as_of` None means the run's own time. Nothing that became known later is looked at.
    """

    organisation: str
    as_of: datetime | None = None
    by: str = "schedule"


class ChurnCall(Frozen):
    """The same with the moment fixed, so that a second attempt does the same again."""

    organisation: str
    as_of: datetime
    by: str


class ChurnTrained(Frozen):
    """What became of a training; `model` is empty where the data did not allow one. `why` is for people."""

    state: Trained
    model: str
    why: str


class ChurnPredicted(Frozen):
    """How many customers have a prediction now, and how many none; `why` for the others, or for nobody."""

    model: str
    predicted: int
    left_out: int
    why: str


class ChurnSummary(Frozen):
    """A whole run; `trained` is None for one that only predicts."""

    trained: ChurnTrained | None
    predicted: ChurnPredicted
