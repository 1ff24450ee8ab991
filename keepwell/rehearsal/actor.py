"""One customer in the theatre: scores, time, commands, and waiting for what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import col, select
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.commands import Answer, CommandBase
from keepwell.contracts.playbook import Family
from keepwell.contracts.scoring import CustomerScored
from keepwell.db.tables import Alert, Intervention, Transition
from keepwell.errors import KeepwellError, RefusedError
from keepwell.rehearsal.alerts import close_alerts
from keepwell.rehearsal.due import overdue
from keepwell.rehearsal.figures import move_to
from keepwell.rehearsal.theatre import Theatre
from keepwell.temporal.commands import send_command
from keepwell.temporal.virtual_clock import POLL_SECONDS, REAL_SECONDS
from scoring.signal import Signal

T = TypeVar("T")


@dataclass
class Actor:
    """A customer's story under way. Its clock is that of its runs; between runs it stands still.

    `families` are the chains it may have runs in. Each run has a clock of its own, and all are brought to
    the same moment before anything is done: what one tells another by signal happens at such moments.
    """

    theatre: Theatre
    customer: str
    name: str
    families: tuple[Family, ...] = ("risk",)
    _now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def start_at(self, moment: datetime) -> None:
        """Set the clock forward before anything runs; it cannot be set back."""
        self._now = max(self._now, moment)

    async def now(self) -> datetime:
        """The time on the customer's clock."""
        for family in self.families:
            if await self.runs(family):
                self._now = max(self._now, await self._clock(family))
        return self._now

    async def runs(self, family: Family | None = None) -> bool:
        """Whether a run of the customer is open, in a family or in any."""
        for one in self.families if family is None else (family,):
            try:
                described = await self._handle(one).describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            else:
                if described.status is WorkflowExecutionStatus.RUNNING:
                    return True
        return False

    async def forward(self, length: timedelta) -> bool:
        """Let time pass; whether a run is open then."""
        return await self.forward_to(await self.now() + length)

    async def forward_to(self, moment: datetime) -> bool:
        """Let time pass until a moment; what was due before is done then. Whether a run is open then.

        Raises:
            KeepwellError: the clock went further, to whatever is next. A repeat helps.
        """
        await self.up_to_date()
        for family in self.families:
            await self.theatre.clock.forward_to(self._handle(family), moment, self.name)
        await self.up_to_date(moment)
        runs = await self.runs()
        if not runs:
            self._now = max(self._now, moment)
        return runs

    async def up_to_date(self, moment: datetime | None = None) -> None:
        """Wait (in real time) until all is done that is due by a moment, or by now.

        The server may say that time has passed before that; after a take-over it even lets the next run wait
        for a second.
        """
        by = moment or await self.now()
        await self.eventually(
            lambda: overdue(self.theatre.store, self.customer, by),
            lambda left: left == 0,
            f"not everything that was due for {self.name} has been done",
        )
        await self.settle()

    async def settle(self) -> bool:
        """Wait (in real time) until nothing of the runs is under way; whether one is open then.

        A skip may end while the steps due at its end are still being done.
        """
        await self.theatre.clock.settled(*map(self._handle, self.families))
        return await self.runs()

    async def score(self, points: float | None = None) -> CustomerScored:
        """Score with the newest figures, or with such as give these points; what follows from it follows.

        Returns when the change of level, if there is one, was decided upon.
        """
        now, theatre = await self.now(), self.theatre
        if points is not None:
            await asyncio.to_thread(move_to, theatre.store, theatre.organisation, self.customer, points, now)
        scored = await asyncio.to_thread(
            theatre.parts.scores.score_customer, theatre.organisation, self.customer, now
        )
        if scored.transition is not None:
            await self.hand_over(scored.transition)
        return scored

    async def hand_over(self, transition: str) -> Transition:
        """Bring a transition to the customer's run, which may begin with it; the transition as decided."""
        now = await self.now()
        began = not await self.runs("risk")
        self._ahead("risk", now)
        await self.theatre.parts.hand_over.hand_over(transition, now)
        if began:
            await self._catch_up("risk", now)
        return await self.eventually(
            lambda: self._transition(transition),
            lambda row: row.decision is not None,
            f"the run of {self.name} has not decided upon a change of level",
        )

    async def campaign(self, signal: Signal) -> str:
        """Start the campaign for the open opportunity of a signal, as the daily run does.

        Returns why none began; empty if one did.
        """
        theatre, now = self.theatre, await self.now()
        waiting = await asyncio.to_thread(theatre.parts.opportunities.waiting_of, self.customer)
        found = [one for one in waiting.opportunities if one.signal is signal] if waiting else []
        if waiting is None or not found:
            return f"{self.name} shows no sign of {signal.value}"
        self._ahead("expansion", now)
        # Another opportunity may be better; which one is meant has been said.
        waiting = waiting.model_copy(update={"opportunities": tuple(found)})
        if await theatre.parts.hand_over.start_campaign(waiting, now):
            await self._catch_up("expansion", now)
            return ""
        again = await asyncio.to_thread(theatre.parts.opportunities.waiting_of, self.customer)
        reasons = [one.reason for one in again.opportunities if one.signal is signal] if again else []
        return next(iter(reasons), "the campaign did not begin")

    def _ahead(self, family: Family, now: datetime) -> None:
        """How far the customer's clock is ahead of the real one: a run that begins now begins that late."""
        self.theatre.ahead[self.theatre.chain(self.customer, family)] = now - datetime.now(UTC)

    async def _catch_up(self, family: Family, now: datetime) -> None:
        """Bring the clock of a run that was just begun to the customer's."""
        await self.theatre.clock.forward_to(self._handle(family), now, self.name)

    async def say(self, command: CommandBase, family: Family = "risk") -> Answer:
        """Tell the intervention a command, as the command line does.

        Raises:
            RefusedError: it says no, and why; also where nothing runs any more.
        """
        try:
            return await send_command(self._handle(family), command)
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            raise RefusedError(
                cause.message if isinstance(cause, ApplicationError) else str(cause)
            ) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise RefusedError("No intervention runs any more.") from error
            raise

    async def event(self, alert: str) -> str:
        """Start the event playbook of an alert, as the monitor does; why none began, empty if one did."""
        theatre, now = self.theatre, await self.now()
        self._ahead("event", now)
        if await theatre.parts.hand_over.start_event(alert, now):
            await self._catch_up("event", now)
            return ""
        return (await asyncio.to_thread(self._alert, alert)).reason or "its playbook did not begin"

    async def cause_gone(self, why: str) -> None:
        """Close the customer's alerts, and tell the event playbooks, as the monitor does."""
        theatre, now = self.theatre, await self.now()
        await asyncio.to_thread(close_alerts, theatre.store, self.customer, why, now)
        await theatre.parts.hand_over.end_events(theatre.organisation, now)

    def _alert(self, alert: str) -> Alert:
        with self.theatre.store.read() as session:
            return session.get_one(Alert, alert)

    async def opened(self, family: Family) -> Intervention:
        """Wait (in real time) until an intervention of a family is there; the newest one."""

        def read() -> list[Intervention]:
            return [row for row in self.interventions() if row.family == family]

        return (await self.eventually(read, bool, f"no intervention for {self.name} began"))[-1]

    async def ended(self, family: Family = "risk") -> None:
        """Wait (in real time) for the end of the chain; it must be about to come."""
        now = await self.now()
        await asyncio.wait_for(self._handle(family).result(), REAL_SECONDS)
        self._now = max(now, self._now)

    async def eventually(self, read: Callable[[], T], enough: Callable[[T], bool], what: str) -> T:
        """Ask the store again until the answer is enough; other threads write it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + REAL_SECONDS
        while True:
            value = await asyncio.to_thread(read)
            if enough(value):
                return value
            if loop.time() > end:
                raise KeepwellError(f"After {REAL_SECONDS:.0f} s {what}.", retryable=True)
            await asyncio.sleep(POLL_SECONDS)

    def interventions(self) -> list[Intervention]:
        """The customer's interventions here, oldest first."""
        query = select(Intervention).where(Intervention.customer_id == self.customer)
        with self.theatre.store.read() as session:
            return list(
                session.exec(query.order_by(col(Intervention.started_at), col(Intervention.id))).all()
            )

    def _transition(self, transition: str) -> Transition:
        with self.theatre.store.read() as session:
            return session.get_one(Transition, transition)

    async def _clock(self, family: Family) -> datetime:
        return await self.theatre.clock.now(self._handle(family))

    def _handle(self, family: Family) -> WorkflowHandle[Any, Any]:
        return self.theatre.handle(self.customer, family)
