"""A line of the journal with 0, 1 and 10 webhooks that want to hear of it: what telling them costs.

One line in a transaction of its own is what a step of a run writes; many in one what an import writes.

    python -m bench.bench_webhooks --engine sqlite
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench.table import seconds, show
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories import journal
from keepwell.db.repositories.organisations import get_or_create
from keepwell.db.repositories.webhook_desk import add_endpoint
from keepwell.keys import new_id
from tests.databases import embedded_postgres

LINES, TOGETHER = 300, 3_000
AT = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = "nobody listens"


def organisation(store: Store, endpoints: int) -> str:
    """One with so many endpoints that want everything."""
    with store.write() as session:
        row = get_or_create(session, f"with-{endpoints}", now=AT)
        for number in range(endpoints):
            add_endpoint(
                session,
                row.id,
                url=f"https://example.com/{number}",
                kinds=("*",),
                secret="whsec_c2VjcmV0",
                description="",
                by="bench",
                now=AT,
            )
        return row.id


def one_by_one(store: Store, organisation: str) -> None:
    """Each line in a transaction of its own."""
    for _ in range(LINES):
        with store.write() as session:
            journal.put(session, _line(organisation))


def together(store: Store, organisation: str) -> None:
    """All lines in one transaction."""
    with store.write() as session:
        journal.put_new(session, [_line(organisation) for _ in range(TOGETHER)])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    if parser.parse_args().engine == "postgresql":
        with embedded_postgres() as url:
            measure(Store(url.render_as_string(hide_password=False)))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Store(f"sqlite:///{Path(folder) / 'bench.db'}"))


def measure(store: Store) -> None:
    """Print a table for each way to write."""
    ensure_current(store)
    listeners = {NOBODY: 0, "1 endpoint": 1, "10 endpoints": 10}
    ours = {what: organisation(store, count) for what, count in listeners.items()}
    ways: dict[str, tuple[int, Callable[[Store, str], None]]] = {
        "a line in a transaction": (LINES, one_by_one),
        f"{TOGETHER:,} lines in a transaction": (TOGETHER, together),
    }
    for title, (rows, way) in ways.items():
        took = {what: seconds(partial(way, store, own), runs=3) for what, own in ours.items()}
        show(f"{title}, {store.engine.dialect.name}", rows, took, NOBODY)


def _line(organisation: str) -> dict[str, object]:
    return journal.line(
        key=new_id(), organisation=organisation, kind="step.done", text="A step was done", at=AT
    )


if __name__ == "__main__":
    main()
