"""A stage for tests of runs: the production parts on a real Temporal server with a virtual clock.

The store, the activities, the templates and the sender of transitions are the ones of production; only
the clock is virtual, and messages go to the outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlmodel import SQLModel, col, select
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.delivery import LEASE
from keepwell.contracts.commands import Answer, CommandBase, Stop
from keepwell.contracts.playbook import Channel, Family
from keepwell.contracts.scoring import CustomerScored
from keepwell.db.engine import Store
from keepwell.db.repositories.alerts import raise_alert
from keepwell.db.tables import (
    Alert,
    Customer,
    Delivery,
    Event,
    Intervention,
    InterventionStep,
    OutboxMessage,
    Task,
    Transition,
)
from keepwell.keys import event_workflow_id, expansion_workflow_id, new_id, risk_workflow_id
from keepwell.ports import ChannelAdapter
from keepwell.settings import Settings
from keepwell.temporal.commands import send_command
from keepwell.temporal.connect import connect_to
from keepwell.temporal.virtual_clock import VirtualClock
from scoring.signal import Signal
from scoring.triggers import Finding
from tests.unit.db.world import World
from worker import THREADS, Parts, compose, make_worker

Value = TypeVar("Value")
PATIENCE = 60.0
"""Seconds after which something that takes an instant will not come any more; the machine may be busy."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass
class Stage:
    """Customers of one organisation, and their runs."""

    world: World
    parts: Parts
    skipper: TimeSkipper
    clock: VirtualClock
    clocks: dict[str, datetime] = field(default_factory=dict)
    chains: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The store of the stage."""
        return self.world.store

    def customer(
        self, key: str, *, contacts: int = 2, owner: str | None = "dana", scored: bool = True
    ) -> str:
        """A customer with contacts, an owner and a baseline score of 72 three days ago."""
        self.world.customer(key, owner_id=owner)
        for number in range(contacts):
            self.contact(key, number)
        began = datetime.now(UTC)
        self.clocks[key] = began
        if scored:
            self.world.score(key, 72, began - 3 * DAY)
        return key

    def contact(self, key: str, number: int) -> str:
        """A customer's n-th contact, who may be written to."""
        role = ("decision_maker", "champion", "user")[number % 3]
        return self.world.contact(f"{key}-{number}", key, role=role, consent="granted")

    async def score(self, key: str, points: float) -> CustomerScored:
        """New figures arrive, and what `keepwell metric` does follows: score, transition, hand-over."""
        now = self.clocks[key]
        await asyncio.to_thread(self.world.at_points, key, points, now)
        scored = await asyncio.to_thread(self.parts.scores.score_customer, self.world.organisation, key, now)
        if scored.transition is not None:
            await self.parts.hand_over.hand_over(scored.transition, now)
        self.clocks[key] += timedelta(seconds=1)
        return scored

    async def expand(self, key: str, signal: Signal, **figures: float) -> None:
        """Figures of a signal arrive, and what the daily run does follows: an opportunity, its campaign."""
        now = self.clocks[key]
        await asyncio.to_thread(self.world.measure, key, figures, now)
        await asyncio.to_thread(self.parts.scores.score_customer, self.world.organisation, key, now)
        waiting = await asyncio.to_thread(self.parts.opportunities.waiting_of, key)
        assert waiting is not None
        assert [one.signal for one in waiting.opportunities] == [signal]
        assert await self.parts.hand_over.start_campaign(waiting, now)

    async def alert(self, key: str, finding: Finding, due: timedelta = timedelta()) -> str:
        """Something is noticed about a customer, and what the monitor does follows; the alert's id.

        `due` is how long it is until the alert is due: golden timelines must not depend on the weekday. The
        chain of its playbook is from then on the one that is meant by the family "event".
        """
        alert = await asyncio.to_thread(self.raised, key, finding)
        self.world.change(Alert, alert, due_at=self.clocks[key] + due)
        await self.hand_over(key, alert, finding)
        return alert

    async def hand_over(self, key: str, alert: str, finding: Finding) -> None:
        """Bring an alert to its playbook, as the monitor does."""
        playbook = self.parts.playbooks.for_trigger(finding.trigger)
        assert playbook is not None
        self.chains[key] = event_workflow_id(self.world.organisation, key, playbook.name)
        await self.parts.hand_over.start_event(alert, self.clocks[key])

    def raised(self, key: str, finding: Finding) -> str:
        """An alert in the store; the same customer may have many."""
        with self.store.write() as session:
            customer = session.get_one(Customer, key)
            return raise_alert(session, customer, finding, new_id(), self.clocks[key])

    def alert_row(self, alert: str) -> Alert:
        """An alert as it stands."""
        row: Alert = self.rows(Alert, id=alert)[0]
        return row

    def handle(self, key: str, family: Family = "risk") -> WorkflowHandle[Any, Any]:
        """The newest run of a customer's chain."""
        organisation = self.world.organisation
        match family:
            case "risk":
                identifier = risk_workflow_id(organisation, key)
            case "expansion":
                identifier = expansion_workflow_id(organisation, key)
            case "event":
                identifier = self.chains.get(key, event_workflow_id(organisation, key, "none"))
        return self.skipper.client.get_workflow_handle(identifier)

    async def forward(self, key: str, length: timedelta, family: Family = "risk") -> bool:
        """Let time pass for a customer's run; False when the chain has ended.

        What was due by then is done then, not just begun: whoever looks or tells the run something next must
        not depend on how far it has got.
        """
        self.clocks[key] += length
        handle = self.handle(key, family)
        return await self._arrive(handle, await self.clock.now(handle) + length)

    async def reach(self, key: str, since_start: timedelta, family: Family = "risk") -> bool:
        """The same until a moment counted from the start of the customer's open intervention.

        For what lasts while another run is played: between skips its clock goes on with the real one.
        """
        (row,) = [one for one in self.interventions(key) if one.family == family and one.outcome is None]
        moment = row.started_at + since_start
        self.clocks[key] = max(self.clocks[key], moment)
        return await self._arrive(self.handle(key, family), moment)

    async def _arrive(self, handle: WorkflowHandle[Any, Any], moment: datetime) -> bool:
        await self.clock.forward_to(handle, moment)
        (standing,) = await self.clock.settled(handle)
        return standing is not None and standing.open

    async def until_end(self, key: str, family: Family = "risk") -> Any:
        """Let all the time pass that the run takes, and give its result."""
        return await self.ended(self.handle(key, family))

    async def ended(self, handle: WorkflowHandle[Any, Any]) -> Any:
        """The same of any run; one that waits for nothing may have ended by itself already."""
        try:
            await self.skipper.fast_forward(handle, None)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        return await handle.result()

    async def opened(self, key: str, count: int = 1) -> Intervention:
        """Wait (in real time) until the customer's n-th intervention is open, and give it."""
        rows = await self.eventually(lambda: self.interventions(key), lambda rows: len(rows) >= count)
        return rows[-1]

    async def eventually(
        self, read: Callable[[], Value], enough: Callable[[Value], bool], seconds: float = PATIENCE
    ) -> Value:
        """Ask again until the answer is enough; the store is written by other threads."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            value = await asyncio.to_thread(read)
            if enough(value):
                return value
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"still {value!r} after {seconds} s")
            await asyncio.sleep(0.02)

    async def command(self, key: str, kind: type[CommandBase], **fields: Any) -> Answer:
        """A command through the update that the command line uses."""
        family: Family = fields.pop("family", "risk")
        rows = [row.id for row in self.interventions(key) if row.family == family]
        intervention = fields.pop("intervention", None) or rows[-1]
        made = kind(
            **{"id": new_id(), "intervention": intervention, "by": "dana@brightdesk.example", **fields}
        )
        return await send_command(self.handle(key, family), made)

    def rows(self, model: type[SQLModel], **where: Any) -> list[Any]:
        """Rows of a table, in the order of their ids."""
        query = select(model)
        for name, value in where.items():
            query = query.where(col(getattr(model, name)) == value)
        with self.store.read() as session:
            return list(session.exec(query).all())

    def interventions(self, key: str) -> list[Intervention]:
        """A customer's interventions, oldest first."""
        return sorted(self.rows(Intervention, customer_id=key), key=lambda row: row.id)

    def steps(self, intervention: str) -> dict[str, str]:
        """The states of an intervention's steps."""
        found: Sequence[InterventionStep] = self.rows(InterventionStep, intervention_id=intervention)
        return {row.name: row.state for row in sorted(found, key=lambda row: row.position)}

    def deliveries(self, key: str) -> list[Delivery]:
        """A customer's rows in the send ledger."""
        return self.rows(Delivery, customer_id=key)

    def outbox(self, key: str) -> list[OutboxMessage]:
        """What a customer's outbox holds."""
        return sorted(self.rows(OutboxMessage, customer_id=key), key=lambda row: row.id)

    def transitions(self, key: str) -> list[Transition]:
        """A customer's transitions, oldest first."""
        return sorted(self.rows(Transition, customer_id=key), key=lambda row: row.sequence)

    def tasks(self, key: str) -> list[Task]:
        """A customer's tasks, oldest first."""
        return sorted(self.rows(Task, customer_id=key), key=lambda row: row.id)

    def timeline(self, intervention: str) -> list[str]:
        """The journal of an intervention, each line with its time since the start."""
        rows: list[Event] = sorted(
            self.rows(Event, intervention_id=intervention), key=lambda row: (row.at, row.id)
        )
        start = self.rows(Intervention, id=intervention)[0].started_at
        return [f"{since(row.at - start)}  {row.kind}: {row.text}" for row in rows]


def since(length: timedelta) -> str:
    """A length of time as timelines put it: "day  2 08:00"."""
    minutes = round(length.total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    return f"day {days:>2} {rest // 60:02}:{rest % 60:02}"


@asynccontextmanager
async def stage(
    store: Store,
    address: str,
    *,
    adapters: Mapping[Channel, ChannelAdapter] | None = None,
    lease: timedelta = LEASE,
    works: bool = True,
    templates: Path | None = None,
) -> AsyncIterator[Stage]:
    """The parts of production, wired to a worker on the test server; or to none, if others work."""
    # Runs of one test must not meet those of another: they share the server.
    world = World(store, organisation=f"org-{new_id()}")
    world.can_send()
    world.staff("lena", role="lead", name="Lena Lead")
    world.staff("dana", name="Dana Reyes", manager_id="lena", deputy="omar")
    world.staff("omar", name="Omar Haddad", manager_id="lena")
    world.staff("sam", role="support", name="Sam Support")
    world.staff("erin", role="executive", name="Erin Cole", title="CEO")
    client = await connect_to(address)
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
    settings = Settings(task_queue=f"test-{new_id()}", partition_size=50, templates=templates)
    parts = compose(settings, store, skipper.client, adapters=adapters, lease=lease)
    opened = Stage(world, parts, skipper, VirtualClock(skipper.client))
    if not works:
        yield opened
        return
    with ThreadPoolExecutor(THREADS) as executor:
        async with make_worker(settings, skipper.client, parts, executor):
            yield opened


async def first_hours(
    store: Store, address: str, adapters: Mapping[Channel, ChannelAdapter], lease: timedelta
) -> tuple[Stage, str]:
    """The first three hours of the critical playbook with these adapters, and the customer's key."""
    async with stage(store, address, adapters=adapters, lease=lease) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        await opened.opened(key)
        await opened.forward(key, 3 * HOUR)
        await opened.command(key, Stop)
        await opened.handle(key).result()
        return opened, key
