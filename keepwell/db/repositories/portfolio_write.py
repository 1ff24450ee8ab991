"""Writes what the portfolio shows of scores and predictions; the rest of its rows follows from customers.

Whoever writes here holds the customers' rows: so nobody waits for another head on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session

from keepwell.contracts.churn import HOLDS
from keepwell.contracts.scoring import ScorePlan
from keepwell.db.repositories.bulk import put_mapped_in, update_in
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scores_read import latest_values
from scoring.arrays import FloatArray

KEYS = ("organisation_id", "customer_id")
STANDING = ("score", "level", "since", "scored_at", "insufficient", "trend", "change_7", "change_30")
WINDOWS = (8, 30)
"""Days of which the first and the last score are compared: seven days lie between eight."""

FRESH = timedelta(days=365)
"""A value older than this says nothing of today."""

CHURN = "churn_probability"
"""The name under which the mean of the predictions is kept, which are no metric."""

SHOWN_METRICS = ("nps", "csat", "time_to_value", "feature_adoption_rate", "feature_adoption_depth")
"""Metrics whose mean over all customers is kept by day."""
Plain = dict[str, Any]


def write_standing(session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
    """Show where customers stand: KEYS and STANDING of each, moments as the driver takes them."""
    update_in(session, "portfolio", (*KEYS, *STANDING), rows, keys=KEYS)


def changes_of(days: FloatArray) -> list[list[float | None]]:
    """For each of WINDOWS the n customers' last score minus the first within it; None for fewer than two.

    days: (n, 30) scores by day, the last one last, NaN where there is none.
    """
    found: list[list[float | None]] = []
    for window in WINDOWS:
        part = days[:, -window:]
        known, rows = ~np.isnan(part), np.arange(len(part))
        first, last = known.argmax(axis=1), window - 1 - known[:, ::-1].argmax(axis=1)
        change = np.round(part[rows, last] - part[rows, first], 2).tolist()
        enough = (known.sum(axis=1) > 1).tolist()
        found.append([one if there else None for one, there in zip(change, enough, strict=True)])
    return found


def write_predictions(session: Session, predictions: Sequence[Plain]) -> None:
    """Show predictions, columns of `churn_prediction` by name, where they are the newest of their customers.

    To be called in the transaction that writes them, before that: who holds the customers comes first.
    """
    if not predictions:
        return
    portfolio, connection = table("portfolio"), session.connection()
    if connection.dialect.name != "sqlite":
        customer = table("customer").c
        ids = [one["customer_id"] for one in predictions]
        held = select(customer.id).where(customer.id.in_(ids)).order_by(customer.id)
        connection.execute(held.with_for_update(key_share=True)).all()
    rows = portfolio.c
    newer = rows.churn_at.is_(None) | (rows.churn_at <= bindparam("moment", type_=rows.churn_at.type))
    statement = (
        update(portfolio)
        .where(rows.organisation_id == bindparam("house"), rows.customer_id == bindparam("customer"), newer)
        .values(churn=bindparam("probability"), churn_at=bindparam("moment"))
    )
    connection.execute(
        statement,
        [
            {
                "house": one["organisation_id"],
                "customer": one["customer_id"],
                "moment": one["at"],
                "probability": one["probability"],
            }
            for one in predictions
        ],
    )


def day_rows(session: Session, plan: ScorePlan) -> tuple[list[Plain], list[Plain]]:
    """What a run says of its day: rows of `portfolio_day` and of `portfolio_metric_day`.

    It reads the run's own scores, not the portfolio: a late run of an earlier day tells of that day.
    """
    run, score, customer = table("score_run").c, table("score").c, table("customer").c
    connection = session.connection()
    day = connection.execute(select(run.day).where(run.id == plan.run)).scalar_one()
    level = func.coalesce(score.level, score.raw_level, "").label("held")
    # A customer who has no currency of their own uses the organisation's.
    query = (
        select(
            *(customer.segment, customer.currency, level, func.count().label("customers")),
            func.count(score.score).label("scored"),
            func.coalesce(func.sum(score.score), 0.0).label("score_sum"),
            func.coalesce(func.sum(customer.monthly_revenue), 0.0).label("revenue"),
        )
        .join_from(table("score"), table("customer"), customer.id == score.customer_id)
        .where(score.run_id == plan.run)
        # By the label: PostgreSQL takes two parameters of one value for two expressions.
        .group_by(customer.segment, customer.currency, "held")
    )
    whose = {"organisation_id": plan.organisation, "day": day}
    days = [
        {**whose, **{"level" if name == "held" else name: value for name, value in row.items()}}
        for row in connection.execute(query).mappings()
    ]
    means = [*_metric_means(session, plan), *_churn_means(session, plan)]
    return days, [{**whose, **row} for row in means]


def write_day(session: Session, days: Sequence[Plain], metrics: Sequence[Plain]) -> None:
    """Put these rows of one organisation and day in the place of those that are there."""
    for name, rows in (("portfolio_day", days), ("portfolio_metric_day", metrics)):
        for one in rows[:1]:
            known = table(name)
            same = (known.c.organisation_id == one["organisation_id"]) & (known.c.day == one["day"])
            session.connection().execute(known.delete().where(same))
        put_mapped_in(session, name, rows)


def _metric_means(session: Session, plan: ScorePlan) -> list[Plain]:
    rows = table("portfolio").c
    ours = (rows.organisation_id == plan.organisation) & rows.active
    listed = session.connection().execute(select(rows.customer_id, rows.segment).where(ours))
    segments = {one: segment for one, segment in listed.all()}
    customer = table("customer").c
    who = select(customer.id).where(customer.organisation_id == plan.organisation, customer.active)
    latest = latest_values(session, who.order_by(customer.id), SHOWN_METRICS, plan.as_of)
    fresh = np.where(latest.ages <= FRESH.days, latest.values, np.nan)
    names, place = np.unique([segments.get(one, "") for one in latest.customers], return_inverse=True)
    found: list[Plain] = []
    for column, metric in enumerate(SHOWN_METRICS):
        values = fresh[:, column]
        known = np.isfinite(values)
        counts = np.bincount(place[known], minlength=len(names))
        totals = np.bincount(place[known], weights=values[known], minlength=len(names))
        found.extend(
            {"name": metric, "segment": str(segment), "customers": int(count), "total": float(total)}
            for segment, count, total in zip(names, counts, totals, strict=True)
            if count
        )
    return found


def _churn_means(session: Session, plan: ScorePlan) -> list[Plain]:
    rows = table("portfolio").c
    query = (
        select(rows.segment, func.count().label("customers"), func.sum(rows.churn).label("total"))
        .where(rows.organisation_id == plan.organisation, rows.active, rows.churn.is_not(None))
        .where(rows.churn_at.between(plan.as_of - HOLDS, plan.as_of))
        .group_by(rows.segment)
    )
    return [{"name": CHURN, **row} for row in session.connection().execute(query).mappings()]
