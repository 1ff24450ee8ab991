"""The API and the console over HTTP, each answer beside the bare SQL that gets the same.

    python -m bench.bench_api --engine sqlite
    python -m bench.bench_api --customers 100000 --scores 10000000          (the full size: fills for long)
    python -m bench.bench_api --store URL          (one that `bench.portfolio_store` has filled)

A store is filled with 10,000 customers and 300,000 scores unless told otherwise: a minute or two. The server
has a process of its own. A request, the function that reads its answer (in this process) and the bare SQL are
measured in turn, so that what else the machine does meets all alike; now and then eight connections ask at
once. The aim with 100,000 customers: p99 within 3 times the SQL's, and under 100 ms. Figures of everybody are
kept for three seconds (`keepwell.api.kept`): their p50 is that of an answer that is kept, where rounds are
short, their p99 that of one that is computed; the function beside it computes each time.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.api_asked import Asked, asked, let_in
from bench.api_client import Connections
from bench.api_server import PORT
from bench.portfolio_reads import bare, scope_of, values_of
from bench.portfolio_store import Size, fill
from bench.processes import cpu_seconds, end_on_signals, program
from bench.table import grid
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from tests.databases import embedded_postgres

AT_ONCE = 8
BURST = 5
"""Requests of each connection, where all ask at once."""

EVERY = 10
"""Rounds between two such bursts."""

WARM = 3
AIM, TIMES = 100.0, 3.0


@dataclass(slots=True)
class Taken:
    """What one address took, in seconds: by one connection, its function, its SQL, and eight connections.

    `together` is the time of all bursts, `cpu` the server's processor time for `answers` requests.
    """

    http: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    sql: list[float] = field(default_factory=list)
    crowd: list[float] = field(default_factory=list)
    together: float = 0.0
    cpu: float = 0.0
    answers: int = 0


def measure(store: Store, rounds: int) -> dict[str, Taken]:
    """Serve a store that is filled, ask for everything in turn, and say what it took by name."""
    of = scope_of(store)
    callers, given = let_in(store, of), values_of(store, of)
    found: dict[str, Taken] = {}
    with tempfile.TemporaryDirectory() as home:
        url = store.url.render_as_string(hide_password=False)
        with program("bench.api_server", url, home) as server:
            port = int((Path(home) / PORT).read_text(encoding="utf-8"))
            with Connections(port, 1) as alone, Connections(port, AT_ONCE) as crowd:
                for one in asked(of, callers, alone.body):
                    found[one.name] = _measured(store, one, rounds, given, (alone, crowd), server)
    return found


def _measured(
    store: Store,
    one: Asked,
    rounds: int,
    given: dict[str, Any],
    clients: tuple[Connections, Connections],
    server: int,
) -> Taken:
    alone, crowd = clients
    for _ in range(WARM):
        _round(store, one, given, alone, Taken())
    crowd.burst(one.path, one.headers, 1)
    taken = Taken()
    for number in range(rounds):
        _round(store, one, given, alone, taken)
        if number % EVERY == 0:
            before = cpu_seconds(server)
            took, together = crowd.burst(one.path, one.headers, BURST)
            taken.crowd += took
            taken.together += together
            taken.cpu += cpu_seconds(server) - before
            taken.answers += len(took)
    return taken


def _round(store: Store, one: Asked, given: dict[str, Any], alone: Connections, taken: Taken) -> None:
    taken.http.append(alone.one(one.path, one.headers))
    with store.read() as session:
        began = time.perf_counter()
        one.read(session)
        taken.read.append(time.perf_counter() - began)
    with store.read() as session:
        began = time.perf_counter()
        bare(session.connection(), one.statements, given)
        taken.sql.append(time.perf_counter() - began)


def show(title: str, found: dict[str, Taken]) -> None:
    """Print what one connection sees beside function and SQL, then what eight see."""
    heads = (
        "one connection, ms",
        "p50",
        "p99",
        "read p50",
        "read p99",
        "SQL p50",
        "SQL p99",
        "× p50",
        "× p99",
        "",
    )
    rows, crowd = [], []
    for name, took in found.items():
        http, read, sql = _late(took.http), _late(took.read), _late(took.sql)
        times = [http[0] / sql[0], http[1] / sql[1]]
        fits = "" if http[1] < AIM and times[1] < TIMES else "slow" if http[1] >= AIM else "×"
        rows.append(
            (name, *(f"{ms:.1f}" for ms in (*http, *read, *sql)), *(f"{one:.1f}" for one in times), fits)
        )
        many, rate = _late(took.crowd), len(took.crowd) / took.together
        each = f"{1e3 * took.cpu / took.answers:.1f}"
        alone = f"{len(took.http) / sum(took.http):.0f}"
        crowd.append((name, alone, f"{rate:.0f}", *(f"{ms:.1f}" for ms in many), each))
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    note = f"×: as many times as the bare SQL. slow: p99 of {AIM:.0f} ms or more. Load average {load}."
    grid(title, heads, rows, note)
    many_heads = (
        "requests",
        "a second, alone",
        f"a second, {AT_ONCE} at once",
        "p50 ms",
        "p99 ms",
        "server's CPU ms",
    )
    grid(f"{title}: {AT_ONCE} connections", many_heads, crowd)


def _late(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    middle, late = np.percentile(np.array(seconds) * 1e3, [50, 99])
    return float(middle), float(late)


@contextmanager
def filled(engine: str, size: Size) -> Iterator[Store]:
    """A store of that size, gone at the end."""
    with tempfile.TemporaryDirectory() as folder:
        if engine == "sqlite":
            yield _filled(f"sqlite:///{Path(folder) / 'bench.sqlite3'}", size)
            return
        with embedded_postgres() as url:
            yield _filled(url.render_as_string(hide_password=False), size)


def _filled(url: str, size: Size) -> Store:
    store = Store(url)
    ensure_current(store)
    fill(store, size, datetime.now(UTC).replace(microsecond=0))
    return store


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--scores", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--store", help="the URL of a filled store, instead of filling one")
    chosen = parser.parse_args()
    end_on_signals()
    if chosen.store:
        store = Store(chosen.store)
        show(f"A filled store, {store.engine.dialect.name}", measure(store, chosen.rounds))
        return
    size = Size(chosen.customers, chosen.scores, 10 * chosen.customers, 10 * chosen.customers)
    for engine in ("sqlite", "postgresql") if chosen.engine == "both" else (chosen.engine,):
        with filled(engine, size) as store:
            found = measure(store, chosen.rounds)
            store.dispose()
        show(f"{size.customers:,} customers, {size.scores:,} scores, {engine}", found)


if __name__ == "__main__":
    main()
