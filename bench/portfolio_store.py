"""A store of many customers with a long past, made quickly: rows as runs would have left them.

    python -m bench.portfolio_store sqlite:////tmp/big.sqlite3 --customers 100000 --scores 10000000

The past is written by the database itself, a statement a day: what reads are measured by is how many rows
there are, how long they are and how they lie, not that each score was computed. What lists show is complete:
last scores with their factors, levels, predictions, open interventions, figures by day.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlmodel import Session

from bench.portfolio_past import BLOCK, CSMS, Made, earlier_day, numbers, today
from bench.portfolio_rows import (
    PLANS,
    SEGMENTS,
    engagement_rows,
    intervention_rows,
    journal_rows,
    metric_rows,
    prediction_rows,
)
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories.bulk import put_in, stored_day, stored_moment
from keepwell.db.repositories.metrics_latest import put_together
from keepwell.db.repositories.scorecards import scorecard_in_force
from keepwell.db.tables import ChurnModel, Organisation, Staff
from keepwell.keys import new_id, new_ids

_SLOW = ("ix_score_customer_at",)
"""Indexes that are made when all rows are there."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many customers, and how many scores, measured values and events all of them have together."""

    customers: int = 100_000
    scores: int = 10_000_000
    metrics: int = 1_000_000
    events: int = 1_000_000

    @property
    def days(self) -> int:
        """Days on which everybody was scored, the last one included."""
        return max(1, self.scores // self.customers)


def fill(store: Store, size: Size, now: datetime, *, seed: int = 7) -> Made:
    """Fill a migrated store with one organisation more, whose last scores are of `now`."""
    random = np.random.default_rng(seed)
    made = Made(
        new_id(),
        now,
        tuple(sorted(new_ids(size.customers))),
        base=np.clip(random.normal(66.0, 20.0, size.customers), 1.0, 100.0),
        drift=random.normal(0.0, 0.15, size.customers),
    )
    with store.write() as session:
        fingerprint = _house(session, made)
    _customers(store, made, random)
    with store.write() as session:
        numbers(session.connection(), made)
        session.connection().execute(text(f"DROP INDEX {_SLOW[0]}"))
    for back in range(size.days - 1, 0, -1):
        with store.write() as session:
            earlier_day(session, made, fingerprint, back)
    with store.write() as session:
        today(session, made, fingerprint, random)
    with store.write() as session:
        session.connection().execute(text(f"CREATE INDEX {_SLOW[0]} ON score (customer_id, scored_at)"))
        session.connection().execute(text("DROP TABLE bench_number"))
    rest = (made.customers, made.organisation, now, random)
    _put(store, "metric", *metric_rows(*rest, size.metrics))
    for start in range(0, len(made.customers), BLOCK):
        block = made.customers[start : start + BLOCK]
        put_together(store, made.organisation, block[0], block[-1])
    _put(store, "engagement_event", *engagement_rows(*rest, size.events))
    _put(store, "event", *journal_rows(*rest, size.events // 2))
    _put(store, "intervention", *intervention_rows(*rest))
    for back in (90, 60, 30, 0):
        _put(store, "churn_prediction", *prediction_rows(*rest, made.scores(back), timedelta(days=back)))
    _follow(store, made)
    return made


def _house(session: Session, made: Made) -> str:
    """The organisation, its CSMs, a churn model; the hash of its scorecard."""
    house = Organisation(
        id=made.organisation, key=f"big-{made.organisation[-8:].lower()}", name="Big", created_at=made.now
    )
    session.add(house)
    session.flush()
    for number, key in enumerate(made.staff):
        session.add(
            Staff(
                id=key,
                organisation_id=house.id,
                external_id=key,
                name=f"CSM {number:03}",
                email=f"{number}@big.example",
                created_at=made.now,
                updated_at=made.now,
            )
        )
    session.add(
        ChurnModel(
            id=f"model-{house.id}",
            organisation_id=house.id,
            name="customers",
            version=1,
            state="in_use",
            content=b"",
            sha256="",
            trained_at=made.now,
        )
    )
    session.flush()
    return scorecard_in_force(session, house, None, made.now)[0]


_CUSTOMER = (
    *(
        "id",
        "organisation_id",
        "external_id",
        "name",
        "plan",
        "industry",
        "segment",
        "country",
        "subdivision",
    ),
    *("time_zone", "currency", "monthly_revenue", "started_on", "renews_on", "left_on", "owner_id", "active"),
    *("facts", "created_at", "updated_at"),
)


def _customers(store: Store, made: Made, random: np.random.Generator) -> None:
    size, day = len(made.customers), made.now.date()
    words = random.integers(0, 1_000_000, size).tolist()
    revenue = np.round(random.lognormal(6.5, 1.0, size), 2).tolist()
    ages, renewals = random.integers(1, 1500, size).tolist(), random.integers(-20, 365, size).tolist()
    kinds, owners = random.integers(0, 12, size).tolist(), random.integers(0, CSMS + 5, size).tolist()
    gone = (random.random(size) < 0.05).tolist()
    for start in range(0, size, BLOCK):
        with store.write() as session:
            at, rows = stored_moment(session, made.now - timedelta(days=400)), []
            for n in range(start, min(start + BLOCK, size)):
                began = day - timedelta(days=ages[n])
                left = (
                    stored_day(session, day - timedelta(days=min(ages[n], kinds[n] * 9))) if gone[n] else None
                )
                owner = made.staff[owners[n]] if owners[n] < CSMS else None
                row = (
                    *(made.customers[n], made.organisation, f"c-{n}", f"Customer {words[n]:06} {n % 97:02}"),
                    *(PLANS[kinds[n] % 3], "software", SEGMENTS[kinds[n] % 4], "DE", "", "Europe/Berlin"),
                    *("EUR" if kinds[n] == 5 else "", revenue[n] if kinds[n] != 7 else None),
                    *(stored_day(session, began), stored_day(session, day + timedelta(days=renewals[n]))),
                    *(left, owner, not gone[n], "{}", at, at),
                )
                rows.append(row)
            put_in(session, "customer", _CUSTOMER, rows)


def _put(store: Store, name: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """Rows in blocks; moments and days among them as Python has them."""
    done = False
    while not done:
        with store.write() as session:
            block = []
            for row in rows:
                block.append(
                    tuple(stored_moment(session, one) if isinstance(one, datetime) else one for one in row)
                )
                if len(block) == BLOCK:
                    break
            done = len(block) < BLOCK
            put_in(session, name, columns, block)


def _follow(store: Store, made: Made) -> None:
    """The predictions shown in the portfolio, and what the database's planner knows."""
    with store.write() as session:
        newest = {"at": stored_moment(session, made.now), "organisation": made.organisation}
        session.connection().execute(
            text(
                "UPDATE portfolio SET churn_at = :at, churn = (SELECT p.probability FROM churn_prediction p "
                "WHERE p.customer_id = portfolio.customer_id AND p.at = :at) "
                "WHERE organisation_id = :organisation"
            ),
            newest,
        )
    if store.engine.dialect.name == "sqlite":
        return
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def main() -> None:
    """Fill the store of a URL and say how long it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    for name, default in (
        ("customers", 100_000),
        ("scores", 10_000_000),
        ("metrics", 1_000_000),
        ("events", 1_000_000),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    store = Store(given.url)
    ensure_current(store)
    began = time.perf_counter()
    made = fill(
        store,
        Size(given.customers, given.scores, given.metrics, given.events),
        datetime.now(UTC).replace(microsecond=0),
    )
    print(f"organisation {made.organisation}: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
