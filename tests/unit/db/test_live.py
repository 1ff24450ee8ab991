"""What changed since somebody looked: nothing twice, nothing lost, in whatever order transactions commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text, update
from sqlmodel import Session, select

from keepwell.db.engine import Store
from keepwell.db.repositories import journal, live
from keepwell.db.repositories.live import About, tell
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.views_live import (
    MOST,
    Position,
    changes,
    engagements,
    lines,
    position_of,
    where_now,
)
from keepwell.db.tables import LiveChange, Organisation
from keepwell.errors import InputError
from keepwell.keys import new_id
from tests.unit.db.world import NOW, World, run_all


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    world.customer("acme")
    return world


def write(session: Session, world: World, key: str, identity: str = "") -> None:
    """A line of the journal."""
    line = journal.line(
        key=key,
        organisation=world.organisation,
        kind="task.done",
        text=key,
        at=NOW,
        customer="acme",
        identity=identity,
    )
    assert journal.put(session, line)


def here(world: World) -> Position:
    with world.store.read() as session:
        return where_now(session)


def missed(world: World, since: Position, *organisations: str) -> tuple[list[str], Position]:
    """The journal's lines of what changed since, by their text, and the position they go up to."""
    own = organisations or (world.organisation,)
    with world.store.read() as session:
        now = where_now(session, since)
        found = changes(session, since, now, own)
        assert found.rows is not None
        ids = [one for row in found.rows for one in row.ids]
        return [line.text for line in lines(session, own[0], ids)], now


def test_what_commits_late_is_told_once_and_nothing_else_again(world: World) -> None:
    """The first transaction begins first and ends last; SQLite lets one in at a time, so there its ids alone
    are drawn first, as ours are in any transaction that waits for another."""
    before, early = here(world), new_id()
    if world.store.url.get_backend_name() == "sqlite":
        with world.store.write() as session:
            write(session, world, "second")
        seen, now = missed(world, before)
        assert seen == ["second"]
        with world.store.write() as session:
            write(session, world, "first", early)
    else:
        with world.store.write() as slow:
            write(slow, world, "first", early)
            with world.store.write() as quick:
                write(quick, world, "second")
            seen, now = missed(world, before)
            assert seen == ["second"], "the first is not committed"
            assert now.open, "and known to be under way"
            with world.store.write() as third:
                write(third, world, "third")
            seen, now = missed(world, now)
            assert seen == ["third"]
    seen, now = missed(world, now)
    assert seen == ["first"]
    assert missed(world, now)[0] == []
    # Who comes back with the cursor of the very beginning gets all of them, once.
    everything, _ = missed(world, position_of(before.cursor))
    assert sorted(everything) == sorted({*everything})
    assert {"first", "second"} <= {*everything}


def test_a_cursor_says_all_of_its_position(world: World) -> None:
    with world.store.write() as slow:
        write(slow, world, "x")
        now = here(world) if world.store.url.get_backend_name() != "sqlite" else where_now(slow)
    again = position_of(now.cursor)
    assert (again.end, again.open) == (now.end, now.open)
    assert abs(again.at - now.at) < timedelta(seconds=1)
    assert again.comes_before(here(world))
    long_ago = Position(now.end, now.open, now.at - live.KEPT)
    assert not long_ago.comes_before(here(world))
    assert not Position(now.end + 10**6, now.open, now.at).comes_before(here(world)), "of another database"
    assert not Position.never().comes_before(here(world))


@pytest.mark.parametrize(
    "cursor", ["x", "WzEsMiwzXQ", "WzEsMixbIngiXV0", "WzEsLTIsW11d", "WzEsMixbdHJ1ZV1d", "WzEsMixbMWU5OV1d"]
)
def test_a_word_that_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InputError):
        position_of(cursor)


def test_what_is_rolled_back_is_not_told(world: World) -> None:
    before = here(world)
    with world.store.write() as session:
        write(session, world, "never")
        session.rollback()
    with world.store.write() as session:
        write(session, world, "kept")
    assert missed(world, before)[0] == ["kept"]


def test_organisations_are_apart(world: World) -> None:
    other = Organisation(id="org-2", key="other", name="Other", time_zone="UTC", created_at=NOW)
    world.add(other)
    before = here(world)
    with world.store.write() as session:
        write(session, world, "ours")
    assert missed(world, before, "org-2")[0] == []
    with world.store.read() as session:
        (ours,) = session.exec(select(LiveChange.ids)).all()
        assert lines(session, "org-2", ours) == ()
        assert engagements(session, "org-2", ours) == ()


def test_a_batch_is_one_row_however_many_customers_it_has(world: World) -> None:
    for number in range(7):
        world.customer(f"c{number}")
        world.at_points(f"c{number}", 70.0)
    run_all(world, size=3)
    with world.store.read() as session:
        rows = session.exec(select(LiveChange).where(LiveChange.about == About.SCORE)).all()
    # "acme" is in the first partition; of it nothing is measured, and that is worth telling, too.
    assert [row.number_of for row in rows] == [3, 3, 2]
    assert [*rows[1].ids] == ["c2", "c3", "c4"]


def test_of_very_many_only_their_number_is_kept(world: World) -> None:
    before = here(world)
    with world.store.write() as session:
        tell(session, world.organisation, About.SCORE, [f"c{number}" for number in range(live.NAMED + 1)])
    with world.store.read() as session:
        found = changes(session, before, where_now(session), (world.organisation,)).rows
    assert found is not None
    assert [(one.ids, one.number_of) for one in found] == [((), live.NAMED + 1)]


def test_too_many_changes_are_not_told_one_by_one(world: World) -> None:
    before = here(world)
    with world.store.write() as session:
        for _ in range(MOST + 1):
            tell(session, world.organisation, About.SCORE, ["acme"])
    with world.store.read() as session:
        assert changes(session, before, where_now(session), (world.organisation,)).rows is None


def test_a_look_costs_what_is_new_and_not_what_there_was(world: World) -> None:
    with world.store.write() as session:
        for _ in range(40):
            tell(session, world.organisation, About.SCORE, ["acme"])
        rows = table("live_change")
        for _ in range(9):
            copied = select(*(one for one in rows.c if one.name != "number"))
            session.connection().execute(
                rows.insert().from_select([one.name for one in rows.c if one.name != "number"], copied)
            )
    with world.store.write() as session:
        session.connection().execute(text("ANALYZE"))
    before = here(world)
    with world.store.write() as session:
        write(session, world, "new")
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        sent.append((statement, values))

    event.listen(world.store.engine, "before_cursor_execute", note)
    with world.store.read() as session:
        now = where_now(session, before)
        found = changes(session, before, now, (world.organisation,))
    event.remove(world.store.engine, "before_cursor_execute", note)
    assert found.rows is not None
    assert len(found.rows) == 1
    ((asked, values),) = [one for one in sent if "live_change.ids" in one[0]]
    is_sqlite = world.store.url.get_backend_name() == "sqlite"
    with world.store.read() as session:
        explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
        plan = str(session.connection().exec_driver_sql(explain + asked, values).all())
    assert ("INTEGER PRIMARY KEY" if is_sqlite else "ix_live_change_txn") in plan, plan
    assert "Seq Scan" not in plan


def test_what_is_old_is_forgotten_and_numbers_are_not_used_again(world: World) -> None:
    with world.store.write() as session:
        write(session, world, "old")
        old = datetime.now(UTC) - live.KEPT - timedelta(hours=2)
        session.connection().execute(update(table("live_change")).values(at=old))
    before = here(world)
    plan, _ = run_all(world)
    ScoreRepository(world.store).finish_run(plan, NOW)
    with world.store.read() as session:
        assert {row.about for row in session.exec(select(LiveChange)).all()} == {About.SCORE}
    with world.store.write() as session:
        session.connection().execute(table("live_change").delete())
        write(session, world, "new")
    assert missed(world, before)[0] == ["new"]
