"""The daily run without its playbooks (read, score, write, transitions) against a plain copy of its rows.

A store gets customers with 17 metrics each, a first score, and new values for a part of them. Measured is
the run of the next day, one partition after the other. The copy is what a database does best: the rows that
the run has read are copied out, the rows it has written are copied into empty tables of the same layout, with
the same indexes and foreign keys. On PostgreSQL that is COPY, on SQLite a SELECT and prepared INSERTs.

    python -m bench.bench_daily --customers 100000 --engine sqlite
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from sqlalchemy import text
from sqlmodel import Session

from bench import daily_copy
from bench.table import grid
from keepwell.contracts.scoring import PartitionCall, ScoreRequest
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories import metrics_latest, scores, scores_prepared, scores_write
from keepwell.db.repositories.bulk import put_in, stored_moment
from keepwell.db.repositories.metrics_packed import merged
from keepwell.db.repositories.organisations import get_or_create
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.transitions import TransitionRepository
from keepwell.keys import new_ids
from scoring.arrays import FloatArray
from scoring.load import builtin
from scoring.normalise import raw_for
from tests.databases import embedded_postgres

CARD = builtin("intervention")
BLOCK = 5_000
FALLEN = 0.03
"""The share of customers who get new values before the run that is measured, 25 points worse."""
USUAL, SPREAD, OWN = 75.0, 9.0, 8.0
"""Points of a customer: around the usual, by the customer and by each of its metrics."""
FIRST = datetime(2026, 11, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)
CUSTOMER = ("id", "organisation_id", "external_id", "name", "plan", "industry", "segment", "country")
DETAILS = (
    "subdivision",
    "time_zone",
    "currency",
    "monthly_revenue",
    "active",
    "facts",
    "created_at",
    "updated_at",
)


def filled(store: Store, customers: int) -> str:
    """An organisation with so many customers, measured on the first day; its id."""
    with store.write() as session:
        organisation = get_or_create(session, "bench", now=FIRST).id
    dice = np.random.default_rng(5)
    for start in range(0, customers, BLOCK):
        ids = new_ids(min(BLOCK, customers - start))
        with store.write() as session:
            at = stored_moment(session, FIRST)
            rows = [
                (
                    *(one, organisation, f"{start}-{n}", f"Customer {start + n}"),
                    *("Team", "retail", "small", "DE", "", "UTC", "EUR", 900.0, True, "{}", at, at),
                )
                for n, one in enumerate(ids)
            ]
            put_in(session, "customer", (*CUSTOMER, *DETAILS), rows)
            level = dice.normal(USUAL, SPREAD, (len(ids), 1))
            _measure(session, ids, dice.normal(level, OWN, (len(ids), len(CARD.metrics))), FIRST)
    return organisation


def fallen(store: Store) -> None:
    """New values for some, worse ones."""
    dice = np.random.default_rng(6)
    with store.read() as session:
        every = round(1 / FALLEN)
        numbered = "SELECT id, row_number() OVER (ORDER BY id) AS place FROM customer"
        chosen = f"SELECT id FROM ({numbered}) AS numbered WHERE place % {every} = 1"
        ids = list(session.connection().execute(text(chosen)).scalars())
    for start in range(0, len(ids), BLOCK):
        with store.write() as session:
            block = ids[start : start + BLOCK]
            points = dice.normal(USUAL - 25, SPREAD, (len(block), len(CARD.metrics)))
            _measure(session, block, points, FIRST + DAY)


def _measure(session: Session, ids: list[str], points: FloatArray, at: datetime) -> None:
    """The rows as an import leaves them, written at once."""
    borders = np.clip(points, 1, 99)
    stored = stored_moment(session, at)
    # Raw values by whole points: turned back one by one, filling a store would take longer than the rest.
    by_points = [np.array([raw_for(one.normalise, float(p)) for p in range(101)]) for one in CARD.metrics]
    raw = np.column_stack([values[borders[:, n].astype(int)] for n, values in enumerate(by_points)]).tolist()
    measured = [
        (one, name, at, value)
        for one, values in zip(ids, raw, strict=True)
        for name, value in zip(CARD.metric_names, values, strict=True)
    ]
    metrics_latest._say_that_we_pack(session, "on")
    rows = [(one, name, stored, value, stored) for one, name, _, value in measured]
    put_in(session, "metric", metrics_latest.METRIC_COLUMNS, rows)
    metrics_latest._say_that_we_pack(session, "")
    metrics_latest._pack(session, merged({}, measured))


@contextmanager
def timed(parts: Counter[str]) -> Iterator[None]:
    """Add up what the parts of a partition take."""

    def clock(part: Callable[..., str], work: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                parts[part(*args)] += time.perf_counter() - began  # type: ignore[assignment]

        return measured

    written = {"transition": "transitions", "score": "write scores", "health": "write where they stand"}
    places = (
        (scores_prepared, "latest_values", lambda *_: "read metrics"),
        (scores_prepared, "batch_of", lambda *_: "score"),
        (scores_prepared, "look_for_signals", lambda *_: "signals and opportunities"),
        (scores_prepared, "write_signals", lambda *_: "signals and opportunities"),
        (scores_write, "write_score_alerts", lambda *_: "alerts"),
        (scores_write, "locked", lambda *_: "read and lock where they stand"),
        (scores_write, "put_in", lambda _, name, *__: written[name]),
        (scores_write, "upsert_in", lambda _, name, *__: written[name]),
        (scores_write, "write_standing", lambda *_: "write the portfolio"),
        (scores, "day_rows", lambda *_: "figures of the day"),
    )
    patches = [patch.object(where, name, clock(part, getattr(where, name))) for where, name, part in places]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def run(store: Store, organisation: str, now: datetime, size: int) -> tuple[str, int]:
    """A daily run up to its transitions, which wait to be handed over; its id, and how many there are."""
    repository = ScoreRepository(store, size)
    plan = repository.begin_run(ScoreRequest(organisation=organisation), now)
    shared = {"run": plan.run, "organisation": organisation, "as_of": plan.as_of, "scorecard": plan.scorecard}
    for part in plan.partitions:
        repository.score_partition(PartitionCall(**shared, partition=part))
    repository.finish_run(plan, now)
    return plan.run, len(TransitionRepository(store).pending(organisation, plan.run, None))


def measure(store: Store, customers: int, size: int) -> None:
    """Fill the store, run twice, copy, and print."""
    ensure_current(store)
    name = store.engine.dialect.name
    organisation = filled(store, customers)
    first = time.perf_counter()
    run(store, organisation, FIRST, size)
    first = time.perf_counter() - first
    fallen(store)
    if name == "postgresql":
        with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    parts: Counter[str] = Counter()
    with timed(parts):
        began = time.perf_counter()
        run_id, transitions = run(store, organisation, FIRST + DAY, size)
        whole = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << 20 if sys.platform == "darwin" else 1 << 10
    )
    copied = daily_copy.copied(store, run_id)
    bare = sum(copied.values())
    rest = {"the rest (levels, rows put together)": whole - sum(parts.values())}
    rows = [(part, took) for part, took in {**parts, **rest}.items()]
    rows += [
        ("THE RUN", whole),
        *copied.items(),
        ("THE COPY", bare),
        ("the first run, for comparison", first),
    ]
    grid(
        f"The daily run on {name}: {customers:,} customers, {transitions:,} transitions",
        ("what", "seconds", "µs a customer", "the copy = 1.0"),
        [(what, f"{s:.2f}", f"{s / customers * 1e6:.1f}", f"{s / bare:.2f}") for what, s in rows],
        f"The run takes {whole / bare:.2f} times as long as the copy. Partitions of {size:,}, one after the "
        f"other; peak memory {peak:,.0f} MB.",
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--partition", type=int, default=10_000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.engine != "postgresql":
            store = Store(f"sqlite:///{Path(folder) / 'daily.sqlite3'}")
            measure(store, chosen.customers, chosen.partition)
            store.dispose()
        if chosen.engine != "sqlite":
            with embedded_postgres() as url:
                store = Store(url.render_as_string(hide_password=False))
                measure(store, chosen.customers, chosen.partition)
                store.dispose()


if __name__ == "__main__":
    main()
