"""Everybody locks in one order, the customer first: two that wait for each other would both fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session

from keepwell.contracts.alerts import MonitorCall
from keepwell.contracts.commands import Decline
from keepwell.contracts.intervention import (
    Changes,
    Ending,
    Note,
    Opened,
    Outcome,
    Record,
)
from keepwell.db.engine import Store
from keepwell.db.repositories import offer_page
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.event_alerts import EventAlertRepository
from keepwell.db.repositories.handing_on import hand_on_tasks
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.repositories.offer_page import Addressed
from keepwell.db.repositories.reassigning import reassign_customer
from keepwell.db.tables import Offer, Staff, Task
from tests.unit.db.payments import raised, request
from tests.unit.db.world import DAY, NOW, World
from workflows.event import PRIORITY_SUPPORT

SECONDS = 20.0
ROWS = ("alert", "intervention", "transition", "health", "offer", "task")
DECLINE = Decline(id="x", by="Pat")


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


def _writing(world: World, work: Callable[[Session], object]) -> Callable[[], object]:
    def write() -> None:
        with world.store.write() as session:
            work(session)

    return write


def _offered(world: World) -> Callable[[Session], Addressed]:
    """Acme's offer as Pat's link leads to it."""
    run = opened(world)
    world.contact("pat", "acme")
    world.add(
        Offer(
            id="offer-1",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id=run,
            step="offer",
            valid_for=DAY,
            state="offered",
            offered_at=NOW,
            valid_until=NOW + DAY,
        )
    )
    return lambda session: offer_page.addressed(session, "offer-1", "pat", lock=True)


def answering(world: World) -> Callable[[], object]:
    found = _offered(world)
    return _writing(world, lambda session: offer_page.answer(session, found(session), DECLINE, NOW))


def asking(world: World) -> Callable[[], object]:
    found = _offered(world)
    return _writing(world, lambda session: offer_page.ask_for_call(session, found(session), "1", "", "", NOW))


def seeing(world: World) -> Callable[[], object]:
    found = _offered(world)
    return _writing(world, lambda session: offer_page.see(session, found(session), NOW))


def _tasked(world: World) -> None:
    """Dana has a task for Acme, and has left."""
    for key in ("dana", "lou"):
        world.staff(key, role="lead" if key == "lou" else "csm", active=key == "lou")
    task: dict[str, Any] = {
        "id": "task-1",
        "key": "task-1",
        "kind": "step",
        "title": "Call",
        "owner_id": "dana",
    }
    task |= {"organisation_id": world.organisation, "customer_id": "acme"}
    world.add(Task(**task, intervention_id=opened(world), due_at=NOW, created_at=NOW))


def handing_on(world: World) -> Callable[[], object]:
    _tasked(world)
    return lambda: hand_on_tasks(world.store, MonitorCall(organisation=world.organisation, as_of=NOW))


def reassigning(world: World) -> Callable[[], object]:
    _tasked(world)
    return _writing(
        world,
        lambda session: reassign_customer(session, "acme", session.get_one(Staff, "lou"), "lou", NOW),
    )


ACTS = [
    opening,
    admitting,
    refusing,
    acknowledging,
    ending,
    answering,
    asking,
    seeing,
    handing_on,
    reassigning,
]


@pytest.mark.parametrize("act", ACTS)
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
    # Other tests have databases of their own on the same server, and wait there.
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    end = time.monotonic() + SECONDS
    while True:
        with store.read() as session:
            if session.connection().execute(waiting).scalar_one():
                return
        assert time.monotonic() < end, "it waits for nobody: the customer is not locked"
        time.sleep(0.02)
