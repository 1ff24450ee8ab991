"""The production parts on a virtual clock and a Temporal server in memory: for rehearsals and the demo.

Workflows, activities, the sender of transitions, gate, ledger and renderer are those of production. Only the
clock is virtual, messages go to the outbox of the theatre's store, and the gate's answers are noted.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import SecretStr
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
)
from temporalio.envconfig import ClientConfigProfile

from keepwell.adapters.gate import StoreGate
from keepwell.adapters.in_app import InApp
from keepwell.adapters.outbox import Outbox
from keepwell.contracts.playbook import Channel, Family, Playbook
from keepwell.db.engine import Store
from keepwell.keys import event_workflow_id, expansion_workflow_id, risk_workflow_id
from keepwell.links import Links
from keepwell.ports import ChannelAdapter
from keepwell.rehearsal.gate import RecordingGate
from keepwell.settings import Settings
from keepwell.temporal.connect import connect_to
from keepwell.temporal.embedded import embedded_server
from keepwell.temporal.virtual_clock import VirtualClock
from worker import THREADS, Parts, compose, make_worker

_FORGOTTEN = SecretStr(secrets.token_hex(32))
"""Signs links in what is only rehearsed, so that they open nothing; the same for two that are compared."""

LEAST_DELAY = timedelta(seconds=2)
"""Below this a run waits for its moment: a skip of the clock would take as long."""


@dataclass
class Theatre:
    """A store with customers of one organisation, a worker on it, and the clocks of their runs.

    `ahead` says, by the id of a chain, how far its customer's clock is ahead of the real one: the next run
    of the chain begins that much later. `event` is the event playbook that is played, by its name.
    """

    store: Store
    organisation: str
    parts: Parts
    clock: VirtualClock
    gate: RecordingGate
    ahead: dict[str, timedelta] = field(default_factory=dict)
    event: str = ""

    def chain(self, customer: str, family: Family = "risk") -> str:
        """The id of the customer's chain of runs of a family."""
        match family:
            case "risk":
                return risk_workflow_id(self.organisation, customer)
            case "expansion":
                return expansion_workflow_id(self.organisation, customer)
            case "event":
                return event_workflow_id(self.organisation, customer, self.event)

    def handle(self, customer: str, family: Family = "risk") -> WorkflowHandle[Any, Any]:
        """The customer's newest run of a family."""
        return self.clock.client.get_workflow_handle(self.chain(customer, family))


@asynccontextmanager
async def virtual_server(settings: Settings) -> AsyncIterator[str]:
    """A Temporal server of our own, in memory, whatever server the settings lead to; its address.

    It ends with the block. It writes no database file, and nobody else finds it.
    """
    async with embedded_server(settings, in_memory=True, ui=False) as server:
        yield server.address


@asynccontextmanager
async def open_theatre(
    settings: Settings,
    store: Store,
    organisation: str,
    server: ClientConfigProfile | str,
    *,
    instead: Sequence[Playbook] = (),
) -> AsyncIterator[Theatre]:
    """The parts at work on a server (its address, or a profile that names a namespace of it as well).

    `instead` are playbooks in force in place of the settings'.

    `store` is written to, so it is a scratch or a demo store. Of the settings, playbooks and templates count.
    """
    ahead: dict[str, timedelta] = {}
    config = (await connect_to(server)).config()
    config["interceptors"] = [*config["interceptors"], LateStarts(ahead)]
    clock = VirtualClock(Client(**config))
    gate = RecordingGate(StoreGate(store))
    outbox = Outbox(store)
    adapters: dict[Channel, ChannelAdapter] = {
        Channel.EMAIL: outbox,
        Channel.SLACK: outbox,
        Channel.IN_APP: InApp(store),
    }
    links = Links(_FORGOTTEN, settings.public_url)
    parts = compose(settings, store, clock.client, adapters=adapters, gate=gate, instead=instead, links=links)
    with ThreadPoolExecutor(THREADS) as executor:
        async with make_worker(settings, clock.client, parts, executor):
            yield Theatre(store, organisation, parts, clock, gate, ahead)


class LateStarts(Interceptor):
    """Starts a run on its customer's clock: as much later as that is ahead. The delay is then skipped."""

    def __init__(self, ahead: dict[str, timedelta]) -> None:
        self._ahead = ahead

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Temporal's hook; it names the argument."""
        return _LateOutbound(next, self._ahead)


class _LateOutbound(OutboundInterceptor):
    def __init__(self, then: OutboundInterceptor, ahead: dict[str, timedelta]) -> None:
        super().__init__(then)
        self._ahead = ahead

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        delay = self._ahead.get(input.id, timedelta())
        if delay >= LEAST_DELAY:
            input.start_delay = delay
        elif delay > timedelta():
            # Not at once: it would look for figures of a moment that is still to come.
            await asyncio.sleep(delay.total_seconds())
        return await super().start_workflow(input)
