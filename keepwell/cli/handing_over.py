"""Bringing transitions and opportunities to their customers' runs, and waiting for what becomes of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from temporalio.client import Client

from keepwell.cli.desk import Desk
from keepwell.cli.engine import with_client
from keepwell.contracts.campaigns import WaitingCustomer
from keepwell.db.repositories.baselines import open_baselines
from keepwell.db.repositories.campaigns import OpportunityRepository
from keepwell.db.repositories.views_opportunities import STATES, OpportunityLine, opportunities
from keepwell.db.repositories.views_transitions import Decision, decisions
from keepwell.errors import ServerUnavailableError
from keepwell.temporal.updates import require_worker
from worker import make_hand_over

DECIDED_WITHIN = 30.0
"""Seconds to wait for what the runs make of transitions; a running worker needs one or two."""
POLL_SECONDS = 0.2
AT_ONCE = 20
Row = TypeVar("Row", Decision, OpportunityLine)


def hand_over(desk: Desk, write: Callable[[], Sequence[str]]) -> tuple[Decision, ...]:
    """Connect, write transitions, hand them over, and wait a moment for the runs to decide.

    Nothing is written where no server answers: ServerUnavailableError. Without a worker the
    transitions are handed over and stay undecided until one comes.
    """

    async def run(client: Client) -> tuple[Sequence[str], bool]:
        sender = make_hand_over(desk.settings, desk.store, client)
        transitions = await asyncio.to_thread(write)
        room = asyncio.Semaphore(AT_ONCE)

        async def one(transition: str) -> None:
            async with room:
                await sender.hand_over(transition, desk.now)

        await asyncio.gather(*(one(transition) for transition in transitions))
        return transitions, await _works(require_worker(client, desk.settings))

    transitions, works = with_client(desk.settings, run)
    return _decided(desk, transitions, DECIDED_WITHIN if works else 0.0)


def start_campaign(desk: Desk, waiting: WaitingCustomer) -> bool:
    """Connect and start the campaign that may begin for the customer; whether one was started.

    Raises ServerUnavailableError where no server answers.
    """

    async def run(client: Client) -> bool:
        sender = make_hand_over(desk.settings, desk.store, client)
        return await sender.start_campaign(waiting, desk.now)

    return with_client(desk.settings, run)


def start_events(desk: Desk, alerts: Sequence[str]) -> None:
    """Connect and bring alerts to their playbooks; each is started, or decided against with the reason.

    Raises ServerUnavailableError where no server answers.
    """

    async def run(client: Client) -> None:
        sender = make_hand_over(desk.settings, desk.store, client)
        # First what is over: it would keep the same playbook from beginning anew.
        await sender.end_events(desk.organisation.id, desk.now)
        for alert in alerts:
            await sender.start_event(alert, desk.now)

    with_client(desk.settings, run)


def hand_over_baselines(desk: Desk, wanted: Sequence[str], by: str) -> tuple[OpportunityLine, ...]:
    """Connect, open baselines, start their customers' campaigns as the daily run does; what came of each.

    Nothing is written where no server answers: ServerUnavailableError. One whose campaign does not begin
    has the reason; without a worker those that were started stay open until one comes.
    """

    async def run(client: Client) -> bool:
        sender = make_hand_over(desk.settings, desk.store, client)
        store, room = OpportunityRepository(desk.store), asyncio.Semaphore(AT_ONCE)
        customers = await asyncio.to_thread(
            open_baselines, desk.store, desk.organisation.id, wanted, desk.now, by
        )

        async def one(customer: str) -> None:
            async with room:
                waiting = await asyncio.to_thread(store.waiting_of, customer)
                if waiting is not None:
                    await sender.start_campaign(waiting, desk.now)

        await asyncio.gather(*(one(customer) for customer in customers))
        return await _works(require_worker(client, desk.settings))

    def lines() -> tuple[OpportunityLine, ...]:
        with desk.store.read() as session:
            return opportunities(session, desk.organisation.id, states=STATES, ids=wanted).opportunities

    works = with_client(desk.settings, run)
    return _polled(
        lines, lambda line: line.state != "open" or line.reason != "", DECIDED_WITHIN if works else 0.0
    )


async def _works(required: Awaitable[None]) -> bool:
    try:
        await required
    except ServerUnavailableError:
        return False
    return True


def _decided(desk: Desk, transitions: Sequence[str], seconds: float) -> tuple[Decision, ...]:
    def read() -> tuple[Decision, ...]:
        with desk.store.read() as session:
            return decisions(session, transitions)

    return _polled(read, lambda one: one.decision is not None, seconds)


def _polled(
    read: Callable[[], tuple[Row, ...]], decided: Callable[[Row], bool], seconds: float
) -> tuple[Row, ...]:
    """Read until every row is decided or the time is over."""
    end = time.monotonic() + seconds
    while True:
        found = read()
        if all(decided(one) for one in found) or time.monotonic() > end:
            return found
        time.sleep(POLL_SECONDS)
