"""Everybody locks in one order, the customer first: two that wait for each other would both fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from keepwell.contracts.intervention import (
    Changes,
    Ending,
    Note,
    Opened,
    Outcome,
    Record,
)
from keepwell.db.engine import Store
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.event_alerts import EventAlertRepository
from keepwell.db.repositories.interventions import InterventionRepository
from tests.unit.db.payments import raised, request
from tests.unit.db.world import NOW, World
from workflows.event import PRIORITY_SUPPORT

SECONDS = 20.0
ROWS = ("alert", "intervention", "transition", "health")


@pytest.fixture
def world(postgresql_url: str) -> Iterator[World]:
    """Acme, whose payment failed; SQLite has one writer at a time, so nobody waits for anybody there."""
    store = Store(postgresql_url)
    made = World(store)
    made.customer("acme")
    made.score("acme", 72, NOW)
    yield made
    store.dispose()


def opened(world: World) -> str:
    answer = InterventionRepository(world.store).open(request(world, raised(world, NOW), NOW))
    assert isinstance(answer, Opened)
    return answer.intervention


def opening(world: World) -> Callable[[], object]:
    wanted = request(world, raised(world, NOW), NOW)
    return lambda: InterventionRepository(world.store).open(wanted)


def admitting(world: World) -> Callable[[], object]:
    alert = raised(world, NOW)
    return lambda: EventAlertRepository(world.store).admit(alert, PRIORITY_SUPPORT, NOW)


def refusing(world: World) -> Callable[[], object]:
    alert = raised(world, NOW)
    return lambda: EventAlertRepository(world.store).runs_already(alert, PRIORITY_SUPPORT, NOW)


def acknowledging(world: World) -> Callable[[], object]:
    note = Note(
        key="k",
        kind="command.acknowledge",
        by="dana",
        text="Acknowledged",
        at=NOW,
        changes=Changes(acknowledged_by="dana"),
    )
    record = Record(
        organisation=world.organisation, customer="acme", intervention=opened(world), notes=(note,)
    )
    return lambda: InterventionRepository(world.store).record(record)


def ending(world: World) -> Callable[[], object]:
    wanted = Ending(
        organisation=world.organisation,
        customer="acme",
        intervention=opened(world),
        outcome=Outcome.STOPPED,
        why="enough",
        by="dana",
        now=NOW,
    )
    return lambda: InterventionRepository(world.store).end(wanted, None)


@pytest.mark.parametrize("act", [opening, admitting, refusing, acknowledging, ending])
def test_who_waits_for_a_customer_holds_nothing_else(
    act: Callable[[World], Callable[[], object]], world: World
) -> None:
    work = act(world)
    with ThreadPoolExecutor(1) as executor:
        with world.store.write() as session:
            # As whoever takes in events or scores does: the customer first, then what is the customer's.
            lock_customers(session, ["acme"])
            done = executor.submit(work)
            _wait_for_one_that_waits(world.store)
            for name in ROWS:
                session.connection().execute(text(f"SELECT 1 FROM {name} FOR UPDATE NOWAIT")).all()
        done.result(SECONDS)


def _wait_for_one_that_waits(store: Store) -> None:
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    end = time.monotonic() + SECONDS
    while True:
        with store.read() as session:
            if session.connection().execute(waiting).scalar_one():
                return
        assert time.monotonic() < end, "it waits for nobody: the customer is not locked"
        time.sleep(0.02)
