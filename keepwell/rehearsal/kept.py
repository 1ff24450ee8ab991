"""The rehearsals that a process knows: those under way, and for a while what came of them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from keepwell.errors import KeepwellError, NotFoundError
from keepwell.rehearsal.asked import Checked
from keepwell.rehearsal.compare import Comparison
from keepwell.rehearsal.lines import line_of
from keepwell.rehearsal.progress import Progress
from keepwell.rehearsal.timeline import Timeline
from keepwell.rehearsal.told import Rehearsal, RehearsalLine, RehearsalState, Trouble

WAITING_EACH, WAITING_ALL = 5, 40
"""So many of one organisation may wait, and of all of them."""
KEPT_EACH, KEPT_ALL = 20, 200
"""So many that are over are kept of one organisation, and of all of them."""
KEPT_FOR = timedelta(hours=12)
_HOURS = f"{KEPT_FOR / timedelta(hours=1):.0f}"
GONE_KNOWN = 1000
"""Of so many that are gone it is still known why."""


@dataclass
class Job:
    """A rehearsal that somebody asked for. `dropped`: nobody wants it any more, and it is clearing up."""

    id: str
    organisation: str
    by: str
    checked: Checked
    asked_at: datetime
    state: RehearsalState = RehearsalState.WAITING
    began_at: datetime | None = None
    ended_at: datetime | None = None
    progress: Progress | None = None
    timelines: tuple[Timeline, ...] = ()
    comparison: Comparison | None = None
    error: Trouble | None = None
    dropped: bool = False
    future: Future[None] | None = None

    @property
    def over(self) -> bool:
        """Whether it was played, or failed."""
        return self.state in (RehearsalState.DONE, RehearsalState.FAILED)


class Kept:
    """Jobs by their ids, in the order they were asked for. Used by one thread at a time."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._gone: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def add(self, job: Job) -> None:
        """Take a job in. Raises KeepwellError where too many wait already; retryable."""
        waiting = [one for one in self._jobs.values() if one.state is RehearsalState.WAITING]
        own = sum(one.organisation == job.organisation for one in waiting)
        if own >= WAITING_EACH or len(waiting) >= WAITING_ALL:
            raise KeepwellError(
                f"{own if own >= WAITING_EACH else len(waiting)} rehearsals wait already.",
                hint="Each takes some seconds: ask again in a minute, or remove one that waits.",
                retryable=True,
            )
        self._jobs[job.id] = job

    def job(self, organisation: str, identity: str) -> Job:
        """One of an organisation's. Raises NotFoundError, and says where it went if that is known."""
        job = self._jobs.get(identity)
        if job is not None and job.organisation == organisation:
            return job
        whose, why = self._gone.get(identity, ("", ""))
        if whose == organisation:
            raise NotFoundError(f"This rehearsal is gone: {why}.", hint="Ask for it again.")
        raise NotFoundError(
            "There is no such rehearsal here.",
            hint=f"The last {KEPT_EACH} are kept for {_HOURS} hours, until Keepwell is started again. "
            "Ask for it again.",
        )

    def of(self, organisation: str) -> Iterator[Job]:
        """All of an organisation's, the newest first."""
        return (one for one in reversed(self._jobs.values()) if one.organisation == organisation)

    def forget(self, job: Job, why: str) -> None:
        """Let a job go, with what came of it."""
        del self._jobs[job.id]
        self._gone[job.id] = job.organisation, why
        while len(self._gone) > GONE_KNOWN:
            self._gone.popitem(last=False)

    def forget_old(self, now: datetime) -> None:
        """Let go what is over for too long, and what is more than is kept."""
        each: Counter[str] = Counter()
        for job in [one for one in reversed(self._jobs.values()) if one.over]:
            each[job.organisation] += 1
            if job.ended_at is not None and job.ended_at < now - KEPT_FOR:
                self.forget(job, f"what came of it was kept for {_HOURS} hours")
            elif each[job.organisation] > KEPT_EACH or each.total() > KEPT_ALL:
                self.forget(job, f"only the last {KEPT_EACH} are kept")

    def line(self, job: Job) -> RehearsalLine:
        """What is told of a job without what came of it."""
        return RehearsalLine(**self._fields(job))

    def told(self, job: Job) -> Rehearsal:
        """All that is told of a job."""
        timeline = job.timelines[0] if len(job.timelines) == 1 else None
        return Rehearsal(**self._fields(job), timeline=timeline, comparison=job.comparison)

    def _fields(self, job: Job) -> dict[str, Any]:
        script = job.checked.script
        return {
            "id": job.id,
            "state": job.state,
            "place": self._place(job),
            "customer_id": job.checked.customer,
            "customer": job.checked.customer_name,
            "playbooks": tuple(one.label for one in job.checked.playbooks),
            "typed": tuple(line_of(one) for one in script.reactions),
            "start": script.start,
            "from_score": script.from_score,
            "acknowledge": script.acknowledge,
            "by": job.by,
            "asked_at": job.asked_at,
            "began_at": job.began_at,
            "ended_at": job.ended_at,
            "progress": job.progress,
            "outcomes": tuple(one.outcome for one in job.timelines),
            "error": job.error,
        }

    def _place(self, job: Job) -> int | None:
        """In the queue, from 1."""
        if job.state is not RehearsalState.WAITING:
            return None
        waiting = [one.id for one in self._jobs.values() if one.state is RehearsalState.WAITING]
        return waiting.index(job.id) + 1
