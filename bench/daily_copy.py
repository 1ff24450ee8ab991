"""The baseline of the daily run: the rows it reads copied out, those it writes copied in, by plain means."""

from __future__ import annotations

import tempfile
import time
from typing import IO, Any

from sqlalchemy import Connection

from keepwell.db.engine import Store

READ = ("SELECT customer_id, packed FROM metric_latest", "SELECT * FROM health")
WRITTEN = {
    "score": "SELECT * FROM score WHERE run_id = '{run}' ORDER BY customer_id",
    "health": "SELECT * FROM health ORDER BY customer_id",
    "portfolio": "SELECT * FROM portfolio ORDER BY customer_id",
    "transition": "SELECT * FROM transition WHERE run_id = '{run}' ORDER BY customer_id",
    "alert": "SELECT * FROM alert WHERE raised_at = (SELECT as_of FROM score_run WHERE id = '{run}')",
    "event": "SELECT * FROM event WHERE at = (SELECT as_of FROM score_run WHERE id = '{run}')",
}


def copied(store: Store, run: str) -> dict[str, float]:
    """Seconds to copy out what a run reads, and to copy in what it wrote, by table."""
    copy = _on_sqlite if store.engine.dialect.name == "sqlite" else _on_postgresql
    with store.engine.connect() as connection:
        return copy(connection, run)


def _on_sqlite(connection: Connection, run: str) -> dict[str, float]:
    driver: Any = connection.connection.driver_connection
    driver.rollback()
    began = time.perf_counter()
    for query in READ:
        driver.execute(query).fetchall()
    took = {"copy out: metrics and where they stand": time.perf_counter() - began}
    for name, query in WRITTEN.items():
        made = driver.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL AND type <> 'trigger'",
            (name,),
        ).fetchall()
        for (statement,) in made:
            driver.execute(_renamed(statement, name))
        rows = driver.execute(query.format(run=run)).fetchall()
        began = time.perf_counter()
        if rows:
            driver.execute("BEGIN IMMEDIATE")
            driver.executemany(f"INSERT INTO copy_{name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
            driver.execute("COMMIT")
        took[f"copy in: {name}"] = time.perf_counter() - began
    return took


def _renamed(statement: str, name: str) -> str:
    """The statement that makes the table or an index of it, for the copy."""
    words = statement.replace(f'"{name}"', name)
    words = words.replace(f"CREATE TABLE {name} ", f"CREATE TABLE copy_{name} ").replace(
        f" ON {name} ", f" ON copy_{name} "
    )
    return words.replace("INDEX ix_", "INDEX copy_ix_").replace("INDEX uq_", "INDEX copy_uq_")


def _on_postgresql(connection: Connection, run: str) -> dict[str, float]:
    driver: Any = connection.connection.driver_connection
    driver.rollback()
    began = time.perf_counter()
    for query in READ:
        with tempfile.TemporaryFile() as file:
            _out(driver, query, file)
    took = {"copy out: metrics and where they stand": time.perf_counter() - began}
    for name, query in WRITTEN.items():
        driver.execute(f"CREATE TABLE copy_{name} (LIKE {name} INCLUDING ALL)")
        references = driver.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'f' AND conrelid = %s::regclass",
            (name,),
        ).fetchall()
        for (definition,) in references:
            driver.execute(f"ALTER TABLE copy_{name} ADD {definition}")
        driver.commit()
        with tempfile.TemporaryFile() as file:
            _out(driver, query.format(run=run), file)
            file.seek(0)
            began = time.perf_counter()
            with driver.cursor().copy(f"COPY copy_{name} FROM STDIN") as copy:
                while block := file.read(1 << 16):
                    copy.write(block)
            driver.commit()
            took[f"copy in: {name}"] = time.perf_counter() - began
    return took


def _out(driver: Any, query: str, file: IO[bytes]) -> None:
    with driver.cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
        for block in copy:
            file.write(block)
