"""What pages ask for all day reads what is open, and a page of what is over: so say the engines' plans."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.client_insights import insights, unread_insights
from keepwell.db.repositories.views_calendar import calendar
from keepwell.db.repositories.views_client import client_success
from keepwell.db.repositories.views_customer_lines import LineKind
from keepwell.db.repositories.views_customer_timeline import customer_timeline
from keepwell.db.repositories.views_today import today
from keepwell.keys import new_id
from tests.unit.db.busy_world import analyse, customers_of, open_for, put, staff_of, tasks_for
from tests.unit.db.world import DAY, NOW, World

BIG = (
    "event",
    "intervention",
    "intervention_step",
    "task",
    "delivery",
    "engagement_event",
    "insight",
    "offer",
)
"""The tables that grow with all history."""

NAMES = "|".join(BIG)
WHOLE = re.compile(
    rf"SCAN ({NAMES})\b|Seq Scan on ({NAMES})\b|"
    rf"\bix_({NAMES})_(organisation_id|due_at|planned_at|started_at|at)\b"
)
"""A whole table, or an index that holds all there ever was of an organisation, or of all of them."""

PAGES: dict[str, Callable[[Session, str], object]] = {
    "the timeline": lambda session, key: customer_timeline(session, "org-1", key, NOW),
    "a kind of it": lambda session, key: customer_timeline(
        session, "org-1", key, NOW, kinds=[LineKind.ENGAGEMENT, LineKind.OFFER]
    ),
    "today": lambda session, _: today(session, "org-1", NOW),
    "today of one": lambda session, _: today(session, "org-1", NOW, staff="csm001"),
    "the calendar": lambda session, _: calendar(session, "org-1", NOW),
    "the calendar of one": lambda session, _: calendar(session, "org-1", NOW, owner="csm001"),
    "a customer's own page": lambda session, key: client_success(session, "org-1", key, NOW),
    "insights": lambda session, key: (
        insights(session, "org-1", key, NOW),
        unread_insights(session, "org-1", key, NOW),
    ),
}


@pytest.fixture
def world(store: Store) -> World:
    """A hundred open interventions, thousands that are over, and what they have left behind."""
    world = World(store)
    owners = staff_of(world, 5)
    customers = customers_of(world, 1_500, owners)
    over = open_for(world, customers, owners, ended=True)
    over += open_for(world, customers, owners, ended=True)
    running = open_for(world, customers[:100], owners)
    for _ in range(3):
        tasks_for(world, customers, owners, state="done")
    tasks_for(world, customers[:100], owners)
    _history(world, customers, over, running)
    analyse(store, *BIG, "customer", "contact", "draft", "alert", "health", "staff")
    return world


def _history(world: World, customers: list[str], over: list[str], running: list[str]) -> None:
    own = {"organisation_id": world.organisation}
    lines = []
    for number in range(6_000):
        line = journal.line(
            key=new_id(),
            organisation=world.organisation,
            customer=customers[0] if number % 20 == 0 else customers[number % len(customers)],
            kind="offer.made" if number % 1_000 == 0 else "step.done",
            text="x",
            at=NOW - timedelta(minutes=number),
        )
        lines.append(line)
    put(world.store, "event", lines)
    put(
        world.store,
        "engagement_event",
        [
            {**own, "id": new_id(), "customer_id": customers[number % 7], "key": new_id(), "kind": "login"}
            | {"at": NOW - number * timedelta(minutes=20), "data": {}, "received_at": NOW}
            for number in range(6_000)
        ],
    )
    put(
        world.store,
        "insight",
        [
            {**own, "id": new_id(), "customer_id": customers[number % 50], "key": new_id(), "kind": "tip"}
            | {"state": "unread", "title": "t", "body": "", "action_label": "", "action_url": ""}
            | {"created_at": NOW}
            for number in range(3_000)
        ],
    )
    _of_runs(world.store, own, customers[0], [*running, *over])


def _of_runs(store: Store, own: dict[str, str], customer: str, runs: list[str]) -> None:
    shared = {**own, "planned_at": NOW, "updated_at": NOW, "channel": "email", "recipient_id": "x"}
    texts = ("address", "template", "subject", "reason", "lease", "provider", "provider_id", "waits_for")
    put(
        store,
        "delivery",
        [
            {**shared, **dict.fromkeys(texts, ""), "key": f"k/{run}", "customer_id": customer}
            | {"intervention_id": run, "step": "executive_email", "recipient_kind": "contact"}
            | {"recipient_zone": "UTC", "recipient_name": "", "attempts": 1, "reply_token": run}
            | {"state": "unknown" if number % 1_000 == 0 else "delivered"}
            for number, run in enumerate(runs)
        ],
    )
    put(
        store,
        "offer",
        [
            {**own, "id": new_id(), "customer_id": customer, "intervention_id": run, "step": "offer"}
            | {"options": {}, "valid_for": DAY, "offered_at": NOW, "valid_until": NOW + DAY, "decided_by": ""}
            | {"terms": {}, "note": "", "state": "seen" if number < 20 else "expired"}
            for number, run in enumerate(runs)
        ],
    )


def _plans(store: Store, page: Callable[[Session, str], object]) -> list[tuple[str, str]]:
    """Each statement of a page, with how the database goes about it."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        seen.append((statement, values))

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        with store.read() as session:
            page(session, "k000000")
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if store.engine.dialect.name == "sqlite" else "EXPLAIN"
    found = []
    with store.read() as session:
        connection = session.connection()
        for statement, values in {one[0]: one for one in seen if "SELECT" in one[0]}.values():
            rows = connection.exec_driver_sql(f"{explain} {statement}", values)
            found.append((statement, "\n".join(str(row[-1]) for row in rows)))
    return found


def _whole(world: World, page: Callable[[Session, str], object]) -> list[str]:
    """The statements of a page that read all history, each with the lines of its plan that say so."""
    return [
        "\n".join([statement, *(line for line in plan.splitlines() if WHOLE.search(line))])
        for statement, plan in _plans(world.store, page)
        if WHOLE.search(plan)
    ]


def test_no_page_reads_all_history(world: World) -> None:
    whole = {name: found for name, page in PAGES.items() if (found := _whole(world, page))}
    assert not whole, "\n\n".join(f"{name}:\n" + "\n".join(found) for name, found in whole.items())

    def reads_all(session: Session, _: str) -> None:
        session.connection().exec_driver_sql("SELECT count(*) FROM event WHERE text = 'y'")

    assert _whole(world, reads_all), "the test would notice"
