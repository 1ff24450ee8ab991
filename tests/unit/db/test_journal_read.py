"""What is asked of the journal is read from an index that holds it in order, however long the journal is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.views_journal import events, kinds
from keepwell.db.tables import Event
from tests.unit.db.world import NOW, World

LINES = 4_000
ASKED: dict[str, tuple[dict[str, Any], str]] = {
    "the newest": ({}, "ix_event_listed"),
    "a customer": ({"customer": "c7"}, "ix_event_customer"),
    "of a kind of a customer": ({"customer": "c7", "kind": "draft"}, "ix_event_customer"),
    "an intervention": ({"intervention": "none"}, "ix_event_intervention"),
    "a person by two names": ({"by": ("dana", "Dana Reyes")}, "ix_event_people"),
    "a person's twice": ({"by": ("Dana Reyes", "Dana Reyes")}, "ix_event_people"),
    "a rare kind": ({"kind": "playbook"}, "ix_event_kinds"),
    "a rare kind in a span": ({"kind": "playbook", "recorded_from": NOW}, "ix_event_kinds"),
}


@pytest.fixture
def world(store: Store) -> World:
    """A journal that is long enough for a planner to mind: almost all of it is the engine's."""
    world = World(store)
    for number in range(40):
        world.customer(f"c{number}")
    lines = []
    for number in range(LINES):
        dana, rare = number % 50 == 0, number == LINES // 2
        line = journal.line(
            key=f"line/{number}",
            organisation=world.organisation,
            customer=f"c{number % 40}",
            kind="playbook.mode" if rare else "draft.approved" if dana else f"step.done{number % 3}",
            by="Dana Reyes" if dana else "engine",
            text=f"line {number}",
            at=NOW + timedelta(minutes=number),
        )
        lines.append({**line, "recorded_at": line["at"]})
    with store.write() as session:
        session.connection().execute(insert(Event), lines)
        if store.engine.dialect.name == "postgresql":
            # As its autovacuum does before long; SQLite is asked as it is found: nobody analyses it.
            session.connection().exec_driver_sql("ANALYZE event")
    return world


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_is_read_from_its_index(name: str, world: World) -> None:
    asked, index = ASKED[name]
    plans = _plans(world.store, asked)
    assert plans
    for plan in plans:
        # A customer's lines lie in two orders; where few are left, either will do.
        assert index in plan or (index == "ix_event_customer" and "ix_event_timeline" in plan)
        assert "TEMP B-TREE" not in plan


def _plans(store: Store, asked: dict[str, Any]) -> list[str]:
    """How the database goes about each of the statements that read lines."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        seen.append((statement, values))

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        with store.read() as session:
            events(session, "org-1", limit=50, **asked)
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if store.engine.dialect.name == "sqlite" else "EXPLAIN"
    reads = [one for one in seen if "ORDER BY event.recorded_at DESC" in one[0]]
    with store.read() as session:
        connection = session.connection()
        return [
            "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", values))
            for statement, values in reads
        ]


def test_lines_of_several_kinds_and_names_come_in_their_order_and_once(world: World) -> None:
    with world.store.read() as session:
        found = events(session, "org-1", kind="step", limit=7)
        assert [line.text for line in found] == [f"line {n}" for n in range(LINES - 7, LINES)]
        dana = events(session, "org-1", by=("dana", "Dana Reyes", "engine"), limit=60)
        assert [line.text for line in dana] == [f"line {n}" for n in range(LINES - 60, LINES)]
        assert events(session, "org-1", kind="ste") == ()
        own = events(session, "org-1", customer="c0", kind="step")
        assert own == tuple(
            line for line in events(session, "org-1", customer="c0") if line.kind.startswith("step.")
        )
        assert len(own) == 80


def test_the_kinds_are_those_of_the_organisations_own_lines(world: World) -> None:
    with world.store.read() as session:
        assert kinds(session, "org-1") == [
            "draft.approved",
            "playbook.mode",
            *(f"step.done{n}" for n in range(3)),
        ]
        assert kinds(session, "another") == []
