"""The migrations make the tables of the code, and keep every row on the way there and back."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

import keepwell.db.tables  # noqa: F401  (fills the metadata)
from keepwell.db import migrate
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.metrics_packed import RECORD
from keepwell.db.repositories.scores_read import latest_values
from keepwell.db.tables import MetricLatest
from tests.unit.db.world import DAY, NOW, World, run_all

RELEASED = "0002"
"""The newest revision that people have."""

MOVED = {("contact", "suppressed")}
"""Columns of the released version whose values stand in other tables now."""

LATER = {
    "absence",
    "account",
    "alert",
    "alert_channel",
    "alert_rule",
    "api_key",
    "churn_model",
    "churn_prediction",
    "closed_day",
    "contact_preference",
    "draft",
    "engagement_event",
    "idempotent_answer",
    "inbound_message",
    "insight",
    "kill_switch",
    "known_browser",
    "live_change",
    "metric_latest",
    "monitor_state",
    "notice",
    "pending_command",
    "playbook_mode",
    "portfolio",
    "portfolio_day",
    "portfolio_metric_day",
    "provider_event",
    "saved_view",
    "score_beside",
    "scorecard_beside",
    "suppression",
    "task_comment",
    "watch",
    "web_session",
    "webhook_attempt",
    "webhook_delivery",
    "webhook_endpoint",
}
"""Tables that the released version lacks."""

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def empty(empty_stores: tuple[Store, Store]) -> Store:
    return empty_stores[0]


@pytest.fixture
def released(empty: Store, tmp_path: Path) -> Store:
    """A database as the released version made it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path / "released"
        later = ("__pycache__", *(f"{number:04}_*" for number in range(int(RELEASED) + 1, 100)))
        shutil.copytree(migrate.MIGRATIONS, folder, ignore=shutil.ignore_patterns(*later))
        patch.setattr(migrate, "MIGRATIONS", folder)
        assert migrate.upgrade(empty) == RELEASED
    return empty


def back(store: Store, revision: str = RELEASED) -> None:
    """Downgrade, as `alembic downgrade` would."""
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    with store.write(references=False) as session:
        config.attributes["connection"] = session.connection()
        command.downgrade(config, revision)


def schema(store: Store) -> set[tuple[str, ...]]:
    """Whatever the engine knows of its tables; the order of columns and the names of keys left out."""
    with store.read() as session:
        connection = session.connection()
        about, dialect = sa.inspect(connection), connection.dialect
        known: set[tuple[str, ...]] = set()
        for name in about.get_table_names():
            for one in about.get_columns(name):
                kind = one["type"].compile(dialect)
                known.add((name, "column", one["name"], kind, f"{one['nullable']} {one['default']}"))
            known.add((name, "primary key", *about.get_pk_constraint(name)["constrained_columns"]))
            for unique in about.get_unique_constraints(name):
                known.add((name, "unique", *sorted(unique["column_names"])))
            for check in about.get_check_constraints(name):
                known.add((name, "check", check["sqltext"]))
            for index in about.get_indexes(name):
                if index.get("duplicates_constraint"):
                    continue
                # Which rows an index holds, where it does not hold all of them.
                where = index.get("dialect_options", {}).get(f"{dialect.name}_where")
                whole = f"{index['column_names']} {bool(index['unique'])} {where}"
                known.add((name, "index", str(index["name"]), whole))
            for key in about.get_foreign_keys(name):
                whole = f"{key['constrained_columns']} {key['referred_columns']} {key.get('options')}"
                known.add((name, "reference", key["referred_table"], whole))
    return {one for one in known if one[0] != "alembic_version"}


def everything(store: Store) -> Rows:
    """All rows of all tables, in the order of their keys."""
    with store.read() as session:
        connection = session.connection()
        known = sa.MetaData()
        known.reflect(connection)
        return {
            name: [
                dict(row)
                for row in connection.execute(
                    sa.select(known_table).order_by(*known_table.primary_key)
                ).mappings()
            ]
            for name, known_table in known.tables.items()
            if name != "alembic_version"
        }


def without_later(rows: Rows, as_of: Rows) -> Rows:
    """What the tables and columns of an earlier revision hold now."""
    return {
        name: [
            {key: row[key] for key in old if (name, key) not in MOVED}
            for old, row in zip(before, rows[name], strict=True)
        ]
        for name, before in as_of.items()
    }


def a_value(at: sa.Column[Any], number: int) -> object:
    """Something for a column; a different thing for each row number."""
    kind = at.type
    if isinstance(kind, sa.JSON):
        return {"number": number, "words": ["é", None]}
    if isinstance(kind, sa.DateTime):
        return datetime(2026, 10, number, 9, 30, 15, 250, tzinfo=UTC)
    if isinstance(kind, sa.Date):
        return date(2026, 10, number)
    if isinstance(kind, sa.Boolean):
        return number % 2 == 0
    if isinstance(kind, sa.Float):
        return number + 0.1
    if isinstance(kind, sa.Integer):
        return number
    if isinstance(kind, sa.LargeBinary):
        return bytes([number, 0, 255])
    assert isinstance(kind, sa.String), f"{at} is of a type that this test does not know: {kind!r}"
    return f"{at.name} {number} é"[: kind.length]


def fill(store: Store) -> None:
    """Two rows in each table: one with everything in it, one with what must be there only."""
    with store.write() as session:
        connection = session.connection()
        known = sa.MetaData()
        known.reflect(connection)
        made: dict[tuple[str, int], dict[str, object]] = {}
        # Metrics at the end: what follows from them is made by a trigger where it is not there.
        for one in sorted(known.sorted_tables, key=lambda last: last.name == "metric"):
            # What shows customers in short is made by a trigger with them.
            if one.name in {"alembic_version", "portfolio"}:
                continue
            for number in (1, 2):
                row: dict[str, object] = {}
                for at in one.columns:
                    if at.nullable and number == 2:
                        continue
                    target = next((key.column for key in at.foreign_keys), None)
                    if target is None:
                        row[at.name] = a_value(at, number)
                    else:
                        other = row if target.table is one else made[target.table.name, number]
                        row[at.name] = other[target.name]
                connection.execute(one.insert().values(row))
                made[one.name, number] = row


def test_the_tables_of_the_code_are_those_that_the_migrations_make(
    empty_stores: tuple[Store, Store],
) -> None:
    migrated, made = empty_stores
    migrate.upgrade(migrated)
    with made.write() as session:
        SQLModel.metadata.create_all(session.connection())
    assert len(schema(made)) > 400
    assert schema(migrated) == schema(made)


def test_nothing_is_left_for_a_next_migration(store: Store) -> None:
    with store.read() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_every_row_of_the_released_version_survives_the_way_there_and_back(released: Store) -> None:
    fill(released)
    before, tables = everything(released), schema(released)
    assert all(len(rows) == 2 for rows in before.values())
    migrate.upgrade(released)
    assert without_later(everything(released), before) == without_later(before, before)
    back(released)
    assert schema(released) == tables
    assert everything(released) == before, "also what had moved to another table"
    migrate.upgrade(released)
    assert without_later(everything(released), before) == without_later(before, before)


def test_what_came_later_goes_and_the_rest_stays(empty: Store) -> None:
    """A database in use, with rows in every table that the released version lacks, goes back to it."""
    migrate.upgrade(empty)
    fill(empty)
    before = everything(empty)
    assert all(len(rows) == 2 for rows in before.values())
    back(empty)
    after = everything(empty)
    assert before.keys() - after.keys() == LATER
    # The released version knows no message in the outbox that is about no customer.
    before["outbox_message"] = [row for row in before["outbox_message"] if row["customer_id"]]
    for row in before["intervention"]:
        # The released version knows no intervention without a level.
        row["level"], row["score"] = row["level"] or "HEALTHY", row["score"] or 60.0
    kept = without_later(before, after)
    for row in kept["intervention"]:
        if row["level"] is None:
            # That of a customer who was never scored: the released version wants something there.
            row |= {"level": "HEALTHY", "score": 60.0}
    for row in after["contact"]:
        # Nobody there has an address that is suppressed.
        assert row.pop("suppressed") == ""
    assert kept == after
    migrate.upgrade(empty)
    assert without_later(everything(empty), after) == after


def test_suppressions_move_to_their_addresses_and_back(empty: Store) -> None:
    """One address of several contacts is one suppression; what nobody can be sent to anyhow is left out."""
    migrate.upgrade(empty)
    world = World(empty)
    world.customer("acme")
    kept = {
        "a": ("Pat@Acme.example", "bounced: mailbox unknown"),
        "b": ("pat@acme.EXAMPLE ", "complained"),
        "c": ("lou@acme.example", "asked us by phone"),
        "d": ("", "bounced"),
        "e": ("jo@acme.example", ""),
    }
    for key, (email, _) in kept.items():
        world.contact(key, "acme", email=email)
    back(empty, "0005")
    with empty.write() as session:
        for key, (_, words) in kept.items():
            session.connection().execute(
                sa.text("UPDATE contact SET suppressed = :words WHERE id = :key"),
                {"words": words, "key": key},
            )
    migrate.upgrade(empty)
    rows = everything(empty)["suppression"]
    assert sorted((row["address"], row["reason"], row["detail"]) for row in rows) == [
        ("lou@acme.example", "manual", "asked us by phone"),
        ("pat@acme.example", "bounced", "mailbox unknown"),
    ]
    assert {row["organisation_id"] for row in rows} == {world.organisation}
    back(empty, "0005")
    found = {row["id"]: row["suppressed"] for row in everything(empty)["contact"]}
    both = "bounced: mailbox unknown"
    assert found == {"a": both, "b": both, "c": "asked us by phone", "d": "", "e": ""}


def test_work_goes_on_after_the_migration(empty: Store) -> None:
    """Scores, levels and an open intervention of the released version; the next runs need no help."""
    migrate.upgrade(empty)
    world = World(empty)
    for key in ("c0", "c1"):
        world.customer(key)
    for days in range(6, 0, -1):
        for key in ("c0", "c1"):
            world.score(key, 80.0 - (6 - days) * 8.0, NOW - days * DAY)
    world.intervention("i-1", "c0")
    back(empty)
    before = everything(empty)
    assert len(before["score"]) == 12
    assert len(before["intervention"]) == 1

    migrate.upgrade(empty)
    assert without_later(everything(empty), before) == before
    with empty.read() as session:
        assert session.get(MetricLatest, "c0") is None
        ids = table("customer").c.id
        customers = sa.select(ids).order_by(ids)
        names = sorted({row["name"] for row in before["metric"]})
        was = latest_values(session, customers, names, NOW)
    _, results = run_all(world)
    assert sum(result.scored for result in results) == 2
    with empty.read() as session:
        for key in ("c0", "c1"):
            assert len(session.get_one(MetricLatest, key).packed or b"") == len(names) * RECORD.itemsize
        assert (latest_values(session, customers, names, NOW).values == was.values).all()
    newest = world.scores("c0")[-1]
    assert newest.scored_at == NOW
    assert newest.trend_direction == "declining", "the scores from before the migration count"
    assert len(world.scores("c0")) == 7


def test_a_value_written_by_hand_is_heard_after_going_back_and_forth(empty: Store) -> None:
    """The triggers that keep the packed values right go with their table, and come again with it."""
    migrate.upgrade(empty)
    world = World(empty)
    world.customer("c0")
    back(empty)
    with empty.write() as session:
        session.connection().execute(
            sa.text(
                "INSERT INTO metric (customer_id, name, measured_at, value, received_at) "
                "VALUES ('c0', 'payment_health', '2026-11-20 08:00:00', 70, '2026-11-20 08:00:00')"
            )
        )
    migrate.upgrade(empty)
    run_all(world)
    with empty.read() as session:
        assert session.get_one(MetricLatest, "c0").packed
    world.measure("c0", {"payment_health": 20.0}, NOW - timedelta(hours=1))
    with empty.read() as session:
        assert session.get_one(MetricLatest, "c0").packed is None
