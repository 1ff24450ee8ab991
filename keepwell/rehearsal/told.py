"""What is told of a rehearsal that somebody asked for: where it stands, how far it is, what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from keepwell.contracts.base import Frozen
from keepwell.errors import KeepwellError
from keepwell.rehearsal.compare import Comparison
from keepwell.rehearsal.progress import Progress
from keepwell.rehearsal.timeline import Timeline


class RehearsalState(StrEnum):
    """Where a rehearsal stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Trouble(Frozen):
    """Why a rehearsal failed: what is wrong, what would be right, the field of what was asked.

    `retryable` says whether the same may go well later.
    """

    message: str
    hint: str = ""
    place: str = ""
    retryable: bool = False


class RehearsalLine(Frozen):
    """A rehearsal without what came of it.

    `place` is that in the queue, from 1; None for one that does not wait. `playbooks` are labels: the one
    that is rehearsed and, if there is a second, what it is compared with. `typed` are the reactions as lines,
    to ask again. `acknowledge` is None for a CSM who never does, `start` for one that begins at once.
    `outcomes` say in a word how each ended.
    """

    id: str
    state: RehearsalState
    place: int | None = None
    customer_id: str
    customer: str
    playbooks: tuple[str, ...]
    typed: tuple[str, ...]
    start: datetime | None
    from_score: float | None
    acknowledge: timedelta | None
    by: str
    asked_at: datetime
    began_at: datetime | None = None
    ended_at: datetime | None = None
    progress: Progress | None = None
    outcomes: tuple[str, ...] = ()
    error: Trouble | None = None


class Rehearsal(RehearsalLine):
    """A rehearsal with what came of it, once it is done: a timeline, or two of them in a comparison."""

    timeline: Timeline | None = None
    comparison: Comparison | None = None


def trouble_of(error: KeepwellError) -> Trouble:
    """An error that ended a rehearsal."""
    return Trouble(
        message=error.message,
        hint=error.hint,
        place=getattr(error, "place", None) or "",
        retryable=error.retryable,
    )
