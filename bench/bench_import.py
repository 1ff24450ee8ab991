"""Ingestion: a validated, idempotent import against reading the file and copying its rows in, unchecked.

Beside it stand the same import without what keeps the newest values (packed rows and triggers), a second
import of the same file, and rows written by foreign SQL, whose trigger empties the packed rows.

    python -m bench.bench_import --engine sqlite
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from sqlmodel import Session

from bench.table import show
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories.bulk import put_in, stored_moment, upsert_in
from keepwell.db.repositories.metrics_latest import METRIC_COLUMNS
from keepwell.db.repositories.organisations import get_or_create
from keepwell.ingest import metrics
from keepwell.ingest.cells import Kind
from keepwell.ingest.importing import import_file
from scoring.load import builtin
from tests.databases import embedded_postgres

CUSTOMERS, ROWS, RUNS = 2_000, 34_000, 3
AT = datetime(2026, 1, 1, tzinfo=UTC)
BARE = "csv.reader and a plain copy"
CARD = builtin("intervention")


def files(folder: Path) -> tuple[Path, Path]:
    """A file of customers and a long file of metrics."""
    people, values = folder / "customers.csv", folder / "metrics.csv"
    with people.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["external_id", "name"], *([f"c{n}", f"C {n}"] for n in range(CUSTOMERS))]
        )
    with values.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "metric", "value", "measured_at"])
        for number in range(ROWS):
            name = CARD.metric_names[number // CUSTOMERS]
            writer.writerow([f"c{number % CUSTOMERS}", name, "1", AT.isoformat()])
    return people, values


def plain(session: Session, records: Sequence[Mapping[str, Any]]) -> None:
    """What an import writes, without the packed values."""
    stored = {
        at: stored_moment(session, at) for one in records for at in (one["measured_at"], one["received_at"])
    }
    rows = [tuple(stored.get(one[name], one[name]) for name in METRIC_COLUMNS) for one in records]
    upsert_in(session, "metric", METRIC_COLUMNS, rows, keys=METRIC_COLUMNS[:3])


@contextmanager
def no_triggers(store: Store) -> Iterator[None]:
    """The table without its triggers; they stand again afterwards."""
    sqlite = store.engine.dialect.name == "sqlite"
    with store.write() as session:
        connection = session.connection()
        made = []
        if sqlite:
            listed = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'metric'"
            made = list(connection.exec_driver_sql(listed).all())
            for name, _ in made:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("ALTER TABLE metric DISABLE TRIGGER USER")
    try:
        yield
    finally:
        with store.write() as session:
            for _, statement in made:
                session.connection().exec_driver_sql(statement)
            if not sqlite:
                session.connection().exec_driver_sql("ALTER TABLE metric ENABLE TRIGGER USER")


def timed(store: Store, work: Callable[[], object], *, again: bool = False) -> float:
    """The median time of some runs into an empty table, or with `again` of second runs."""
    times = []
    for _ in range(RUNS):
        with store.write() as session:
            session.connection().exec_driver_sql("DELETE FROM metric")
            session.connection().exec_driver_sql("DELETE FROM metric_latest")
        if again:
            work()
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return median(times)


def measure(store: Store, folder: Path) -> None:
    """Import, copy, print."""
    people, values = files(folder)
    ensure_current(store)
    now = datetime.now(UTC)
    with store.write() as session:
        organisation = get_or_create(session, "bench", now=now).id
    import_file(store, organisation, Kind.CUSTOMERS, people, scorecard=CARD, now=now)
    with store.read() as session:
        found = session.connection().exec_driver_sql("SELECT external_id, id FROM customer")
        ids = {external: own for external, own in found.all()}

    def checked() -> None:
        summary = import_file(store, organisation, Kind.METRICS, values, scorecard=CARD, now=now)
        if summary.rejected or summary.rows != ROWS:
            raise SystemExit(f"the benchmark's own file was not taken: {summary.sentence()}")

    def foreign() -> None:
        with store.write() as session, values.open(newline="") as file:
            at, rows = stored_moment(session, AT), csv.reader(file)
            next(rows)
            copied = [(ids[who], name, at, float(value), at) for who, name, value, _ in rows]
            put_in(session, "metric", METRIC_COLUMNS, copied)

    with no_triggers(store):
        took = {BARE: timed(store, foreign)}
        with patch.object(metrics, "store_metrics", plain):
            took["keepwell import, newest values not kept"] = timed(store, checked)
    took["keepwell import"] = timed(store, checked)
    took["the same file again"] = timed(store, checked, again=True)
    took["the plain copy, its trigger at work"] = timed(store, foreign)
    show(f"Import of metrics on {store.engine.dialect.name}", ROWS, took, BARE)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if chosen.engine != "postgresql":
            store = Store(f"sqlite:///{folder / 'import.sqlite3'}")
            measure(store, folder)
            store.dispose()
        if chosen.engine != "sqlite":
            with embedded_postgres() as url:
                store = Store(url.render_as_string(hide_password=False))
                measure(store, folder)
                store.dispose()


if __name__ == "__main__":
    main()
