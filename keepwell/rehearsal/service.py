"""The desk where rehearsals are asked for: one after the other behind the scenes, told when somebody looks.

What came of them is kept in memory alone, for a while. Nothing is written to the store, nothing is sent.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from threading import Lock

from keepwell.db.engine import Store
from keepwell.errors import KeepwellError
from keepwell.keys import new_id
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rehearsal.asked import Asked, check
from keepwell.rehearsal.backstage import Backstage
from keepwell.rehearsal.compare import compare
from keepwell.rehearsal.kept import Job, Kept
from keepwell.rehearsal.performing import Performance
from keepwell.rehearsal.progress import Progress
from keepwell.rehearsal.timeline import Timeline
from keepwell.rehearsal.told import Rehearsal, RehearsalLine, RehearsalState, Trouble, trouble_of
from keepwell.rehearsal.warm import WarmServer
from keepwell.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Rehearsals that are played at the same time in this process."""


class RehearsalDesk:
    """Rehearsals of all organisations in this process; its methods may be called from any thread.

    A rehearsal belongs to its organisation: for another one it is not there.
    """

    def __init__(self, settings: Settings, store: Store, *, at_once: int = AT_ONCE) -> None:
        self._settings = settings
        self._real = Store(store.url.render_as_string(hide_password=False), read_only=True)
        self._server = WarmServer(settings)
        self._places = asyncio.Semaphore(at_once)
        self._lock = Lock()
        self._kept = Kept()
        self._tasks: dict[str, tuple[Job, asyncio.Task[None]]] = {}
        self._backstage: Backstage | None = None
        self._closed = False

    def ask(self, organisation: str, by: str, asked: Asked) -> Rehearsal:
        """Begin a rehearsal, or put it into the queue. `by` is the name of whoever asks.

        Raises:
            NotFoundError, InputError, RefusedError: as in `keepwell.rehearsal.asked.check`.
            KeepwellError: too many wait already; retryable.
        """
        now = datetime.now(UTC)
        registry = PlaybookRegistry((*BUILT_IN, *self._settings.playbooks))
        with self._real.read() as session:
            checked = check(session, organisation, registry, asked, now)
        job = Job(new_id(), organisation, by, checked, now)
        with self._lock:
            if self._closed:
                raise KeepwellError(
                    "Keepwell is being stopped.", hint="Ask again in a minute.", retryable=True
                )
            self._kept.forget_old(now)
            self._kept.add(job)
            self._backstage = self._backstage or Backstage("rehearsals")
            job.future = self._backstage.run(self._carry_out(job))
            return self._kept.told(job)

    def look(self, organisation: str, identity: str) -> Rehearsal:
        """Where a rehearsal stands, and what came of it. Raises NotFoundError where it is not there."""
        with self._lock:
            self._kept.forget_old(datetime.now(UTC))
            return self._kept.told(self._kept.job(organisation, identity))

    def recent(self, organisation: str) -> tuple[RehearsalLine, ...]:
        """Those of an organisation, the newest first, without what came of them."""
        with self._lock:
            self._kept.forget_old(datetime.now(UTC))
            return tuple(self._kept.line(job) for job in self._kept.of(organisation))

    def drop(self, organisation: str, identity: str, by: str) -> None:
        """Break a rehearsal off, or forget what came of it. Raises NotFoundError where it is not there."""
        with self._lock:
            job = self._kept.job(organisation, identity)
            self._kept.forget(job, f"{by} has {'removed it' if job.over else 'broken it off'}")
            job.dropped = True
            if job.future is not None:
                job.future.cancel()

    def close(self) -> None:
        """Break off what goes on, end the server, and take nothing any more. Done twice it does nothing."""
        with self._lock:
            self._closed = True
            backstage, self._backstage = self._backstage, None
        if backstage is not None:
            backstage.close(self._clear)
        self._real.dispose()

    async def _clear(self) -> None:
        for job, task in self._tasks.values():
            # One that was dropped is clearing up already, and must not be disturbed.
            if not job.dropped:
                task.cancel()
        await asyncio.gather(*(task for _, task in self._tasks.values()), return_exceptions=True)
        await self._server.close()

    async def _carry_out(self, job: Job) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a coroutine that runs is in one)
        self._tasks[job.id] = job, task
        try:
            async with self._places:
                await self._play(job)
        finally:
            del self._tasks[job.id]

    async def _play(self, job: Job) -> None:
        def told(progress: Progress) -> None:
            job.progress = progress

        with self._lock:
            job.state, job.began_at = RehearsalState.RUNNING, datetime.now(UTC)
        error: Trouble | None = None
        timelines: tuple[Timeline, ...] = ()
        try:
            performance = Performance(self._settings, self._real, self._server, job.checked, told)
            timelines = await performance.perform()
        except KeepwellError as known:
            error = trouble_of(known)
        except Exception:
            log.exception("A rehearsal broke off", extra={"rehearsal": job.id})
            error = Trouble(
                message="The rehearsal broke off: something failed that was not foreseen.",
                hint=f"The server's log says what, with rehearsal={job.id}. Tell whoever runs Keepwell.",
            )
        comparison = compare(*timelines) if len(timelines) == 2 else None
        with self._lock:
            job.timelines, job.comparison, job.error = timelines, comparison, error
            job.state = RehearsalState.FAILED if error else RehearsalState.DONE
            job.ended_at, job.progress = datetime.now(UTC), None
