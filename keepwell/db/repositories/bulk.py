"""Many rows at once in the caller's transaction: COPY on PostgreSQL, one prepared statement on SQLite.

Rows are tuples in the order of the columns, with values as the driver takes them: moments through
`stored_moment`, JSON as its text. Nothing is converted per row, which costs more than the writing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg import Connection as Psycopg
from psycopg import sql
from sqlalchemy import Connection
from sqlmodel import Session

from keepwell.db.repositories.lookup import table
from keepwell.db.tables.base import UtcDateTime

FEW = 100
"""Up to so many rows, PostgreSQL gets one statement after the other: a table to copy into costs more."""

Plain = tuple[Any, ...]


def stored_moment(session: Session, at: datetime) -> Any:
    """A moment as the database's driver takes it and gives it back."""
    dialect = session.connection().dialect
    process = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    return at.astimezone(UTC) if process is None else process(at)


def stored_day(session: Session, day: date) -> Any:
    """A day likewise."""
    return day.isoformat() if session.connection().dialect.name == "sqlite" else day


def put_in(session: Session, name: str, columns: Sequence[str], rows: Sequence[Plain]) -> None:
    """Insert rows into a table."""
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "sqlite" or len(rows) <= FEW:
        connection.exec_driver_sql(_insert(connection, name, columns), list(rows))
    else:
        _copy(connection, name, columns, rows)


def put_mapped_in(session: Session, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """`put_in` for rows as columns by name, the same in each, with values as Python has them."""
    if not rows:
        return
    dialect, columns = session.connection().dialect, tuple(rows[0])
    stored = []
    for column in columns:
        # What SQLAlchemy looks up for each value is found once for the column.
        store = table(name).c[column].type.dialect_impl(dialect).bind_processor(dialect)
        values = [row[column] for row in rows]
        stored.append(values if store is None else map(store, values))
    put_in(session, name, columns, list(zip(*stored, strict=True)))


def upsert_in(
    session: Session, name: str, columns: Sequence[str], rows: Sequence[Plain], *, keys: Sequence[str]
) -> None:
    """Insert rows, no key twice; where one with the same `keys` is there, it takes the other columns."""
    if not rows:
        return
    connection = session.connection()
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in keys)
    clause = f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"
    if connection.dialect.name == "sqlite" or len(rows) <= FEW:
        connection.exec_driver_sql(_insert(connection, name, columns) + clause, list(rows))
        return
    listed, incoming = ", ".join(columns), f"incoming_{name}"
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE {incoming} ON COMMIT DROP AS SELECT {listed} FROM {name} WITH NO DATA"  # noqa: S608
    )
    _copy(connection, incoming, columns, rows)
    connection.exec_driver_sql(f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {incoming}{clause}")  # noqa: S608
    connection.exec_driver_sql(f"DROP TABLE {incoming}")


def update_in(
    session: Session, name: str, columns: Sequence[str], rows: Sequence[Plain], *, keys: Sequence[str]
) -> None:
    """Change rows that are there: those with the same `keys`, which come first among the columns.

    PostgreSQL takes no notice of rows that are not there, and neither does SQLite. No key twice.
    """
    if not rows:
        return
    connection, known = session.connection(), table(name).c
    listed = [known[column].name for column in columns]
    changed = [column for column in listed if column not in keys]
    if connection.dialect.name == "sqlite" or len(rows) <= FEW:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        changes = ", ".join(f"{column} = {mark}" for column in changed)
        where = " AND ".join(f"{key} = {mark}" for key in keys)
        turned = [(*row[len(keys) :], *row[: len(keys)]) for row in rows]
        connection.exec_driver_sql(f"UPDATE {table(name).name} SET {changes} WHERE {where}", turned)  # noqa: S608
        return
    incoming, whole = f"incoming_{name}", ", ".join(listed)
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE {incoming} ON COMMIT DROP AS SELECT {whole} FROM {name} WITH NO DATA"  # noqa: S608
    )
    _copy(connection, incoming, listed, rows)
    changes = ", ".join(f"{column} = {incoming}.{column}" for column in changed)
    where = " AND ".join(f"{name}.{key} = {incoming}.{key}" for key in keys)
    connection.exec_driver_sql(f"UPDATE {name} SET {changes} FROM {incoming} WHERE {where}")  # noqa: S608
    connection.exec_driver_sql(f"DROP TABLE {incoming}")


def _insert(connection: Connection, name: str, columns: Sequence[str]) -> str:
    # Names are those of our own tables and columns, asked for here so that nothing else gets in.
    known = table(name).c
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    listed = ", ".join(known[column].name for column in columns)
    return f"INSERT INTO {table(name).name} ({listed}) VALUES ({', '.join([mark] * len(columns))})"  # noqa: S608


def _copy(connection: Connection, name: str, columns: Sequence[str], rows: Sequence[Plain]) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, Psycopg)  # noqa: S101  (the only driver for PostgreSQL that we name)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
