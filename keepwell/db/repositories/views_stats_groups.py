"""What figures of all customers are counted from: one pass over the portfolio, grouped as its rows lie."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy import ColumnElement, Label, RowMapping, func, select
from sqlmodel import Session

from keepwell.db.repositories.views_portfolio_query import COLUMNS, counting
from keepwell.db.repositories.views_stats_lines import Period

SPANS = (30, 90, 365)
"""Days after which it is asked who has stayed."""

SEGMENTS = (
    ("healthy", 80.0, 100.0),
    ("moderate", 60.0, 80.0),
    ("at_risk", 40.0, 60.0),
    ("critical", 0.0, 40.0),
)
"""Segments of scores by name, where they begin and below what they end; the first one has 100 in it."""

Group = RowMapping
"""Customers of one level, activity, segment and currency: how many, and the sums of `Part`."""


class Part(Enum):
    """What is counted beside customers and scores; each costs time for each customer.

    STANDING: how they are and what they pay, `left_D` how many left in the last D days. STAYED: `here_D` were
    there D days ago, `here_left_D` of them have left since. BANDS: by score, those of `SEGMENTS`.
    """

    STANDING = auto()
    STAYED = auto()
    BANDS = auto()


ALL = frozenset(Part)


def groups_of(
    session: Session,
    organisation: str,
    now: datetime,
    today: date,
    parts: Collection[Part] = ALL,
    *,
    segment: str | None = None,
) -> Sequence[Group]:
    """The groups of all customers, or of those of a segment ("" for those without one), as of now.

    `today` is the day it is at the organisation.
    """
    rows = COLUMNS
    # In the order of the primary key, by which SQLite has them together.
    keys = (rows.held, rows.active, rows.segment, rows.currency)
    counted: list[Label[Any]] = [
        func.count().label("customers"),
        func.count(rows.score).label("scored"),
        _sum(rows.score).label("score_sum"),
    ]
    if Part.STANDING in parts:
        counted += _standing(now, today)
    if Part.STAYED in parts:
        counted += _stayed(today)
    if Part.BANDS in parts:
        counted += _bands()
    query = select(*keys, *counted).where(rows.organisation_id == organisation).group_by(*keys)
    if segment is not None:
        query = query.where(rows.segment == segment)
    return session.connection().execute(query).mappings().all()


def number_of(holds: ColumnElement[bool]) -> ColumnElement[int]:
    """For how many rows this holds."""
    return func.count().filter(holds)


def total_of(groups: Sequence[Group], name: str) -> Any:
    """The sum of what is counted as `name` over groups."""
    return sum(group[name] for group in groups)


def _sum(column: ColumnElement[Any], holds: ColumnElement[bool] | None = None) -> ColumnElement[float]:
    whole = func.sum(column)
    return func.coalesce(whole if holds is None else whole.filter(holds), 0.0)


def _standing(now: datetime, today: date) -> list[Label[Any]]:
    rows, counts = COLUMNS, counting(now)
    return [
        number_of(rows.insufficient).label("insufficient"),
        func.count(rows.churn).filter(counts).label("predicted"),
        _sum(rows.churn, counts).label("churn_sum"),
        func.count(rows.monthly_revenue).label("paying"),
        _sum(rows.monthly_revenue).label("revenue"),
        *(number_of(rows.left_on > today - one.length).label(f"left_{one.days}") for one in Period),
    ]


def _stayed(today: date) -> list[Label[Any]]:
    """`left_revenue` is that of who left in the first span, `dated` how many left on a day that is known."""
    rows, counted = COLUMNS, [func.count(COLUMNS.left_on).label("dated")]
    for days in SPANS:
        then = today - timedelta(days=days)
        here = rows.here_since <= then
        counted.append(number_of(here).label(f"here_{days}"))
        # Most have not left: what costs least to rule out comes first.
        counted.append(number_of((rows.left_on > then) & here).label(f"here_left_{days}"))
    lately = rows.left_on > today - timedelta(days=SPANS[0])
    return [*counted, _sum(rows.monthly_revenue, lately).label("left_revenue")]


def _bands() -> list[Label[Any]]:
    """All but the first, in which is whoever is in none of the others."""
    score = COLUMNS.score
    return [number_of((score >= low) & (score < below)).label(name) for name, low, below in SEGMENTS[1:]]
