"""`keepwell demo --once`: two stories on a virtual clock; nothing of them is left."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from keepwell.contracts.commands import Acknowledge, Answer, Command, Respond
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.views_interventions import interventions_of
from keepwell.demo.figures import raw_of
from keepwell.demo.home import home_at
from keepwell.demo.portfolio import DemoCustomer
from keepwell.demo.prepare import SCORECARD, Say, fill, newest_hour, open_store
from keepwell.demo.told import Story, tell
from keepwell.errors import KeepwellError
from keepwell.keys import new_id, risk_workflow_id
from keepwell.settings import Settings
from keepwell.temporal.connect import connect_to
from keepwell.temporal.embedded import embedded_server
from scoring.load import builtin
from worker import Parts, compose, make_worker

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OPEN_SECONDS = 30.0
RECOVERED_POINTS = 69.0


def play(say: Say) -> tuple[Story, ...]:
    """Play both stories side by side, each on its own clock. Nothing is left behind."""
    try:
        with tempfile.TemporaryDirectory(prefix="keepwell-demo-", ignore_cleanup_errors=True) as folder:
            return asyncio.run(_play(home_at(Path(folder)).settings, say))
    finally:
        # See keepwell.temporal.run_client: a client must not outlive the loop.
        gc.collect()


async def _play(settings: Settings, say: Say) -> tuple[Story, ...]:
    home = home_at(settings.home)
    store = open_store(home)
    anchor = newest_hour(datetime.now(UTC))
    try:
        filling = asyncio.create_task(asyncio.to_thread(fill, store, anchor))
        async with embedded_server(settings, in_memory=True, ui=False) as server:
            organisation, customers = await filling
            say(f"{len(customers)} made-up customers, and a Temporal server in memory with a virtual clock")
            client = await connect_to(server.address)
            async with _theatre(settings, store, client, organisation) as theatre:
                critical, at_risk = _cast(customers)
                say(f"Playing two days of {critical.name} and nine of {at_risk.name} …")
                stories = await asyncio.gather(_critical(theatre, critical), _at_risk(theatre, at_risk))
                return tuple(stories)
    finally:
        store.dispose()


@dataclass
class Theatre:
    """The production parts on a virtual clock."""

    store: Store
    organisation: str
    parts: Parts
    skipper: TimeSkipper

    def handle(self, customer: str) -> WorkflowHandle[Any, Any]:
        """The customer's newest run."""
        return self.skipper.client.get_workflow_handle(risk_workflow_id(self.organisation, customer))


@dataclass
class Actor:
    """One customer's story under way, and the time on its clock."""

    theatre: Theatre
    customer: str
    name: str
    owner: str
    now: datetime

    async def score(self) -> None:
        """Score the customer with its newest figures; what follows from it follows."""
        parts = self.theatre.parts
        scored = await asyncio.to_thread(
            parts.scores.score_customer, self.theatre.organisation, self.customer, self.now
        )
        if scored.transition is None:
            raise KeepwellError(
                f"The demo's {self.name} did not change its level: score {scored.score}, {scored.level}.",
                audience="developer",
            )
        await parts.hand_over.hand_over(scored.transition, self.now)

    async def opened(self) -> str:
        """Wait (in real time) until the intervention is open; its id."""
        loop = asyncio.get_running_loop()
        end = loop.time() + OPEN_SECONDS
        while loop.time() < end:
            found = await asyncio.to_thread(self._intervention)
            if found is not None:
                return found
            await asyncio.sleep(0.05)
        raise KeepwellError(
            f"No intervention for {self.name} began within {OPEN_SECONDS:.0f} s.", retryable=True
        )

    def _intervention(self) -> str | None:
        with self.theatre.store.read() as session:
            lines = interventions_of(session, self.customer, self.now)
        return lines[0].id if lines else None

    async def forward(self, length: timedelta) -> None:
        """Let time pass."""
        self.now += length
        await self.theatre.skipper.fast_forward(self.theatre.handle(self.customer), length)

    async def say(self, command: Command) -> None:
        """Tell the intervention a command, as the command line does."""
        await self.theatre.handle(self.customer).execute_update(
            "command", command, id=command.id, result_type=Answer
        )

    async def told(self, intervention: str, title: str, plot: str) -> Story:
        """Wait for the end and tell the story."""
        await self.theatre.handle(self.customer).result()
        return await asyncio.to_thread(tell, self.theatre.store, intervention, self.now, title, plot)


@asynccontextmanager
async def _theatre(
    settings: Settings, store: Store, client: Client, organisation: str
) -> AsyncIterator[Theatre]:
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
    parts = compose(settings, store, skipper.client)
    with ThreadPoolExecutor(16) as executor:
        async with make_worker(settings, skipper.client, parts, executor):
            yield Theatre(store, organisation, parts, skipper)


def _cast(customers: tuple[DemoCustomer, ...]) -> tuple[DemoCustomer, DemoCustomer]:
    """One who falls off a cliff and one who slips, both with somebody to write to."""

    def fits(one: DemoCustomer, story: str, people: int) -> bool:
        usable = [who for who in one.contacts if who.consent.value != "denied" and not who.suppressed]
        return one.story.name == story and len(usable) >= people and one.owner is not None

    critical = next(one for one in customers if fits(one, "cliff", 2))
    return critical, next(one for one in customers if fits(one, "slips today", 1))


async def _critical(theatre: Theatre, customer: DemoCustomer) -> Story:
    """Silence for two days, then an answer."""
    actor = await asyncio.to_thread(_enter, theatre, customer)
    await actor.score()
    intervention = await actor.opened()
    base = {"intervention": intervention, "by": actor.owner}
    await actor.forward(3 * HOUR)
    await actor.say(Acknowledge(id=new_id(), note="I am on it", **base))
    await actor.forward(47 * HOUR)
    await actor.say(Respond(id=new_id(), note="They want a call on Monday", **base))
    return await actor.told(
        intervention,
        "critical, two days of silence, then an answer",
        "The score collapsed overnight. An executive writes at once, the CSM acknowledges after 3 hours; "
        "silence is answered with a phone call and another contact, and after 50 hours they answer.",
    )


async def _at_risk(theatre: Theatre, customer: DemoCustomer) -> Story:
    """Useful messages, and a recovery on the ninth day."""
    actor = await asyncio.to_thread(_enter, theatre, customer)
    await actor.score()
    intervention = await actor.opened()
    await actor.forward(9 * DAY)
    await asyncio.to_thread(_recover, theatre.store, actor)
    await actor.score()
    return await actor.told(
        intervention,
        "at risk, and recovered",
        "The score slipped below 60. Useful messages with the customer's own figures; on day 9 new "
        "figures arrive, the score is good again, and the playbook ends by itself.",
    )


def _enter(theatre: Theatre, customer: DemoCustomer) -> Actor:
    rows, staff = table("customer"), table("staff")
    with theatre.store.read() as session:
        query = (
            rows.select()
            .with_only_columns(rows.c.id, staff.c.name)
            .select_from(rows.join(staff, rows.c.owner_id == staff.c.id))
            .where(rows.c.organisation_id == theatre.organisation, rows.c.external_id == customer.key)
        )
        identity, owner = session.connection().execute(query).one()
    return Actor(theatre, identity, customer.name, owner, datetime.now(UTC))


def _recover(store: Store, actor: Actor) -> None:
    """New figures of every metric, as a customer that is well again has them."""
    card = builtin(SCORECARD)
    rows = [
        {
            "customer_id": actor.customer,
            "name": metric.name,
            "measured_at": actor.now,
            "value": round(float(raw_of(metric, np.array(RECOVERED_POINTS))), 2),
            "received_at": actor.now,
        }
        for metric in card.metrics
    ]
    with store.write() as session:
        session.connection().execute(table("metric").insert(), rows)
