"""The packed newest values: the same as the history says, whoever writes, corrects or takes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, event, select, text
from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.metrics_latest import put_together, store_metrics
from keepwell.db.repositories.metrics_packed import RECORD, key_of, merged, spread
from keepwell.db.repositories.scores_read import Latest, latest_rows, latest_values
from keepwell.db.tables import MetricLatest
from keepwell.errors import StoreError
from scoring.arrays import FloatArray
from scoring.load import builtin, builtin_names
from scoring.signals import SIGNAL_METRIC_NAMES
from tests.databases import statements
from tests.unit.db.world import DAY, NOW, World

NAMES = ("payment_health", "daily_active_rate", "never_measured")


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    for key in ("c0", "c1", "c2"):
        world.customer(key)
    return world


def write(world: World, *rows: tuple[str, str, datetime, float]) -> None:
    with world.store.write() as session:
        store_metrics(
            session,
            [
                {"customer_id": who, "name": name, "measured_at": at, "value": value, "received_at": NOW}
                for who, name, at, value in rows
            ],
        )


def packed(world: World, customer: str = "c0") -> bytes | None:
    with world.store.read() as session:
        row = session.get(MetricLatest, customer)
        return row.packed if row else None


def read(world: World, as_of: datetime = NOW, names: Sequence[str] = NAMES) -> Latest:
    ids = table("customer").c.id
    with world.store.read() as session:
        return latest_values(session, select(ids).order_by(ids), names, as_of)


def by_look_up(session: Session, as_of: datetime, names: Sequence[str]) -> Mapping[tuple[str, str], float]:
    ids = table("customer").c.id
    rows = session.connection().execute(latest_rows(select(ids), names, as_of))
    return {(customer, name): value for customer, name, value, _ in rows}


def agree(world: World, as_of: datetime = NOW) -> FloatArray:
    """The values read, after a comparison with the history."""
    latest = read(world, as_of)
    with world.store.read() as session:
        known = by_look_up(session, as_of, NAMES)
    wanted = [[known.get((customer, name), np.nan) for name in NAMES] for customer in latest.customers]
    np.testing.assert_array_equal(latest.values, wanted)
    assert (np.isnan(latest.ages) == np.isnan(latest.values)).all()
    return latest.values


def test_what_is_imported_is_packed_at_once(world: World) -> None:
    write(world, ("c0", "payment_health", NOW - DAY, 70.0), ("c1", "daily_active_rate", NOW - 2 * DAY, 30.0))
    assert len(packed(world) or b"") == RECORD.itemsize
    with statements(world.store) as sent:
        values = agree(world)
    assert not [one for one in sent if "FROM who" in one], "nothing is looked up in the history"
    assert values[0, 0] == 70.0
    assert read(world).ages[1, 1] == 2.0


def test_late_and_corrected_values(world: World) -> None:
    write(world, ("c0", "payment_health", NOW - DAY, 70.0))
    write(world, ("c0", "payment_health", NOW - 5 * DAY, 10.0))
    assert agree(world)[0, 0] == 70.0, "what arrives late is no news"
    write(world, ("c0", "payment_health", NOW - DAY, 71.0))
    assert agree(world)[0, 0] == 71.0, "a correction of the same moment counts"
    assert agree(world, NOW - 2 * DAY)[0, 0] == 10.0, "a moment in the past knows what was measured by then"
    assert np.isnan(agree(world, NOW - 9 * DAY)).all()
    write(world, ("c0", "payment_health", NOW + timedelta(hours=5), 99.0))
    assert agree(world)[0, 0] == 71.0, "a value of tomorrow is not today's"


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO metric (customer_id, name, measured_at, value, received_at) "
        "VALUES ('c0', 'daily_active_rate', '2026-11-21 08:00:00.000000', 5, '2026-11-21 08:00:00.000000')",
        "UPDATE metric SET value = 12 WHERE customer_id = 'c0' AND name = 'payment_health'",
        "UPDATE metric SET customer_id = 'c2' WHERE customer_id = 'c0'",
        "DELETE FROM metric WHERE customer_id = 'c0' AND measured_at > '2026-11-19 00:00:00'",
    ],
)
def test_whoever_else_writes_is_heard(world: World, change: str) -> None:
    write(world, ("c0", "payment_health", NOW - 4 * DAY, 60.0), ("c0", "payment_health", NOW - DAY, 70.0))
    before = agree(world)
    with world.store.write() as session:
        session.connection().execute(text(change))
    after = agree(world)
    assert not np.array_equal(before, after, equal_nan=True)
    assert packed(world) is None
    assert put_together(world.store, world.organisation, "c0", "c2") >= 1
    assert packed(world) is not None
    np.testing.assert_array_equal(agree(world), after)
    assert put_together(world.store, world.organisation, "c0", "c2") == 0


def test_an_import_after_a_foreign_write_packs_the_whole_history(world: World) -> None:
    world.measure("c0", {"payment_health": 60.0}, NOW - 4 * DAY)
    write(world, ("c0", "daily_active_rate", NOW - DAY, 30.0))
    assert len(packed(world) or b"") == 2 * RECORD.itemsize
    assert agree(world)[0].tolist()[:2] == [60.0, 30.0]


def test_damaged_bytes_are_read_from_the_history(world: World) -> None:
    write(world, ("c0", "payment_health", NOW - DAY, 70.0))
    world.change(MetricLatest, "c0", packed=b"broken")
    assert agree(world)[0, 0] == 70.0
    write(world, ("c0", "daily_active_rate", NOW - DAY, 30.0))
    assert agree(world)[0].tolist()[:2] == [70.0, 30.0]


def test_writers_side_by_side_lose_nothing(world: World) -> None:
    def own(number: int) -> None:
        for step in range(6):
            at = NOW - DAY + timedelta(seconds=10 * step + number)
            if number % 2:
                world.measure("c0", {"payment_health": float(number)}, at)
            else:
                write(world, *((who, "daily_active_rate", at, float(number)) for who in ("c2", "c0", "c1")))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(own, range(4)))
    values = agree(world)
    assert values[0].tolist()[:2] == [3.0, 2.0]
    put_together(world.store, world.organisation, "c0", "c2")
    np.testing.assert_array_equal(agree(world), values)


@pytest.mark.parametrize("row", ["empty", "missing"])
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM metric WHERE customer_id = 'c0' AND value = 70",
        "UPDATE metric SET customer_id = 'c2' WHERE customer_id = 'c0' AND value = 70",
    ],
)
def test_who_packs_waits_for_who_takes_away(world: World, change: str, row: str) -> None:
    world.measure("c0", {"payment_health": 60.0}, NOW - 4 * DAY)
    world.measure("c0", {"payment_health": 70.0}, NOW - DAY)
    assert packed(world) is None
    if row == "missing":
        with world.store.write() as session:
            session.connection().execute(text("DELETE FROM metric_latest"))
    with ThreadPoolExecutor(1) as pool:
        with world.store.write() as session:
            session.connection().execute(text(change))
            other = pool.submit(put_together, world.store, world.organisation, "c0", "c0")
            waited = not wait([other], timeout=0.5).done
        assert other.result(timeout=20) == 1
    assert waited
    assert packed(world) is not None
    assert agree(world)[0, 0] == 60.0


@contextmanager
def looks_for_deadlocks_after(world: World, seconds: int) -> Iterator[None]:
    """Who waits looks for a deadlock once, after so long: by then the other one has to wait, too."""

    def set_it(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL deadlock_timeout = '{seconds}s'")

    event.listen(world.store.engine, "begin", set_it)
    try:
        yield
    finally:
        event.remove(world.store.engine, "begin", set_it)


def head_on(world: World, ours: Callable[[], None], first: str, then: str) -> Future[None]:
    """A foreign transaction that changes a customer's metrics and then another's, while ours waits for it."""
    change = "UPDATE metric SET value = value + 1 WHERE customer_id = :customer"
    with ThreadPoolExecutor(1) as pool, looks_for_deadlocks_after(world, 3), world.store.write() as session:
        connection = session.connection()
        # So that PostgreSQL ends ours: who notices a deadlock first is the one that goes.
        connection.execute(text("SET LOCAL deadlock_timeout = '60s'"))
        connection.execute(text(change), {"customer": first})
        other = pool.submit(ours)
        # Tests of other databases on the same server have locks to wait for, too.
        waiting = text(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        while not other.done() and connection.execute(waiting).scalar() == 0:
            time.sleep(0.01)
        connection.execute(text(change), {"customer": then})
        session.commit()
    return other


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("what", ["an import", "a run"])
def test_who_is_ended_to_break_a_deadlock_does_its_part_again(world: World, what: str) -> None:
    for customer in ("c0", "c2"):
        world.measure(customer, {"payment_health": 70.0}, NOW - DAY)
    if what == "an import":
        rows = [(one, "daily_active_rate", NOW, 30.0) for one in ("c0", "c2")]
        head_on(world, lambda: write(world, *rows), "c2", "c0").result()
        assert read(world).values[:, 1].tolist() == pytest.approx([30.0, np.nan, 30.0], nan_ok=True)
    else:
        head_on(world, lambda: put_all(world), "c2", "c0").result()
    assert read(world).values[:, 0].tolist() == pytest.approx([71.0, np.nan, 71.0], nan_ok=True)
    agree(world)


def put_all(world: World) -> None:
    put_together(world.store, world.organisation, "c0", "c2")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_deadlock_that_stays_is_told_as_one(world: World) -> None:
    def ours() -> None:
        with world.store.write() as session:
            for customer in ("c0", "c2"):
                session.connection().execute(
                    text("UPDATE metric SET value = 1 WHERE customer_id = :one"), {"one": customer}
                )

    for customer in ("c0", "c2"):
        world.measure(customer, {"payment_health": 70.0}, NOW - DAY)
    with pytest.raises(StoreError, match="waited for each other, and it has ended this one") as caught:
        head_on(world, ours, "c2", "c0").result()
    assert caught.value.retryable


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_foreign_statement_takes_the_rows_in_the_order_of_ours(world: World) -> None:
    """Many rows against the order of the ids, in one statement, beside imports: nobody is ended."""
    foreign = text(
        "INSERT INTO metric (customer_id, name, measured_at, value, received_at) SELECT id, "
        "'payment_health', :at, 7, :at FROM customer ORDER BY id DESC"
    )

    def own(number: int) -> None:
        for step in range(15):
            at = NOW - DAY + timedelta(seconds=10 * step + number)
            if number:
                write(world, *((who, "daily_active_rate", at, 3.0) for who in ("c2", "c0", "c1")))
            else:
                with world.store.write() as session:
                    session.connection().execute(foreign, {"at": at})

    with statements(world.store) as sent, ThreadPoolExecutor(3) as pool:
        list(pool.map(own, range(3)))
    assert not [one for one in sent if one.startswith("ROLLBACK TO")]
    assert agree(world)[:, :2].tolist() == [[7.0, 3.0]] * 3


def test_a_customer_without_metrics_can_be_taken_away(world: World) -> None:
    write(world, ("c0", "payment_health", NOW - DAY, 70.0), ("c1", "payment_health", NOW - DAY, 50.0))
    with world.store.write() as session:
        session.connection().execute(text("DELETE FROM metric WHERE customer_id = 'c0'"))
        session.connection().execute(text("DELETE FROM customer WHERE id = 'c0'"))
    with world.store.read() as session:
        assert session.get(MetricLatest, "c0") is None
    assert packed(world, "c1") is not None
    assert agree(world)[0, 0] == 50.0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_metrics_and_customer_go_in_one_statement(world: World) -> None:
    """SQLite has no such statement."""
    world.measure("c0", {"payment_health": 70.0}, NOW - DAY)
    with world.store.write() as session:
        session.connection().execute(
            text(
                "WITH gone AS (DELETE FROM metric WHERE customer_id = 'c0') "
                "DELETE FROM customer WHERE id = 'c0'"
            )
        )
    with world.store.read() as session:
        assert session.get(MetricLatest, "c0") is None


def test_a_table_emptied_at_once_is_heard(world: World) -> None:
    write(world, ("c0", "payment_health", NOW - DAY, 70.0), ("c1", "payment_health", NOW - DAY, 50.0))
    at_once = "DELETE FROM" if world.store.engine.dialect.name == "sqlite" else "TRUNCATE"
    with world.store.write() as session:
        session.connection().execute(text(f"{at_once} metric"))
    assert packed(world) is None
    assert packed(world, "c1") is None
    assert np.isnan(agree(world)).all()


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["x", "y", "z"]),
        st.integers(0, 5).map(lambda days: NOW - days * DAY),
        st.floats(-1e6, 1e6),
    ),
    max_size=30,
)


@given(first=ROWS, second=ROWS)
def test_merging_is_as_if_one_value_came_after_the_other(
    first: list[tuple[str, str, datetime, float]], second: list[tuple[str, str, datetime, float]]
) -> None:
    found = merged(merged({}, first), second)
    newest: dict[tuple[str, str], tuple[datetime, float]] = {}
    for who, name, at, value in [*first, *second]:
        if (who, name) not in newest or at >= newest[who, name][0]:
            newest[who, name] = (at, value)
    assert set(found) == {who for who, *_ in (*first, *second)}
    each = sorted(found)
    values, ages, newer = spread([found[one] for one in each], ("z", "x", "y"), NOW)
    assert not newer.any()
    for row, one in enumerate(each):
        for column, name in enumerate(("z", "x", "y")):
            at, value = newest.get((one, name), (NOW, np.nan))
            assert values[row, column] == value or np.isnan([values[row, column], value]).all()
            assert np.isnan(value) or ages[row, column] == (NOW - at).total_seconds() / 86_400


def test_keys_of_all_known_metrics_differ() -> None:
    names = {name for card in builtin_names() for name in builtin(card).metric_names} | {*SIGNAL_METRIC_NAMES}
    assert len({key_of(name) for name in names}) == len(names)
    assert key_of("payment_health") == 15_577_626_702_398_107_680, (
        "the keys stand in stores: they never change"
    )


def test_a_migrated_store_is_read_and_packed_by_the_next_run(world: World) -> None:
    world.at_points("c0", 70)
    with world.store.write() as session:
        session.connection().execute(text("DELETE FROM metric_latest"))
    before = agree(world)
    world.rescore("c0", NOW)
    assert world.scores("c0")[0].score == pytest.approx(70)
    assert put_together(world.store, world.organisation, "c0", "c2") == 3
    np.testing.assert_array_equal(agree(world), before)
