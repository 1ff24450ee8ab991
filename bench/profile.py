"""Where a worker's processor time goes: activities, workflow tasks, new sandboxes, the rest.

Threads are measured by their own clocks, so waiting for a lock or for the disk does not count as work.
What the SDK's core (Rust) and the event loop use is what the process used beyond that.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import temporalio.client
import temporalio.worker
from sqlalchemy import Engine, event
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from keepwell.adapters.gate import StoreGate
from keepwell.adapters.outbox import Outbox
from keepwell.adapters.renderer import StoreRenderer
from keepwell.adapters.sendgrid import SendGrid
from keepwell.adapters.slack import Slack
from keepwell.db.repositories.ledger import LedgerRepository

SANDBOX, ACTIVATION, LOOP = "a new run's sandbox", "workflow tasks", "event loop"
PART = "of it"
"""Begins the names of what activities do inside, which is noted a second time."""


class Profile(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """An interceptor of the client that adds itself to the client's workers, and counts.

    `cpu`, `wall` (seconds) and `count` are by what was done; `statements` by activity.
    """

    def __init__(self) -> None:
        self.cpu: dict[str, float] = defaultdict(float)
        self.wall: dict[str, float] = defaultdict(float)
        self.count: Counter[str] = Counter()
        self.statements: Counter[str] = Counter()
        self._doing = threading.local()
        self._lock = threading.Lock()
        self._began = (0.0, 0.0)
        self._watch_sandbox()

    def begin(self) -> None:
        """The worker is ready: what it used until now does not count. To be called from the loop's thread."""
        self._began = time.thread_time(), time.process_time()

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, noted under a name."""

        @functools.wraps(work)
        def noted(*given: Any, **named: Any) -> Any:
            outer = getattr(self._doing, "name", None)
            # Statements count for the activity, wherever in it they are sent.
            self._doing.name = outer or name
            cpu, wall = time.thread_time(), time.perf_counter()
            try:
                return work(*given, **named)
            finally:
                self._doing.name = outer
                self.note(name, time.thread_time() - cpu, time.perf_counter() - wall)

        return noted

    def note(self, name: str, cpu: float, wall: float) -> None:
        """Add one of something."""
        with self._lock:
            self.cpu[name] += cpu
            self.wall[name] += wall
            self.count[name] += 1

    def watch(self, engine: Engine) -> None:
        """Count the statements that activities send to the database."""

        @event.listens_for(engine, "before_cursor_execute")
        def _sent(*_: Any) -> None:
            name = getattr(self._doing, "name", None)
            if name is not None:
                with self._lock:
                    self.statements[name] += 1

    def watch_parts(self) -> None:
        """Note what a message goes through as well."""
        parts: tuple[tuple[str, type, str], ...] = (
            ("gate", StoreGate, "ask"),
            ("render", StoreRenderer, "render"),
            ("ledger", LedgerRepository, "rows_of"),
            ("ledger", LedgerRepository, "plan"),
            ("ledger", LedgerRepository, "begin"),
            ("ledger", LedgerRepository, "accept"),
            ("outbox", Outbox, "send"),
            ("SendGrid", SendGrid, "send"),
            ("Slack", Slack, "send"),
        )
        for name, holder, method in parts:
            setattr(holder, method, self.timed(f"{PART}: {name}", getattr(holder, method)))

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Put ourselves before the activity."""
        return _Timing(next, self)

    def _watch_sandbox(self) -> None:
        honest = SandboxedWorkflowRunner.create_instance

        def create(runner: SandboxedWorkflowRunner, details: Any) -> Any:
            instance = self.timed(SANDBOX, honest)(runner, details)
            instance.activate = self.timed(ACTIVATION, instance.activate)
            return instance

        # This process only measures.
        SandboxedWorkflowRunner.create_instance = create  # type: ignore[method-assign,assignment]

    def json(self) -> str:
        """Everything, and the process's own time; to be called from the thread of the event loop."""
        # The SDK makes the sandboxes on the loop, where they hold up everything else.
        loop = time.thread_time() - self._began[0] - self.cpu[SANDBOX]
        return json.dumps(
            {
                "cpu": {**self.cpu, LOOP: loop},
                "wall": self.wall,
                "count": self.count,
                "statements": self.statements,
                "process": time.process_time() - self._began[1],
            }
        )


class _Timing(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, profile: Profile) -> None:
        super().__init__(next)
        self._profile = profile

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        name = temporalio.activity.info().activity_type
        input.fn = self._profile.timed(name, input.fn)
        return await self.next.execute_activity(input)
