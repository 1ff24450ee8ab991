"""A line of the portfolio: its short row with what is read for the lines of a page alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, select
from sqlmodel import Session

from keepwell.contracts.churn import HOLDS
from keepwell.db.repositories.lookup import found, table
from keepwell.db.repositories.scores_recent import unpacked
from keepwell.db.repositories.views_portfolio_lines import OpenIntervention, PortfolioLine
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Organisation
from scoring.levels import Level
from scoring.trend import Direction

SOON = timedelta(days=90)
"""A renewal within this time is one to prepare."""


def lines_of(
    session: Session, organisation: str, rows: Sequence[RowMapping], now: datetime
) -> tuple[PortfolioLine, ...]:
    """Rows of `portfolio` with what is read for them alone: owners, days and interventions."""
    if not rows:
        return ()
    house = found(session, Organisation, organisation, "organisation")
    customers = [row["customer_id"] for row in rows]
    owners = _owners(session, {row["owner_id"] for row in rows if row["owner_id"]})
    running, standing = _running(session, organisation, customers), _standing(session, customers)
    today = local_day(now, house.time_zone)
    return tuple(
        _line(
            row,
            _Beside(
                owners.get(row["owner_id"], ""),
                house.currency,
                running.get(row["customer_id"]),
                standing.get(row["customer_id"], _NEVER),
            ),
            now,
            today,
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class _Standing:
    """Of the last scoring: its share of the weight, the values it could not use, the days up to its own."""

    coverage: float | None
    unusable: int
    until: date | None
    points: tuple[float | None, ...]


_NEVER = _Standing(None, 0, None, ())


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a line has beside its row: the owner's name, the organisation's currency, what runs, the score."""

    owner: str
    currency: str
    running: OpenIntervention | None
    standing: _Standing


def _line(row: RowMapping, beside: _Beside, now: datetime, today: date) -> PortfolioLine:
    standing = beside.standing
    return PortfolioLine(
        **{name: row[name] for name in _AS_STORED},
        id=row["customer_id"],
        owner=beside.owner,
        currency=row["currency"] or beside.currency,
        level=Level(row["level"]) if row["level"] else None,
        trend=Direction(row["trend"] or Direction.UNKNOWN),
        points=standing.points,
        points_until=standing.until,
        churn_old=row["churn_at"] is not None and now - row["churn_at"] > HOLDS,
        coverage=standing.coverage,
        insufficient=bool(row["insufficient"]),
        unusable=standing.unusable,
        intervention=beside.running,
        tags=_tags(row, beside.running, today),
    )


_AS_STORED = (
    *("external_id", "name", "active", "plan", "segment", "owner_id", "monthly_revenue", "renews_on"),
    *("score", "since", "scored_at", "change_7", "change_30", "churn", "churn_at"),
)


def _tags(row: RowMapping, running: OpenIntervention | None, today: date) -> tuple[str, ...]:
    renews = row["renews_on"] if row["active"] else None
    holds = {
        "unscored": row["score"] is None,
        "insufficient": bool(row["insufficient"]),
        "no_owner": row["owner_id"] is None,
        "paused": running is not None and running.paused,
        "renews_soon": renews is not None and today <= renews <= today + SOON,
        "renewal_past": renews is not None and renews < today,
    }
    return tuple(tag for tag, there in holds.items() if there)


def _owners(session: Session, staff: set[str]) -> dict[str, str]:
    rows = table("staff").c
    query = select(rows.id, rows.name).where(rows.id.in_(sorted(staff)))
    return {one: name for one, name in session.connection().execute(query)}


def _running(session: Session, organisation: str, customers: Sequence[str]) -> dict[str, OpenIntervention]:
    """The open intervention of each customer that has one; a risk playbook before a campaign."""
    rows = table("intervention").c
    query = (
        select(rows.customer_id, rows.id, rows.playbook, rows.version, rows.paused)
        .where(rows.organisation_id == organisation, rows.outcome.is_(None), _among(rows, customers))
        # The last one counts: "event" and "expansion" sort before "risk".
        .order_by(rows.family, rows.started_at, rows.id)
    )
    return {
        one.customer_id: OpenIntervention(
            id=one.id, playbook=f"{one.playbook}@{one.version}", paused=one.paused
        )
        for one in session.connection().execute(query)
    }


def _standing(session: Session, customers: Sequence[str]) -> dict[str, _Standing]:
    health, score = table("health").c, table("score").c
    query = (
        select(health.customer_id, health.day, health.recent, health.coverage, score.unusable)
        .join(table("score"), score.id == health.score_id)
        .where(_among(health, customers))
    )
    found_standing = {}
    for one in session.connection().execute(query):
        points = unpacked(one.recent)
        until = None if points is None else one.day
        found_standing[one.customer_id] = _Standing(one.coverage, one.unusable, until, points or ())
    return found_standing


def _among(rows: Any, customers: Sequence[str]) -> ColumnElement[bool]:
    fits: ColumnElement[bool] = rows.customer_id.in_(customers)
    return fits
