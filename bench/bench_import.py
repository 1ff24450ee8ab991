"""Ingestion: a validated, idempotent import against reading the file and inserting the rows unchecked."""

from __future__ import annotations

import csv
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.table import seconds, show
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories.organisations import get_or_create
from keepwell.ingest.cells import Kind
from keepwell.ingest.importing import import_file
from scoring.load import builtin

CUSTOMERS, ROWS = 2_000, 34_000
BARE = "csv.reader and executemany, unchecked"


def files(folder: Path) -> tuple[Path, Path]:
    """A file of customers and a long file of metrics."""
    people, metrics = folder / "customers.csv", folder / "metrics.csv"
    with people.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["external_id", "name"], *([f"c{n}", f"C {n}"] for n in range(CUSTOMERS))]
        )
    names = builtin("intervention").metric_names
    with metrics.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "metric", "value", "measured_at"])
        for number in range(ROWS):
            name = names[number // CUSTOMERS]
            writer.writerow([f"c{number % CUSTOMERS}", name, "1", "2026-01-01T00:00:00Z"])
    return people, metrics


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people, metrics = files(folder)
        store, now = Store(f"sqlite:///{folder}/bench.sqlite3"), datetime.now(UTC)
        ensure_current(store)
        with store.write() as session:
            organisation = get_or_create(session, "bench", now=now).id
        card = builtin("intervention")
        import_file(store, organisation, Kind.CUSTOMERS, people, scorecard=card, now=now)

        def checked() -> None:
            summary = import_file(store, organisation, Kind.METRICS, metrics, scorecard=card, now=now)
            if summary.rejected or summary.rows != ROWS:
                raise SystemExit(f"the benchmark's own file was not taken: {summary.sentence()}")

        def bare() -> None:
            path = folder / "bare.sqlite3"
            path.unlink(missing_ok=True)
            with sqlite3.connect(path) as connection, metrics.open(newline="") as file:
                connection.execute("CREATE TABLE metric (customer, name, value REAL, at)")
                rows = csv.reader(file)
                next(rows)
                connection.executemany("INSERT INTO metric VALUES (?, ?, ?, ?)", rows)

        show(
            "Import of metrics", ROWS, {BARE: seconds(bare, 3), "keepwell import": seconds(checked, 3)}, BARE
        )
        store.dispose()


if __name__ == "__main__":
    main()
