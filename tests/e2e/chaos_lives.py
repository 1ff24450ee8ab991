"""What happens to one customer in the chaos test: a story, told to its run whatever dies meanwhile.

A life behaves as people and our own programs do: it says a thing again, with the same id, where no answer
came; what cannot be handed over now it leaves to the sweep.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.exc import IntegrityError
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import (
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.commands import Answer, CommandBase, Pause
from keepwell.contracts.playbook import Family
from keepwell.db.tables import Contact, Customer, Health
from keepwell.errors import StoreError
from keepwell.keys import new_id
from keepwell.temporal.search_attribute_keys import NEXT_STEP_AT, PAUSED
from tests.e2e.chaos_board import Board, Open
from tests.workflows.stage import DAY, Stage

Value = TypeVar("Value")
SCHEDULED = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
PATIENCE = 20.0
"""Seconds after which something that does not come to its end is looked at again."""

ANSWER = timedelta(seconds=PATIENCE)
LONG = timedelta(days=400)
TRY_AGAIN = timedelta(minutes=10)
"""The longest pause between two attempts at a step (`policies.STEP_RETRY`)."""

A_LITTLE = timedelta(seconds=2)
"""Past the moment of a run's next step, which is shown without its fraction of a second."""


@dataclass(frozen=True)
class Seen:
    """Where a run stands. `may_skip`: how much time may pass now; None while something is under way (`why`).

    The server must not be asked to skip while a timer is due that it has not fired yet, or an earlier skip
    goes on: it would jump over that timer, which then fires too late (tried, server 1.32). Nor past the next
    timer: killed between a jump to it and its firing, the server goes on to the end of the skip.
    """

    now: datetime
    over: bool
    may_skip: timedelta | None
    why: str

    @classmethod
    def of(cls, described: WorkflowExecutionDescription, wakes: datetime | None = None) -> Seen:
        """Read the server's answer. `wakes` is when the last pause ends, which a run does not show."""
        raw = described.raw_description
        info, now, skips = raw.workflow_extended_info, datetime.now(UTC), False
        if info.HasField("time_skipping_info"):
            now = info.time_skipping_info.current_time.ToDatetime(tzinfo=UTC)
            skips = info.time_skipping_info.effective_config.enabled
        over = described.status is not WorkflowExecutionStatus.RUNNING
        paused = described.typed_search_attributes.get(PAUSED)
        due = wakes if paused else described.typed_search_attributes.get(NEXT_STEP_AT)
        tries = [one.attempt > 1 and one.state == SCHEDULED for one in raw.pending_activities]
        why = (
            "skips" * skips
            or "has a workflow task" * raw.HasField("pending_workflow_task")
            or f"runs {len(tries)} activities" * (not all(tries))
            or f"is due since {due}" * (not tries and due is not None and due <= now)
        )
        longest = TRY_AGAIN if tries else LONG if due is None else due - now + A_LITTLE
        return cls(now, over, None if why else longest, f"{now:%d %b %H:%M:%S} {why}")


@dataclass
class Scene:
    """What all lives share. `done` counts what was said and answered, by kind; `refused` what was refused."""

    stage: Stage
    board: Board
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass
class Life:
    """One customer. `now` is the time on its clock, `start` when its present intervention began.

    `name` is the story's, `doing` what it does at this moment, for people who look for what is stuck. `wakes`
    is when the last pause ends by itself.
    """

    scene: Scene
    key: str
    chance: random.Random
    name: str = ""
    family: Family = "risk"
    doing: str = ""
    start: datetime = field(default_factory=lambda: datetime.now(UTC))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    over: bool = False
    wakes: datetime | None = None

    def __str__(self) -> str:
        return f"{self.key} {self.name}"

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        """The newest run of the chain that the story is about."""
        return self.scene.stage.handle(self.key, self.family)

    async def begin(self, *, contacts: int, owner: str | None) -> None:
        """The customer is there, healthy since three days ago."""
        self.doing = "begins"
        await self.stubborn(self._make, contacts, owner)
        self.now = self.scene.stage.clocks[self.key]

    def _make(self, contacts: int, owner: str | None) -> None:
        """What is there already, an attempt before this one has made."""
        stage = self.scene.stage
        if not stage.rows(Customer, id=self.key):
            stage.world.customer(self.key, owner_id=owner)
        for number in range(len(stage.rows(Contact, customer_id=self.key)), contacts):
            stage.contact(self.key, number)
        if not stage.rows(Health, customer_id=self.key):
            stage.world.score(self.key, 72, datetime.now(UTC) - 3 * DAY)
        stage.clocks[self.key] = datetime.now(UTC)

    async def fall(self, points: float) -> None:
        """A score. What changes the level is handed over now, or by the sweep where that fails."""
        self.doing = f"score {points}"
        self.now += timedelta(seconds=1)
        stage, now = self.scene.stage, self.now
        await self.measured(stage.world.at_points, self.key, points, now)
        scored = await self.stubborn(
            stage.parts.scores.score_customer, stage.world.organisation, self.key, now
        )
        self.scene.done["score"] += 1
        if scored.transition is None:
            return
        try:
            await asyncio.wait_for(stage.parts.hand_over.hand_over(scored.transition, now), PATIENCE)
        except (RPCError, StoreError, TimeoutError):
            self.scene.done["left to the sweep"] += 1
        self.doing = f"waits for the decision on score {points}"
        transition = scored.transition
        await self.scene.board.until(lambda board: board.decided.get(transition) is not None)

    async def signalled(self, figures: dict[str, float]) -> None:
        """Figures of an expansion signal arrive; the campaign is started now, or by the sweep.

        That may have started it before we have looked for it.
        """
        self.doing = "expansion signal"
        stage, now = self.scene.stage, self.now
        await self.measured(stage.world.measure, self.key, figures, now)
        await self.stubborn(stage.parts.scores.score_customer, stage.world.organisation, self.key, now)
        waiting = await self.stubborn(stage.parts.opportunities.waiting_of, self.key)
        if waiting is None:
            self.scene.done["the sweep was faster"] += 1
            return
        try:
            await asyncio.wait_for(stage.parts.hand_over.start_campaign(waiting, now), PATIENCE)
        except (RPCError, StoreError, TimeoutError):
            self.scene.done["left to the sweep"] += 1

    async def opened(self, family: Family = "risk", count: int = 1) -> None:
        """Wait until the n-th intervention of the family is there; the story goes on with it."""
        self.doing = f"waits for {family} intervention {count}"
        self.family = family
        await self.scene.board.until(lambda board: len(board.of(self.key, family)) >= count)
        self.start = self.intervention.started_at
        self.now = max(self.now, self.start)

    @property
    def intervention(self) -> Open:
        """The newest intervention of the family."""
        return self.scene.board.of(self.key, self.family)[-1]

    async def until(self, offset: timedelta) -> None:
        """Let the run reach this long after the start, from timer to timer.

        `over` says afterwards whether the chain has ended.
        """
        moment = self.start + offset
        while True:
            seen = await self._look()
            self.over = seen.over
            if seen.over or seen.now >= moment:
                self.now = max(self.now, min(seen.now, moment))
                return
            self.doing = f"forward to {offset}, {seen.why}"
            if seen.may_skip is None:
                await asyncio.sleep(0.4)
                continue
            with suppress(RPCError, TimeoutError):
                length = min(moment - seen.now, seen.may_skip)
                await asyncio.wait_for(self.scene.stage.clock.skip(self.handle, length), PATIENCE)

    async def _look(self) -> Seen:
        """Where the run stands, asked again until somebody answers."""
        while True:
            try:
                return Seen.of(await self.handle.describe(rpc_timeout=ANSWER), self.wakes)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise
                await asyncio.sleep(0.3)

    async def to_the_end(self) -> None:
        """Until the chain has ended."""
        await self.until(LONG)
        if not self.over:
            self.scene.done["late ends"] += 1
        self.doing = "runs after all its time"
        while not self.over:
            await asyncio.sleep(1)
            self.over = (await self._look()).over

    async def tell(self, kind: type[CommandBase], **fields: Any) -> None:
        """A command through the update, again with the same id until there is an answer."""
        name = kind.__name__
        made = kind(
            **{
                "id": new_id(),
                "intervention": self.intervention.id,
                "by": "dana@brightdesk.example",
                **fields,
            }
        )
        self.doing = f"tells {name}"
        if isinstance(made, Pause):
            self.wakes = made.until
        while True:
            try:
                await self.handle.execute_update(
                    "command", made, id=made.id, result_type=Answer, rpc_timeout=ANSWER
                )
            except WorkflowUpdateFailedError as error:
                self.scene.refused[f"{name}: {str(error.cause)[:50]}"] += 1
                return
            except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
                if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                    self.scene.refused[f"{name}: the run has ended"] += 1
                    return
                await asyncio.sleep(0.3)
            else:
                self.scene.done[name] += 1
                return

    async def signal(self, name: str, **body: Any) -> None:
        """A plain signal, as Slack's buttons send it; again with the same id until the server has it."""
        self.doing = f"signals {name}"
        body = {"id": new_id(), "by": "dana", "intervention": self.intervention.id, **body}
        while True:
            try:
                await self.handle.signal(name, body, rpc_timeout=ANSWER)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    self.scene.refused[f"{name}: the run has ended"] += 1
                    return
                await asyncio.sleep(0.3)
            else:
                self.scene.done[f"signal {name}"] += 1
                return

    async def measured(self, write: Callable[..., None], *given: Any) -> None:
        """Figures; they may be there already, where only the answer to their COMMIT was lost."""
        with suppress(IntegrityError):
            await self.stubborn(write, *given)

    async def stubborn(self, call: Callable[..., Value], *given: Any) -> Value:
        """A call of the store, again while it cannot be reached or somebody else holds the file."""
        while True:
            try:
                return await asyncio.to_thread(call, *given)
            except StoreError as error:
                if not error.retryable:
                    raise
                await asyncio.sleep(0.3)


Story = Callable[[Life], Awaitable[None]]
