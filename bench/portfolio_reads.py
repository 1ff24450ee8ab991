"""How long the portfolio's reads take, beside bare SQL that gets the same answer.

    python -m bench.portfolio_reads URL          (of a store that `bench.portfolio_store` has filled)

Each is called in turn with its SQL, so that what else the machine does meets both alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, text
from sqlmodel import Session, select

from bench.table import grid
from keepwell.db.engine import Store
from keepwell.db.repositories.bulk import stored_day, stored_moment
from keepwell.db.repositories.views_activity import recent_activity
from keepwell.db.repositories.views_at_risk import at_risk
from keepwell.db.repositories.views_churn_risk import churn_risk_analytics
from keepwell.db.repositories.views_engagement import engagement_analytics
from keepwell.db.repositories.views_health import customer_health, health_trends
from keepwell.db.repositories.views_kpis import kpis
from keepwell.db.repositories.views_portfolio import portfolio
from keepwell.db.repositories.views_portfolio_lines import PortfolioFilter, Sort, SortBy
from keepwell.db.repositories.views_stats import dashboard_stats
from keepwell.db.repositories.views_stats_lines import Period
from keepwell.db.tables import Health, Organisation, Staff
from scoring.levels import Level

Read = Callable[[Session], object]
PAGE = 50
_LINE = (
    "SELECT p.*, s.name AS owner, h.day, h.recent, i.id AS intervention, i.playbook, i.version, i.paused "
    "FROM portfolio p LEFT JOIN staff s ON s.id = p.owner_id "
    "LEFT JOIN health h ON h.customer_id = p.customer_id "
    "LEFT JOIN intervention i ON i.customer_id = p.customer_id AND i.organisation_id = :o "
    "AND i.outcome IS NULL "
    "WHERE p.organisation_id = :o AND p.active"
)
_COUNT = "SELECT count(*) FROM portfolio p WHERE p.organisation_id = :o AND p.active"
_GROUPS = (
    "SELECT held, active, segment, currency, count(*), count(score), sum(score), sum(churn), "
    "sum(CASE WHEN insufficient THEN 1 ELSE 0 END), count(monthly_revenue), sum(monthly_revenue), "
    "sum(CASE WHEN left_on > :month THEN 1 ELSE 0 END) "
    "FROM portfolio WHERE organisation_id = :o GROUP BY held, active, segment, currency"
)
_DAYS = (
    "SELECT day, level, currency, sum(customers), sum(scored), sum(score_sum), sum(revenue) "
    "FROM portfolio_day WHERE organisation_id = :o AND day > :first GROUP BY day, level, currency"
)
_REASONS = _LINE.replace("h.recent,", "h.recent, z.factors, z.categories,").replace(
    "LEFT JOIN intervention", "LEFT JOIN score z ON z.id = h.score_id LEFT JOIN intervention"
)
_RISKY = " AND p.held IN ('AT_RISK', 'HIGH_RISK', 'CRITICAL')"
_URGENT = (
    " ORDER BY CASE WHEN p.score < 25 OR p.churn > 0.7 THEN 0 WHEN p.score < 50 OR p.churn > 0.5 THEN 1 "
    f"WHEN p.score < 70 OR p.churn > 0.3 THEN 2 ELSE 3 END, p.score, p.customer_id LIMIT {PAGE + 1}"
)
_STAYED = (
    "SELECT sum(CASE WHEN active AND here_since <= :month THEN 1 ELSE 0 END), "
    "sum(CASE WHEN left_on > :month AND here_since <= :month THEN 1 ELSE 0 END), "
    "sum(CASE WHEN left_on > :month THEN monthly_revenue ELSE 0 END) "
    "FROM portfolio WHERE organisation_id = :o"
)
_SEGMENTS = (
    "SELECT count(*), avg(score), sum(CASE WHEN score >= 60 THEN 1 ELSE 0 END) FROM portfolio "
    "WHERE organisation_id = :o AND active AND score IS NOT NULL"
)
_NEWEST = (
    f"SELECT * FROM event WHERE organisation_id = :o ORDER BY recorded_at DESC, id DESC LIMIT {PAGE + 1}"
)
_CHURN = "SELECT count(churn), avg(churn) FROM portfolio WHERE organisation_id = :o AND active"
_MET = (
    "WITH met AS (SELECT g.customer_id, g.kind, g.number, p.change_30 FROM (SELECT customer_id, kind, "
    "count(*) AS number FROM engagement_event WHERE organisation_id = :o AND at > :since AND kind IN "
    "('meeting_held', 'positive_outcome', 'negative_outcome', 'response_received') "
    "GROUP BY customer_id, kind) g JOIN portfolio p ON p.organisation_id = :o "
    "AND p.customer_id = g.customer_id) "
    "SELECT kind, sum(number), count(*), avg(change_30) FROM met GROUP BY kind UNION ALL "
    "SELECT '', 0, count(DISTINCT customer_id), 0.0 FROM met"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Of whom to read, and as of when."""

    organisation: str
    customer: str
    owner: str
    now: datetime


Reads = dict[str, tuple[Read, list[str]]]
"""By name: a read, and the bare SQL of the same answer."""


def lists(of: Scope) -> Reads:
    """The list of customers, in its filters and orders."""
    cursors: dict[str, str] = {}

    def listed(wanted: PortfolioFilter | None = None, sort: Sort | None = None) -> Read:
        return lambda session: portfolio(session, of.organisation, wanted, sort, now=of.now, limit=PAGE)

    def later(session: Session) -> object:
        if "next" not in cursors:
            cursors["next"] = portfolio(session, of.organisation, now=of.now, limit=PAGE).next or ""
        return portfolio(session, of.organisation, now=of.now, cursor=cursors["next"], limit=PAGE)

    worst = f" ORDER BY p.score IS NULL, p.score, p.customer_id LIMIT {PAGE + 1}"
    by_name = f" ORDER BY lower(p.name), p.customer_id LIMIT {PAGE + 1}"
    found = " AND (lower(p.name) LIKE '%4711%' OR lower(p.external_id) LIKE '%4711%')"
    narrowed = {
        "one owner": (PortfolioFilter(owners=(of.owner,)), " AND p.owner_id = :w"),
        "critical": (PortfolioFilter(levels=(Level.CRITICAL,)), " AND p.held = 'CRITICAL'"),
        "search": (PortfolioFilter(search="4711"), found),
    }
    return {
        "portfolio, first page": (listed(), [_LINE + worst, _COUNT]),
        "portfolio, second page": (later, [_LINE + " AND p.score > 10" + worst]),
        **{
            f"portfolio, {name}": (listed(wanted), [_LINE + where + worst, _COUNT + where])
            for name, (wanted, where) in narrowed.items()
        },
        "portfolio, by name": (listed(sort=Sort(by=SortBy.NAME)), [_LINE + by_name, _COUNT]),
        "at risk, with reasons": (
            lambda session: at_risk(session, of.organisation, now=of.now, limit=PAGE),
            [_REASONS + _RISKY + _URGENT, _COUNT + _RISKY],
        ),
    }


def figures(of: Scope) -> Reads:
    """Figures of everybody."""
    house, now = of.organisation, of.now
    return {
        "statistics, 30 days": (lambda session: dashboard_stats(session, house, now=now), [_GROUPS, _DAYS]),
        "statistics, a year": (
            lambda session: dashboard_stats(session, house, now=now, period=Period.YEAR),
            [_GROUPS, _DAYS],
        ),
        "key figures": (lambda session: kpis(session, house, now=now), [_GROUPS, _DAYS, _STAYED]),
        "health of everybody": (lambda session: health_trends(session, house, now=now), [_SEGMENTS, _DAYS]),
        "who may leave": (
            lambda session: churn_risk_analytics(session, house, now=now),
            [_CHURN, f"{_LINE} AND p.churn >= 0.5 ORDER BY p.churn DESC, p.customer_id LIMIT {PAGE}"],
        ),
    }


def histories(of: Scope) -> Reads:
    """What goes by what has happened."""
    house, now = of.organisation, of.now
    return {
        "health of one": (
            lambda session: customer_health(session, house, of.customer, now=now, period=Period.QUARTER),
            [
                "SELECT day, score, level, categories FROM score WHERE customer_id = :c ORDER BY scored_at",
                "SELECT name, measured_at, value FROM metric WHERE customer_id = :c",
            ],
        ),
        "engagements, 30 days": (
            lambda session: engagement_analytics(session, house, now=now),
            [_MET],
        ),
        "recent activity": (
            lambda session: recent_activity(session, house, limit=PAGE),
            [_NEWEST],
        ),
    }


def bare(connection: Connection, statements: list[str], given: dict[str, Any]) -> None:
    """Run the statements and take what they find, as the driver has it."""
    for statement in statements:
        connection.execute(text(statement), given).all()


def scope_of(store: Store) -> Scope:
    """Of whom to read in a store that is filled: the newest organisation, a customer and a CSM of it."""
    with store.read() as session:
        house = session.exec(select(Organisation).order_by(Organisation.id)).all()[-1]
        health = session.exec(select(Health).where(Health.organisation_id == house.id).limit(1)).one()
        owner = session.exec(select(Staff.id).where(Staff.organisation_id == house.id).limit(1)).one()
    return Scope(house.id, health.customer_id, owner, health.scored_at + timedelta(minutes=1))


def values_of(store: Store, of: Scope) -> dict[str, Any]:
    """What the bare SQL is given, as the database's driver takes it."""
    month = of.now.date() - timedelta(days=30)
    with store.read() as session:
        day, since = stored_day(session, month), stored_moment(session, of.now - timedelta(days=30))
        now = stored_moment(session, of.now)
    return {
        "o": of.organisation,
        "c": of.customer,
        "w": of.owner,
        "month": day,
        "first": day,
        "since": since,
        "now": now,
    }


def measure(store: Store, rounds: int) -> list[tuple[str, ...]]:
    """A line for each read: p50 and p99 in milliseconds, the SQL's, and how many times as long it takes."""
    of = scope_of(store)
    given, lines = values_of(store, of), []
    for name, (read, statements) in {**lists(of), **figures(of), **histories(of)}.items():
        ours, theirs = [], []
        for _ in range(rounds + 2):
            with store.read() as session:
                began = time.perf_counter()
                read(session)
                ours.append(time.perf_counter() - began)
            with store.read() as session:
                began = time.perf_counter()
                bare(session.connection(), statements, given)
                theirs.append(time.perf_counter() - began)
        took, sql = np.array(ours[2:]) * 1e3, np.array(theirs[2:]) * 1e3
        middle, late = np.percentile(took, [50, 99]), np.percentile(sql, [50, 99])
        told = (*middle, *late, middle[0] / late[0], middle[1] / late[1])
        lines.append((name, *(f"{one:.1f}" for one in told)))
    return lines


def main() -> None:
    """Measure a store that is filled, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--rounds", type=int, default=60)
    given = parser.parse_args()
    heads = ("read", "p50 ms", "p99 ms", "SQL p50", "SQL p99", "times p50", "times p99")
    store = Store(given.url)
    grid(f"Reads of the portfolio ({store.engine.dialect.name})", heads, measure(store, given.rounds))


if __name__ == "__main__":
    main()
