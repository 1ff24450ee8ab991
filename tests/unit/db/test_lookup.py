"""Rows that are written once, and the answer whether they were: what hangs on a line follows from it."""

from __future__ import annotations

from sqlmodel import select

from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.tables import Event
from tests.unit.db.world import NOW, World


def test_a_line_says_whether_it_is_new(store: Store) -> None:
    world = World(store)
    said = []
    for text in ("first", "again"):
        with store.write() as session:
            said.append(
                journal.write(
                    session, key="one", organisation=world.organisation, kind="note", text=text, at=NOW
                )
            )
    assert said == [True, False]
    with store.read() as session:
        assert [line.text for line in session.exec(select(Event)).all()] == ["first"]
